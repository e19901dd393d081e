"""The engine, the sessions, and what must be true of a database before we use it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import NullPool

from core.errors import ConfigError

OLDEST_POSTGRES = 15
STATEMENT_TIMEOUT_MS = 30_000
IDLE_IN_TRANSACTION_MS = 60_000  # an idle transaction pins dead rows of the queue

# A half-open connection must show within 30 s (paid-calls, section 6).
_KEEPALIVE = {
    "connect_timeout": 10,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}


def open_engine(url: str, *, application: str, pool_size: int = 5) -> Engine:
    """Return an engine whose every statement ends and whose sessions speak UTC."""
    options = (
        f"-c timezone=UTC -c statement_timeout={STATEMENT_TIMEOUT_MS}"
        f" -c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_MS} -c jit=off"
    )
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        pool_recycle=1800,
        connect_args={"application_name": application, "options": options, **_KEEPALIVE},
    )


def open_sessions(engine: Engine) -> sessionmaker[Session]:
    """Return a factory; its objects stay usable after their transaction has ended."""
    return sessionmaker(engine, expire_on_commit=False)


def migrate(url: str, *, to: str = "head") -> None:
    """Bring the schema of the database at `url` up to date.

    Raises:
        ConfigError: the database cannot be reached or is not fit for us.
    """
    engine = create_engine(make_url(url), poolclass=NullPool)
    try:
        with usable(), engine.connect() as connection:
            check_fitness(connection)
            config = alembic_config()
            config.attributes["connection"] = connection
            command.upgrade(config, to)
            connection.commit()
    finally:
        engine.dispose()


@contextlib.contextmanager
def usable() -> Iterator[None]:
    """Make one sentence of a database that an operator's command cannot use. Raises ConfigError."""
    try:
        yield
    except OperationalError as error:
        raise ConfigError(
            f"DATABASE_URL cannot be used: {str(error.orig).strip()}. "
            "Check host, port, database, user and password."
        ) from error
    except ProgrammingError as error:
        raise ConfigError(
            f"The database is not as this release needs it: {str(error.orig).strip()}. "
            "Run python -m core migrate first."
        ) from error


def alembic_config() -> Config:
    """Return Alembic's settings without a file of its own."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    return config


def check_fitness(connection: Connection) -> None:
    """Prove version, encoding and Korean search.

    With the character type `C`, pg_trgm drops every Hangul syllable and Korean
    search silently finds nothing.

    Raises:
        ConfigError: names what is wrong with the database.
    """
    version = connection.scalar(text("SELECT current_setting('server_version_num')::int / 10000"))
    if version is None or version < OLDEST_POSTGRES:
        raise ConfigError(
            f"Postgres {OLDEST_POSTGRES} or newer is needed; this server is {version}."
        )
    encoding = connection.scalar(text("SELECT current_setting('server_encoding')"))
    if encoding != "UTF8":
        raise ConfigError(f"The database must be encoded in UTF8, not {encoding}.")
    connection.execute(text("CREATE EXTENSION IF NOT EXISTS pg_trgm"))
    if not connection.scalar(text("SELECT cardinality(show_trgm('고양이')) > 0")):
        raise ConfigError(
            "The database's character type does not know Korean letters (probably 'C'), so "
            "search would find nothing. Create it with LC_CTYPE 'C.UTF-8' or 'ko_KR.UTF-8'."
        )
