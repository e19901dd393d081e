"""Files in our bucket, as rows. Several rows may name one object."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.errors import NotFound, Rejected, msg
from core.models import Asset, AssetKind, Job
from core.stages import Stage
from core.storage import Stored

PNG = "image/png"
UPLOADED = (AssetKind.INPUT, AssetKind.MASK, AssetKind.MARKUP)
SMALL = (AssetKind.THUMBNAIL, AssetKind.POSTER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What is known of a file besides where it lies."""

    mime: str
    sha256: str
    width: int | None = None
    height: int | None = None
    duration_s: Decimal | None = None
    filename: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """To whom and to what a file belongs."""

    user_id: UUID
    job_id: UUID | None = None
    attempt_id: UUID | None = None
    source_id: UUID | None = None
    position: int = 0


def add(session: Session, kind: AssetKind, stored: Stored, picture: Picture, place: Place) -> Asset:
    """Record an object that lies in the bucket; the same place twice is the same row."""
    existing = _at(session, kind, place) if place.job_id is not None else None
    if existing is not None:
        return existing
    asset = Asset(
        kind=kind,
        user_id=place.user_id,
        job_id=place.job_id,
        attempt_id=place.attempt_id,
        source_asset_id=place.source_id,
        position=place.position,
        filename=picture.filename,
        mime=picture.mime,
        bytes=stored.size_bytes,
        bucket=stored.bucket,
        key=stored.key,
        sha256=picture.sha256,
        etag=stored.etag,
        width=picture.width,
        height=picture.height,
        duration_s=picture.duration_s,
    )
    session.add(asset)
    session.flush()
    return asset


def _at(session: Session, kind: AssetKind, place: Place) -> Asset | None:
    return session.scalar(
        select(Asset).where(
            Asset.job_id == place.job_id,
            Asset.kind == kind,
            Asset.position == place.position,
            Asset.source_asset_id.is_not_distinct_from(place.source_id),
            Asset.attempt_id.is_not_distinct_from(place.attempt_id),
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """An uploaded file ready for use: as it came, as it is sent, and small."""

    original: Asset
    prepared: Asset | None
    thumbnail: Asset | None
    png: Asset | None = None  # the prepared copy as PNG, where one was made

    @property
    def sent(self) -> Asset:
        """What goes to the provider."""
        return self.prepared or self.original

    def as_png(self) -> "Input":
        """Return it with what goes to the provider together with a mask."""
        return replace(self, prepared=self.png or self.prepared)


def own_inputs(session: Session, user_id: UUID, ids: Sequence[UUID]) -> Sequence[Input]:
    """Return a person's own uploads in the order asked.

    Raises:
        Rejected: one is missing, foreign (both look the same) or its file has expired.
    """
    rows = session.scalars(
        select(Asset).where(Asset.id.in_(ids), Asset.user_id == user_id, Asset.job_id.is_(None))
    ).all()
    made = _made_from(session, [row.id for row in rows])
    found = {row.id: _input(row, made[row.id]) for row in rows if row.expired_at is None}
    if any(id not in found for id in ids):
        raise Rejected(msg("An input file is no longer there. Upload it again."))
    return [found[id] for id in ids]


def _made_from(session: Session, ids: Sequence[UUID]) -> Mapping[UUID, list[Asset]]:
    made: dict[UUID, list[Asset]] = defaultdict(list)
    for row in session.scalars(select(Asset).where(Asset.source_asset_id.in_(ids))):
        if row.source_asset_id is not None:
            made[row.source_asset_id].append(row)
    return made


def _input(original: Asset, made: Sequence[Asset]) -> Input:
    prepared = [row for row in made if row.kind == AssetKind.PREPARED]
    return Input(
        original=original,
        # Of a photograph there may be two: a mask wants its picture as PNG.
        prepared=min(prepared, key=lambda row: row.mime == PNG, default=None),
        png=next((row for row in prepared if row.mime == PNG), None),
        thumbnail=next((row for row in made if row.kind in SMALL), None),
    )


def inputs_of_job(session: Session, job_id: UUID) -> Sequence[Input]:
    """Return a job's inputs, mask and markup, for running it again.

    Raises:
        Rejected: one of their files has expired.
    """
    rows = of_job(session, job_id)
    originals = [row for row in rows if row.kind in UPLOADED]
    if any(row.expired_at is not None for row in originals):
        raise Rejected(msg("An input file has expired. Upload it again."))
    return [
        _input(original, [row for row in rows if row.source_asset_id == original.id])
        for original in originals
    ]


def same_file(session: Session, user_id: UUID, sha256: str, kind: AssetKind) -> Asset | None:
    """Return a person's earlier upload of the same bytes, if its file is still there."""
    return session.scalar(
        select(Asset)
        .where(
            Asset.user_id == user_id,
            Asset.sha256 == sha256,
            Asset.job_id.is_(None),
            Asset.kind == kind,
            Asset.expired_at.is_(None),
        )
        .order_by(Asset.id.desc())
        .limit(1)
    )


def stored_bytes(session: Session, user_id: UUID) -> int:
    """Return how many bytes a person's distinct objects take, for the quota."""
    objects = (
        select(Asset.key, func.max(Asset.bytes).label("size"))
        .where(Asset.user_id == user_id, Asset.expired_at.is_(None))
        .group_by(Asset.key)
        .subquery()
    )
    return int(session.scalar(select(func.coalesce(func.sum(objects.c.size), 0))) or 0)


def attach(session: Session, job: Job, inputs: Sequence[Input]) -> None:
    """Give a job rows of its own for the files it uses; the objects are shared."""
    for position, item in enumerate(inputs):
        original = _copy(session, item.original, job, position=position, source=None)
        for derived in (item.prepared, item.thumbnail):
            if derived is not None:
                _copy(session, derived, job, position=position, source=original)


_OF_THE_COPY = frozenset(
    {"id", "created_at", "job_id", "user_id", "position", "source_asset_id", "attempt_id"}
)


def _copy(
    session: Session, asset: Asset, job: Job, *, position: int, source: Asset | None
) -> Asset:
    row = Asset(
        **{
            column.name: getattr(asset, column.name)
            for column in Asset.__table__.columns
            if column.name not in _OF_THE_COPY
        },
        job_id=job.id,
        user_id=job.user_id,
        position=position,
        source_asset_id=source.id if source else None,
    )
    session.add(row)
    session.flush()
    return row


def stale_previews(session: Session, *, limit: int = 200) -> Sequence[Asset]:
    """Return partial pictures of jobs that have their result, for sweeping with their objects."""
    return session.scalars(
        select(Asset)
        .join(Job, Job.id == Asset.job_id)
        .where(Asset.kind == AssetKind.PREVIEW, Job.final_stage == Stage.STORED)
        .limit(limit)
        .with_for_update(of=Asset, skip_locked=True)
    ).all()


def of_job(session: Session, job_id: UUID) -> Sequence[Asset]:
    """Return every file of a job, in the order in which it is shown."""
    return session.scalars(
        select(Asset).where(Asset.job_id == job_id).order_by(Asset.kind, Asset.position, Asset.id)
    ).all()


def hold_answer(session: Session, attempt_id: UUID) -> bool:
    """Return whether what a request brought is in the bucket: a result, or the raw answer."""
    kinds = (AssetKind.RESULT, AssetKind.RAW)
    found = select(Asset.id).where(Asset.attempt_id == attempt_id, Asset.kind.in_(kinds)).limit(1)
    return session.scalar(found) is not None


def get(session: Session, id: UUID) -> Asset:
    """Return a file's row. Raises NotFound."""
    asset = session.get(Asset, id)
    if asset is None:
        raise NotFound(msg("This file does not exist."))
    return asset
