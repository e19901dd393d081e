"""After an older database was restored: nothing that may have been paid since is sent by itself."""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import attempts, audit, heartbeats, rechecks, runs, sign_in
from core.errors import Conflict
from core.models import Attempt, Run
from core.stages import Outcome, Stage

BY = "operator"
WHY = "restored"  # a code of core.refusals


def after_restore(session: Session) -> int:
    """Make every request that was about to be sent wait for a person; return how many.

    The backup does not know what was sent after it was made: each of these
    requests may have been paid already. Sessions that were ended since are
    ended again: everybody signs in anew.

    Raises:
        Conflict: a worker has been seen lately; it may be sending them now.
    """
    if alive := heartbeats.alive(session):
        names = ", ".join(worker.id for worker in alive)
        raise Conflict(
            f"Workers were seen in the last {heartbeats.SILENT_AFTER_S} s: {names}. Stop every "
            f"worker, wait {heartbeats.SILENT_AFTER_S} s, and run this again. Nothing was changed."
        )
    waiting = session.scalars(
        select(Run)
        .where(Run.stage.in_([Stage.READY, Stage.SUBMITTING]))
        .order_by(Run.job_id)
        .with_for_update()
    ).all()
    count = sum(_doubted(session, run) for run in waiting)
    _doubt_for_good(session)
    sign_in.revoke(session)
    audit.record(session, "database_restored", user_id=None, uncertain=count)
    return count


def _doubt_for_good(session: Session) -> None:
    """Have a person decide what was in doubt already: since then it may have been sent again.

    Otherwise the host of its dead worker could prove that the one request never left.
    """
    doubted = select(Run.job_id).where(Run.stage == Stage.UNCERTAIN)
    session.execute(
        update(Attempt)
        .where(Attempt.job_id.in_(doubted), Attempt.outcome == Outcome.UNKNOWN)
        .where(Attempt.observation == rechecks.WORKER_LOST)
        .values(observation=WHY)
    )
    session.execute(
        update(Run)
        .where(Run.stage == Stage.UNCERTAIN, Run.waiting_for == rechecks.WORKER_LOST)
        .values(waiting_for=WHY)
    )


def _doubted(session: Session, run: Run) -> bool:
    """Make a request wait for a person, unless the provider is known to have taken it."""
    attempt = attempts.live(session, run.job_id)
    if attempt is not None and attempt.outcome == Outcome.ACCEPTED:
        return False  # the sweep goes on with it, which is free
    if attempt is not None:
        attempts.settled(session, attempt.id, Outcome.UNKNOWN, observation=WHY)
    runs.lost_sight(session, run, by=BY, why=WHY)
    return True
