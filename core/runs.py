"""The moving part of a job: who may act on it, when, and every move it can make.

Functions take the session first and never commit. A worker's moves take the
`Claim` it holds; a claim whose token is no longer the row's raises `Stale`,
and the caller changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, case, func, literal_column, or_, select, update
from sqlalchemy.orm import Session

from core import events, gates
from core.errors import Conflict, NotFound
from core.models import Job, Run
from core.stages import FINAL, NEXT, Stage, status_of

NEVER: ColumnElement[Any] = literal_column("'infinity'::timestamptz")


class Stale(Conflict):
    """Somebody else holds the lease now, or the job has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to take one step, until the lease ends by the database's clock."""

    job_id: UUID
    stage: Stage  # as it was found; `ready` has already become `submitting`
    dialect: str
    model: str
    token: int
    worker: str
    failures: int
    polls: int


def now() -> ColumnElement[Any]:
    """Return the database's clock at this statement, not at the transaction's start."""
    return func.clock_timestamp()


def clock(session: Session) -> datetime:
    """Return the database's time: the only clock that leases and deadlines know."""
    moment: datetime = session.scalars(select(now())).one()
    return moment


def create(session: Session, job: Job, *, dialect: str) -> Run:
    """Make a new job claimable, and wake the workers at commit."""
    run = Run(
        job_id=job.id,
        user_id=job.user_id,
        provider=job.provider,
        dialect=dialect,
        model=job.model,
    )
    session.add(run)
    events.record_move(session, job.id, source=None, target=Stage.READY, by="form")
    events.wake_workers(session)
    events.show_change(session, job_id=job.id, user_id=job.user_id)
    return run


def claim(
    session: Session,
    *,
    worker: str,
    stages: Sequence[Stage],
    leases: Mapping[str, float],
    host: str,
    keys: Sequence[str],
    limit: int = 1,
) -> Sequence[Claim]:
    """Take up to `limit` due runs in `stages`, oldest due first.

    SKIP LOCKED: two workers never take the same row and never wait for each
    other. `ready` rows become `submitting` at once, unless the gate of their
    provider, key (`keys`: ours) and model is closed. `leases` holds the seconds
    of a lease by dialect.
    """
    due = (
        select(Run.job_id, Run.stage)
        .where(
            Run.lease_owner.is_(None),
            Run.stage.in_(stages),
            Run.stage != Stage.UNCERTAIN,
            Run.due_at <= func.now(),
            or_(Run.spool_host.is_(None), Run.spool_host == host),
            or_(Run.stage != Stage.READY, ~gates.closed_for(Run.dialect, Run.model, keys=keys)),
        )
        .order_by(Run.due_at, Run.job_id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    taken = session.execute(
        update(Run)
        .where(Run.job_id == due.c.job_id)
        .values(
            lease_owner=worker,
            lease_until=now() + _seconds(leases),
            lease_token=Run.lease_token + 1,
        )
        .returning(Run, due.c.stage.label("found"))
        .execution_options(synchronize_session=False, populate_existing=True)
    ).all()
    claims = [_claimed(session, run, Stage(found), worker) for run, found in taken]
    session.flush()
    return claims


def _seconds(leases: Mapping[str, float]) -> ColumnElement[Any]:
    return case(
        {dialect: timedelta(seconds=length) for dialect, length in leases.items()},
        value=Run.dialect,
        else_=timedelta(seconds=min(leases.values())),
    )


def _claimed(session: Session, run: Run, found: Stage, worker: str) -> Claim:
    if found is Stage.READY:
        _move(session, run, Stage.SUBMITTING, by=worker)
    return Claim(
        job_id=run.job_id,
        stage=found,
        dialect=run.dialect,
        model=run.model,
        token=run.lease_token,
        worker=worker,
        failures=run.failures,
        polls=run.polls,
    )


def held(session: Session, claim: Claim) -> Run:
    """Return the claimed run, locked.

    Raises:
        Stale: the lease was taken over or the job has ended.
    """
    run = session.get(Run, claim.job_id, with_for_update=True, populate_existing=True)
    if run is None or run.lease_token != claim.token or run.lease_owner != claim.worker:
        raise Stale(f"The lease {claim.token} on job {claim.job_id} is no longer held.")
    return run


def job_of(session: Session, run: Run) -> Job:
    """Return the job a run belongs to."""
    job = session.get(Job, run.job_id)
    if job is None:
        raise NotFound(f"No job {run.job_id}.")
    return job


# --- moves of the worker that holds the lease -------------------------------------------


def handed_back(session: Session, claim: Claim) -> None:
    """Undo a claim that led to nothing: no attempt was written, nothing was sent."""
    run = held(session, claim)
    if Stage(run.stage) is Stage.SUBMITTING:
        _move(session, run, Stage.READY, by=claim.worker)
    _release(run, due_in_s=0)
    events.wake_workers(session)


def postponed(session: Session, claim: Claim, *, due_in_s: float, why: str) -> None:
    """Put a request that nobody took back in the queue. `why` is a code of core.refusals."""
    run = held(session, claim)
    _move(session, run, Stage.READY, by=claim.worker, why=why, due_in_s=round(due_in_s, 3))
    run.failures = claim.failures + 1
    run.waiting_for = why
    _release(run, due_in_s=due_in_s)


def accepted(session: Session, claim: Claim, *, task_id: str, poll_in_s: float) -> None:
    """Record that the provider took the request and calls it `task_id`."""
    run = held(session, claim)
    _move(session, run, Stage.GENERATING, by=claim.worker, task_id=task_id)
    job_of(session, run).provider_task_id = task_id
    _release(run, due_in_s=poll_in_s)


def answered(session: Session, claim: Claim, *, host: str, lease_s: float) -> Claim:
    """Record that the reply held the result and lies in `host`'s spool; keep working on it."""
    run = held(session, claim)
    _move(session, run, Stage.STORING, by=claim.worker)
    run.spool_host = host
    return _renewed(session, run, claim, lease_s=lease_s)


def finished(session: Session, claim: Claim, *, lease_s: float) -> Claim:
    """Record that the provider has finished the task; its result is still to be copied."""
    run = held(session, claim)
    _move(session, run, Stage.STORING, by=claim.worker)
    return _renewed(session, run, claim, lease_s=lease_s)


def unsure(session: Session, claim: Claim, *, why: str) -> None:
    """Record that a request was sent and nobody knows what became of it."""
    run = held(session, claim)
    _become_uncertain(session, run, by=claim.worker, why=why)


def looked(session: Session, claim: Claim, *, provider_status: str, poll_in_s: float) -> None:
    """Record that the provider is still at work."""
    run = held(session, claim)
    if run.provider_status != provider_status:
        run.provider_status = provider_status
        _show(session, run)
    run.polls = claim.polls + 1
    _release(run, due_in_s=poll_in_s)


def retry(session: Session, claim: Claim, *, due_in_s: float, why: str) -> None:
    """Repeat a step that only read: a poll or a copy. The stage stays."""
    run = held(session, claim)
    run.failures = claim.failures + 1
    run.waiting_for = why
    events.record(session, run.job_id, "step_failed", by=claim.worker, why=why, again_in_s=due_in_s)
    _release(run, due_in_s=due_in_s)


def ended(
    session: Session,
    claim: Claim,
    stage: Stage,
    *,
    code: str | None = None,
    message: str | None = None,
) -> Job:
    """Bring a job to a final stage without a result, and say why."""
    return _end(session, held(session, claim), stage, by=claim.worker, code=code, message=message)


def stored(
    session: Session,
    claim: Claim,
    *,
    cover_asset_id: UUID,
    cost_usd: Decimal | None,
    price_version: str | None,
) -> Job:
    """Finish a job whose results are all in our bucket."""
    run = held(session, claim)
    job = job_of(session, run)
    job.cover_asset_id = cover_asset_id
    job.cost_usd = cost_usd
    job.price_version = price_version
    return _end(session, run, Stage.STORED, by=claim.worker)


# --- moves of the sweep, of callbacks and of people -------------------------------------


def overdue(session: Session, *, limit: int = 50) -> Sequence[Run]:
    """Return the runs whose lease has ended, locked: their worker died or is late."""
    return session.scalars(
        select(Run)
        .where(Run.lease_owner.is_not(None), Run.lease_until < now())
        .order_by(Run.lease_until)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()


def freed(session: Session, run: Run, *, by: str) -> None:
    """Let another worker repeat an orphaned step: nothing was sent, or it only read."""
    if Stage(run.stage) is Stage.SUBMITTING:
        _move(session, run, Stage.READY, by=by, why="worker_lost")
    else:
        events.record(session, run.job_id, "lease_ended", by=by, worker=run.lease_owner)
    _release(run, due_in_s=0)
    events.wake_workers(session)


def lost_sight(session: Session, run: Run, *, by: str, why: str) -> None:
    """Make an orphaned request, which may have been sent, uncertain."""
    _become_uncertain(session, run, by=by, why=why)


def locked(session: Session, job_id: UUID) -> Run:
    """Return the run of a job that is not final, locked. Raises NotFound."""
    run = session.get(Run, job_id, with_for_update=True, populate_existing=True)
    if run is None:
        raise NotFound(f"Job {job_id} is no longer running.")
    return run


def found(session: Session, run: Run, *, task_id: str, by: str) -> None:
    """Go on with an uncertain job whose task turned up."""
    _move(session, run, Stage.GENERATING, by=by, task_id=task_id)
    job_of(session, run).provider_task_id = task_id
    _release(run, due_in_s=0)
    events.wake_workers(session)


def turned_up(session: Session, run: Run, *, host: str, by: str) -> None:
    """Go on with an uncertain job whose answer lies in `host`'s spool."""
    _move(session, run, Stage.STORING, by=by)
    run.spool_host = host
    _release(run, due_in_s=0)
    events.wake_workers(session)


def again(session: Session, run: Run, *, by: str) -> None:
    """Queue an uncertain job once more. The caller has recorded the consent."""
    _move(session, run, Stage.READY, by=by, why="consent")
    _release(run, due_in_s=0)
    events.wake_workers(session)


def ended_by(session: Session, run: Run, stage: Stage, *, by: str, code: str | None = None) -> Job:
    """Bring a job to a final stage because a person or a limit said so."""
    return _end(session, run, stage, by=by, code=code)


def due_now(session: Session, run: Run) -> None:
    """Let the next free worker look at it at once."""
    run.due_at = func.now()
    events.wake_workers(session)


# --- the one place where a stage changes ------------------------------------------------


def _move(session: Session, run: Run, to: Stage, *, by: str, **detail: Any) -> None:
    """Change the stage of a locked run, its job's status, and the job's log.

    Raises:
        Conflict: NEXT does not allow this move.
    """
    source = Stage(run.stage)
    if to not in NEXT[source]:
        raise Conflict(f"Job {run.job_id} is {source}; it cannot become {to}.")
    job = job_of(session, run)
    _show_in_job(job, to)
    if to in FINAL:
        session.delete(run)
    else:
        run.stage = to
        run.stage_since = func.now()
        run.failures = 0
        run.waiting_for = None
        run.provider_status = None
    events.record_move(session, run.job_id, source=source, target=to, by=by, **detail)
    _show(session, run)


def _show_in_job(job: Job, stage: Stage) -> None:
    """Write to the job's row only what people filter by, and only when it changes."""
    if job.status != status_of(stage):
        job.status = status_of(stage)
    if stage is Stage.SUBMITTING and job.started_at is None:
        job.started_at = func.now()
    if stage in FINAL:
        job.final_stage = stage
        job.completed_at = func.now()


def _end(
    session: Session,
    run: Run,
    stage: Stage,
    *,
    by: str,
    code: str | None = None,
    message: str | None = None,
) -> Job:
    job = job_of(session, run)
    job.error_code = code
    job.error_message = message
    _move(session, run, stage, by=by, code=code)
    return job


def _become_uncertain(session: Session, run: Run, *, by: str, why: str) -> None:
    _move(session, run, Stage.UNCERTAIN, by=by, why=why)
    run.waiting_for = why
    run.lease_owner = None
    run.lease_until = None
    run.due_at = NEVER


def _release(run: Run, *, due_in_s: float) -> None:
    run.lease_owner = None
    run.lease_until = None
    run.due_at = now() + timedelta(seconds=due_in_s)


def _renewed(session: Session, run: Run, claim: Claim, *, lease_s: float) -> Claim:
    """Begin the next step under a lease of its own, without letting go of the run."""
    run.lease_token = claim.token + 1
    run.lease_until = now() + timedelta(seconds=lease_s)
    session.flush()
    return Claim(
        job_id=claim.job_id,
        stage=Stage(run.stage),
        dialect=claim.dialect,
        model=claim.model,
        token=claim.token + 1,
        worker=claim.worker,
        failures=0,
        polls=claim.polls,
    )


def _show(session: Session, run: Run) -> None:
    events.show_change(session, job_id=run.job_id, user_id=run.user_id)
