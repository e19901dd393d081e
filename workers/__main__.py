"""The worker process: scheduler, signals, watchdog; nothing else.

APScheduler is a clock here, not the queue: its jobs only wake threads of our own.
"""

import os
import secrets
import signal
import sys
import threading

import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy.exc import DBAPIError

from core import failpoints, heartbeats
from core.errors import ConfigError
from core.events import WORK_CHANNEL
from core.live import Listener
from core.logs import configure_logs
from core.media import decoder
from core.services import HOST, build, settings_from_environment
from workers import housekeeping, sweep
from workers.dispatch import Dispatcher
from workers.hands import Hands
from workers.spool import Spool

log = structlog.get_logger("workers")

HEARTBEAT_S = 5
SWEEP_S = 2
TIDY_S = 600


def main() -> int:
    """Run until SIGTERM or SIGINT; return the exit status."""
    configure_logs()
    try:
        settings = settings_from_environment()
        services = build(
            settings, application="proofsheet-worker", pool_size=settings.worker_concurrency + 4
        )
        spool = Spool(settings.spool_dir)
    except ConfigError as error:
        print(error, file=sys.stderr)  # noqa: T201  (the one sentence an operator reads)
        return 2
    name = f"{HOST}:{os.getpid()}:{secrets.token_hex(3)}"
    failpoints.arm(settings.failpoints)
    hands = Hands(services=services, spool=spool, worker=name)
    run(hands)
    return 0


def run(hands: Hands) -> None:
    """Work until a signal; then take nothing new, finish what is under way, and leave."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    dispatcher = Dispatcher(hands)
    listener = Listener(
        hands.services.settings.database_url, [WORK_CHANNEL], lambda *_: dispatcher.wake()
    )
    scheduler = _clock(hands, dispatcher)
    decoder.warm()
    dispatcher.start()
    listener.start()
    scheduler.start()
    log.info("worker_started", worker=hands.worker)
    stopping.wait()
    log.info("worker_stopping", in_hand=dispatcher.busy)
    _announce_stop(hands)
    dispatcher.stop()
    scheduler.shutdown(wait=True)
    listener.stop()
    log.info("worker_stopped")


def _clock(hands: Hands, dispatcher: Dispatcher) -> BackgroundScheduler:
    scheduler = BackgroundScheduler(
        timezone="UTC",
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    poll_s = hands.services.settings.poll_interval_s
    scheduler.add_job(dispatcher.wake, "interval", seconds=poll_s, jitter=poll_s / 4)
    scheduler.add_job(_look_after, "interval", [hands, dispatcher], seconds=SWEEP_S)
    scheduler.add_job(_beat, "interval", [hands, dispatcher], seconds=HEARTBEAT_S)
    scheduler.add_job(housekeeping.tidy, "interval", [hands], seconds=TIDY_S, jitter=60)
    return scheduler


def _look_after(hands: Hands, dispatcher: Dispatcher) -> None:
    try:
        if sweep.sweep(hands) + sweep.expire(hands) + sweep.recover(hands):
            dispatcher.wake()
    except DBAPIError as error:
        log.warning("sweep_failed", reason=str(error.orig).strip())


def _beat(hands: Hands, dispatcher: Dispatcher) -> None:
    try:
        with hands.services.sessions.begin() as session:
            heartbeats.beat(session, hands.worker, host=HOST, in_hand=dispatcher.busy)
    except DBAPIError as error:
        log.warning("heartbeat_failed", reason=str(error.orig).strip())


def _announce_stop(hands: Hands) -> None:
    try:
        with hands.services.sessions.begin() as session:
            heartbeats.stopping(session, hands.worker)
    except DBAPIError as error:
        log.warning("heartbeat_failed", reason=str(error.orig).strip())


if __name__ == "__main__":
    sys.exit(main())
