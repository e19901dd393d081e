"""Hearing what Postgres notifies: one connection per process, reconnecting by itself.

A notification is only a hint to look again. Correctness never rests on it: the
worker polls beneath, and a page that missed one is right after the next.
"""

import contextlib
import os
import secrets
import select
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import psycopg2
import structlog
from sqlalchemy.engine import make_url

from core.connections import KEEPALIVE, Connection

log = structlog.get_logger(__name__)

CHECK_S = 20.0  # and the answer's limit: a half-open connection shows within 30 s
PROBE_S = 3.0
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0
TRY_AGAIN_S = 300.0  # whether a pooler has been set up differently meanwhile


class _Deaf(Exception):
    """LISTEN was accepted, and nothing arrives."""


class _Ear(Connection):
    """Whoever only listens need not wait long for an answer."""

    connect_s = 10.0
    reply_s = 5.0


class Listener:
    """A thread that listens on channels and calls `heard(channel, payload)`.

    After every (re)connection it calls `heard('', '')`: something may have
    been missed, look again. Behind a pooler in transaction mode LISTEN is
    accepted and nothing ever arrives; then it says so once and calls
    `heard('', '')` every `deaf_poll_s` seconds instead.
    """

    def __init__(
        self,
        url: str,
        channels: Sequence[str],
        heard: Callable[[str, str], None],
        *,
        application: str = "proofsheet-listener",
        deaf_poll_s: float = 5.0,
    ) -> None:
        """`application` is the connection's name in pg_stat_activity."""
        self._url = make_url(url).set(drivername="postgresql")
        self._probe = f"proofsheet_probe_{secrets.token_hex(8)}"  # no other process's
        self._channels = [*channels, self._probe]
        self._heard = heard
        self._application = application
        self._deaf_poll_s = deaf_poll_s
        self._told = False
        self._hears = threading.Event()
        self._stopping = threading.Event()
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)

    @property
    def hears(self) -> bool:
        """Whether notifications are known to arrive."""
        return self._hears.is_set()

    def start(self) -> None:
        """Begin to listen; the first connection is made in the background."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread and its connection. Once more does nothing."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        os.write(self._wake_write, b"x")
        if self._thread.is_alive():
            self._thread.join(timeout=5)
        if not self._thread.is_alive():  # else it is the process's end that closes them
            os.close(self._wake_read)
            os.close(self._wake_write)

    def _run(self) -> None:
        pause_s = FIRST_PAUSE_S
        while not self._stopping.is_set():
            try:
                self._listen()
            except _Deaf:
                self._poll_instead()
            except psycopg2.Error as error:
                pause_s = FIRST_PAUSE_S if self.hears else min(pause_s * 2, LONGEST_PAUSE_S)
                log.warning("listener_disconnected", error=str(error).strip(), again_in_s=pause_s)
                self._hears.clear()
                self._stopping.wait(pause_s)

    def _listen(self) -> None:
        with contextlib.closing(self._connect()) as connection:
            with connection.cursor() as cursor:
                for channel in self._channels:
                    cursor.execute(f'LISTEN "{channel}"')
            self._heard("", "")
            self._prove(connection)
            while not self._stopping.is_set():
                if not self._wait(connection, CHECK_S):
                    with connection.cursor() as cursor:
                        cursor.execute("SELECT 1")

    def _prove(self, connection: Any) -> None:
        """Hear a notification of our own from another connection.

        From the same one it would come back even through a pooler: Postgres
        answers with it before the transaction's connection is given away.
        """
        with contextlib.closing(self._connect()) as other, other.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, '')", (self._probe,))
        ends_at = time.monotonic() + PROBE_S
        while not (self.hears or self._stopping.is_set()):
            if time.monotonic() > ends_at:
                raise _Deaf
            self._wait(connection, PROBE_S)

    def _wait(self, connection: Any, limit_s: float) -> bool:
        """Pass on what arrives. Return whether anything did in `limit_s` seconds."""
        poll = select.poll()
        poll.register(connection.fileno(), select.POLLIN)
        poll.register(self._wake_read, select.POLLIN)
        ready = poll.poll(limit_s * 1000)
        connection.poll()
        while connection.notifies:
            notice = connection.notifies.pop(0)
            if notice.channel == self._probe:
                self._hears.set()
            else:
                self._heard(notice.channel, notice.payload)
        return bool(ready)

    def _poll_instead(self) -> None:
        if not self._told:
            self._told = True
            log.warning(
                "notifications_do_not_arrive",
                reason="LISTEN was accepted, but a notification of our own did not come back in "
                f"{PROBE_S:g} s: DATABASE_URL leads through a pooler in transaction mode",
                meanwhile=f"looking every {self._deaf_poll_s:g} s, nothing is lost",
                to_do="let DATABASE_URL lead to Postgres itself or to a pool in session mode",
            )
        ends_at = time.monotonic() + TRY_AGAIN_S
        while time.monotonic() < ends_at and not self._stopping.wait(self._deaf_poll_s):
            self._heard("", "")

    def _connect(self) -> Any:
        connection = psycopg2.connect(
            self._url.render_as_string(hide_password=False),
            connection_factory=_Ear,
            application_name=self._application,
            **KEEPALIVE,
        )
        connection.autocommit = True
        return connection
