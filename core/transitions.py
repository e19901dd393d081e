"""The one place where a stage changes: a locked run, its job's status, and the job's log.

Nothing but `core.runs` and `core.claims` moves a job by these; everybody else makes a named move
there.
"""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, Uuid, func, text
from sqlalchemy.orm import Session

from core import events
from core.clock import NEVER, now
from core.errors import Conflict, NotFound
from core.ids import new_id
from core.models import Job, Run
from core.stages import FINAL, NEXT, Stage, status_of
from core.usage import Key


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
    news = to in FINAL or Stage.UNCERTAIN in {source, to}
    events.show_change(session, job_id=run.job_id, user_id=run.user_id, news=news)


# `move` to `submitting` of all that was chosen, with the lease that it needs, in the order
# chosen. It is what a person waits for, so nothing is loaded and all is one round trip.
_BEGIN_SENDING: Final = text(
    f"""
    WITH wanted AS (
        SELECT * FROM unnest(CAST(:job_ids AS uuid[]), CAST(:event_ids AS uuid[]))
            WITH ORDINALITY AS each (job_id, event_id, place)
    ), due AS MATERIALIZED (
        SELECT job_id, event_id, place, failures
        FROM runs JOIN wanted USING (job_id)
        WHERE stage = '{Stage.READY}'
        FOR UPDATE OF runs SKIP LOCKED
    ), moved AS (
        UPDATE runs
        SET stage = '{Stage.SUBMITTING}', stage_since = now(),
            failures = 0, waiting_for = NULL, provider_status = NULL,
            lease_owner = :worker, lease_token = lease_token + 1,
            lease_until = clock_timestamp()
                + make_interval(secs => CAST(CAST(:leases AS json) ->> dialect AS float)),
            key_id = CAST(:sent_by AS json) ->> dialect
        FROM due WHERE runs.job_id = due.job_id
        RETURNING runs.*, due.event_id, due.place, due.failures AS failures_before
    ), shown AS (
        UPDATE jobs
        SET status = '{status_of(Stage.SUBMITTING)}', started_at = coalesce(started_at, now())
        FROM moved WHERE id = moved.job_id
    ), logged AS (
        INSERT INTO job_events (id, job_id, kind, from_stage, to_stage, by)
        SELECT event_id, job_id, 'moved', '{Stage.READY}', '{Stage.SUBMITTING}', :worker
        FROM moved
    )
    SELECT job_id, '{Stage.READY}' AS stage, dialect, model, lease_token,
           failures_before AS failures, polls, due_at, cancel_by, NULL AS task_id,
           pg_notify(
               '{events.LIVE_CHANNEL}', json_build_object('job', job_id, 'user', user_id)::text
           )
    FROM moved ORDER BY place
    """  # noqa: S608  (our own constants)
).columns(job_id=Uuid)


def begin_sending(
    session: Session, job_ids: Sequence[UUID], *, worker: str, leases: str, keys: Sequence[Key]
) -> Sequence[Row[Any]]:
    """Lease those of these runs that are still `ready` and make them `submitting`.

    `leases` is JSON: seconds by dialect. Returns what each was, under its new token.
    """
    wanted = {
        "job_ids": list(job_ids),
        "event_ids": [new_id() for _ in job_ids],
        "sent_by": json.dumps({key.dialect: key.id for key in keys}),
    }
    return session.execute(_BEGIN_SENDING, {"worker": worker, "leases": leases, **wanted}).all()


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
