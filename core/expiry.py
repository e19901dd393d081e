"""When waiting ends: what nobody took within a day, what is dropped at its provider, or lost."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from core import clock, runs
from core.models import Attempt, Dialect, Job, Run, Spool
from core.stages import Stage

UNTAKEN: Final = timedelta(hours=24)
V2_TASK: Final = timedelta(days=7)  # providers.md 2.6: then the task and its file are gone
SPOOL_UNSEEN: Final = timedelta(days=7)  # then an answer's disk counts as gone

CODES: Final = {
    Stage.GENERATING: (Stage.EXPIRED, "task_expired"),
    Stage.STORING: (Stage.BAD_RESULT, "answer_lost"),
}
# Whom a request waited for at last that was never taken. Our key, our quota and our settings are
# ours to mend; whoever names no reason stood in line.
_WAITED_FOR_PROVIDER: Final = frozenset(
    {"unreachable", "rate_limited", "slow_down", "overloaded", "usage_window_full"}
)
NEVER_COPIED: Final = (Stage.EXPIRED, "result_expired")  # a video: its provider had it, not we


def passed(session: Session, *, limit: int = 100) -> Sequence[UUID]:
    """Return the jobs whose time has run out. Few rows are live, so this reads them all."""
    query = select(Run.job_id).join(Job, Job.id == Run.job_id).where(_time_is_up()).limit(limit)
    return session.scalars(query).all()


def end(session: Session, job_id: UUID, *, by: str) -> bool:
    """End one of them, unless it has moved on meanwhile: it may have been sent, and be paid."""
    run = session.scalar(
        select(Run)
        .join(Job, Job.id == Run.job_id)
        .where(Run.job_id == job_id, _time_is_up())
        .with_for_update(of=Run, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    if run is None:
        return False
    stage, code = _ending(run)
    runs.ended_by(session, run, stage, by=by, code=code)
    return True


def dropped_at(run: Run, attempts: Sequence[Attempt]) -> datetime | None:
    """Return until when a job's provider keeps its task; None if it does so without end."""
    if run.dialect != Dialect.MINIMAX_V2:
        return None
    return max((attempt.created_at for attempt in attempts), default=run.stage_since) + V2_TASK


def _time_is_up() -> ColumnElement[bool]:
    """Return whether a run that nobody works on has waited for too long."""
    of_job = Attempt.job_id == Run.job_id
    consented = select(func.max(Attempt.consent_at)).where(of_job).scalar_subquery()
    sent = select(func.max(Attempt.created_at)).where(of_job).scalar_subquery()
    spool_seen = select(Spool.seen_at).where(Spool.name == Run.spool_host).scalar_subquery()
    now = clock.now()
    return Run.lease_owner.is_(None) & or_(
        (Run.stage == Stage.READY)
        & (Job.created_at < now - UNTAKEN)
        & (func.coalesce(consented, Job.created_at) < now - UNTAKEN),
        Run.stage.in_([Stage.GENERATING, Stage.STORING])
        & (Run.dialect == Dialect.MINIMAX_V2)
        & (Job.created_at < now - V2_TASK)
        & (sent < now - V2_TASK),
        (Run.stage == Stage.STORING)
        & Run.spool_host.is_not(None)
        # Greatest of what there is: a spool without a row was there when the answer came.
        & (func.greatest(Run.stage_since, spool_seen) < now - SPOOL_UNSEEN),
    )


def _ending(run: Run) -> tuple[Stage, str]:
    """Return the final stage and its code. Only an edit's answer lies on a disk of ours."""
    if Stage(run.stage) is Stage.READY:
        return Stage.EXPIRED, _untaken(run.waiting_for)
    if Stage(run.stage) is Stage.STORING and run.spool_host is None:
        return NEVER_COPIED
    return CODES[Stage(run.stage)]


def _untaken(waiting_for: str | None) -> str:
    if waiting_for is None:
        return "expired_in_line"
    return "expired" if waiting_for in _WAITED_FOR_PROVIDER else "expired_here"
