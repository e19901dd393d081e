"""Which worker processes live, and what must happen once over all of them."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.models import Tick, Worker

SILENT_AFTER_S = 30


def beat(session: Session, worker: str, *, host: str, in_hand: int) -> None:
    """Say that a worker lives."""
    row = insert(Worker).values(id=worker, host=host, in_hand=in_hand)
    session.execute(
        row.on_conflict_do_update(
            index_elements=[Worker.id], set_={"seen_at": func.now(), "in_hand": in_hand}
        )
    )


def stopping(session: Session, worker: str) -> None:
    """Say that a worker takes nothing new."""
    row = session.get(Worker, worker)
    if row is not None:
        row.stopping_at = func.now()


def alive(session: Session) -> Sequence[Worker]:
    """Return the workers seen lately."""
    since = func.now() - timedelta(seconds=SILENT_AFTER_S)
    return session.scalars(
        select(Worker).where(Worker.seen_at > since).order_by(Worker.started_at).limit(200)
    ).all()


def forget_old(session: Session) -> None:
    """Sweep workers and ticks that nobody asks for any more."""
    session.execute(delete(Worker).where(Worker.seen_at < func.now() - timedelta(days=7)))
    session.execute(delete(Tick).where(Tick.at < func.now() - timedelta(days=7)))
