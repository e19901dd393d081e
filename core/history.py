"""The history: which jobs a filter finds, as cards, newest first.

A card is read as columns, in one statement for a whole page: the grid reads it again at
every change that is pushed, and loading objects costs three times as much.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Row, ScalarSelect, Select, exists, func, select
from sqlalchemy.orm import Session

from core.assets import SMALL
from core.ids import floor_id
from core.models import Asset, AssetKind, Job, Provider, Run, User
from core.stages import Stage

PAGE_SIZE = 48
COUNTED = 1000  # further nobody reads, and counting 20,000 rows takes its time
SHOWN_OF_PROMPT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What a page of the history shows. Empty means everything."""

    statuses: Sequence[str] = ()
    needs_decision: bool = False
    providers: Sequence[str] = ()
    user_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A job as a picture and a few facts; keys are those of objects in the bucket."""

    id: UUID
    created_at: datetime
    user_id: UUID
    owner: str
    kind: str  # 'image' or 'video'
    model: str
    title: str
    status: str
    stage: Stage
    cost_usd: Decimal | None
    cover_id: UUID | None
    thumbnail_key: str | None
    preview_key: str | None  # shown blurred until there is a thumbnail
    input_key: str | None  # the first input's thumbnail, until there is a preview
    duration_s: float | None
    results: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of cards, and whether there are more of them on either side."""

    cards: Sequence[Card]
    has_newer: bool = False
    has_older: bool = False


def page(
    session: Session,
    filter: Filter,
    *,
    before: UUID | None = None,
    after: UUID | None = None,
    limit: int = PAGE_SIZE,
) -> Page:
    """Return jobs newest first: those older than `before`, or next newer than `after`."""
    wanted = _filtered(select(Job.id), filter)
    if after is not None:
        # One more than is shown tells whether there are further ones.
        wanted = wanted.where(Job.id > after).order_by(Job.id)
    elif before is not None:
        wanted = wanted.where(Job.id < before).order_by(Job.id.desc())
    else:
        wanted = wanted.order_by(Job.id.desc())
    rows = session.execute(_cards(wanted.limit(limit + 1))).all()
    more = len(rows) > limit
    shown = (rows[-limit:] if after is not None else rows[:limit]) if more else rows
    cards = [_card(row) for row in shown]
    if not cards:
        return Page(cards=())
    if after is not None:
        older = _any(session, filter, Job.id < cards[-1].id)
        return Page(cards=cards, has_newer=more, has_older=older)
    newer = before is not None and _any(session, filter, Job.id > cards[0].id)
    return Page(cards=cards, has_newer=newer, has_older=more)


def count(session: Session, filter: Filter, *, limit: int = COUNTED) -> int:
    """Return how many jobs a filter finds, counting no further than `limit` + 1."""
    found = _filtered(select(Job.id), filter).limit(limit + 1).subquery()
    return session.scalar(select(func.count()).select_from(found)) or 0


def _any(session: Session, filter: Filter, further: ColumnElement[bool]) -> bool:
    return bool(session.scalar(select(exists(_filtered(select(Job.id), filter).where(further)))))


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


def _file(*which: ColumnElement[bool]) -> Select[str]:
    return select(Asset.key).where(Asset.job_id == Job.id, *which).limit(1).correlate(Job)


_COVER: Final[ScalarSelect[Any]] = _file(
    Asset.kind.in_(SMALL), Asset.source_asset_id == Job.cover_asset_id
).scalar_subquery()
_NEWEST_PREVIEW: Final = (
    _file(Asset.kind == AssetKind.PREVIEW)
    .order_by(Asset.position.desc(), Asset.id.desc())
    .scalar_subquery()
)
_FIRST_INPUT: Final = (
    _file(Asset.kind.in_(SMALL)).order_by(Asset.position, Asset.id).scalar_subquery()
)
_RESULTS: Final = (
    select(func.count())
    .where(Asset.job_id == Job.id, Asset.kind == AssetKind.RESULT)
    .correlate(Job)
    .scalar_subquery()
)
_COLUMNS: Final = (
    Job.id,
    Job.created_at,
    Job.user_id,
    User.display_name.label("owner"),
    Job.provider,
    Job.model,
    func.left(Job.prompt, SHOWN_OF_PROMPT).label("title"),
    Job.status,
    func.coalesce(Job.final_stage, Run.stage, Stage.READY).label("stage"),
    Job.cost_usd,
    Job.cover_asset_id.label("cover_id"),
    _COVER.label("thumbnail_key"),
    _NEWEST_PREVIEW.label("preview_key"),
    _FIRST_INPUT.label("input_key"),
    func.coalesce(Job.actual["duration"], Job.options["duration"]).label("duration"),
    _RESULTS.label("results"),
)


def _cards(wanted: Select[tuple[UUID]]) -> Select[Any]:
    ids = wanted.subquery()
    return (
        select(*_COLUMNS)
        .join(ids, ids.c.id == Job.id)
        .join(User, User.id == Job.user_id)
        .outerjoin(Run, Run.job_id == Job.id)
        .order_by(Job.id.desc())
    )


def _card(row: Row[Any]) -> Card:
    return Card(
        id=row.id,
        created_at=row.created_at,
        user_id=row.user_id,
        owner=row.owner,
        kind="video" if row.provider == Provider.HAILUO else "image",
        model=row.model,
        title=row.title,
        status=row.status,
        stage=Stage(row.stage),
        cost_usd=row.cost_usd,
        cover_id=row.cover_id,
        thumbnail_key=row.thumbnail_key,
        preview_key=row.preview_key,
        input_key=row.input_key,
        duration_s=float(row.duration) if isinstance(row.duration, int | float) else None,
        results=row.results,
    )
