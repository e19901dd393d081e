"""How long the provider took for each video: written when it has finished, read for its kind.

A kind is what decides it: model, resolution, length and mode. The rows lie apart from the jobs,
so that the last ones of a kind are one short index scan, however long the history is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import clock, events, heartbeats
from core.models import Attempt, GenerationTime, Job, JobEvent, Provider, Run
from core.stages import LIVE_OUTCOMES, Stage
from core.survival import Observation

SAMPLE: Final = 200
CALLBACK_SAMPLE: Final = 10
CALLBACKS_NEEDED: Final = 5  # before they are relied on
CALLBACKS_SHARE: Final = 0.8


def kind_of(model: str, options: Mapping[str, Any]) -> str:
    """Return what a video's duration depends on, as one word list."""
    parts = (model, *(options.get(name, "") for name in ("resolution", "duration", "mode")))
    return " ".join(str(part) for part in parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A video at its provider: what it is, for how long, and whether we shall be told."""

    kind: str
    age_s: float
    callback_asked: bool


def _started() -> ColumnElement[Any]:
    """Return when the provider took it; a lost reply that turned up late was due by then."""
    return func.least(
        func.coalesce(Attempt.settled_at, Attempt.send_deadline), Attempt.send_deadline
    )


# Made once: it is asked at every look.
_STANDING: Final = (
    select(
        Job.model,
        Job.options,
        func.extract("epoch", clock.now() - _started()).label("age_s"),
        Attempt.callback_token_sha256.is_not(None).label("callback_asked"),
    )
    .join(Attempt, Attempt.job_id == Job.id)
    .where(Job.id == bindparam("job_id"), Attempt.outcome.in_(LIVE_OUTCOMES))
)


def standing(session: Session, job_id: UUID) -> Standing | None:
    """Return how a job that the provider has stands; None if it has none of ours."""
    row = session.execute(_STANDING, {"job_id": job_id}).one_or_none()
    if row is None:
        return None
    return Standing(
        kind=kind_of(row.model, row.options),
        age_s=max(0.0, float(row.age_s)),
        callback_asked=row.callback_asked,
    )


# When a callback last said that the provider had ended.
_CALLED_AT: Final = (
    select(func.max(JobEvent.at))
    .where(
        JobEvent.job_id == Attempt.job_id,
        JobEvent.attempt_id == Attempt.id,
        events.TELLS_OF_AN_END,
    )
    .correlate(Attempt)
    .scalar_subquery()
)


def record(session: Session, job_id: UUID) -> None:
    """Note how long a video took that was just found finished: between two looks, or until
    a callback said so."""
    row = session.execute(
        select(
            Job.model,
            Job.options,
            func.extract("epoch", clock.now() - _started()).label("latest_s"),
            func.extract("epoch", Run.looked_at - _started()).label("earliest_s"),
            func.extract("epoch", _CALLED_AT - _started()).label("called_s"),
            Attempt.callback_token_sha256.is_not(None).label("callback_asked"),
        )
        .join(Attempt, Attempt.job_id == Job.id)
        .join(Run, Run.job_id == Job.id)
        .where(
            Job.id == job_id,
            Attempt.outcome.in_(LIVE_OUTCOMES),
            Attempt.settled_at <= Attempt.send_deadline,  # else nobody knows when it began
        )
    ).one_or_none()
    if row is None:
        return
    latest_s = max(0.0, float(row.latest_s))
    earliest_s = min(max(0.0, float(row.earliest_s or 0)), latest_s)
    not_looked_at = row.earliest_s is None  # it may have called back before it answered
    called = row.called_s is not None and (not_looked_at or float(row.called_s) > earliest_s)
    if called:
        earliest_s = latest_s = min(max(0.0, float(row.called_s)), latest_s)
    session.execute(
        insert(GenerationTime)
        .values(
            job_id=job_id,
            kind=kind_of(row.model, row.options),
            earliest_s=earliest_s,
            latest_s=latest_s,
            called_back=called if row.callback_asked else None,
        )
        .on_conflict_do_nothing()
    )


def recent(session: Session, kind: str) -> Sequence[Observation]:
    """Return the last finished videos of a kind, newest first."""
    rows = session.execute(
        select(GenerationTime.earliest_s, GenerationTime.latest_s)
        .where(GenerationTime.kind == kind)
        .order_by(GenerationTime.job_id.desc())
        .limit(SAMPLE)
    )
    return [Observation(row.earliest_s, row.latest_s) for row in rows]


def callbacks_arrive(session: Session) -> bool:
    """Return whether lately nearly every callback has come: a wrong address makes none come."""
    newest = (
        select(GenerationTime.called_back)
        .order_by(GenerationTime.job_id.desc())
        .limit(CALLBACK_SAMPLE)
    )
    came = [called for called in session.scalars(newest) if called is not None]
    return len(came) >= CALLBACKS_NEEDED and sum(came) >= CALLBACKS_SHARE * len(came)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """Who shares the polls per minute."""

    in_flight: int
    workers: int


def crowd(session: Session) -> Crowd:
    """Return how many videos the provider has, and how many workers ask about them."""
    in_flight = session.scalar(
        select(func.count()).where(Run.provider == Provider.HAILUO, Run.stage == Stage.GENERATING)
    )
    return Crowd(in_flight=in_flight or 0, workers=len(heartbeats.alive(session)))
