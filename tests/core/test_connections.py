import threading
import time

import psycopg2
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import QueuePool

from core import connections, database
from core.connections import Connection
from core.database import open_engine
from tests.proxy import proxied

LIMIT_S = 0.5


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(Connection, "reply_s", LIMIT_S)
    monkeypatch.setattr(Connection, "connect_s", LIMIT_S)


@pytest.fixture
def before_database(database_url):
    with proxied(database_url) as (proxy, url):
        engine = open_engine(url, application="test", pool_size=3)
        yield proxy, engine
        engine.dispose()


@pytest.fixture
def freeze(before_database, monkeypatch):
    """Let the database fall silent, and be impatient from then on only: a busy machine may be slow
    to answer before.
    """
    proxy, _ = before_database

    def frozen() -> None:
        proxy.freeze()
        monkeypatch.setattr(Connection, "reply_s", LIMIT_S)
        monkeypatch.setattr(Connection, "connect_s", LIMIT_S)

    return frozen


def one(engine) -> int:
    with engine.connect() as connection:
        return connection.scalar(text("SELECT 1"))


def gives_up(engine) -> None:
    with pytest.raises(OperationalError, match="did not answer"):
        one(engine)


def test_the_limits_add_up_to_what_was_promised():
    assert connections.REPLY_S + connections.CONNECT_S <= 30
    assert database.STATEMENT_TIMEOUT_MS / 1000 < connections.REPLY_S
    assert connections.KEEPALIVE["tcp_user_timeout"] <= 30_000


class TestHalfOpen:
    def test_a_statement_on_a_dead_connection_fails_in_time(self, before_database, freeze):
        _, engine = before_database
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
            freeze()
            started = time.monotonic()
            with pytest.raises(OperationalError, match=r"did not answer in 0\.5 s"):
                connection.execute(text("SELECT 1"))

        assert time.monotonic() - started < 6 * LIMIT_S

    def test_an_idle_pool_notices_and_connects_anew(self, before_database, freeze, monkeypatch):
        proxy, engine = before_database
        assert one(engine) == 1
        freeze()

        started = time.monotonic()
        with pytest.raises(OperationalError, match="did not answer"):
            one(engine)  # the old connection's limit, then the new one's
        assert time.monotonic() - started < 8 * LIMIT_S

        proxy.thaw()
        monkeypatch.undo()
        assert one(engine) == 1

    def test_a_commit_that_nobody_answers_fails_in_time(self, before_database, freeze):
        _, engine = before_database
        with engine.connect() as connection:
            connection.execute(text("CREATE TEMPORARY TABLE t ()"))
            freeze()
            with pytest.raises(OperationalError, match="did not answer"):
                connection.commit()

    def test_a_new_connection_to_nobody_fails_in_time(self, before_database, freeze):
        _, engine = before_database
        freeze()

        with pytest.raises(OperationalError, match="did not answer"):
            one(engine)

    def test_other_threads_work_on_while_one_waits(
        self, before_database, database_url, monkeypatch
    ):
        proxy, engine = before_database
        one(engine)
        proxy.freeze()
        monkeypatch.setattr(Connection, "reply_s", 3.0)  # both threads': the other must be faster
        waiting = threading.Thread(target=gives_up, args=(engine,))
        waiting.start()
        direct = open_engine(database_url, application="test")

        assert one(direct) == 1
        assert waiting.is_alive()
        waiting.join()
        direct.dispose()


@pytest.mark.usefixtures("impatient")
def test_a_slow_statement_is_ended_by_our_limit_too(database_url):
    engine = open_engine(database_url, application="test")
    with pytest.raises(OperationalError, match="did not answer"), engine.connect() as connection:
        connection.execute(text("SELECT pg_sleep(5)"))
    assert one(engine) == 1
    engine.dispose()


@pytest.mark.usefixtures("impatient")
def test_other_peoples_connections_wait_as_long_as_they_like(database_url):
    url = make_url(database_url).set(drivername="postgresql")
    theirs = psycopg2.connect(url.render_as_string(hide_password=False))
    with theirs.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(1)")
    theirs.close()


def test_a_burst_leaves_few_connections_open(database_url):
    engine = open_engine(database_url, application="test", pool_size=10)
    burst = [engine.connect() for _ in range(10)]
    for connection in burst:
        connection.close()

    assert isinstance(engine.pool, QueuePool)
    assert engine.pool.checkedin() == database.KEPT
    engine.dispose()
