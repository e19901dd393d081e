"""What every process proves of its database before it serves."""

from uuid import uuid4

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, text

from core import fitness
from core.database import open_engine
from core.errors import ConfigError, Unreachable
from core.schema import alembic_config, migrate


def proved(url: str, *, durable: bool = False) -> None:
    engine = open_engine(url, application="test")
    try:
        fitness.prove(engine, durable=durable)
    finally:
        engine.dispose()


def say_revision(url: str, revision: str) -> None:
    engine = open_engine(url, application="test")
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :is"), {"is": revision})
    engine.dispose()


def test_a_migrated_database_is_fit(database_url):
    proved(database_url)


def test_the_newest_revision_is_alembics_head():
    scripts = ScriptDirectory.from_config(alembic_config())

    assert scripts.get_heads() == [fitness.newest_revision()]


def test_a_database_without_tables_is_to_be_migrated(empty_database_url):
    with pytest.raises(ConfigError, match="Run python -m core migrate first"):
        proved(empty_database_url)


def test_a_forgotten_migration_is_told(database_url):
    say_revision(database_url, "0001")

    with pytest.raises(ConfigError, match="schema is 0001; this release needs 0"):
        proved(database_url)


def test_a_newer_schema_is_an_upgrade_that_goes_on(database_url):
    say_revision(database_url, "9999")

    proved(database_url)


def test_a_database_that_does_not_know_korean_is_refused(databases):
    name = f"test_{uuid4().hex}"
    url = databases.create_deaf_to_korean(name)
    try:
        with pytest.raises(ConfigError, match="does not know Korean letters"):
            migrate(url)
    finally:
        databases.drop(name)


def test_a_server_that_may_forget_a_commit_is_refused_where_money_is_spent(database_url):
    with pytest.raises(ConfigError, match="has fsync = off: a crash of it could forget"):
        proved(database_url, durable=True)


def test_a_process_waits_for_its_commits_whatever_the_server_is_set_to(database_url):
    def setting(engine: Engine) -> str:
        with engine.connect() as connection:
            found: str = connection.scalar(text("SHOW synchronous_commit"))
        engine.dispose()
        return found

    assert setting(create_engine(database_url)) == "off"
    assert setting(open_engine(database_url, application="test")) == "on"


def test_a_role_that_does_not_exist_stays_wrong(database_url):
    with pytest.raises(ConfigError, match=r"DATABASE_URL cannot be used: .*does not exist") as told:
        proved(database_url.replace("//proofsheet", "//nobody", 1))

    assert told.value.exit_status == 2


def test_a_database_that_does_not_answer_may_do_so_later():
    with pytest.raises(Unreachable, match="DATABASE_URL cannot be used: ") as told:
        proved("postgresql+psycopg2://proofsheet@127.0.0.1:1/proofsheet")

    assert told.value.exit_status == 1
    assert len(str(told.value).splitlines()) == 1
