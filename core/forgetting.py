"""Rows that nobody asks for any more. The worker forgets them, and imports little for it."""

from datetime import timedelta
from typing import Final

from sqlalchemy import delete, func
from sqlalchemy.orm import Session

from core.models import LoginAttempt, Spool, Tick, Worker
from core.models import Session as SessionRow

AFTER: Final = (
    (LoginAttempt.at, timedelta(days=1)),  # far beyond the window of a lock-out
    (SessionRow.expires_at, timedelta(days=30)),
    (Worker.seen_at, timedelta(days=7)),
    (Spool.seen_at, timedelta(days=30)),  # far beyond what `core.expiry` asks
    (Tick.at, timedelta(days=7)),
)


def forget_old(session: Session) -> None:
    """Sweep tries, sessions, workers, spools and ticks that no longer count."""
    for column, kept in AFTER:
        session.execute(delete(column.class_).where(column < func.now() - kept))
