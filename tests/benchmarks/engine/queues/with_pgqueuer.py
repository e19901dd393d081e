"""pgqueuer's side: run in the peers' environment, `python -m … ROLE DSN`.

On its fastest driver and on uvloop, as its own command line runs it.
"""

import sys
import time

import asyncpg
import pgqueuer
import uvloop
from pgqueuer.types import QueueExecutionMode

from tests.benchmarks.engine.queues import speech


def worker_on(connection: asyncpg.Connection) -> pgqueuer.PgQueuer:
    """Return a worker with the one entrypoint there is."""
    worker = pgqueuer.PgQueuer.from_asyncpg_connection(connection)

    async def begin(job: pgqueuer.Job) -> None:
        if job.payload:
            speech.started(job.payload.decode())

    worker.entrypoint("begin")(begin)
    return worker


async def submit(connection: asyncpg.Connection) -> None:
    """File a job per order."""
    queries = pgqueuer.Queries.from_asyncpg_connection(connection)
    speech.say("ready")
    for key in speech.orders():
        before = time.monotonic_ns()
        await queries.enqueue("begin", key.encode())
        speech.submitted(key, before)


async def work(connection: asyncpg.Connection) -> None:
    """Run a worker that listens."""
    speech.say("ready")
    await worker_on(connection).run()


async def prepare(connection: asyncpg.Connection) -> None:
    """Make the tables, all of them logged."""
    await pgqueuer.Queries.from_asyncpg_connection(connection).install()
    speech.say("ready")


async def drain(connection: asyncpg.Connection) -> None:
    """File and work off as many jobs as each order says, in batches of its second number."""
    queries = pgqueuer.Queries.from_asyncpg_connection(connection)
    speech.say("ready")
    for order in speech.orders():
        count, batch = map(int, order.split())
        await queries.enqueue(["begin"] * count, [None] * count, [0] * count)
        began = time.monotonic_ns()
        await worker_on(connection).run(batch_size=batch, mode=QueueExecutionMode.drain)
        speech.drained(count, began)


async def main(role: str, url: str) -> None:
    """Do what the referee needs this process for."""
    connection = await asyncpg.connect(url)
    await {"submit": submit, "work": work, "prepare": prepare, "drain": drain}[role](connection)


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
