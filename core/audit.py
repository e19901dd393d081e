"""Who did what, on what, when, from where. Only ever added to."""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

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
