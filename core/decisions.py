"""What people may do with a job: cancel, look again, send again, give up, throw away.

Rows are locked in one order everywhere, run → attempt → job, so that nobody
who decides ever waits in a circle with a worker.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import attempts, audit, clock, events, jobs, rechecks, runs, task_match
from core.errors import Conflict, NotFound, Rejected, msg
from core.models import Attempt, Dialect, Job, Run, User
from core.polling import is_stalled
from core.stages import Outcome, Stage

SENT_ALREADY: Final = msg("It has been sent already: it is paid for, and its result is kept.")
# Why a job can no longer be cancelled, by its stage: whether it costs is known only once taken.
TOO_LATE: Final = {
    Stage.SUBMITTING: msg(
        "It is being sent at this moment and can no longer be stopped; what it brings is kept."
    ),
    Stage.UNCERTAIN: msg(
        "It may have been billed, and its result may still come: check, send again or give up."
    ),
    **dict.fromkeys((Stage.GENERATING, Stage.STORING), SENT_ALREADY),
}
MOVED_ON: Final = msg("This job has moved on by itself; look at it again.")

UNDECIDED: Final = msg(
    "It needs a decision first: it may have been billed, and its result may still come. Check, "
    "send again or give up; after that it can go to the trash."
)
BEING_MADE: Final = msg(
    "It is being made and its result will be kept; it can go to the trash when it has ended."
)


def cancel(session: Session, user: User, id: UUID) -> None:
    """Stop a job: at once before it is sent; a task that its provider may drop, if it still waits.

    Raises:
        Rejected: it is being sent, or has been; what it brings is kept.
    """
    run = _run(session, user, id)
    if Stage(run.stage) is Stage.READY:
        runs.ended_by(session, run, Stage.CANCELLED, by=user.login_id)
    elif may_be_dropped(run):
        runs.cancel_asked(session, run, by=user.login_id)
    else:
        raise Rejected(TOO_LATE[Stage(run.stage)])
    audit.record(session, "job_cancelled", user_id=user.id, on=("job", id))


def awaited(session: Session, user: User) -> int:
    """Return how many of a person's jobs wait for a decision; what is in the trash does not."""
    mine = (
        select(func.count())
        .select_from(Run)
        .join(Job, Job.id == Run.job_id)
        .where(Run.user_id == user.id, Run.stage == Stage.UNCERTAIN, Job.deleted_at.is_(None))
    )
    return session.scalar(mine) or 0


def may_be_dropped(run: Run) -> bool:
    """Return whether the provider may still drop the task: only v2's, and only while it waits."""
    waits = run.provider_status in {None, "queued"}
    return Stage(run.stage) is Stage.GENERATING and run.dialect == Dialect.MINIMAX_V2 and waits


def check(session: Session, user: User, id: UUID) -> None:
    """Have a worker look at the provider for the task of an uncertain job, now. It is free.

    Raises:
        Conflict: the job has moved on. Rejected: there is nothing to look for.
    """
    run = _uncertain(session, user, id)
    attempt = attempts.live(session, id)
    if attempt is None or not may_be_found(attempt):
        raise Rejected(
            msg("The provider has no way to tell what became of it: send it again or give up.")
        )
    rechecks.later(attempt, in_s=0)
    events.record(session, id, "check_asked", by=user.login_id, attempt_id=attempt.id)
    events.wake_workers(session)
    events.show_change(session, job_id=id, user_id=run.user_id)


def may_be_found(attempt: Attempt) -> bool:
    """Return whether asking can help: a callback has named a task, or the list may show it."""
    return task_match.is_listed(attempt) or attempt.candidate_task_id is not None


def send_again(session: Session, user: User, id: UUID) -> None:
    """Send an uncertain job once more; the consent is recorded with the old attempt."""
    run = _uncertain(session, user, id)
    attempt = attempts.live(session, id)
    if attempt is not None:
        attempt = attempts.locked(session, attempt.id)
        if attempt.outcome == Outcome.ACCEPTED:
            raise Conflict(MOVED_ON)
        attempts.superseded(attempt, by=user.id)
    runs.again(session, run, by=user.login_id)
    audit.record(session, "job_sent_again", user_id=user.id, on=("job", id))


def give_up(session: Session, user: User, id: UUID) -> None:
    """End an uncertain job; if its result turns up after all, it is kept as an extra."""
    run = _uncertain(session, user, id)
    attempt = attempts.live(session, id)
    runs.ended_by(session, run, Stage.ABANDONED, by=user.login_id, code="abandoned")
    if attempt is not None:
        rechecks.after_settling(session, attempt)
    audit.record(session, "job_abandoned", user_id=user.id, on=("job", id))


def stop_waiting(session: Session, user: User, id: UUID) -> None:
    """End a video that has stalled; if its result still comes, it is kept as an extra.

    Raises:
        Rejected: it has not.
    """
    run = _run(session, user, id)
    if not has_stalled(run, at=clock.read(session)):
        raise Rejected(msg("It is still at work: only a video that has stalled can be given up."))
    attempt = attempts.live(session, id)
    runs.ended_by(session, run, Stage.ABANDONED, by=user.login_id, code="stopped_waiting")
    if attempt is not None:
        rechecks.after_settling(session, attempt)
    audit.record(session, "job_abandoned", user_id=user.id, on=("job", id))


def has_stalled(run: Run, *, at: datetime) -> bool:
    """Return whether a video has been at one stage for too long and nothing will ever end it.

    The first API's tasks have no end of their own; what the second one has, it drops.
    """
    waits = Stage(run.stage) in {Stage.GENERATING, Stage.STORING}
    return run.dialect == Dialect.MINIMAX_V1 and waits and is_stalled(run.stage_since, at=at)


def trash(session: Session, user: User, id: UUID) -> bool:
    """Put a job in the trash; cancel one that still waits first. Return whether that was so.

    Raises:
        Rejected: it goes on and costs, or may have cost: it must not do so unseen.
    """
    jobs.require_may_change(session, user, id)
    run = session.get(Run, id, with_for_update=True, populate_existing=True)
    waits = run is not None and Stage(run.stage) is Stage.READY
    if waits:
        cancel(session, user, id)
    elif run is not None:
        raise Rejected(UNDECIDED if Stage(run.stage) is Stage.UNCERTAIN else BEING_MADE)
    jobs.trashed(session, user, id)
    return waits


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
