"""Connections with their sockets in reach: bounded dialling, and an end to every exchange.

HTTP libraries count their timeouts per socket operation, so an answer that trickles never ends.
Here a watch shuts the socket down when the total time is up, also under TLS and in a handshake.
"""

import functools
import socket
import threading
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from core import elapsed

Dialler = Callable[[str, int], socket.socket]
AllowAddress = Callable[[str], None]

USER_AGENT = "Proofsheet"
TIME_UP = "the total time was up"
# Everything that the libraries raise when an exchange fails; bugs of our own are not among it.
FAILURES = (requests.RequestException, HTTPError, HTTPException, OSError, ValueError)


class Watch:
    """The total time of one exchange, on the clock of `core.elapsed`, from the moment it is made.

    When it is up, the guarded socket is shut down, whatever it does. To fire after the
    exchange is over, or twice, does nothing. `not_after` may end it earlier.
    """

    def __init__(self, total_s: float, *, not_after: float | None = None) -> None:
        ends_at = elapsed.now() + total_s
        self.ends_at = ends_at if not_after is None else min(ends_at, not_after)
        self.fired = False
        self._over = False
        self._lock = threading.Lock()
        self._twin: socket.socket | None = None
        self._timer = threading.Timer(self.left_s, self._fire)
        self._timer.daemon = True

    @property
    def left_s(self) -> float:
        """Seconds until the end, never less than 0."""
        return max(0.0, self.ends_at - elapsed.now())

    def guard(self, connected: socket.socket) -> None:
        """Shut this connection down when the time is up. Raises TimeoutError if it is already.

        A duplicate is kept, because TLS takes the original's file descriptor over.
        """
        with self._lock:
            self._close_twin()
            if self.fired or not self.left_s:  # the timer stands still while the machine sleeps
                raise TimeoutError("The total time was up before anything could be sent.")
            self._twin = connected.dup()

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        with self._lock:
            self._over = True
            self._close_twin()

    def _fire(self) -> None:
        with self._lock:
            if self._over:
                return
            self.fired = True
            if self._twin is not None:
                _shut_down(self._twin)

    def _close_twin(self) -> None:
        if self._twin is not None:
            self._twin.close()
            self._twin = None


def _shut_down(connected: socket.socket) -> None:
    try:
        connected.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the other side was faster


def anywhere(_address: str) -> None:
    """Allow every address."""


def dial(host: str, port: int, *, until: float, allow: AllowAddress = anywhere) -> socket.socket:
    """Connect to the first address of `host` that answers, before `until` (`core.elapsed`).

    `allow` gets every address, as a number, before the first is connected to, and raises if
    there is one that must not be. The connection goes to that very number: what the name
    means a moment later changes nothing.

    Raises:
        OSError: no address answered in time; gaierror: the name has none.
    """
    places = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for *_, place in places:
        allow(str(place[0]))
    failure: OSError = TimeoutError(f"No time was left to connect to {host}.")
    for tried, (family, kind, protocol, _, place) in enumerate(places):
        share_s = (until - elapsed.now()) / (len(places) - tried)
        if share_s <= 0:
            break
        connected = socket.socket(family, kind, protocol)
        try:
            connected.settimeout(share_s)
            connected.connect(place)
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            connected.close()
            failure = error
        else:
            return connected
    raise failure


class _Plain(HTTPConnection):
    def __init__(self, *args: Any, dialler: Dialler, **more: Any) -> None:
        super().__init__(*args, **more)
        self._dialler = dialler

    def _new_conn(self) -> socket.socket:
        return self._dialler(self._dns_host, self.port)


class _Secure(HTTPSConnection):
    def __init__(self, *args: Any, dialler: Dialler, **more: Any) -> None:
        super().__init__(*args, **more)
        self._dialler = dialler

    def _new_conn(self) -> socket.socket:
        return self._dialler(self._dns_host, self.port)


class _Adapter(HTTPAdapter):
    """Connects with our dialler, and never tries again."""

    def __init__(self, dialler: Dialler) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)
        self._dialler = dialler
        self._pools: list[Any] = []

    def get_connection_with_tls_context(self, *args: Any, **more: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **more)
        kind = _Secure if pool.scheme == "https" else _Plain
        pool.ConnectionCls = functools.partial(kind, dialler=self._dialler)
        self._pools.append(pool)
        return pool

    def close(self) -> None:
        """Close the connection now; the library would leave that to the garbage collector."""
        for pool in self._pools:
            pool.close()
        super().close()


def open_session(
    watch: Watch,
    *,
    connect_s: float,
    allow: AllowAddress = anywhere,
    ca_file: Path | None = None,
) -> requests.Session:
    """Return a session for one exchange: nothing from the environment, no retries, watched.

    `ca_file` is trusted instead of the usual authorities.
    """

    def dialler(host: str, port: int) -> socket.socket:
        until = min(watch.ends_at, elapsed.now() + connect_s)
        connected = dial(host, port, until=until, allow=allow)
        try:
            watch.guard(connected)
        except TimeoutError:
            connected.close()
            raise
        return connected

    session = requests.Session()
    session.trust_env = False  # no proxy, no .netrc, no certificates named there
    session.verify = str(ca_file) if ca_file else True
    session.headers.update({"User-Agent": USER_AGENT, "Accept-Encoding": "identity"})
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Adapter(dialler))
    return session


def root_cause(error: BaseException) -> str:
    """Return what is at the bottom of a library's nested errors: never the URL, which is secret."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return f"{type(error).__name__}: {error}"[:300]
