"""The history: which jobs a filter finds, as cards, newest first.

A card is read as columns, in one statement for a whole page: the grid reads it again at
every change that is pushed, and loading objects costs three times as much.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Row, ScalarSelect, Select, bindparam, exists, func, select
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
    """A page of cards, how many there are, and whether there are more of them on either side."""

    cards: Sequence[Card]
    total: int = 0  # of all pages together, counted no further than one above `counted`
    has_newer: bool = False
    has_older: bool = False


def page(
    session: Session,
    filter: Filter,
    *,
    before: UUID | None = None,
    after: UUID | None = None,
    limit: int = PAGE_SIZE,
    counted: int = COUNTED,
) -> Page:
    """Return jobs newest first: those older than `before`, or next newer than `after`."""
    wanted = _wanted(filter)
    place = {"after": after} if after is not None else {"before": before} if before else {}
    # One more than is shown tells whether there are further ones.
    found = {**wanted, **place, "limit": limit + 1, "counted": counted + 1}
    rows = session.execute(_cards(frozenset(wanted), *place), found).all()
    more = len(rows) > limit
    shown = (rows[-limit:] if after is not None else rows[:limit]) if more else rows
    cards = [_card(row) for row in shown]
    if not cards:
        return Page(cards=())
    if after is not None:
        newer, older = more, _any(session, wanted, before=cards[-1].id)
    else:
        newer = before is not None and _any(session, wanted, after=cards[0].id)
        older = more
    return Page(cards=cards, total=rows[0].total, has_newer=newer, has_older=older)


def _any(session: Session, wanted: Mapping[str, object], **place: UUID) -> bool:
    return bool(session.scalar(_exists(frozenset({*wanted, *place})), {**wanted, **place}))


def _wanted(filter: Filter) -> Mapping[str, object]:
    """Return what a filter asks for, by the name of its condition."""
    asked = {
        "user_id": filter.user_id,
        "statuses": list(filter.statuses),
        "providers": list(filter.providers),
        "since": filter.since and floor_id(filter.since),
        "until": filter.until and floor_id(filter.until),
        "needs_decision": filter.needs_decision,
    }
    return {name: value for name, value in asked.items() if value}


_CONDITIONS: Final[Mapping[str, ColumnElement[bool]]] = {
    "user_id": Job.user_id == bindparam("user_id"),
    "statuses": Job.status.in_(bindparam("statuses", expanding=True)),
    "providers": Job.provider.in_(bindparam("providers", expanding=True)),
    "since": Job.id >= bindparam("since"),
    "until": Job.id < bindparam("until"),
    "needs_decision": Job.id.in_(select(Run.job_id).where(Run.stage == Stage.UNCERTAIN)),
    "before": Job.id < bindparam("before"),
    "after": Job.id > bindparam("after"),
}


# Statements are made once for each set of conditions: making one takes longer than asking it.
@functools.cache
def _found(names: frozenset[str]) -> Select[UUID]:
    conditions = (_CONDITIONS[name] for name in sorted(names))
    return select(Job.id).where(Job.deleted_at.is_(None), *conditions)


@functools.cache
def _exists(names: frozenset[str]) -> Select[bool]:
    return select(exists(_found(names)))


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


@functools.cache
def _cards(names: frozenset[str], *place: str) -> Select[Any]:
    order = Job.id if "after" in place else Job.id.desc()
    ids = _found(names.union(place)).order_by(order).limit(bindparam("limit")).subquery()
    all_of_them = _found(names).limit(bindparam("counted")).subquery()
    total = select(func.count()).select_from(all_of_them).scalar_subquery()
    return (
        select(*_COLUMNS, total.label("total"))
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
