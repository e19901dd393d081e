"""One way to connect to Postgres, on which no call waits for ever.

A connection can die without a word: the other side's machine is gone, a
firewall forgot it, a pooler hangs. Keepalives notice what the network does not
acknowledge, and nothing more. So every wait of our own for Postgres has an end,
too: psycopg2 lets us wait in its place.
"""

import select
import time
from collections.abc import Mapping
from typing import Any

import psycopg2
from psycopg2 import extensions

CONNECT_S = 10.0
REPLY_S = 20.0  # above the server's own statement_timeout: it usually speaks first
# With both, an operation on a dead connection has failed or gone on within 30 s (paid-calls, 6).

KEEPALIVE: Mapping[str, Any] = {
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}


class Connection(extensions.connection):
    """A connection that is closed when an answer takes too long."""

    connect_s = CONNECT_S
    reply_s = REPLY_S


def _wait(connection: extensions.connection) -> None:
    """Wait for an answer, as psycopg2 would, but not for ever.

    psycopg2 closes the connection when this raises. Other people's connections
    in this process (a library's, a test's) wait as long as they like.
    """
    limit_s = _limit_s(connection)
    ends_at = time.monotonic() + limit_s if limit_s is not None else None
    while (state := connection.poll()) != extensions.POLL_OK:
        poll = select.poll()
        wanted = select.POLLIN if state == extensions.POLL_READ else select.POLLOUT
        poll.register(connection.fileno(), wanted)
        left_s = ends_at - time.monotonic() if ends_at is not None else None
        if left_s is not None and (left_s <= 0 or not poll.poll(left_s * 1000)):
            raise psycopg2.OperationalError(
                f"Postgres did not answer in {limit_s:g} s: the connection is dead or the server "
                "hangs. It is given up; the next try connects anew."
            )
        if left_s is None:
            poll.poll()


def _limit_s(connection: extensions.connection) -> float | None:
    if not isinstance(connection, Connection):
        return None
    established = connection.status in {extensions.STATUS_READY, extensions.STATUS_BEGIN}
    return connection.reply_s if established else connection.connect_s


extensions.set_wait_callback(_wait)
