"""Who did what, on what, when, from where. Only ever added to."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from core import clock
from core.ids import floor_id
from core.models import Audit


def record(
    session: Session,
    action: str,
    *,
    user_id: UUID | None,
    on: tuple[str, object] | None = None,
    address: str | None = None,
    **detail: Any,
) -> None:
    """Add a line. `action` is past tense (`signed_in`); `on` is (type, id)."""
    object_type, object_id = on or (None, None)
    session.add(
        Audit(
            user_id=user_id,
            action=action,
            object_type=object_type,
            object_id=str(object_id) if object_id is not None else None,
            address=address,
            detail=detail,
        )
    )


def record_once(
    session: Session, action: str, *, on: tuple[str, str], within_s: float, address: str | None
) -> None:
    """Add a line of nobody's doing unless the last `within_s` seconds have the same."""
    object_type, object_id = on
    since = floor_id(clock.read(session) - timedelta(seconds=within_s))  # by the primary key
    same = exists().where(
        Audit.id > since,
        Audit.action == action,
        Audit.object_type == object_type,
        Audit.object_id == object_id,
    )
    if not session.scalar(select(same)):
        record(session, action, user_id=None, on=on, address=address)
