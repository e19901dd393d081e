"""Every way to file, find and change a job. Functions never commit."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Numeric, Uuid, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Session

from core import assets, audit, events
from core.errors import Conflict, NotFound, msg
from core.ids import new_id
from core.models import AssetKind, Job, PromptCache, User
from core.stages import Stage, Status


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


# By name: a migrated table has another order than a new one.
_COLUMNS: Final = ", ".join(column.name for column in Job.__table__.columns)
# A job, its run, the first line of its log, and the two signals that are sent at commit.
# One round trip, because a person waits for it.
_FILE: Final = text(
    f"""
    WITH made AS (
        INSERT INTO jobs (id, user_id, client_key, provider, model, prompt, options, status,
                          fingerprint, estimate_usd, parent_job_id)
        VALUES (:id, :user_id, :client_key, :provider, :model, :prompt, :options, :status,
                :fingerprint, :estimate_usd, :parent_job_id)
        ON CONFLICT (user_id, client_key) DO NOTHING
        RETURNING {_COLUMNS}
    ), run AS (
        INSERT INTO runs (job_id, user_id, provider, dialect, model, input_images, stage)
        SELECT id, user_id, provider, :dialect, model, :input_images, '{Stage.READY}' FROM made
    ), logged AS (
        INSERT INTO job_events (id, job_id, kind, to_stage, by)
        SELECT :event_id, id, 'moved', '{Stage.READY}', 'form' FROM made
    ), told AS (
        SELECT pg_notify('{events.WORK_CHANNEL}', '{Stage.READY}'),
               pg_notify(
                   '{events.LIVE_CHANNEL}',
                   json_build_object('job', id, 'user', user_id, 'news', true)::text
               )
        FROM made
    )
    SELECT made.* FROM made, told
    """  # noqa: S608  (our own constants)
).bindparams(
    bindparam("id", type_=Uuid),
    bindparam("user_id", type_=Uuid),
    bindparam("parent_job_id", type_=Uuid),
    bindparam("event_id", type_=Uuid),
    bindparam("options", type_=JSONB),
)
_FILED: Final = select(Job).from_statement(_FILE.columns(*Job.__table__.columns))


def queue(session: Session, user: User, order: Order) -> Job:
    """File a job, or return the one that the same click has filed already."""
    pictures = sum(item.original.kind == AssetKind.INPUT for item in order.inputs)
    row = {
        "id": new_id(),
        "user_id": user.id,
        "client_key": order.client_key,
        "provider": order.provider,
        "model": order.model,
        "prompt": order.prompt,
        "options": dict(order.options),
        "status": Status.QUEUED,
        "fingerprint": order.fingerprint(),
        "estimate_usd": order.estimate_usd,
        "parent_job_id": order.parent_job_id,
    }
    run = {"dialect": order.dialect, "input_images": pictures, "event_id": new_id()}
    job: Job | None = session.scalar(_FILED, {**row, **run})
    if job is None:
        return session.scalars(
            select(Job).where(Job.user_id == user.id, Job.client_key == order.client_key)
        ).one()
    assets.attach(session, job, order.inputs)
    return job


def visible(session: Session, viewer: User, id: UUID, *, team_reads: bool) -> Job:
    """Return a job this person may look at; foreign and missing ones look the same.

    Raises:
        NotFound: no such job, or it is somebody else's and the team does not share.
    """
    job = session.get(Job, id)
    if job is None or not _may_look(viewer, job, team_reads=team_reads):
        raise NotFound(msg("This job does not exist, or it is not yours to see."))
    return job


def _may_look(viewer: User, job: Job, *, team_reads: bool) -> bool:
    return job.user_id == viewer.id or viewer.role == "admin" or team_reads


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
    """Put a job that has ended in the trash; `restored` takes it out again.

    People do this through `core.decisions.trash`: what is hidden must not go on and cost.

    Raises:
        Conflict: it has not ended.
    """
    job = owned(session, owner, id)
    if job.final_stage is None:
        raise Conflict(f"Job {id} has not ended; it cannot be put in the trash.")
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


def twin(session: Session, fingerprint: bytes, *, viewer: User, team_reads: bool) -> Job | None:
    """Return the newest finished job of an identical request, if this person may look at it."""
    job = session.scalar(
        select(Job)
        .join(PromptCache, PromptCache.job_id == Job.id)
        .where(PromptCache.fingerprint == fingerprint, Job.deleted_at.is_(None))
    )
    return job if job is not None and _may_look(viewer, job, team_reads=team_reads) else None


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
