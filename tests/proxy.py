"""Connections that die without a word: a TCP proxy that stops forwarding and closes nothing."""

import contextlib
import select
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy.engine import URL, make_url

from deploy.local.postgres import SOCKET_FILE

CHUNK_BYTES = 65_536


class Proxy:
    """Stands between a client and a Postgres that listens on a socket file."""

    def __init__(self, target: Path) -> None:
        self._target = str(target)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._open: list[socket.socket] = [self._listening]
        self._flowing = threading.Event()
        self._flowing.set()
        self._closing = False
        threading.Thread(target=self._accept, daemon=True).start()

    def freeze(self) -> None:
        """Forward nothing more. Both ends still see an open connection."""
        self._flowing.clear()

    def thaw(self) -> None:
        """Forward again; what came meanwhile is lost, as its packets would be."""
        for stuck in self._open[1:]:
            stuck.close()
        del self._open[1:]
        self._flowing.set()

    def close(self) -> None:
        """End everything."""
        self._closing = True
        self.thaw()
        self._listening.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._target)
                self._open += [client, server]
                threading.Thread(target=self._forward, args=(client, server), daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        other = {client: server, server: client}
        with contextlib.suppress(OSError, ValueError), client, server:
            while not self._closing:
                ready, _, _ = select.select([client, server], [], [], 0.1)
                if not self._flowing.is_set():
                    self._flowing.wait()
                    return
                for source in ready:
                    content = source.recv(CHUNK_BYTES)
                    if not content:
                        return
                    other[source].sendall(content)


@contextlib.contextmanager
def proxied(database_url: str) -> Iterator[tuple[Proxy, str]]:
    """Yield a proxy before a test's database, and the URL that leads through it."""
    url = make_url(database_url)
    proxy = Proxy(socket_of(url))
    try:
        yield proxy, through(url, proxy.port)
    finally:
        proxy.close()


def socket_of(url: URL) -> Path:
    """Return where a test's Postgres listens."""
    return Path(str(url.query["host"])) / SOCKET_FILE


def through(url: URL, port: int) -> str:
    """Return the URL of the same database by way of a port on this machine."""
    moved = url.set(host="127.0.0.1", port=port, query={"sslmode": "disable"})
    return moved.render_as_string(hide_password=False)
