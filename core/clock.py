"""The database's clock: the only one that leases, due times and deadlines know."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, literal_column, select
from sqlalchemy.orm import Session

NEVER: ColumnElement[Any] = literal_column("'infinity'::timestamptz")


def now() -> ColumnElement[Any]:
    """Return the database's clock at this statement, not at the transaction's start."""
    return func.clock_timestamp()


def read(session: Session) -> datetime:
    """Return the database's time."""
    moment: datetime = session.scalars(select(now())).one()
    return moment
