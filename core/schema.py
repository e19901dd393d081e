"""Bringing a database up to date. `core.fitness` says what must be true of it."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from core import fitness


def migrate(url: str, *, to: str = "head") -> None:
    """Bring the schema of the database at `url` up to date.

    Raises:
        ConfigError: the database cannot be reached or is not fit for us.
    """
    engine = create_engine(make_url(url), poolclass=NullPool)
    try:
        with fitness.usable(), engine.connect() as connection:
            fitness.check_server(connection)
            connection.execute(text("CREATE EXTENSION IF NOT EXISTS pg_trgm"))
            fitness.check_korean(connection)
            config = alembic_config()
            config.attributes["connection"] = connection
            command.upgrade(config, to)
            connection.commit()
    finally:
        engine.dispose()


def alembic_config() -> Config:
    """Return Alembic's settings without a file of its own."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    return config
