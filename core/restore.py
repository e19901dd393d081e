"""After an older database was restored: nothing that may have been paid since is sent by itself.

What a worker's disk still tells of a request that the database has forgotten is written again.
"""

from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from core import attempts, audit, clock, heartbeats, rechecks, runs, sign_in
from core.errors import Conflict
from core.ids import made_at
from core.models import Attempt, Job, Run
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
        .values(observation=attempts.RESTORED)
    )
    session.execute(
        update(Run)
        .where(Run.stage == Stage.UNCERTAIN, Run.waiting_for.in_(rechecks.ENDED_BY_PROOF))
        .values(waiting_for=attempts.RESTORED)
    )


def _doubted(session: Session, run: Run) -> bool:
    """Make a request wait for a person, unless the provider is known to have taken it."""
    attempt = attempts.live(session, run.job_id)
    if attempt is not None and attempt.outcome == Outcome.ACCEPTED:
        return False  # the sweep goes on with it, which is free
    if attempt is not None:
        attempts.settled(session, attempt.id, Outcome.UNKNOWN, observation=attempts.RESTORED)
    else:
        session.add(_unrecorded(session, run))
    runs.lost_sight(session, run, by=BY, why=attempts.RESTORED)
    return True


def _unrecorded(session: Session, run: Run) -> Attempt:
    """Return the request that may have been sent since the backup: it may have cost."""
    return Attempt(
        job_id=run.job_id,
        n=_next_n(session, run.job_id),
        dialect=run.dialect,
        key_id=run.key_id or UNKNOWN_KEY,
        input_images=run.input_images,
        worker=BY,
        lease_token=run.lease_token,
        send_deadline=clock.now(),
        outcome=Outcome.UNKNOWN,
        observation=attempts.RESTORED,
        settled_at=clock.now(),
        cost_estimate_usd=job_of(session, run).estimate_usd,
    )


def _next_n(session: Session, job_id: UUID) -> int:
    made = select(func.count()).where(Attempt.job_id == job_id)
    return session.scalars(made).one() + 1


# --- a request that only a worker's disk remembers ----------------------------------------


def remembered(session: Session, attempt_id: UUID, job_id: UUID, *, dialect: str, by: str) -> bool:
    """Write a forgotten request again, and have its job wait for what it brought.

    Also a job that a person has had sent again, as long as nothing was: its answer is here. What
    the job has been sent since stays its own: this one is then superseded. Return whether its job
    is known.

    Raises:
        Conflict: another request of the job is under way; it may yet turn out not to be taken.
    """
    run = session.get(Run, job_id, with_for_update=True, populate_existing=True)
    job = session.get(Job, job_id, with_for_update=None if run else True, populate_existing=True)
    if job is None:
        return False
    if session.get(Attempt, attempt_id) is not None:
        return True  # another worker of the same host was faster
    stand_in = session.scalar(
        select(Attempt)
        .where(Attempt.job_id == job_id, Attempt.worker == BY)
        .order_by(Attempt.n.desc())
        .limit(1)
    )
    live = attempts.live(session, job_id)
    if stand_in is not None:
        _known_by(stand_in, attempt_id, by)
    elif live is not None and live.outcome == Outcome.OPEN:
        raise Conflict(f"Job {job_id} has another request under way.")
    else:
        stand_in = _forgotten(session, attempt_id, job, run, dialect=dialect, by=by, live=live)
        session.add(stand_in)
    if live is None and run is not None and Stage(run.stage) in {Stage.READY, Stage.SUBMITTING}:
        # Whoever has claimed it has sent nothing yet, and will find its lease gone.
        stand_in.outcome = Outcome.UNKNOWN
        runs.lost_sight(session, run, by=by, why=attempts.RESTORED)
    return True


def _known_by(stand_in: Attempt, attempt_id: UUID, by: str) -> None:
    """Say which request it was that may have been sent since the backup."""
    stand_in.id = attempt_id
    stand_in.worker = by
    stand_in.created_at = stand_in.send_deadline = made_at(attempt_id)


def _forgotten(
    session: Session,
    attempt_id: UUID,
    job: Job,
    run: Run | None,
    *,
    dialect: str,
    by: str,
    live: Attempt | None,
) -> Attempt:
    return Attempt(
        id=attempt_id,
        job_id=job.id,
        n=_next_n(session, job.id),
        dialect=dialect,
        key_id=(run.key_id if run else None) or UNKNOWN_KEY,
        input_images=run.input_images if run else 0,
        worker=by,
        lease_token=run.lease_token if run else 0,
        created_at=made_at(attempt_id),
        send_deadline=made_at(attempt_id),
        outcome=Outcome.UNKNOWN if live is None else Outcome.SUPERSEDED,
        observation=attempts.RESTORED,
        settled_at=clock.now(),
        cost_estimate_usd=job.estimate_usd,
    )
