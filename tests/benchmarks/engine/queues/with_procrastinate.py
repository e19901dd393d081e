"""Procrastinate's side: run in the peers' environment, `python -m … ROLE DSN`.

On uvloop: tried beside asyncio's own loop on a busy machine, jobs began about as
soon on either, and in three rounds of four more of them were worked off on it.
"""

import sys
import time

import procrastinate
import uvloop

from tests.benchmarks.engine.queues import speech

CONCURRENCY = 10


def app_on(connector: procrastinate.BaseConnector) -> procrastinate.App:
    """Return an application with the one task there is."""
    app = procrastinate.App(connector=connector)

    async def begin(key: str) -> None:
        if key:
            speech.started(key)

    app.task(name="begin")(begin)
    return app


def submit(url: str) -> None:
    """File a job per order, as a synchronous page would."""
    with app_on(procrastinate.SyncPsycopgConnector(conninfo=url)).open() as app:
        speech.say("ready")
        for key in speech.orders():
            before = time.monotonic_ns()
            app.configure_task("begin").defer(key=key)
            speech.submitted(key, before)


async def work(url: str) -> None:
    """Run a worker that listens."""
    async with app_on(procrastinate.PsycopgConnector(conninfo=url)).open_async() as app:
        speech.say("ready")
        await app.run_worker_async(concurrency=CONCURRENCY)


async def prepare(url: str) -> None:
    """Make the tables."""
    async with app_on(procrastinate.PsycopgConnector(conninfo=url)).open_async() as app:
        await app.schema_manager.apply_schema_async()
    speech.say("ready")


async def drain(url: str) -> None:
    """File and work off as many jobs as each order says; Procrastinate knows no batches."""
    async with app_on(procrastinate.PsycopgConnector(conninfo=url)).open_async() as app:
        speech.say("ready")
        for order in speech.orders():
            count = int(order.split()[0])
            await app.configure_task("begin").batch_defer_async(*[{"key": ""}] * count)
            began = time.monotonic_ns()
            await app.run_worker_async(
                concurrency=CONCURRENCY, wait=False, install_signal_handlers=False
            )
            speech.drained(count, began)


def main(role: str, url: str) -> None:
    """Do what the referee needs this process for."""
    if role == "submit":
        submit(url)
    else:
        uvloop.run({"work": work, "prepare": prepare, "drain": drain}[role](url))


if __name__ == "__main__":
    main(*sys.argv[1:])
