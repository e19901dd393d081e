"""The engine and the sessions. `core.schema` makes and proves what they work on."""

from typing import Final

from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session, sessionmaker

from core.connections import KEEPALIVE, Connection

KEPT = 4  # connections that stay open; a burst's others are closed again
STATEMENT_TIMEOUT_MS = 15_000
IDLE_IN_TRANSACTION_MS = 60_000  # an idle transaction pins dead rows of the queue

# SQLSTATE classes: connection exception, insufficient resources, operator intervention.
OUTAGES: Final = ("08", "53", "57")
CANCELED: Final = "57014"  # one statement alone took too long


def open_engine(url: str, *, application: str, pool_size: int = 10) -> Engine:
    """Return an engine whose every statement ends and whose sessions speak UTC.

    `pool_size` is how many connections there may be at once.
    """
    options = (
        f"-c timezone=UTC -c statement_timeout={STATEMENT_TIMEOUT_MS}"
        f" -c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_MS} -c jit=off"
        # An intent that a crash of the server can take back lets a request be paid twice.
        " -c synchronous_commit=on"
    )
    return create_engine(
        url,
        pool_size=min(KEPT, pool_size),
        max_overflow=max(pool_size - KEPT, 0),
        pool_pre_ping=True,
        pool_recycle=1800,
        connect_args={
            "connection_factory": Connection,
            "application_name": application,
            "options": options,
            **KEEPALIVE,
        },
    )


def open_sessions(engine: Engine) -> sessionmaker[Session]:
    """Return a factory; its objects stay usable after their transaction has ended."""
    return sessionmaker(engine, expire_on_commit=False)


def is_outage(error: Exception) -> bool:
    """Return whether the database is away: then another statement would fail as well."""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    code = getattr(error.orig, "pgcode", None)  # without one nobody has answered
    return code is None or (code.startswith(OUTAGES) and code != CANCELED)
