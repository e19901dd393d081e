"""HTTP/1.1 with the socket in reach: honest answers, and every way a provider's answer can break.

A simulator is one function from an `Exchange` to nothing: it reads the request from it and answers
through it. Each connection has its own thread; nothing runs while nobody asks.
"""

import json
import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from email.message import Message
from http.server import BaseHTTPRequestHandler
from tempfile import SpooledTemporaryFile
from typing import IO, Any
from urllib.parse import parse_qs, urlsplit

KEPT_IN_MEMORY = 1024 * 1024  # a larger body goes to disk
PIECE = 64 * 1024
GONE_AWAY = getattr(select, "POLLRDHUP", select.POLLHUP)  # the first is Linux's alone
LINGER_S = 1.0
LINGER_PIECES = 1024
GONE = (BrokenPipeError, ConnectionError, TimeoutError)

Answer = Callable[["Exchange"], None]
Headers = Mapping[str, str]


class Exchange:
    """One request and the one answer to it.

    `arrived_at` is the Unix time at which the request line was read. Whatever of the body nobody
    has read is read before the answer, so that the client gets to see it.
    """

    def __init__(
        self, handler: BaseHTTPRequestHandler, *, arrived_at: float, stopping: threading.Event
    ) -> None:
        self._handler = handler
        self._stopping = stopping
        parts = urlsplit(handler.path)
        self.method: str = handler.command
        self.path: str = parts.path
        self.query: dict[str, str] = {
            name: values[-1]
            for name, values in parse_qs(parts.query, keep_blank_values=True).items()
        }
        self.headers: Message = handler.headers
        self.arrived_at = arrived_at
        self.client_host: str = handler.client_address[0]
        self.status: int | None = None  # of the answer, once begun
        self.broken = False  # the connection was broken off on purpose
        self.extra_headers: dict[str, str] = {}  # go out with every answer
        self._left = False  # a body that nobody will read
        self._pieces = _body_pieces(handler)
        self._spooled: IO[bytes] | None = None

    # Reading

    def pieces(self) -> Iterator[bytes]:
        """Yield the body as it arrives, once. Raises ConnectionError if the client breaks off."""
        return self._pieces

    def read_body(self) -> IO[bytes]:
        """Return the whole body as a file at its start (on disk if large), the same one each time.

        It is closed with the exchange.
        """
        if self._spooled is None:
            self._spooled = SpooledTemporaryFile(max_size=KEPT_IN_MEMORY)  # noqa: SIM115 - closed in close()
            for piece in self._pieces:
                self._spooled.write(piece)
        self._spooled.seek(0)
        return self._spooled

    def read_json(self) -> Any:
        """Return the parsed body. Raises ValueError if it is not JSON."""
        return json.loads(self.read_body().read())

    def leave_body(self) -> None:
        """Answer without reading the body, and close the connection after that."""
        self._pieces = iter(())
        self._left = self._handler.close_connection = True
        self.extra_headers["Connection"] = "close"

    def close(self) -> None:
        """Give the spooled body back, and end the connection gently if a body was left on it."""
        if self._spooled is not None:
            self._spooled.close()
        if self._left and not self.broken:
            _linger(self._handler.connection)

    # Answering as a provider should

    def reply_json(self, status: int, body: object, headers: Headers | None = None) -> None:
        """Answer with `body` as JSON."""
        data = json.dumps(body).encode()
        self.reply_bytes(status, data, "application/json", headers)

    def reply_bytes(
        self, status: int, data: bytes, content_type: str, headers: Headers | None = None
    ) -> None:
        """Answer with `data` and its true length."""
        self._begin(status, content_type, {"Content-Length": str(len(data))}, headers)
        if self.method != "HEAD":
            self._send(data)

    def begin_stream(
        self, status: int, content_type: str = "text/event-stream", headers: Headers | None = None
    ) -> None:
        """Begin an answer of unknown length: `send_chunk` follows, then `end_stream`."""
        self._begin(status, content_type, {"Transfer-Encoding": "chunked"}, headers)

    def send_chunk(self, data: bytes) -> None:
        """Send one piece of the stream at once."""
        self._send(b"%x\r\n%b\r\n" % (len(data), data))

    def end_stream(self) -> None:
        """End the stream properly. A stream that is not ended looks cut off."""
        self._send(b"0\r\n\r\n")

    # Answering as a provider should not

    def reset(self) -> None:
        """Break the connection with an RST: what was not read by the client yet is lost to it."""
        self._handler.connection.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        self.hang_up()

    def hang_up(self) -> None:
        """Close the connection here and now, with whatever was sent so far."""
        self.broken = self._handler.close_connection = True
        self._handler.rfile.close()  # it holds the socket open as well
        self._handler.connection.close()

    def cut(
        self,
        status: int,
        data: bytes,
        content_type: str,
        *,
        sent: int,
        announced: bool = True,
        headers: Headers | None = None,
    ) -> None:
        """Announce all of `data` (or no length at all), send its first `sent` bytes, close."""
        framing = {"Content-Length": str(len(data))} if announced else {"Connection": "close"}
        self._begin(status, content_type, framing, headers)
        self._send(data[:sent])
        self.hang_up()

    def cut_chunk(self, data: bytes, *, sent: int) -> None:
        """Announce `data` as the stream's next piece, send its first `sent` bytes, close."""
        self._send(b"%x\r\n%b" % (len(data), data[:sent]))
        self.hang_up()

    def trickle(
        self,
        status: int,
        data: bytes,
        content_type: str,
        *,
        interval_s: float = 1.0,
        headers: Headers | None = None,
    ) -> None:
        """Answer with one byte of `data` every `interval_s` seconds."""
        self._begin(status, content_type, {"Content-Length": str(len(data))}, headers)
        for index in range(len(data)):
            self._send(data[index : index + 1])
            if not self.wait(interval_s):
                return

    def hang(self, seconds: float) -> None:
        """Say nothing for so long, or until the client gives up; then close."""
        watched = select.poll()  # for the client's going away, which needs no data to be read
        watched.register(self._handler.connection, GONE_AWAY)
        watched.poll(seconds * 1000)
        self.hang_up()

    def wait(self, seconds: float) -> bool:
        """Pause for so long. False if the server is stopping, and the pause was cut short."""
        return not self._stopping.wait(max(0.0, seconds))

    def _begin(
        self, status: int, content_type: str, framing: Headers, headers: Headers | None
    ) -> None:
        for _ in self._pieces:
            pass
        self.status = status
        handler = self._handler
        handler.send_response(status)
        for name, value in {
            "Content-Type": content_type,
            **framing,
            **self.extra_headers,
            **(headers or {}),
        }.items():
            handler.send_header(name, value)
        handler.end_headers()

    def _send(self, data: bytes) -> None:
        self._handler.wfile.write(data)


def _linger(connection: socket.socket) -> None:
    """Let a client that is still sending read the answer: closing at once would reset it away."""
    connection.settimeout(LINGER_S)
    try:
        connection.shutdown(socket.SHUT_WR)
        for _ in range(LINGER_PIECES):
            if not connection.recv(PIECE):
                return
    except OSError:
        return


def _body_pieces(handler: BaseHTTPRequestHandler) -> Iterator[bytes]:
    """Yield the request's body, by length or by chunks. Ends for good once it is read."""
    if handler.headers.get("Transfer-Encoding", "").lower() == "chunked":
        yield from _chunks(handler)
    else:
        yield from _exactly(handler, int(handler.headers.get("Content-Length") or 0))


def _exactly(handler: BaseHTTPRequestHandler, length: int) -> Iterator[bytes]:
    while length > 0:
        piece = handler.rfile.read1(min(length, PIECE))
        if not piece:
            handler.close_connection = True
            raise ConnectionAbortedError("The client broke off in the middle of the body.")
        length -= len(piece)
        yield piece


def _chunks(handler: BaseHTTPRequestHandler) -> Iterator[bytes]:
    while True:
        size = int(handler.rfile.readline(PIECE).split(b";")[0] or b"0", 16)
        yield from _exactly(handler, size)
        handler.rfile.readline(PIECE)
        if size == 0:
            return
