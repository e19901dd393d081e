"""After an older database was restored: nothing that may have been paid since is sent by itself."""

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from core import attempts, audit, clock, heartbeats, rechecks, runs, sign_in
from core.errors import Conflict
from core.models import Attempt, Run
from core.stages import Outcome, Stage
from core.transitions import job_of

BY = "operator"
UNKNOWN_KEY = "unknown"  # of ours: the backup does not say with which one it may have been sent


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
        .where(Attempt.observation.in_(rechecks.ENDED_BY_PROOF))
        .values(observation=rechecks.RESTORED)
    )
    session.execute(
        update(Run)
        .where(Run.stage == Stage.UNCERTAIN, Run.waiting_for.in_(rechecks.ENDED_BY_PROOF))
        .values(waiting_for=rechecks.RESTORED)
    )


def _doubted(session: Session, run: Run) -> bool:
    """Make a request wait for a person, unless the provider is known to have taken it."""
    attempt = attempts.live(session, run.job_id)
    if attempt is not None and attempt.outcome == Outcome.ACCEPTED:
        return False  # the sweep goes on with it, which is free
    if attempt is not None:
        attempts.settled(session, attempt.id, Outcome.UNKNOWN, observation=rechecks.RESTORED)
    else:
        session.add(_unrecorded(session, run))
    runs.lost_sight(session, run, by=BY, why=rechecks.RESTORED)
    return True


def _unrecorded(session: Session, run: Run) -> Attempt:
    """Return the request that may have been sent since the backup: it may have cost."""
    made = select(func.count()).where(Attempt.job_id == run.job_id)
    return Attempt(
        job_id=run.job_id,
        n=session.scalars(made).one() + 1,
        dialect=run.dialect,
        key_id=run.key_id or UNKNOWN_KEY,
        input_images=run.input_images,
        worker=BY,
        lease_token=run.lease_token,
        send_deadline=clock.now(),
        outcome=Outcome.UNKNOWN,
        observation=rechecks.RESTORED,
        settled_at=clock.now(),
        cost_estimate_usd=job_of(session, run).estimate_usd,
    )
