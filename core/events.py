"""A job's log, and the two signals that go with it.

Signals are sent inside the transaction: Postgres delivers them at commit, so
nobody is woken for something that did not happen.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.models import JobEvent
from core.stages import Stage

WORK_CHANNEL = "proofsheet_work"  # something may be due now
LIVE_CHANNEL = "proofsheet_live"  # something on a page may have changed
TOLD: Final = 3  # times that a log says of one reason why something failed
TELLS_OF_AN_END: Final = (JobEvent.kind == "callback_came") & JobEvent.detail[
    "at_work"
].astext.is_distinct_from("true")
NEWS: Final = {"news": True}  # in a change: what is said on every page, not on one job's alone


def record(
    session: Session,
    job_id: UUID,
    kind: str,
    *,
    by: str,
    attempt_id: UUID | None = None,
    **detail: Any,
) -> None:
    """Add one line to a job's log. `kind` is past tense; `by` a worker or a login."""
    session.add(JobEvent(job_id=job_id, attempt_id=attempt_id, kind=kind, by=by, detail=detail))


def record_failure(
    session: Session,
    job_id: UUID,
    kind: str,
    *,
    by: str,
    why: str,
    attempt_id: UUID | None = None,
    **detail: Any,
) -> None:
    """Add why something failed that is tried again; of each reason only the first few times.

    What fails for days would else fill the log, and push out what a page reads of it.
    """
    before = count(session, job_id, kind, attempt_id=attempt_id, why=why)
    if before < TOLD:
        last = {"no_more_told": True} if before + 1 == TOLD else {}
        record(session, job_id, kind, by=by, attempt_id=attempt_id, why=why, **detail, **last)


def record_move(
    session: Session, job_id: UUID, *, source: Stage | None, target: Stage, by: str, **detail: Any
) -> None:
    """Add a change of stage to a job's log."""
    session.add(
        JobEvent(
            job_id=job_id,
            kind="moved",
            from_stage=source,
            to_stage=target,
            by=by,
            detail=detail,
        )
    )


def of_job(session: Session, job_id: UUID, *, limit: int = 500) -> Sequence[JobEvent]:
    """Return the newest lines of a job's log, oldest first."""
    newest = session.scalars(
        select(JobEvent).where(JobEvent.job_id == job_id).order_by(JobEvent.id.desc()).limit(limit)
    ).all()
    return list(reversed(newest))


def of_late_results(session: Session, job_ids: Sequence[UUID]) -> Sequence[JobEvent]:
    """Return what some jobs' logs say of results that they had gone on without."""
    kinds = ("late_result_kept", "late_result_missing")
    wanted = JobEvent.job_id.in_(job_ids) & JobEvent.kind.in_(kinds)
    return session.scalars(select(JobEvent).where(wanted)).all()


def count(
    session: Session,
    job_id: UUID,
    kind: str,
    *,
    attempt_id: UUID | None = None,
    why: str | None = None,
    to: Stage | None = None,
    since: datetime | None = None,
) -> int:
    """Return how many lines of a kind a job's log has: of an attempt, for a reason, to a stage."""
    query = select(func.count()).where(JobEvent.job_id == job_id, JobEvent.kind == kind)
    if attempt_id is not None:
        query = query.where(JobEvent.attempt_id == attempt_id)
    if why is not None:
        query = query.where(JobEvent.detail["why"].astext == why)
    if to is not None:
        query = query.where(JobEvent.to_stage == to)
    if since is not None:
        query = query.where(JobEvent.at > since)
    return session.scalar(query) or 0


def wake_workers(session: Session, stage: Stage | None = None) -> None:
    """Tell every worker, at commit, that a step of this stage may be due.

    None: something else is, which workers ask about anyhow.
    """
    _notify(session, WORK_CHANNEL, stage or "")


def show_change(session: Session, *, job_id: UUID, user_id: UUID, news: bool = False) -> None:
    """Tell every open page, at commit, that this job looks different now.

    `news`: so does what every page of this person says, whatever job it shows.
    """
    change = {"job": str(job_id), "user": str(user_id)}
    _notify(session, LIVE_CHANNEL, json.dumps(change | NEWS if news else change))


def show_news(session: Session) -> None:
    """Tell everybody's pages, at commit, that what is said on all of them has changed."""
    _notify(session, LIVE_CHANNEL, json.dumps(NEWS))


def _notify(session: Session, channel: str, payload: str) -> None:
    # On the connection: the session would flush rows that are only half written.
    session.connection().execute(select(func.pg_notify(channel, payload)))
