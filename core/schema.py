"""Bringing a database up to date, and what must be true of it before we use it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.pool import NullPool

from core.errors import ConfigError

OLDEST_POSTGRES = 15


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
