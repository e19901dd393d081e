"""What people may do with a job that is not final: cancel, look again, send again, give up.

Rows are locked in one order everywhere, run → attempt → job, so that nobody
who decides ever waits in a circle with a worker.
"""

from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from core import attempts, audit, jobs, runs
from core.errors import Conflict, NotFound, Rejected, msg
from core.models import Run, User
from core.stages import Stage

MOVED_ON: Final = msg("This job has moved on by itself; look at it again.")


def cancel(session: Session, user: User, id: UUID) -> None:
    """Stop a job before it is sent: at once and free.

    Raises:
        Rejected: it has been sent; its result will be stored and is paid for.
    """
    run = _run(session, user, id)
    if Stage(run.stage) is not Stage.READY:
        raise Rejected(msg("It has been sent already: it is paid for, and its result is kept."))
    runs.ended_by(session, run, Stage.CANCELLED, by=user.login_id)
    audit.record(session, "job_cancelled", user_id=user.id, on=("job", id))


def send_again(session: Session, user: User, id: UUID) -> None:
    """Send an uncertain job once more; the consent is recorded with the old attempt."""
    run = _uncertain(session, user, id)
    attempt = attempts.live(session, id)
    if attempt is not None:
        attempts.superseded(attempts.locked(session, attempt.id), by=user.id)
    runs.again(session, run, by=user.login_id)
    audit.record(session, "job_sent_again", user_id=user.id, on=("job", id))


def give_up(session: Session, user: User, id: UUID) -> None:
    """End an uncertain job; if its result turns up after all, it is kept as an extra."""
    run = _uncertain(session, user, id)
    runs.ended_by(session, run, Stage.ABANDONED, by=user.login_id, code="abandoned")
    audit.record(session, "job_abandoned", user_id=user.id, on=("job", id))


def _run(session: Session, user: User, id: UUID) -> Run:
    """Return the run of a job that is this person's to change, locked.

    The job itself is left to the move: it is locked, and read, after its run.
    """
    jobs.require_may_change(session, user, id)
    try:
        return runs.locked(session, id)
    except NotFound:
        raise Conflict(MOVED_ON) from None


def _uncertain(session: Session, user: User, id: UUID) -> Run:
    run = _run(session, user, id)
    if Stage(run.stage) is not Stage.UNCERTAIN:
        raise Conflict(MOVED_ON)
    return run
