"""The one place where a stage changes: a locked run, its job's status, and the job's log.

Nothing but `core.runs` and `core.claims` calls these; everybody else makes a named move there.
"""

from datetime import timedelta
from typing import Any

from sqlalchemy import func
from sqlalchemy.orm import Session

from core import events
from core.clock import NEVER, now
from core.errors import Conflict, NotFound
from core.models import Job, Run
from core.stages import FINAL, NEXT, Stage, status_of


def job_of(session: Session, run: Run) -> Job:
    """Return the job a run belongs to."""
    job = session.get(Job, run.job_id)
    if job is None:
        raise NotFound(f"No job {run.job_id}.")
    return job


def move(session: Session, run: Run, to: Stage, *, by: str, **detail: Any) -> None:
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
    show(session, run)


def _show_in_job(job: Job, stage: Stage) -> None:
    """Write to the job's row only what people filter by, and only when it changes."""
    if job.status != status_of(stage):
        job.status = status_of(stage)
    if stage is Stage.SUBMITTING and job.started_at is None:
        job.started_at = func.now()
    if stage in FINAL:
        job.final_stage = stage
        job.completed_at = func.now()


def end(
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
    move(session, run, stage, by=by, code=code)
    return job


def become_uncertain(session: Session, run: Run, *, by: str, why: str) -> None:
    move(session, run, Stage.UNCERTAIN, by=by, why=why)
    run.waiting_for = why
    run.lease_owner = None
    run.lease_until = None
    run.due_at = NEVER


def release(run: Run, *, due_in_s: float) -> None:
    run.lease_owner = None
    run.lease_until = None
    run.due_at = now() + timedelta(seconds=due_in_s)


def show(session: Session, run: Run) -> None:
    events.show_change(session, job_id=run.job_id, user_id=run.user_id)
