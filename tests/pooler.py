"""Poolers in transaction mode: a small one of our own everywhere, PgBouncer where it is installed.

Both lend a server's connection for one transaction and drop what arrives on it
while nobody has it: LISTEN is accepted, and no notification ever comes.
CI installs PgBouncer, so the small one is held to the real one's behaviour.
"""

import contextlib
import os
import shutil
import socket
import struct
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy.engine import URL, make_url

from deploy.local.processes import Command, nobody
from tests import servers
from tests.proxy import socket_of, through
from tests.stack import free_port

HOST = "127.0.0.1"
PGBOUNCER = shutil.which("pgbouncer", path=f"{os.defpath}:/usr/sbin:/opt/homebrew/bin")
POOLERS = ["small", "pgbouncer"] if PGBOUNCER else ["small"]

INI = """\
[databases]
{database} = host={folder} port=5432 user={user}
[pgbouncer]
listen_addr = {host}
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
ignore_startup_parameters = options, extra_float_digits
"""

QUERY, READY, IDLE = b"Q", b"Z", b"I"


@contextlib.contextmanager
def pooled(kind: str, database_url: str) -> Iterator[str]:
    """Yield the URL of a test's database by way of a pooler of a kind in POOLERS."""
    url = make_url(database_url)
    with {"small": _small, "pgbouncer": _pgbouncer}[kind](url) as port:
        yield through(url, port)


@contextlib.contextmanager
def _pgbouncer(url: URL) -> Iterator[int]:
    assert PGBOUNCER is not None
    port, folder = free_port(), Path(tempfile.mkdtemp(prefix="proofsheet-pgbouncer-"))
    folder.chmod(0o755)
    ini = folder / "pgbouncer.ini"
    ini.write_text(
        INI.format(
            database=url.database,
            folder=socket_of(url).parent,
            user=url.username,
            host=HOST,
            port=port,
        ),
        encoding="utf-8",
    )
    owner = nobody() if os.geteuid() == 0 else None  # it refuses to run as root
    command = Command(argv=(PGBOUNCER, str(ini)), env={}, cwd=folder, owner=owner)
    try:
        with servers.process(command, lambda: _accepts(port), folder / "log"):
            yield port
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _accepts(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), 1):
        return True
    return False


@contextlib.contextmanager
def _small(url: URL) -> Iterator[int]:
    pooler = _Small(socket_of(url))
    try:
        yield pooler.port
    finally:
        pooler.close()


class _Small:
    """Speaks as much of the protocol as psycopg2 uses: a start, simple queries, a good-bye."""

    def __init__(self, target: Path) -> None:
        self._target = str(target)
        self._idle: list[socket.socket] = []
        self._all: list[socket.socket] = []
        self._listening = socket.create_server((HOST, 0))
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for one in [self._listening, *self._all]:
            one.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                self._all.append(client)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client:
            length = client.recv(4, socket.MSG_WAITALL)
            start = length + client.recv(struct.unpack("!I", length)[0] - 4, socket.MSG_WAITALL)
            server = self._opened(start)
            while _relay(server, client) != READY + IDLE:
                pass
            self._idle.append(server)
            while (asked := _message(client))[:1] == QUERY:
                self._answer(client, start, asked)

    def _answer(self, client: socket.socket, start: bytes, asked: bytes) -> None:
        """Lend a server's connection from a transaction's first query until its end."""
        server = self._taken(start)
        while True:
            server.sendall(asked)
            while not (state := _relay(server, client)).startswith(READY):
                pass
            if state == READY + IDLE:
                self._idle.append(server)
                return
            asked = _message(client)

    def _opened(self, start: bytes) -> socket.socket:
        server = socket.socket(socket.AF_UNIX)
        server.connect(self._target)
        self._all.append(server)
        server.sendall(start)
        return server

    def _taken(self, start: bytes) -> socket.socket:
        try:
            server = self._idle.pop()
        except IndexError:
            server = self._opened(start)
            while _message(server) != READY + struct.pack("!I", 5) + IDLE:
                pass
            return server
        with contextlib.suppress(BlockingIOError):
            while server.recv(65_536, socket.MSG_DONTWAIT):
                pass  # what came while nobody had it is nobody's
        return server


def _message(source: socket.socket) -> bytes:
    """Return the next whole message: a kind, a length that counts itself, the content."""
    head = source.recv(5, socket.MSG_WAITALL)
    if len(head) < 5:
        raise ConnectionError("The other side has left.")
    size = struct.unpack("!I", head[1:])[0] - 4
    return head + (source.recv(size, socket.MSG_WAITALL) if size else b"")


def _relay(server: socket.socket, client: socket.socket) -> bytes:
    """Pass one message on; return its kind, and a transaction's state where it tells one."""
    message = _message(server)
    client.sendall(message)
    return message[:1] + (message[5:6] if message[:1] == READY else b"")
