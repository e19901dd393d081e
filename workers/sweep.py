"""What nobody is working on any more: ended leases, and answers found on disk."""

from datetime import timedelta

import structlog
from sqlalchemy.orm import Session

from core import attempts, clock, runs
from core.models import Run
from core.services import HOST
from core.stages import Outcome, Stage
from workers.hands import Hands
from workers.spool import Spooled

log = structlog.get_logger(__name__)


def sweep(hands: Hands) -> int:
    """Move on every job whose worker died or is late. Return how many."""
    with hands.services.sessions.begin() as session:
        return sum(_moved_on(hands, session, run) for run in runs.overdue(session))


def _moved_on(hands: Hands, session: Session, run: Run) -> bool:
    """Free an orphaned step, or make a request that may have been sent uncertain.

    A request that was sent is left alone until its answer can no longer come:
    the send deadline and a margin for callbacks and late replies.
    """
    attempt = attempts.live(session, run.job_id)
    if Stage(run.stage) is not Stage.SUBMITTING or attempt is None:
        runs.freed(session, run, by=hands.worker)
        return True
    if attempt.outcome == Outcome.ACCEPTED:
        return _go_on(session, run, task_id=attempt.provider_task_id, by=hands.worker)
    settle = timedelta(seconds=hands.services.settings.settle_s)
    if attempt.send_deadline + settle > clock.read(session):
        return False
    attempts.settled(session, attempt.id, Outcome.UNKNOWN, observation="worker_lost")
    runs.lost_sight(session, run, by=hands.worker, why="worker_lost")
    log.warning("job_became_uncertain", job_id=str(run.job_id), why="worker_lost")
    return True


def _go_on(session: Session, run: Run, *, task_id: str | None, by: str) -> bool:
    """Take up a job whose worker died between recording the answer and moving the job."""
    if task_id is not None:
        runs.found(session, run, task_id=task_id, by=by)
        return True
    return False  # an edit's answer lies in a spool; `recover` of that host takes it up


def recover(hands: Hands) -> int:
    """Take up the answers that lie complete in this host's spool. Return how many."""
    return sum(_taken_up(hands, spooled) for spooled in hands.spool.complete_ones())


def _may_be_taken_up(session: Session, run: Run) -> bool:
    """Return whether nobody is at it, and its answer is what it lacks."""
    if run.lease_until is not None and run.lease_until > clock.read(session):
        return False
    return Stage(run.stage) in {Stage.SUBMITTING, Stage.UNCERTAIN}


def _taken_up(hands: Hands, spooled: Spooled) -> bool:
    with hands.services.sessions.begin() as session:
        run = session.get(Run, spooled.job_id, with_for_update={"skip_locked": True})
        if run is None or not _may_be_taken_up(session, run):
            return False
        attempts.settled(
            session,
            spooled.attempt_id,
            Outcome.ACCEPTED,
            http_status=spooled.answer.http_status,
            request_id=spooled.answer.request_id,
        )
        runs.turned_up(session, run, host=HOST, by=hands.worker)
    log.info("answer_recovered", job_id=str(spooled.job_id))
    return True
