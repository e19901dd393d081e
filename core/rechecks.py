"""Attempts that no step of their job looks after.

A late answer, a task named by a callback, a task that may be found in the
provider's list: each leaves `recheck_at` on its attempt, and a worker asks the
provider. Asking is free and may be repeated, so a recheck has no lease: taking
one postpones it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import exists, func, select, update
from sqlalchemy.orm import Session

from core import attempts, clock, events, expiry, runs, task_match
from core.models import Attempt, Dialect, Job, Run
from core.stages import ENDED_WITHOUT_IT, LIVE_OUTCOMES, Outcome, Stage

SOONEST_S = 3.0
RAREST_S = 3600.0
RAREST_SHARE = 28  # of its age, a task that nobody ever drops is asked about: at a week, 6 h
# Doubts that end once it turns out that nothing was taken.
ENDED_BY_PROOF = (attempts.WORKER_LOST, attempts.CALLED_BACK)
NEVER_WHOLE = "never_whole"  # a code of core.refusals: its provider still has the result


@dataclass(frozen=True, slots=True, kw_only=True)
class Recheck:
    """An attempt to look after, and how its job stands."""

    attempt: Attempt
    job: Job
    stage: Stage | None  # of the job's run; None when the job has ended

    @property
    def is_extra(self) -> bool:
        """Whether a result would be a late one: the job has gone on, or ended, without it."""
        if self.attempt.outcome not in LIVE_OUTCOMES:
            return True
        if self.stage is not None:
            return False
        return self.job.final_stage in ENDED_WITHOUT_IT or self.job.error_code == NEVER_WHOLE


# Its task is known, and no step of its job asks for the result: a download is all that is left.
_AWAITS_A_RESULT = Attempt.provider_task_id.is_not(None) & (
    Attempt.outcome.not_in(LIVE_OUTCOMES) | ~exists().where(Run.job_id == Attempt.job_id)
)


def take(session: Session, *, late: bool, limit: int, for_s: float) -> Sequence[UUID]:
    """Return attempts that are due, and postpone them by `for_s` in case this worker dies.

    `late` ones have a result to be downloaded, which may take long; the others are questions.
    """
    due = session.scalars(
        select(Attempt)
        .where(Attempt.recheck_at <= clock.now(), _AWAITS_A_RESULT if late else ~_AWAITS_A_RESULT)
        .order_by(Attempt.recheck_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for attempt in due:
        later(attempt, in_s=for_s)
    return [attempt.id for attempt in due]


def put_back(session: Session, attempt_ids: Sequence[UUID]) -> None:
    """Let attempts that were taken be due again: their turn has not come."""
    session.execute(
        update(Attempt).where(Attempt.id.in_(attempt_ids)).values(recheck_at=clock.now())
    )


def oldest(session: Session, attempt_ids: Sequence[UUID], *, dialect: str) -> datetime:
    """Return when the oldest of a dialect's attempts among these was made."""
    made = select(func.min(Attempt.created_at)).where(
        Attempt.id.in_(attempt_ids), Attempt.dialect == dialect
    )
    return session.scalars(made).one()


def load(session: Session, attempt_id: UUID) -> Recheck:
    """Return an attempt with its job."""
    attempt = session.get_one(Attempt, attempt_id)
    run = session.get(Run, attempt.job_id)
    return Recheck(
        attempt=attempt,
        job=session.get_one(Job, attempt.job_id),
        stage=Stage(run.stage) if run is not None else None,
    )


def later(attempt: Attempt, *, in_s: float) -> None:
    """Have an attempt looked at in `in_s` seconds."""
    attempt.recheck_at = clock.now() + timedelta(seconds=in_s)


def ever_more_rarely(
    session: Session, attempt: Attempt, *, by: str, least_s: float = SOONEST_S
) -> None:
    """Look again after a quarter of the attempt's age, and after a week as its provider keeps it.

    The first API's tasks have no end. The second one has dropped its own by then: a result that
    is not here is lost, and the log says so.

    Whoever is to decide about its job sees that nothing was found so far.
    """
    age = clock.read(session) - attempt.created_at
    named = attempt.provider_task_id is not None or attempt.candidate_task_id is not None
    if age <= expiry.V2_TASK:
        later(attempt, in_s=max(least_s, min(age.total_seconds() / 4, RAREST_S)))
    elif named and attempt.dialect == Dialect.MINIMAX_V1:
        later(attempt, in_s=max(least_s, age.total_seconds() / RAREST_SHARE))
    elif attempt.provider_task_id is not None:
        missing(session, attempt, code="result_expired", by=by)
    else:
        attempt.recheck_at = None
    run = session.get(Run, attempt.job_id)
    if run is not None and Stage(run.stage) is Stage.UNCERTAIN:
        events.show_change(session, job_id=run.job_id, user_id=run.user_id)


def missing(session: Session, attempt: Attempt, *, code: str, by: str) -> None:
    """Record, once, that a late result will not come. `code` is one of core.refusals."""
    attempt.recheck_at = None
    if events.count(session, attempt.job_id, "late_result_missing", attempt_id=attempt.id):
        return
    events.record(
        session, attempt.job_id, "late_result_missing", by=by, attempt_id=attempt.id, code=code
    )


def late_failures(session: Session, attempt: Attempt, *reasons: str) -> int:
    """Return how often a late result could not be fetched for one of these reasons."""
    counted = (
        events.count(
            session, attempt.job_id, "late_result_not_fetched", attempt_id=attempt.id, why=why
        )
        for why in reasons
    )
    return sum(counted)


def not_fetched(session: Session, attempt: Attempt, *, why: str, by: str) -> None:
    """Record why a late result could not be fetched."""
    events.record_failure(
        session, attempt.job_id, "late_result_not_fetched", by=by, attempt_id=attempt.id, why=why
    )


def lost_unsent(session: Session, job_id: UUID) -> int:
    """Return how many of a job's attempts a worker died with before a byte of them had left."""
    counted = select(func.count()).where(
        Attempt.job_id == job_id,
        Attempt.outcome == Outcome.NOT_SENT,
        Attempt.observation == attempts.WORKER_LOST,
    )
    return session.scalars(counted).one()


def after_settling(session: Session, attempt: Attempt, *, by: str = "") -> None:
    """See to an attempt that its own job may no longer look after. `by`: not its own worker."""
    lost = attempt.outcome in {Outcome.UNKNOWN, Outcome.SUPERSEDED}
    named = attempt.provider_task_id is not None or attempt.candidate_task_id is not None
    if named or (lost and task_match.is_listed(attempt)):
        later(attempt, in_s=SOONEST_S if not named else 0)
        events.wake_workers(session)
    if attempt.outcome in {Outcome.NOT_SENT, Outcome.REJECTED}:
        _no_more_doubt(session, attempt, by=by or attempt.worker)


def _no_more_doubt(session: Session, attempt: Attempt, *, by: str) -> None:
    """Move a job on that is uncertain only because it was late to be known: nothing taken."""
    run = session.get(Run, attempt.job_id, with_for_update=True, populate_existing=True)
    if run is None or Stage(run.stage) is not Stage.UNCERTAIN:
        return
    if run.waiting_for not in ENDED_BY_PROOF:
        return
    if attempts.live(session, attempt.job_id) is not None:
        return
    why = attempt.observation or attempts.WORKER_LOST
    if attempt.outcome == Outcome.REJECTED:
        runs.ended_by(session, run, Stage.REJECTED, by=by, code=why)
    else:
        runs.not_taken(session, run, by=by, why=why)


def attach(session: Session, attempt_id: UUID, *, task_id: str, by: str) -> None:
    """Give an attempt the task that was found for it, and its job the way on.

    Raises:
        IntegrityError: the task belongs to another attempt.
    """
    job_id = session.get_one(Attempt, attempt_id).job_id
    run = session.get(Run, job_id, with_for_update=True, populate_existing=True)
    attempt = attempts.settled(session, attempt_id, Outcome.ACCEPTED, task_id=task_id)
    attempt.recheck_at = None
    session.flush()
    events.record(
        session,
        job_id,
        "task_found",
        by=by,
        attempt_id=attempt_id,
        task_id=attempt.provider_task_id,
    )
    if run is None or attempt.outcome != Outcome.ACCEPTED:
        later(attempt, in_s=0)  # nobody else asks for its result
    elif Stage(run.stage) is Stage.UNCERTAIN:
        runs.found(session, run, task_id=task_id, by=by)
