"""A server that does with each connection exactly what a test says, byte by byte."""

import datetime
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Script = Callable[[socket.socket], None]


@dataclass
class RawServer:
    """Every connection, what came over it, and where to reach it."""

    port: int
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def read_request(self, connection: socket.socket) -> bytes:
        """Read one request, headers and announced body; keep and return it."""
        data = b""
        while b"\r\n\r\n" not in data:
            piece = connection.recv(65536)
            if not piece:
                return data
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        pieces = [body]
        got = len(body)
        while got < length and (piece := connection.recv(1 << 20)):
            pieces.append(piece)
            got += len(piece)
        request = head + b"\r\n\r\n" + b"".join(pieces)
        self.requests.append(request)
        return request

    def body(self, index: int = -1) -> bytes:
        return self.requests[index].partition(b"\r\n\r\n")[2]

    def head(self, index: int = -1) -> str:
        return self.requests[index].partition(b"\r\n\r\n")[0].decode()


@contextmanager
def serving(
    script: Callable[["RawServer", socket.socket], None], tls: ssl.SSLContext | None = None
) -> Iterator[RawServer]:
    """Run `script(server, connection)` for each connection, in a thread of its own."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.02)
    server = RawServer(port=listener.getsockname()[1])
    threads: list[threading.Thread] = []

    def handle(connection: socket.socket) -> None:
        connection.settimeout(10)
        try:
            wrapped = tls.wrap_socket(connection, server_side=True) if tls else connection
            with wrapped:
                script(server, wrapped)
        except OSError:
            pass
        finally:
            connection.close()

    def accept() -> None:
        while not server.stopping.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            server.connections += 1
            threads.append(threading.Thread(target=handle, args=(connection,), daemon=True))
            threads[-1].start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield server
    finally:
        server.stopping.set()
        accepting.join()
        listener.close()
        for thread in threads:
            thread.join(5)


def reset(connection: socket.socket) -> None:
    """Break off with an RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def answer(
    body: bytes, status: str = "200 OK", headers: str = "", kind: str = "application/json"
) -> bytes:
    """Return a whole answer with its length."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{headers}"
    return head.encode() + b"\r\n" + body


def chunked(*pieces: bytes, kind: str = "text/event-stream", end: bytes = b"0\r\n\r\n") -> bytes:
    """Return a chunked answer."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head.encode() + b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in pieces) + end


def replying(data: bytes) -> Callable[[RawServer, socket.socket], None]:
    """Return a script that reads a request and sends `data`."""

    def script(server: RawServer, connection: socket.socket) -> None:
        server.read_request(connection)
        connection.sendall(data)

    return script


@dataclass(frozen=True)
class Certificate:
    """A self-signed certificate for `localhost`, not for 127.0.0.1."""

    file: Path

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file)
        return context


def certificate(folder: Path) -> Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost")]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return Certificate(file)
