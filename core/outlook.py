"""What lies ahead for the workers: the one cheap question an idle one asks again and again."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    SQLColumnExpression,
    exists,
    extract,
    func,
    select,
)

from core.models import Attempt, Run
from core.stages import READING, Stage

HORIZON = timedelta(minutes=1)  # nobody waits longer without asking again


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """A moment's answer over all jobs, by the database's clock."""

    due: Collection[Stage]  # of these a step may be claimed, or waits for a gate or another host
    next_due_s: float | None  # until the next one falls due, if that is within HORIZON
    next_due: Collection[Stage]  # of these is that one
    overdue: bool  # a lease has ended: its worker died or is late
    recheck: bool  # an attempt that no step looks after is to be asked about


_PARTS = {
    Stage.READY: (Run.stage == Stage.READY,),
    **{stage: (Run.lease_owner.is_(None), Run.stage == stage) for stage in READING},
}
_READING = (Run.lease_owner.is_(None), Run.stage.in_(READING))


def _soonest(what: SQLColumnExpression[Any], *part: ColumnElement[bool]) -> ScalarSelect[Any]:
    """Return something of the step of a part of the queue that falls due next, within HORIZON."""
    soon = (Run.due_at > func.now(), Run.due_at < func.now() + HORIZON)
    return select(what).where(*part, *soon).order_by(Run.due_at).limit(1).scalar_subquery()


_IN_S = extract("epoch", Run.due_at - func.now())
# now(), not clock_timestamp(): a range on it may use the narrow indexes, one for each part.
_QUESTION = select(
    *(exists().where(*part, Run.due_at <= func.now()).label(name) for name, part in _PARTS.items()),
    _soonest(_IN_S, *_PARTS[Stage.READY]).label("next_to_send_s"),
    _soonest(_IN_S, *_READING).label("next_to_read_s"),
    _soonest(Run.stage, *_READING).label("next_to_read"),
    exists().where(Run.lease_owner.is_not(None), Run.lease_until < func.now()).label("overdue"),
    exists().where(Attempt.recheck_at <= func.now()).label("recheck"),
)


def read(connection: Connection) -> Outlook:
    """Ask. Takes no lock."""
    found = connection.execute(_QUESTION).one()
    coming = [
        (float(seconds), stage)
        for seconds, stage in (
            (found.next_to_send_s, Stage.READY),
            (found.next_to_read_s, found.next_to_read),
        )
        if seconds is not None
    ]
    next_due_s, stage = min(coming, default=(None, None))
    return Outlook(
        due=[stage for stage in _PARTS if getattr(found, stage)],
        next_due_s=next_due_s,
        next_due=[Stage(stage)] if stage is not None else [],
        overdue=found.overdue,
        recheck=found.recheck,
    )
