import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.database import is_outage, open_engine
from tests.stack import free_port


@pytest.fixture
def engine(database_url):
    made = open_engine(database_url, application="test")
    yield made
    made.dispose()


def error_of(engine, statement: str, *, before: str = "SELECT 1") -> DBAPIError:
    with engine.connect() as connection:
        connection.execute(text(before))
        with pytest.raises(DBAPIError) as caught:
            connection.execute(text(statement))
    return caught.value


@pytest.mark.parametrize(
    "statement", ["SELECT 1 / 0", "SELECT '\"\\u0000\"'::jsonb", "SELECT * FROM nothing"]
)
def test_what_the_database_refuses_is_no_outage(engine, statement):
    assert not is_outage(error_of(engine, statement))


def test_a_statement_that_takes_too_long_is_no_outage(engine):
    slow = error_of(engine, "SELECT pg_sleep(5)", before="SET statement_timeout = 20")
    assert not is_outage(slow)


def test_a_connection_that_is_ended_is_an_outage(engine):
    assert is_outage(error_of(engine, "SELECT pg_terminate_backend(pg_backend_pid())"))


def test_nobody_to_connect_to_is_an_outage():
    away = open_engine(f"postgresql+psycopg2://u@127.0.0.1:{free_port()}/x", application="test")
    with pytest.raises(DBAPIError) as caught:
        away.connect()
    assert is_outage(caught.value)
