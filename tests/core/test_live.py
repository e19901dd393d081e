import queue
import time
from collections.abc import Callable

import psycopg2
import pytest
from sqlalchemy.engine import make_url
from structlog.testing import capture_logs

from core import live
from core.live import Listener
from tests.pooler import POOLERS, pooled
from tests.proxy import proxied

CHANNEL = "test_channel"
AGAIN = ("", "")


@pytest.fixture
def listening():
    """Start listeners; each gives the queue of what it heard."""
    started = []

    def listen(url: str, **options) -> tuple[Listener, queue.Queue]:
        heard: queue.Queue = queue.Queue()
        listener = Listener(url, [CHANNEL], lambda *said: heard.put(said), **options)
        listener.start()
        started.append(listener)
        return listener, heard

    yield listen
    for listener in started:
        listener.stop()


@pytest.fixture
def admin(database_url):
    url = make_url(database_url).set(drivername="postgresql")
    connection = psycopg2.connect(url.render_as_string(hide_password=False))
    connection.autocommit = True
    yield connection.cursor()
    connection.close()


def until(condition: Callable[[], bool], *, within_s: float = 10) -> None:
    ends_at = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < ends_at
        time.sleep(0.02)


def heard_soon(heard: queue.Queue, admin, payload: str) -> None:
    """Notify until it is heard: at first nobody may listen yet."""
    ends_at = time.monotonic() + 10
    while time.monotonic() < ends_at:
        admin.execute("SELECT pg_notify(%s, %s)", (CHANNEL, payload))
        try:
            while (said := heard.get(timeout=0.3)) == AGAIN:
                pass
        except queue.Empty:
            continue
        assert said == (CHANNEL, payload)
        return
    raise AssertionError("Nothing was heard.")


def test_it_hears_at_once_and_knows_that_it_does(listening, admin, database_url):
    listener, heard = listening(database_url)
    until(lambda: listener.hears)
    assert heard.get(timeout=1) == AGAIN

    started = time.monotonic()
    admin.execute("SELECT pg_notify(%s, 'one')", (CHANNEL,))
    assert heard.get(timeout=2) == (CHANNEL, "one")
    assert time.monotonic() - started < 0.5
    assert heard.empty()  # the probe is nobody else's business


def test_it_reconnects_by_itself_and_says_that_something_may_be_missed(
    listening, admin, database_url
):
    listener, heard = listening(database_url)
    until(lambda: listener.hears)
    while not heard.empty():
        heard.get()

    admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'proofsheet-listener' AND datname = current_database()"
    )

    assert heard.get(timeout=5) == AGAIN
    until(lambda: listener.hears)
    heard_soon(heard, admin, "after")


def test_it_waits_longer_with_each_failure(listening, monkeypatch):
    monkeypatch.setattr(live, "FIRST_PAUSE_S", 0.05)
    monkeypatch.setattr(live, "LONGEST_PAUSE_S", 0.2)
    with capture_logs() as logs:
        listening("postgresql+psycopg2://nobody@127.0.0.1:1/none")
        until(lambda: len(logs) >= 4)

    assert [line["again_in_s"] for line in logs[:4]] == [0.1, 0.2, 0.2, 0.2]


def test_a_half_open_connection_is_noticed_and_replaced(
    listening, admin, database_url, monkeypatch
):
    assert live.CHECK_S + live._Ear.reply_s < 30
    monkeypatch.setattr(live, "CHECK_S", 0.5)
    monkeypatch.setattr(live._Ear, "reply_s", 0.5)
    monkeypatch.setattr(live._Ear, "connect_s", 0.5)
    with proxied(database_url) as (proxy, url), capture_logs() as logs:
        listener, heard = listening(url)
        until(lambda: listener.hears)

        proxy.freeze()
        until(lambda: not listener.hears, within_s=3)
        assert logs[0]["event"] == "listener_disconnected"
        assert "did not answer" in logs[0]["error"]

        proxy.thaw()
        until(lambda: listener.hears)
        heard_soon(heard, admin, "after")
        listener.stop()


@pytest.mark.parametrize("kind", POOLERS)
class TestBehindATransactionPooler:
    def test_it_says_so_once_and_looks_by_itself(
        self, kind, listening, database_url, admin, monkeypatch
    ):
        monkeypatch.setattr(live, "PROBE_S", 1.0)
        monkeypatch.setattr(live, "TRY_AGAIN_S", 1.0)
        with pooled(kind, database_url) as url, capture_logs() as logs:
            listener, heard = listening(url, deaf_poll_s=0.2)
            for _ in range(12):  # from before, between and after a second try
                admin.execute("SELECT pg_notify(%s, 'lost')", (CHANNEL,))
                # A pooler may pass one on by chance, with the reply to a question of ours.
                while (what := heard.get(timeout=3)) != AGAIN:
                    assert what == (CHANNEL, "lost")
            listener.stop()

        assert not listener.hears
        assert [line["event"] for line in logs] == ["notifications_do_not_arrive"]
        assert "session mode" in logs[0]["to_do"]

    def test_a_pooler_that_is_set_right_later_is_noticed(
        self, kind, listening, database_url, admin, monkeypatch
    ):
        monkeypatch.setattr(live, "PROBE_S", 0.5)
        monkeypatch.setattr(live, "TRY_AGAIN_S", 0.5)
        with pooled(kind, database_url) as url, capture_logs():
            listener, heard = listening(url, deaf_poll_s=0.2)
            assert heard.get(timeout=3) == AGAIN
            assert heard.get(timeout=3) == AGAIN
            listener._url = make_url(database_url).set(drivername="postgresql")
            until(lambda: listener.hears)
            heard_soon(heard, admin, "after")
            listener.stop()
