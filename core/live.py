"""Hearing what Postgres notifies: one connection per process, reconnecting by itself.

A notification is only a hint to look again. Correctness never rests on it: the
worker polls beneath, and a page that missed one is right after the next.
"""

import contextlib
import os
import select
import threading
from collections.abc import Callable, Sequence
from typing import Any

import psycopg2
import structlog
from sqlalchemy.engine import make_url

log = structlog.get_logger(__name__)

CHECK_S = 25.0  # a half-open connection must show within 30 s
LONGEST_PAUSE_S = 10.0


class Listener:
    """A thread that listens on channels and calls `heard(channel, payload)`.

    After every (re)connection it calls `heard('', '')`: something may have
    been missed, look again.
    """

    def __init__(
        self, url: str, channels: Sequence[str], heard: Callable[[str, str], None]
    ) -> None:
        self._url = make_url(url)
        self._channels = channels
        self._heard = heard
        self._stopping = threading.Event()
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)

    def start(self) -> None:
        """Begin to listen; the first connection is made in the background."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread and its connection."""
        self._stopping.set()
        os.write(self._wake_write, b"x")
        if self._thread.is_alive():
            self._thread.join(timeout=5)
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _run(self) -> None:
        pause_s = 0.5
        while not self._stopping.is_set():
            try:
                self._listen()
                pause_s = 0.5
            except psycopg2.Error as error:
                log.warning("listener_disconnected", error=str(error).strip(), again_in_s=pause_s)
                self._stopping.wait(pause_s)
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    def _listen(self) -> None:
        with contextlib.closing(self._connect()) as connection:
            with connection.cursor() as cursor:
                for channel in self._channels:
                    cursor.execute(f'LISTEN "{channel}"')
            self._heard("", "")
            while not self._stopping.is_set():
                self._wait(connection)

    def _wait(self, connection: Any) -> None:
        ready, _, _ = select.select([connection, self._wake_read], [], [], CHECK_S)
        if not ready:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        connection.poll()
        while connection.notifies:
            notice = connection.notifies.pop(0)
            self._heard(notice.channel, notice.payload)

    def _connect(self) -> Any:
        plain = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
        connection = psycopg2.connect(
            plain,
            application_name="proofsheet-listener",
            connect_timeout=10,
            keepalives_idle=10,
            keepalives_interval=5,
            keepalives_count=3,
        )
        connection.autocommit = True
        return connection
