"""Every table. Timestamps are UTC by the database's clock; money is numeric.

What changes often (`runs`) and what is read often (`jobs`) do not share a row:
a poll must not rewrite the row that the history's indexes point to.
"""

import enum
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Double,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    Numeric,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from core.ids import new_id
from core.stages import FINAL, LIVE, LIVE_OUTCOMES, Outcome, Stage, Status


class Base(DeclarativeBase):
    """Columns read as plain Python; constraint names are stable."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: TIMESTAMP(timezone=True),
        dict[str, Any]: JSONB,
        str: Text,
        bytes: LargeBinary,
        int: BigInteger,
        Decimal: Numeric(12, 6),
    }


def _words(members: type[enum.StrEnum] | frozenset[Any]) -> str:
    return ", ".join(f"'{member.value}'" for member in sorted(members))


def one_of(column: str, members: type[enum.StrEnum] | frozenset[Any]) -> CheckConstraint:
    """Let the database refuse values the code does not know."""
    return CheckConstraint(f"{column} IN ({_words(members)})", name=column)


def _id() -> Mapped[UUID]:
    return mapped_column(primary_key=True, default=new_id)


def _now() -> Mapped[datetime]:
    return mapped_column(server_default=func.now())


class Role(enum.StrEnum):
    TESTER = "tester"
    ADMIN = "admin"


class Provider(enum.StrEnum):
    GPT = "gpt"
    HAILUO = "hailuo"


class Dialect(enum.StrEnum):
    OPENAI = "openai"
    MINIMAX_V1 = "minimax_v1"
    MINIMAX_V2 = "minimax_v2"


class AssetKind(enum.StrEnum):
    INPUT = "input"  # as uploaded
    PREPARED = "prepared"  # as sent and shown
    MASK = "mask"
    MARKUP = "markup"
    RESULT = "result"
    THUMBNAIL = "thumbnail"
    POSTER = "poster"
    PREVIEW = "preview"  # a partial result while the real one is being made
    HEATMAP = "heatmap"
    RAW = "raw"  # a provider's answer that held nothing usable


class UploadState(enum.StrEnum):
    PENDING = "pending"  # presigned; the bytes may or may not have arrived
    CONFIRMED = "confirmed"
    REJECTED = "rejected"


class User(Base):
    """A person. The password's hash lives in the credentials file, not here."""

    __tablename__ = "users"
    __table_args__ = (
        one_of("role", Role),
        CheckConstraint("locale IN ('ko', 'en')", name="locale"),
    )

    id: Mapped[UUID] = _id()
    login_id: Mapped[str] = mapped_column(unique=True)
    display_name: Mapped[str]
    role: Mapped[str]
    locale: Mapped[str | None]  # null: the browser's language
    monthly_budget_usd: Mapped[Decimal | None]
    created_at: Mapped[datetime] = _now()
    disabled_at: Mapped[datetime | None]


class Session(Base):
    """One signed-in browser; the cookie names it and revoking the row ends it."""

    __tablename__ = "sessions"

    id: Mapped[UUID] = _id()
    token_sha256: Mapped[bytes] = mapped_column(unique=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[datetime] = _now()
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    address: Mapped[str | None]
    user_agent: Mapped[str | None]


class LoginAttempt(Base):
    """A try to sign in, for the windowed lock-out. Old rows are swept."""

    __tablename__ = "login_attempts"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    login_id: Mapped[str]
    address: Mapped[str]
    at: Mapped[datetime] = _now()
    succeeded: Mapped[bool]


Index(None, LoginAttempt.login_id, LoginAttempt.at)
Index(None, LoginAttempt.address, LoginAttempt.at)


class Audit(Base):
    """Who did what, on what, when, from where. The application only inserts and reads."""

    __tablename__ = "audit"

    id: Mapped[UUID] = _id()
    at: Mapped[datetime] = _now()
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    action: Mapped[str]
    object_type: Mapped[str | None]
    object_id: Mapped[str | None]
    address: Mapped[str | None]
    detail: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))


class Job(Base):
    """One paid request, from the click to the stored result. Written when it changes status."""

    __tablename__ = "jobs"
    __table_args__ = (
        one_of("provider", Provider),
        one_of("status", Status),
        CheckConstraint(f"final_stage IN ({_words(FINAL)})", name="final_stage"),
        CheckConstraint(
            "(status IN ('done', 'error')) = (final_stage IS NOT NULL)", name="final_has_stage"
        ),
        CheckConstraint("(status = 'done') = (final_stage = 'stored')", name="done_is_stored"),
        CheckConstraint("status <> 'done' OR cover_asset_id IS NOT NULL", name="done_has_result"),
        UniqueConstraint("user_id", "client_key"),
    )

    id: Mapped[UUID] = _id()
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    client_key: Mapped[str]  # made by the form or script; a double click is one job
    provider: Mapped[str]
    model: Mapped[str]
    prompt: Mapped[str]
    options: Mapped[dict[str, Any]]  # exactly what was asked
    status: Mapped[str] = mapped_column(default=Status.QUEUED)
    final_stage: Mapped[str | None]
    request_id: Mapped[str | None] = mapped_column(index=True)
    provider_task_id: Mapped[str | None] = mapped_column(index=True)
    parent_job_id: Mapped[UUID | None] = mapped_column(ForeignKey("jobs.id"), index=True)
    matrix_id: Mapped[UUID | None]
    fingerprint: Mapped[bytes]
    created_at: Mapped[datetime] = _now()
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    error_code: Mapped[str | None]
    error_message: Mapped[str | None]  # the provider's own words
    actual: Mapped[dict[str, Any] | None]  # what the provider resolved
    usage: Mapped[dict[str, Any] | None]
    estimate_usd: Mapped[Decimal | None]
    cost_usd: Mapped[Decimal | None]
    price_version: Mapped[str | None]
    cover_asset_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("assets.id", use_alter=True, deferrable=True, initially="DEFERRED")
    )
    deleted_at: Mapped[datetime | None]


Index(None, Job.user_id, Job.id)
Index(None, Job.user_id, Job.status, Job.id)
Index(None, Job.status, Job.id)
Index(None, Job.fingerprint, Job.id)


class Run(Base):
    """The moving part of a job that is not final; gone when it is.

    `due_at` is when somebody may act on it; `infinity` means nobody. A lease is
    held only while a worker is inside one step.
    """

    __tablename__ = "runs"
    __table_args__ = (
        one_of("stage", LIVE),
        CheckConstraint(
            "(lease_owner IS NULL) = (lease_until IS NULL)", name="lease_has_owner_and_end"
        ),
        CheckConstraint("stage <> 'submitting' OR lease_owner IS NOT NULL", name="sender_is_known"),
        CheckConstraint("stage <> 'uncertain' OR lease_owner IS NULL", name="uncertain_is_free"),
        {"postgresql_with": {"fillfactor": 70}},
    )

    job_id: Mapped[UUID] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    user_id: Mapped[UUID]
    provider: Mapped[str]
    dialect: Mapped[str]
    model: Mapped[str]
    key_id: Mapped[str | None]  # which of our keys sends it: known once it is claimed
    input_images: Mapped[int] = mapped_column(server_default="0", default=0)
    stage: Mapped[str] = mapped_column(default=Stage.READY)
    stage_since: Mapped[datetime] = _now()
    due_at: Mapped[datetime] = _now()
    lease_owner: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    lease_token: Mapped[int] = mapped_column(server_default="0", default=0)
    failures: Mapped[int] = mapped_column(server_default="0", default=0)  # of this stage, in a row
    polls: Mapped[int] = mapped_column(server_default="0", default=0)
    looked_at: Mapped[datetime | None]  # when the provider last said that it is still at work
    provider_status: Mapped[str | None]  # the provider's own word, for the page
    waiting_for: Mapped[str | None]  # a code of core.refusals: why it was put back
    spool_host: Mapped[str | None]  # only the disk with this spool holds the answer
    cancel_by: Mapped[str | None]  # who asked to have it dropped at the provider


# Narrow partial indexes: whose turn it is, when the next turn is due, what is to be polled or
# stored, what a key has in hand, and whose lease may have ended.
# `due_at` stays out of no index: a poll moves it, so the row's update is not HOT,
# but the index holds only live rows (a few dozen), never the history.
Index(
    "ix_runs_ready",
    Run.dialect,
    Run.user_id,
    Run.due_at,
    Run.job_id,
    postgresql_where=text("stage = 'ready'"),
)
Index("ix_runs_waiting", Run.due_at, postgresql_where=text("stage = 'ready'"))
Index(
    "ix_runs_due",
    Run.due_at,
    Run.job_id,
    postgresql_where=text("lease_owner IS NULL AND stage IN ('generating', 'storing')"),
)
Index(
    "ix_runs_in_hand",
    Run.dialect,
    Run.key_id,
    postgresql_where=text("stage IN ('submitting', 'generating', 'uncertain')"),
)
Index("ix_runs_lease_until", Run.lease_until, postgresql_where=text("lease_owner IS NOT NULL"))
Index("ix_runs_user_id", Run.user_id)


class Attempt(Base):
    """One paid request: the money. Written (`open`) before anything is sent."""

    __tablename__ = "attempts"
    __table_args__ = (
        one_of("outcome", Outcome),
        one_of("dialect", Dialect),
        UniqueConstraint("job_id", "n"),
        UniqueConstraint("dialect", "provider_task_id"),
        CheckConstraint(
            "(consent_by IS NULL) = (consent_at IS NULL)", name="consent_has_person_and_time"
        ),
        CheckConstraint(  # a restored database may have forgotten a request, and sent another
            "outcome <> 'superseded' OR consent_by IS NOT NULL"
            " OR observation IS NOT DISTINCT FROM 'restored'",
            name="superseded_by_consent",
        ),
    )

    id: Mapped[UUID] = _id()
    job_id: Mapped[UUID] = mapped_column(ForeignKey("jobs.id"))
    n: Mapped[int]
    dialect: Mapped[str]
    key_id: Mapped[str]  # which of our keys paid: the first bytes of its hash
    input_images: Mapped[int] = mapped_column(server_default="0", default=0)
    worker: Mapped[str]
    lease_token: Mapped[int]
    created_at: Mapped[datetime] = _now()
    send_deadline: Mapped[datetime]
    outcome: Mapped[str] = mapped_column(default=Outcome.OPEN)
    observation: Mapped[str | None]  # what was seen: a code of core.refusals
    settled_at: Mapped[datetime | None]
    provider_task_id: Mapped[str | None]
    candidate_task_id: Mapped[str | None]  # named to us; proves nothing until asked
    recheck_at: Mapped[datetime | None]  # a late answer waits to be looked at
    request_id: Mapped[str | None]
    http_status: Mapped[int | None]
    callback_token_sha256: Mapped[bytes | None] = mapped_column(unique=True)
    cost_estimate_usd: Mapped[Decimal | None]
    consent_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    consent_at: Mapped[datetime | None]


Index(
    "uq_attempts_one_live_per_job",
    Attempt.job_id,
    unique=True,
    postgresql_where=text(f"outcome IN ({_words(LIVE_OUTCOMES)})"),
)
Index(None, Attempt.dialect, Attempt.key_id, Attempt.created_at)  # what a key has sent lately
Index(None, Attempt.recheck_at, postgresql_where=text("recheck_at IS NOT NULL"))


class GenerationTime(Base):
    """How long the provider took for one video: between two ages, in seconds from its start."""

    __tablename__ = "generation_times"
    __table_args__ = (
        CheckConstraint("0 <= earliest_s AND earliest_s <= latest_s", name="in_order"),
    )

    job_id: Mapped[UUID] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    kind: Mapped[str]  # model, resolution, length and mode: core.durations.kind_of
    earliest_s: Mapped[float] = mapped_column(Double)
    latest_s: Mapped[float] = mapped_column(Double)
    called_back: Mapped[bool | None]  # whether a callback told of it; null: none was asked for


Index(None, GenerationTime.kind, GenerationTime.job_id)


class JobEvent(Base):
    """One line of a job's log, written in the transaction of what it tells."""

    __tablename__ = "job_events"

    id: Mapped[UUID] = _id()
    job_id: Mapped[UUID] = mapped_column(ForeignKey("jobs.id"), index=True)
    attempt_id: Mapped[UUID | None] = mapped_column(ForeignKey("attempts.id"))
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    kind: Mapped[str]  # 'moved', or what happened without a move
    from_stage: Mapped[str | None]
    to_stage: Mapped[str | None]
    by: Mapped[str | None]  # a worker's id, a login, or form | operator | provider
    detail: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))


class Asset(Base):
    """A file in our bucket. Several rows may name one object."""

    __tablename__ = "assets"
    __table_args__ = (one_of("kind", AssetKind),)

    id: Mapped[UUID] = _id()
    job_id: Mapped[UUID | None] = mapped_column(ForeignKey("jobs.id"), index=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    attempt_id: Mapped[UUID | None] = mapped_column(ForeignKey("attempts.id"))
    source_asset_id: Mapped[UUID | None] = mapped_column(ForeignKey("assets.id"), index=True)
    kind: Mapped[str]
    position: Mapped[int] = mapped_column(server_default="0", default=0)
    filename: Mapped[str | None]
    mime: Mapped[str]
    bytes: Mapped[int]
    bucket: Mapped[str]
    key: Mapped[str]
    sha256: Mapped[str]  # hexadecimal
    etag: Mapped[str | None]
    width: Mapped[int | None]
    height: Mapped[int | None]
    duration_s: Mapped[Decimal | None]
    created_at: Mapped[datetime] = _now()
    expired_at: Mapped[datetime | None]


Index(None, Asset.key)
Index("ix_assets_library", Asset.user_id, Asset.sha256, postgresql_where=text("job_id IS NULL"))
Index(
    "uq_assets_one_per_place",
    Asset.job_id,
    Asset.kind,
    Asset.position,
    Asset.source_asset_id,
    Asset.attempt_id,
    unique=True,
    postgresql_nulls_not_distinct=True,
    postgresql_where=text("job_id IS NOT NULL"),
)


class Upload(Base):
    """A presigned PUT that is not yet, or no longer, waiting for its confirmation."""

    __tablename__ = "uploads"
    __table_args__ = (one_of("state", UploadState),)

    id: Mapped[UUID] = _id()
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    state: Mapped[str] = mapped_column(default=UploadState.PENDING)
    purpose: Mapped[str]
    key: Mapped[str] = mapped_column(unique=True)
    filename: Mapped[str]
    mime: Mapped[str]
    bytes: Mapped[int]
    sha256: Mapped[str]
    created_at: Mapped[datetime] = _now()
    expires_at: Mapped[datetime]
    asset_id: Mapped[UUID | None] = mapped_column(ForeignKey("assets.id"))
    problem: Mapped[str | None]


class PromptCache(Base):
    """The newest finished job of an identical request: offered, never silently served."""

    __tablename__ = "prompt_cache"

    fingerprint: Mapped[bytes] = mapped_column(primary_key=True)
    job_id: Mapped[UUID] = mapped_column(ForeignKey("jobs.id"))


class ProviderGate(Base):
    """What one key may do now, over all workers. `model` is empty for the whole key."""

    __tablename__ = "provider_gates"

    dialect: Mapped[str] = mapped_column(primary_key=True)
    key_id: Mapped[str] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(primary_key=True, default="")
    closed_until: Mapped[datetime | None]  # infinity: a person has to help
    closed_code: Mapped[str | None]  # a code of core.refusals
    closed_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]  # when the provider was last asked something free
    # Closed: since when one job may pass all the same. Open: since when, on another gate's word.
    trial_at: Mapped[datetime | None]
    trial_job_id: Mapped[UUID | None]  # the job that did
    limits: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    slow_until: Mapped[datetime | None]  # the provider told us to slow down until then
    slow_requests_per_minute: Mapped[int | None]
    updated_at: Mapped[datetime] = _now()


class Worker(Base):
    """A worker process and when it was last seen."""

    __tablename__ = "workers"

    id: Mapped[str] = mapped_column(primary_key=True)
    host: Mapped[str]
    started_at: Mapped[datetime] = _now()
    seen_at: Mapped[datetime] = _now()
    stopping_at: Mapped[datetime | None]
    in_hand: Mapped[int] = mapped_column(server_default="0", default=0)


class Spool(Base):
    """A folder in which paid answers wait, and where and when a worker last had it."""

    __tablename__ = "spools"

    name: Mapped[str] = mapped_column(primary_key=True)  # the folder's own: `workers.spool`
    machine: Mapped[str]
    seen_at: Mapped[datetime] = _now()


class Tick(Base):
    """A periodic effect that must happen once over all hosts."""

    __tablename__ = "ticks"

    task: Mapped[str] = mapped_column(primary_key=True)
    tick: Mapped[datetime] = mapped_column(primary_key=True)
    worker: Mapped[str]
    at: Mapped[datetime] = _now()
