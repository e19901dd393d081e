"""Which worker processes live, with which spools, and what must happen once over all of them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    SQLColumnExpression,
    delete,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import events
from core.models import Spool, Tick, Worker

BEAT_S = 10
SILENT_AFTER_S = 3 * BEAT_S


def beat(session: Session, worker: str, *, host: str, spool: str, in_hand: int) -> None:
    """Say that a worker lives, and that its spool is there.

    The spool's row outlives the worker's: what lies in it is waited for.
    """
    row = insert(Worker).values(id=worker, host=host, in_hand=in_hand)
    is_new = session.scalar(
        row.on_conflict_do_update(
            index_elements=[Worker.id], set_={"seen_at": func.now(), "in_hand": in_hand}
        ).returning(literal_column("xmax = 0"))
    )
    seen = insert(Spool).values(name=spool, machine=host)
    session.execute(
        seen.on_conflict_do_update(
            index_elements=[Spool.name], set_={"seen_at": func.now(), "machine": host}
        )
    )
    if is_new:
        events.show_news(session)  # open pages may say that nobody is there


def stopping(session: Session, worker: str) -> None:
    """Say that a worker takes nothing new."""
    row = session.get(Worker, worker)
    if row is not None:
        row.stopping_at = func.now()


def left(session: Session, worker: str) -> None:
    """Say that a worker has ended as it should."""
    session.execute(delete(Worker).where(Worker.id == worker))


def alive(session: Session) -> Sequence[Worker]:
    """Return the workers seen lately."""
    return session.scalars(
        select(Worker).where(lately(Worker.seen_at)).order_by(Worker.started_at).limit(200)
    ).all()


def anybody() -> ColumnElement[bool]:
    """Return whether any worker was seen lately."""
    return select(Worker.id).where(lately(Worker.seen_at)).exists()


def lately(seen_at: SQLColumnExpression[datetime]) -> ColumnElement[bool]:
    """Return whether something was seen so lately that it counts as there."""
    return seen_at > func.now() - timedelta(seconds=SILENT_AFTER_S)


def first_to(session: Session, task: str, *, every_s: int, worker: str) -> bool:
    """Return whether `worker` is the first of all workers to do `task` in this period.

    Periods begin at multiples of `every_s` by the database's clock. The caller
    commits before it acts: a worker that dies meanwhile leaves the task to the
    next period, and nobody does it twice.
    """
    period = func.date_bin(
        timedelta(seconds=every_s), func.now(), literal_column("timestamptz 'epoch'")
    )
    row = insert(Tick).values(task=task, tick=period, worker=worker)
    return session.scalar(row.on_conflict_do_nothing().returning(Tick.worker)) is not None
