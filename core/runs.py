"""Every move a job can make, by name.

Functions take the session first and never commit. A worker's moves take the
`Claim` it holds; a claim whose token is no longer the row's raises `Stale`,
and the caller changes nothing.
"""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import attempts, events
from core.claims import Claim, held, next_step
from core.clock import now
from core.errors import NotFound
from core.models import Job, Run
from core.polling import is_stalled
from core.stages import Stage
from core.transitions import become_uncertain, end, job_of, move, release, show

# --- moves of the worker that holds the lease -------------------------------------------


def handed_back(session: Session, claim: Claim) -> None:
    """Undo a claim that led to nothing: no attempt was written, nothing was sent."""
    run = held(session, claim)
    if Stage(run.stage) is Stage.SUBMITTING:
        move(session, run, Stage.READY, by=claim.worker)
    release(run, due_in_s=0)
    events.wake_workers(session, Stage.READY)
    _unless_called_back(session, run, by=claim.worker)


def postponed(session: Session, claim: Claim, *, due_in_s: float, why: str) -> None:
    """Put a request that nobody took back in the queue. `why` is a code of core.refusals."""
    run = held(session, claim)
    move(session, run, Stage.READY, by=claim.worker, why=why, due_in_s=round(due_in_s, 3))
    run.failures = claim.failures + 1
    run.waiting_for = why
    release(run, due_in_s=due_in_s)
    _unless_called_back(session, run, by=claim.worker)


def _unless_called_back(session: Session, run: Run, *, by: str) -> None:
    """Have a job that would be sent once more wait, if an earlier request is at work after all."""
    if Stage(run.stage) is Stage.READY and attempts.doubted(session, run.job_id):
        become_uncertain(session, run, by=by, why=attempts.CALLED_BACK)


def sending_delayed(session: Session, claim: Claim, *, lease_s: float) -> Claim:
    """Begin to send under a lease of its own: what is sent takes long."""
    fresh = next_step(session, held(session, claim), claim, lease_s=lease_s)
    return replace(fresh, failures=claim.failures)


def accepted(session: Session, claim: Claim, *, task_id: str, poll_in_s: float) -> None:
    """Record that the provider took the request and calls it `task_id`."""
    run = held(session, claim)
    move(session, run, Stage.GENERATING, by=claim.worker, task_id=task_id)
    job_of(session, run).provider_task_id = task_id
    release(run, due_in_s=poll_in_s)


def _was_stalled(run: Run) -> bool:
    """Return whether it took far too long at the last look already: an open page says so then."""
    return run.looked_at is not None and is_stalled(run.stage_since, at=run.looked_at)


def answered(session: Session, claim: Claim, *, host: str, lease_s: float) -> Claim:
    """Record that the reply held the result and lies in `host`'s spool; keep working on it."""
    run = held(session, claim)
    move(session, run, Stage.STORING, by=claim.worker)
    run.spool_host = host
    return next_step(session, run, claim, lease_s=lease_s)


def finished(session: Session, claim: Claim, *, lease_s: float) -> Claim:
    """Record that the provider has finished the task; its result is still to be copied."""
    run = held(session, claim)
    move(session, run, Stage.STORING, by=claim.worker)
    return next_step(session, run, claim, lease_s=lease_s)


def unsure(session: Session, claim: Claim, *, why: str) -> None:
    """Record that a request was sent and nobody knows what became of it."""
    run = held(session, claim)
    become_uncertain(session, run, by=claim.worker, why=why)


def looked(session: Session, claim: Claim, *, provider_status: str, poll_in_s: float) -> None:
    """Record that the provider is still at work."""
    run = held(session, claim)
    news = run.provider_status != provider_status or run.waiting_for is not None
    if news or _was_stalled(run):
        run.provider_status = provider_status
        run.waiting_for = None
        show(session, run)
    run.failures = 0
    run.polls = claim.polls + 1
    run.looked_at = now()
    release(run, due_in_s=0 if _called_back(run, claim) else poll_in_s)


def retry(session: Session, claim: Claim, *, due_in_s: float, why: str) -> None:
    """Repeat a step that only read: a poll or a copy. The stage stays."""
    run = held(session, claim)
    run.failures = claim.failures + 1
    if run.waiting_for != why:
        run.waiting_for = why
        show(session, run)
    due_in_s = 0 if _called_back(run, claim) else due_in_s
    events.record_failure(
        session, run.job_id, "step_failed", by=claim.worker, why=why, again_in_s=due_in_s
    )
    release(run, due_in_s=due_in_s)


def _called_back(run: Run, claim: Claim) -> bool:
    """Return whether a callback has come since the step began: what it asked may be old."""
    return Stage(run.stage) is Stage.GENERATING and run.due_at != claim.due_at


def ended(
    session: Session,
    claim: Claim,
    stage: Stage,
    *,
    code: str | None = None,
    message: str | None = None,
) -> Job:
    """Bring a job to a final stage without a result, and say why."""
    return end(session, held(session, claim), stage, by=claim.worker, code=code, message=message)


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
    add_cost(job, cost_usd, price_version)
    return end(session, run, Stage.STORED, by=claim.worker)


def add_cost(job: Job, cost_usd: Decimal | None, price_version: str | None) -> None:
    """Add what one result cost: another one, of a request before or after it, may be here too."""
    if cost_usd is not None:
        job.cost_usd = (job.cost_usd or 0) + cost_usd
        job.price_version = price_version


# --- moves of the sweep, of callbacks and of people -------------------------------------


def overdue(session: Session, *, limit: int = 200) -> Sequence[UUID]:
    """Return the jobs whose lease has ended, longest ago first: their worker died or is late."""
    return session.scalars(
        select(Run.job_id)
        .where(Run.lease_owner.is_not(None), Run.lease_until < now())
        .order_by(Run.lease_until)
        .limit(limit)
    ).all()


def overdue_one(session: Session, job_id: UUID) -> Run | None:
    """Return one of them, locked, unless it has moved on or somebody else is at it."""
    return session.scalar(
        select(Run)
        .where(Run.job_id == job_id, Run.lease_owner.is_not(None), Run.lease_until < now())
        .with_for_update(skip_locked=True)
    )


def freed(session: Session, run: Run, *, by: str, due_in_s: float = 0) -> None:
    """Let another worker repeat an orphaned step: nothing was sent, or it only read."""
    if Stage(run.stage) is Stage.SUBMITTING:
        move(session, run, Stage.READY, by=by, why="worker_lost")
    else:
        events.record(session, run.job_id, "lease_ended", by=by, worker=run.lease_owner)
    release(run, due_in_s=due_in_s)
    events.wake_workers(session, Stage(run.stage))
    _unless_called_back(session, run, by=by)


def lost_sight(session: Session, run: Run, *, by: str, why: str) -> None:
    """Make an orphaned request, which may have been sent, uncertain."""
    become_uncertain(session, run, by=by, why=why)


def locked(session: Session, job_id: UUID) -> Run:
    """Return the run of a job that is not final, locked. Raises NotFound."""
    run = session.get(Run, job_id, with_for_update=True, populate_existing=True)
    if run is None:
        raise NotFound(f"Job {job_id} is no longer running.")
    return run


def found(session: Session, run: Run, *, task_id: str, by: str) -> None:
    """Go on with an uncertain job whose task turned up."""
    move(session, run, Stage.GENERATING, by=by, task_id=task_id)
    job_of(session, run).provider_task_id = task_id
    release(run, due_in_s=0)
    events.wake_workers(session, Stage.GENERATING)


def turned_up(session: Session, run: Run, *, host: str, by: str) -> None:
    """Go on with an uncertain job whose answer lies in `host`'s spool."""
    move(session, run, Stage.STORING, by=by)
    run.spool_host = host
    release(run, due_in_s=0)
    events.wake_workers(session, Stage.STORING)


def cancel_asked(session: Session, run: Run, *, by: str) -> None:
    """Have a worker ask the provider to drop a task that may still wait there."""
    run.cancel_by = by
    events.record(session, run.job_id, "cancel_asked", by=by)
    due_now(session, run)


def not_cancelled(session: Session, claim: Claim) -> None:
    """Go on with a task that the provider has begun: it is paid for."""
    run = held(session, claim)
    run.cancel_by = None
    events.record(session, run.job_id, "cancel_refused", by=claim.worker)
    release(run, due_in_s=0)
    show(session, run)


def not_taken(session: Session, run: Run, *, by: str, why: str) -> None:
    """Queue an uncertain job once more, unasked: its request was never taken after all."""
    move(session, run, Stage.READY, by=by, why=why)
    release(run, due_in_s=0)
    events.wake_workers(session, Stage.READY)
    _unless_called_back(session, run, by=by)


def again(session: Session, run: Run, *, by: str) -> None:
    """Queue an uncertain job once more. The caller has recorded the consent, to one request."""
    move(session, run, Stage.READY, by=by, why="consent")
    release(run, due_in_s=0)
    events.wake_workers(session, Stage.READY)
    _unless_called_back(session, run, by=by)


def ended_by(session: Session, run: Run, stage: Stage, *, by: str, code: str | None = None) -> Job:
    """Bring a job to a final stage because a person or a limit said so."""
    return end(session, run, stage, by=by, code=code)


def due_now(session: Session, run: Run) -> None:
    """Let the next free worker look at it at once, or again if one is just looking."""
    run.due_at = now()
    events.wake_workers(session, Stage(run.stage))
