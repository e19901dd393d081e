"""What must be true of a database before we use it.

Every process proves it at start, so this imports no Alembic: that takes half a second.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import structlog
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from core.errors import ConfigError, Unreachable

log = structlog.get_logger("core.fitness")

OLDEST_POSTGRES = 15
VERSIONS = Path(__file__).with_name("migrations") / "versions"
# What a server says that stays so until somebody changes it. libpq gives no code for these, and a
# server that speaks another language only costs another try.
LASTING = (
    "password authentication failed",
    "no password supplied",
    "no pg_hba.conf entry",
    "does not exist",  # the role or the database
    "permission denied for database",
)


def prove(engine: Engine, *, durable: bool) -> None:
    """Prove in a few round trips what a process relies on: connection, schema, Korean search.

    And, if it has to be `durable`, that a commit stays when the server crashes.

    Raises:
        ConfigError: what is wrong with the database.
        Unreachable: it does not answer now.
    """
    with usable(), engine.connect() as connection:
        check_server(connection)
        _check_revision(connection)
        check_korean(connection)
        if durable:
            _check_durable(connection)


def newest_revision() -> str:
    """Return the revision that this release migrates to."""
    return max(file.name[:4] for file in VERSIONS.glob("[0-9]*.py"))


@contextlib.contextmanager
def usable() -> Iterator[None]:
    """Make one sentence of a database that a process cannot use. Raises ConfigError."""
    try:
        yield
    except OperationalError as error:
        said = " ".join(str(error.orig).split())
        lasting = any(phrase in said for phrase in LASTING)
        raise (ConfigError if lasting else Unreachable)(
            f"DATABASE_URL cannot be used: {said}. Check host, port, database, user and password."
        ) from error
    except ProgrammingError as error:
        raise ConfigError(
            f"The database is not as this release needs it: {str(error.orig).splitlines()[0]}. "
            "Run python -m core migrate first."
        ) from error


def check_server(connection: Connection) -> None:
    """Prove version and encoding. Raises ConfigError."""
    version, encoding = connection.execute(
        text(
            "SELECT current_setting('server_version_num')::int / 10000, "
            "current_setting('server_encoding')"
        )
    ).one()
    if version < OLDEST_POSTGRES:
        raise ConfigError(
            f"Postgres {OLDEST_POSTGRES} or newer is needed; this server is {version}."
        )
    if encoding != "UTF8":
        raise ConfigError(f"The database must be encoded in UTF8, not {encoding}.")


def _check_revision(connection: Connection) -> None:
    """Prove that every migration of ours is done. A newer schema is an upgrade that goes on."""
    found = connection.scalar(text("SELECT max(version_num) FROM alembic_version")) or "none"
    wanted = newest_revision()
    if found == "none" or found < wanted:
        raise ConfigError(
            f"The database's schema is {found}; this release needs {wanted}. "
            "Run python -m core migrate first."
        )
    if found > wanted:
        log.warning("schema_is_newer", found=found, ours=wanted)


def check_korean(connection: Connection) -> None:
    """Prove that search finds Korean: with the character type `C`, pg_trgm drops every syllable.

    Raises:
        ConfigError: says with which one to create the database.
    """
    if not connection.scalar(text("SELECT cardinality(show_trgm('고양이')) > 0")):
        raise ConfigError(
            "The database's character type does not know Korean letters (probably 'C'), so "
            "search would find nothing. Create it with LC_CTYPE 'C.UTF-8' or 'ko_KR.UTF-8'."
        )


def _check_durable(connection: Connection) -> None:
    """Prove that what is committed is on disk: an intent to pay must not be taken back."""
    settings = ("fsync", "synchronous_commit")
    off = [name for name in settings if connection.scalar(text("SHOW " + name)) == "off"]
    if off:
        said = " and ".join(f"{name} = off" for name in off)
        raise ConfigError(
            f"The database has {said}: a crash of it could forget a request that was sent and "
            "paid for, and it would be sent again. Switch it on."
        )
