"""What nobody is working on any more: ended leases, passed limits."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from core import attempts, callbacks, clock, events, expiry, rechecks, runs
from core.database import is_outage
from core.failpoints import reach
from core.models import Attempt, Run
from core.stages import Outcome, Stage
from workers import recovery
from workers.backoff import backoff_s
from workers.hands import Hands

log = structlog.get_logger(__name__)

EXCUSED = 2  # times that a step may lose its worker before it has to wait


def sweep(hands: Hands) -> int:
    """Move on every job whose worker died or is late, each in its own commit."""
    with hands.services.sessions() as session:
        jobs = runs.overdue(session)
    return sum(_one_alone(hands, _orphan, job_id) for job_id in jobs)


def expire(hands: Hands) -> int:
    """End every job whose time has run out."""
    with hands.services.sessions() as session:
        jobs = expiry.passed(session)
    return sum(_one_alone(hands, _expired, job_id) for job_id in jobs)


def _one_alone(hands: Hands, act: Callable[[Hands, Session, UUID], bool], job_id: UUID) -> bool:
    """Act on one job in a commit; what fails with it, its disk say, holds up no other."""
    try:
        with hands.services.sessions.begin() as session:
            return act(hands, session, job_id)
    except Exception as error:
        if is_outage(error):
            raise
        log.exception("job_not_moved_on", job_id=str(job_id))
        return False


def _expired(hands: Hands, session: Session, job_id: UUID) -> bool:
    return expiry.end(session, job_id, by=hands.worker)


def _orphan(hands: Hands, session: Session, job_id: UUID) -> bool:
    """Free an orphaned step, or make a request that may have been sent uncertain.

    One that was never sent, as its permit on this host says, is free to be sent. One that may
    have been is left alone until its answer can no longer come: its lease, which ends a settle
    time after the last moment at which it could be under way, and its own send deadline and
    that margin.
    """
    run = runs.overdue_one(session, job_id)
    if run is None:
        return False
    attempt = attempts.live(session, job_id)
    if Stage(run.stage) is not Stage.SUBMITTING or attempt is None:
        runs.freed(session, run, by=hands.worker, due_in_s=_pause_s(session, run, attempt))
        return True
    if attempt.outcome == Outcome.OPEN:
        if _never_left(hands, attempt):
            _freed_unsent(hands, session, run, attempt)
            return True
        settle = timedelta(seconds=hands.services.settings.settle_s)
        if attempt.send_deadline + settle > clock.read(session):
            return False
        attempt = attempts.settled(
            session, attempt.id, Outcome.UNKNOWN, observation=attempts.WORKER_LOST
        )
    if attempt.provider_task_id is not None:
        runs.found(session, run, task_id=attempt.provider_task_id, by=hands.worker)
        return True
    # An edit's answer may lie in the spool of a host that is down: `recover` there heals it.
    runs.lost_sight(session, run, by=hands.worker, why=attempts.WORKER_LOST)
    rechecks.after_settling(session, attempt)
    log.warning("job_became_uncertain", job_id=str(job_id), why=attempts.WORKER_LOST)
    return True


def _pause_s(session: Session, run: Run, attempt: Attempt | None) -> float:
    """Return how long a step waits that did not come to its end.

    Machines are switched off, and once or twice that says nothing of the step. After that it may
    be what kills its workers, with the requests that they have under way, or never fits its lease.
    """
    if Stage(run.stage) is Stage.SUBMITTING:
        before = events.count(
            session, run.job_id, "moved", why=attempts.WORKER_LOST, to=Stage.READY
        )
    else:
        well_until = run.looked_at or run.stage_since
        before = events.count(session, run.job_id, "lease_ended", since=well_until)
    awaited = attempt is not None and callbacks.told_of_end(session, attempt)
    return backoff_s(before) if before >= EXCUSED and not awaited else 0


def _never_left(hands: Hands, attempt: Attempt) -> bool:
    """Return whether a request was never sent; if so it never will be.

    Any trace of an answer counts for more than a permit: a damaged disk may bring one back.
    """
    return not recovery.is_contradicted(hands, attempt) and hands.spool.permits.revoke(attempt.id)


def _freed_unsent(hands: Hands, session: Session, run: Run, attempt: Attempt) -> None:
    """Let a request that never left be sent: at once, and later each time if it kills workers."""
    reach("revoked")
    before = rechecks.lost_unsent(session, run.job_id)
    attempts.settled(session, attempt.id, Outcome.NOT_SENT, observation=attempts.WORKER_LOST)
    runs.freed(session, run, by=hands.worker, due_in_s=backoff_s(before) if before else 0)
    log.info("request_never_left", job_id=str(run.job_id), times_before=before)
