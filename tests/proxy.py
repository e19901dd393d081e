"""Outages: a TCP proxy that stops forwarding and closes nothing, or closes everything at once."""

import contextlib
import select
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy.engine import URL, make_url

from deploy.local.postgres import SOCKET_FILE
from tests.servers import StoreBucket

CHUNK_BYTES = 65_536
Target = Path | tuple[str, int]  # a socket file, or host and port


class Proxy:
    """Stands between a client and a server."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._open: list[socket.socket] = [self._listening]
        self._flowing = threading.Event()
        self._flowing.set()
        self._refusing = False
        self._closing = False
        threading.Thread(target=self._accept, daemon=True).start()

    def freeze(self) -> None:
        """Forward nothing more. Both ends still see an open connection."""
        self._flowing.clear()

    def thaw(self) -> None:
        """Forward again; what came meanwhile is lost, as its packets would be."""
        self._close_all()
        self._flowing.set()

    def cut(self) -> None:
        """Close every connection, and each new one at once."""
        self._refusing = True
        self._close_all()

    def mend(self) -> None:
        """Let connections through again."""
        self._refusing = False

    def close(self) -> None:
        """End everything."""
        self._closing = True
        self.thaw()
        self._listening.close()

    def _close_all(self) -> None:
        for each in self._open[1:]:
            each.close()
        del self._open[1:]

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                if self._refusing:
                    client.close()
                    continue
                server = _connected(self._target)
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


def _connected(target: Target) -> socket.socket:
    if isinstance(target, tuple):
        return socket.create_connection(target)
    server = socket.socket(socket.AF_UNIX)
    server.connect(str(target))
    return server


@contextlib.contextmanager
def proxied(database_url: str) -> Iterator[tuple[Proxy, str]]:
    """Yield a proxy before a test's database, and the URL that leads through it."""
    url = make_url(database_url)
    with contextlib.closing(Proxy(socket_of(url))) as proxy:
        yield proxy, through(url, proxy.port)


@contextlib.contextmanager
def proxied_store(bucket: StoreBucket) -> Iterator[tuple[Proxy, StoreBucket]]:
    """Yield a proxy before a test's bucket, and the bucket as it is reached through it."""
    url = urlsplit(bucket.endpoint_url)
    assert url.hostname is not None
    assert url.port is not None
    with contextlib.closing(Proxy((url.hostname, url.port))) as proxy:
        yield proxy, replace(bucket, endpoint_url=f"http://127.0.0.1:{proxy.port}")


def socket_of(url: URL) -> Path:
    """Return where a test's Postgres listens."""
    return Path(str(url.query["host"])) / SOCKET_FILE


def through(url: URL, port: int) -> str:
    """Return the URL of the same database by way of a port on this machine."""
    moved = url.set(host="127.0.0.1", port=port, query={"sslmode": "disable"})
    return moved.render_as_string(hide_password=False)
