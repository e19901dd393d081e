"""What lies ahead for the workers: the one cheap question an idle one asks again and again."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
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
    overdue: bool  # a lease has ended: its worker died or is late
    recheck: bool  # an attempt that no step looks after is to be asked about


_TO_SEND = (Stage.READY,)
_WAITING = (Run.stage == Stage.READY,)
_READING = (Run.lease_owner.is_(None), Run.stage.in_(READING))


def _soonest(*part: ColumnElement[bool]) -> ScalarSelect[Any]:
    """Return when the next step of a part of the queue falls due, within HORIZON."""
    soon = (Run.due_at > func.now(), Run.due_at < func.now() + HORIZON)
    return select(func.min(Run.due_at)).where(*part, *soon).scalar_subquery()


# now(), not clock_timestamp(): a range on it may use the narrow indexes, one for each part.
_QUESTION = select(
    exists().where(*_WAITING, Run.due_at <= func.now()).label("waiting"),
    exists().where(*_READING, Run.due_at <= func.now()).label("reading"),
    extract("epoch", func.least(_soonest(*_WAITING), _soonest(*_READING)) - func.now()).label(
        "next_due_s"
    ),
    exists().where(Run.lease_owner.is_not(None), Run.lease_until < func.now()).label("overdue"),
    exists().where(Attempt.recheck_at <= func.now()).label("recheck"),
)


def read(connection: Connection) -> Outlook:
    """Ask. Takes no lock."""
    waiting, reading, next_due_s, overdue, recheck = connection.execute(_QUESTION).one()
    return Outlook(
        due=[*(_TO_SEND if waiting else ()), *(READING if reading else ())],
        next_due_s=float(next_due_s) if next_due_s is not None else None,
        overdue=overdue,
        recheck=recheck,
    )
