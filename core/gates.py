"""What one provider key may do now, over all workers and hosts.

A gate closes when the provider says so (rate, money, credentials, a model this
key may not use), so that the rest of the queue waits instead of burning.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, exists, func, literal_column, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import events
from core.models import ProviderGate

UNTIL_SOMEBODY_HELPS: ColumnElement[Any] = literal_column("'infinity'::timestamptz")


def closed_for(
    dialect: ColumnElement[Any] | Any, model: ColumnElement[Any] | Any, *, keys: Sequence[str]
) -> ColumnElement[bool]:
    """Return the condition 'a gate of one of our keys is closed for this model'."""
    return exists(
        select(ProviderGate.dialect).where(
            ProviderGate.dialect == dialect,
            ProviderGate.key_id.in_(keys),
            or_(ProviderGate.model == "", ProviderGate.model == model),
            ProviderGate.closed_until > func.now(),
        )
    )


def close(
    session: Session,
    *,
    dialect: str,
    key_id: str,
    model: str,
    code: str,
    for_s: float | None,
) -> None:
    """Close a gate for `for_s` seconds, or until somebody helps (None). `model` '' is the key."""
    until = func.now() + timedelta(seconds=for_s) if for_s is not None else UNTIL_SOMEBODY_HELPS
    row = insert(ProviderGate).values(
        dialect=dialect,
        key_id=key_id,
        model=model,
        closed_until=until,
        closed_code=code,
        closed_at=func.now(),
    )
    session.execute(
        row.on_conflict_do_update(
            index_elements=[ProviderGate.dialect, ProviderGate.key_id, ProviderGate.model],
            set_={
                "closed_until": func.greatest(ProviderGate.closed_until, row.excluded.closed_until),
                "closed_code": row.excluded.closed_code,
                "closed_at": row.excluded.closed_at,
                "updated_at": func.now(),
            },
        )
    )


def closed(session: Session) -> Sequence[ProviderGate]:
    """Return every gate that is closed now, for the banner on the pages."""
    return session.scalars(
        select(ProviderGate)
        .where(ProviderGate.closed_until > func.now())
        .order_by(ProviderGate.dialect, ProviderGate.model)
        .limit(50)
    ).all()


def open_again(session: Session, *, dialect: str, key_id: str, model: str) -> None:
    """Open a gate because an administrator says that the cause is gone."""
    gate = session.get(ProviderGate, (dialect, key_id, model), with_for_update=True)
    if gate is not None:
        gate.closed_until = None
        gate.trial_job_id = None
        events.wake_workers(session)
