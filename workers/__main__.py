"""The worker process: its start, its clock, its signals.

It waits for the database, takes up what lies on the disk, and then claims until it is told to
leave; the claim loop itself is `workers.dispatch`.

APScheduler is a clock here, not the queue: what it does is short, safe to
repeat, and never paid.
"""

import contextlib
import faulthandler
import gc
import os
import queue
import secrets
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from core import failpoints, fitness, heartbeats
from core.errors import ConfigError, Unreachable
from core.events import WORK_CHANNEL
from core.live import Listener
from core.logs import configure_logs
from core.services import HOST, VIDEO_SENDERS, build, settings_from_environment
from workers import housekeeping, recovery, sweep, trials
from workers.dispatch import POLLERS, STORERS, Dispatcher
from workers.hands import Hands
from workers.neighbours import Neighbours
from workers.passes import Pass
from workers.spool import Spool
from workers.systemd import Systemd

log = structlog.get_logger("workers")

Signals = queue.SimpleQueue[int]

SWEEP_S = 10  # and at once when the claim loop sees a lease that has ended
DEAF_POLL_S = 1.0
AWAY_S = 10.0  # how long a start waits for its database
PATIENCE_S = 1.0
TRIAL_S = 60
CLOCKS = ("sweep", "heartbeats", "housekeeping", "trials")
HEAR_S = 0.5  # a worker that is asked to leave claims nothing more within a second
OUR_THREADS = 4 + len(CLOCKS)  # the claim loop's, two for rechecks, late edits', each clock's
OTHER_THREADS = VIDEO_SENDERS + POLLERS + STORERS + OUR_THREADS  # beside the senders of edits


def main() -> int:
    """Run until SIGTERM or SIGINT; return the exit status."""
    faulthandler.enable()  # systemd's watchdog aborts: the log then shows where each thread was
    configure_logs()
    try:
        settings = settings_from_environment()
        services = build(
            settings,
            application="proofsheet-worker",
            pool_size=settings.worker_concurrency + OTHER_THREADS,
        )
        spool = Spool(settings.spool_dir)
        _prove(services.engine, durable=settings.spends_money)
    except ConfigError as error:
        print(error, file=sys.stderr)  # noqa: T201  (the one sentence an operator reads)
        return error.exit_status
    name = f"{HOST}:{os.getpid()}:{secrets.token_hex(3)}"
    failpoints.arm(settings.failpoints)
    hands = Hands(services=services, spool=spool, worker=name)
    run(hands)
    return 0


def _prove(engine: Engine, *, durable: bool) -> None:
    """Prove the database; wait for one that is only away for a while, as a restart of it is.

    Raises:
        ConfigError: it cannot be used, or was away for too long.
    """
    until, told = time.monotonic() + AWAY_S, False
    while True:
        try:
            fitness.prove(engine, durable=durable)
        except Unreachable as error:
            if time.monotonic() > until:
                raise
            if not told:
                log.warning("waiting_for_database", reason=str(error))
            told = True
            time.sleep(PATIENCE_S)  # noqa: TID251  (there is nothing else to do yet)
        else:
            return


def run(hands: Hands) -> None:
    """Work until a signal; then take nothing new, finish what is under way, and leave."""
    signals: Signals = queue.SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: signals.put(number))
    systemd = Systemd(hands.services.settings.notify_socket)
    scheduler = BackgroundScheduler(
        timezone="UTC",
        executors={name: ThreadPoolExecutor(1) for name in CLOCKS},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    neighbours = Neighbours(hands)
    late_edits = Pass(
        "late edits", lambda: recovery.keep_late(hands, until=lambda: late_edits.closing)
    )
    sweeps = Pass("sweep", lambda: _look_after(hands, dispatcher, neighbours, late_edits))
    dispatcher = Dispatcher(hands, systemd=systemd, overdue=sweeps.begin)
    listener = Listener(
        hands.services.settings.database_url,
        [WORK_CHANNEL],
        dispatcher.heard,
        application="proofsheet-worker-listener",
        deaf_poll_s=DEAF_POLL_S,
    )
    _recover(hands)
    _set(scheduler, hands, dispatcher, sweeps)
    scheduler.start()
    listener.start()
    gc.collect()
    gc.freeze()  # what start-up made stays: collections need not look at it again
    _begin(dispatcher, signals)
    log.info("worker_started", worker=hands.worker)
    systemd.ready()
    wait_for(signals)
    systemd.stopping()
    _finish(hands, dispatcher, signals)
    scheduler.shutdown(wait=True)
    for each in (sweeps, late_edits):
        each.close()
    listener.stop()
    _write(hands, heartbeats.left)
    neighbours.leave()
    log.info("worker_stopped")


def wait_for(signals: Signals) -> None:
    """Return once a signal has come.

    Python runs a signal's handler between two steps of the main thread. One that arrives just
    before a wait without end, or in another thread, would not be heard before the next one.
    """
    while True:
        with contextlib.suppress(queue.Empty):
            signals.get(timeout=HEAR_S)
            return


def _begin(dispatcher: Dispatcher, signals: Signals) -> None:
    """Start to claim; whoever was asked to leave while it was starting claims nothing."""
    if not signals.empty():
        dispatcher.drain()
    dispatcher.start()


def _recover(hands: Hands) -> None:
    """Take up what lies on the disk before anything is sent: it may be what would be sent again."""
    try:
        recovery.recover(hands)
    except DBAPIError as error:
        log.warning("recovery_failed", reason=str(error.orig).strip())


def _finish(hands: Hands, dispatcher: Dispatcher, signals: Signals) -> None:
    """Claim nothing more and let what is under way end, however long it honestly takes."""
    dispatcher.drain()
    log.info("worker_stopping", in_hand=dispatcher.busy)
    _write(hands, heartbeats.stopping)
    while not dispatcher.drained(within_s=0.2):
        if not signals.empty():
            signals.get()  # a second one hurries nothing: what was sent is paid for
            log.info("worker_still_finishing", in_hand=dispatcher.busy)


def _set(
    scheduler: BackgroundScheduler, hands: Hands, dispatcher: Dispatcher, sweeps: Pass
) -> None:
    """Set the clocks, each with a thread of its own: none waits for another."""
    at_once = datetime.now(UTC)
    scheduler.add_job(
        sweeps.begin,
        "interval",
        executor="sweep",
        seconds=SWEEP_S,
        jitter=SWEEP_S / 10,
        next_run_time=at_once,
    )
    scheduler.add_job(
        _beat,
        "interval",
        [hands, dispatcher],
        executor="heartbeats",
        seconds=heartbeats.BEAT_S,
        next_run_time=at_once,
    )
    scheduler.add_job(
        housekeeping.tidy,
        "interval",
        [hands],
        executor="housekeeping",
        seconds=housekeeping.EVERY_S / 2,  # every period is met, and only its first worker tidies
        jitter=60,
    )
    scheduler.add_job(
        _try_closed_gates, "interval", [hands], executor="trials", seconds=TRIAL_S, jitter=5
    )


def _look_after(
    hands: Hands, dispatcher: Dispatcher, neighbours: Neighbours, late_edits: Pass
) -> None:
    """Take up what dead workers left, first what lies here: no job is then sent in spite of it.

    Their locks come last: what fails there holds up nothing.
    """
    moved = recovery.recover(hands) + sweep.sweep(hands)
    late_edits.begin()
    if neighbours.free_the_deads():
        moved += sweep.sweep(hands)
    if moved:
        dispatcher.wake()


def _try_closed_gates(hands: Hands) -> None:
    try:
        trials.ask(hands)
    except DBAPIError as error:
        log.warning("trial_failed", reason=str(error.orig).strip())


def _beat(hands: Hands, dispatcher: Dispatcher) -> None:
    spool = hands.spool.host
    _write(hands, heartbeats.beat, host=HOST, spool=spool, in_hand=dispatcher.busy)


def _write(hands: Hands, what: Callable[..., None], **values: Any) -> None:
    """Write about this worker; a database that is away costs no more than that."""
    try:
        with hands.services.sessions.begin() as session:
            what(session, hands.worker, **values)
    except DBAPIError as error:
        log.warning("heartbeat_failed", reason=str(error.orig).strip())


if __name__ == "__main__":
    sys.exit(main())
