"""Every way to file, find and change a job. Functions never commit."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Numeric, Select, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import assets, audit, events, runs
from core.errors import NotFound, msg
from core.ids import floor_id, new_id
from core.models import Job, PromptCache, Run, User
from core.stages import Stage, Status

PAGE_SIZE = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A checked request, ready to be filed. `options` is exactly what will be asked."""

    provider: str
    dialect: str
    model: str
    prompt: str
    options: Mapping[str, Any]
    inputs: Sequence[assets.Input]
    client_key: str
    estimate_usd: Decimal | None = None
    parent_job_id: UUID | None = None

    def fingerprint(self) -> bytes:
        """Return what two identical requests have in common."""
        request = [
            self.provider,
            self.model,
            self.prompt,
            dict(self.options),
            [(item.original.kind, item.sent.sha256) for item in self.inputs],
        ]
        return hashlib.sha256(
            json.dumps(request, sort_keys=True, ensure_ascii=False, default=str).encode()
        ).digest()


def queue(session: Session, user: User, order: Order) -> Job:
    """File a job, or return the one that the same click has filed already."""
    row = insert(Job).values(
        id=new_id(),
        user_id=user.id,
        client_key=order.client_key,
        provider=order.provider,
        model=order.model,
        prompt=order.prompt,
        options=dict(order.options),
        status=Status.QUEUED,
        fingerprint=order.fingerprint(),
        estimate_usd=order.estimate_usd,
        parent_job_id=order.parent_job_id,
    )
    made = session.scalar(
        row.on_conflict_do_nothing(index_elements=[Job.user_id, Job.client_key]).returning(Job.id)
    )
    job = session.scalars(
        select(Job).where(Job.user_id == user.id, Job.client_key == order.client_key)
    ).one()
    if made is not None:
        assets.attach(session, job, order.inputs)
        runs.create(session, job, dialect=order.dialect)
    return job


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What a page of the history shows. Empty means everything."""

    statuses: Sequence[str] = ()
    needs_decision: bool = False
    providers: Sequence[str] = ()
    user_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


def page(
    session: Session,
    filter: Filter,
    *,
    before: UUID | None = None,
    after: UUID | None = None,
    limit: int = PAGE_SIZE,
) -> Sequence[Job]:
    """Return jobs newest first: those older than `before`, or next newer than `after`."""
    query = _filtered(select(Job), filter)
    if after is not None:
        newer = session.scalars(query.where(Job.id > after).order_by(Job.id).limit(limit)).all()
        return list(reversed(newer))
    if before is not None:
        query = query.where(Job.id < before)
    return session.scalars(query.order_by(Job.id.desc()).limit(limit)).all()


def count_up_to(session: Session, filter: Filter, *, limit: int = 1000) -> int:
    """Return how many jobs a filter finds, counting no further than `limit` + 1."""
    found = _filtered(select(Job.id), filter).limit(limit + 1).subquery()
    return session.scalar(select(func.count()).select_from(found)) or 0


def _filtered(query: Select[Any], filter: Filter) -> Select[Any]:
    query = query.where(Job.deleted_at.is_(None))
    if filter.user_id is not None:
        query = query.where(Job.user_id == filter.user_id)
    if filter.statuses:
        query = query.where(Job.status.in_(filter.statuses))
    if filter.providers:
        query = query.where(Job.provider.in_(filter.providers))
    if filter.since is not None:
        query = query.where(Job.id >= floor_id(filter.since))
    if filter.until is not None:
        query = query.where(Job.id < floor_id(filter.until))
    if filter.needs_decision:
        query = query.where(Job.id.in_(select(Run.job_id).where(Run.stage == Stage.UNCERTAIN)))
    return query


def visible(session: Session, viewer: User, id: UUID, *, team_reads: bool) -> Job:
    """Return a job this person may look at; foreign and missing ones look the same.

    Raises:
        NotFound: no such job, or it is somebody else's and the team does not share.
    """
    job = session.get(Job, id)
    allowed = job is not None and (job.user_id == viewer.id or viewer.role == "admin" or team_reads)
    if job is None or not allowed:
        raise NotFound(msg("This job does not exist, or it is not yours to see."))
    return job


def owned(session: Session, owner: User, id: UUID) -> Job:
    """Return a job this person may change, locked. Raises NotFound."""
    require_may_change(session, owner, id)
    return session.get_one(Job, id, with_for_update=True, populate_existing=True)


def require_may_change(session: Session, user: User, id: UUID) -> None:
    """Raise NotFound unless a person may decide about a job. Locks and loads nothing."""
    owner_id = session.scalar(select(Job.user_id).where(Job.id == id))
    if owner_id is None or (owner_id != user.id and user.role != "admin"):
        raise NotFound(msg("This job does not exist, or it is not yours to change."))


def trashed(session: Session, owner: User, id: UUID) -> None:
    """Put a job in the trash; `restored` takes it out again."""
    job = owned(session, owner, id)
    if job.deleted_at is None:
        job.deleted_at = func.now()
        audit.record(session, "job_trashed", user_id=owner.id, on=("job", id))
        events.show_change(session, job_id=id, user_id=job.user_id)


def restored(session: Session, owner: User, id: UUID) -> None:
    """Take a job out of the trash."""
    job = owned(session, owner, id)
    if job.deleted_at is not None:
        job.deleted_at = None
        audit.record(session, "job_restored", user_id=owner.id, on=("job", id))
        events.show_change(session, job_id=id, user_id=job.user_id)


def run_states(session: Session, ids: Sequence[UUID]) -> Mapping[UUID, Run]:
    """Return the moving parts of a page of jobs; final jobs have none."""
    rows = session.scalars(select(Run).where(Run.job_id.in_(ids)))
    return {run.job_id: run for run in rows}


def twin(session: Session, fingerprint: bytes) -> Job | None:
    """Return the newest finished job of an identical request, to offer it."""
    return session.scalar(
        select(Job)
        .join(PromptCache, PromptCache.job_id == Job.id)
        .where(PromptCache.fingerprint == fingerprint, Job.deleted_at.is_(None))
    )


def remember_result(session: Session, job: Job) -> None:
    """Make a finished job the one that is offered for an identical request."""
    row = insert(PromptCache).values(fingerprint=job.fingerprint, job_id=job.id)
    session.execute(
        row.on_conflict_do_update(
            index_elements=[PromptCache.fingerprint], set_={"job_id": row.excluded.job_id}
        )
    )


def typical_seconds(session: Session, *, model: str, sample: int = 50) -> float | None:
    """Return the median seconds from start to end of a model's last finished jobs."""
    last = (
        select(func.extract("epoch", Job.completed_at - Job.started_at).label("seconds"))
        .where(Job.model == model, Job.status == Status.DONE)
        .order_by(Job.id.desc())
        .limit(sample)
        .subquery()
    )
    value = session.scalar(select(func.percentile_cont(0.5).within_group(last.c.seconds.asc())))
    return float(value) if value is not None else None


def typical_cost(
    session: Session, *, model: str, quality: str | None, size: str | None, sample: int = 50
) -> Decimal | None:
    """Return the median cost of one result of a model's last jobs of this quality and size."""
    count = func.coalesce(Job.options["n"].astext.cast(Numeric), 1)
    last = (
        select((Job.cost_usd / count).label("cost_usd"))
        .where(
            Job.model == model,
            Job.status == Status.DONE,
            Job.cost_usd.is_not(None),
            Job.options["quality"].astext.is_not_distinct_from(quality),
            Job.options["size"].astext.is_not_distinct_from(size),
        )
        .order_by(Job.id.desc())
        .limit(sample)
        .subquery()
    )
    value = session.scalar(
        select(func.percentile_cont(text("0.5")).within_group(last.c.cost_usd.asc()))
    )
    return Decimal(str(value)) if value is not None else None
