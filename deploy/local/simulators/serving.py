"""The server of a simulator: a thread per connection, and a stop that waits for nobody."""

import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from deploy.local.simulators.http import GONE, Answer, Exchange


class Handler(BaseHTTPRequestHandler):
    """Turns requests of one connection into exchanges, until one side closes it."""

    protocol_version = "HTTP/1.1"
    server_version = "simulator"
    sys_version = ""
    disable_nagle_algorithm = True
    arrived_at = 0.0

    @property
    def simulator(self) -> "SimulatorServer":
        """Return the server this connection belongs to."""
        assert isinstance(self.server, SimulatorServer)
        return self.server

    def setup(self) -> None:
        super().setup()
        self.simulator.connections.add(self.connection)

    def finish(self) -> None:
        self.simulator.connections.discard(self.connection)
        try:
            super().finish()
        except GONE:
            return

    def handle(self) -> None:
        try:
            super().handle()
        except GONE:
            self.close_connection = True

    def parse_request(self) -> bool:
        """Note the time: the request line has just been read."""
        self.arrived_at = time.time()
        return super().parse_request()

    def answer(self) -> None:
        """Let the simulator answer. A bug in it becomes a 500 here and a traceback on stderr."""
        exchange = Exchange(self, arrived_at=self.arrived_at, stopping=self.simulator.stopping)
        try:
            self.simulator.answer(exchange)
        except GONE:
            self.close_connection = True
        except Exception:
            if exchange.status is None:
                exchange.reply_json(500, {"error": {"message": "The simulator has a bug."}})
            raise
        finally:
            exchange.close()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = answer  # noqa: N815 - the library's names

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the ledger is the log."""


class SimulatorServer(ThreadingHTTPServer):
    """Listens from the start. Call `serve_forever`, or `start` for a thread of its own."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 1024  # a whole fleet of workers may connect at once

    def __init__(
        self, host: str, port: int, answer: Answer, on_close: Callable[[], None] | None = None
    ) -> None:
        """Answer every request with `answer`; `on_close` runs when the server is closed."""
        super().__init__((host, port), Handler)
        self.answer = answer
        self.stopping = threading.Event()
        self.connections: set[socket.socket] = set()
        self._on_close = on_close
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Return where it listens, without a slash at the end."""
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"

    def start(self) -> "SimulatorServer":
        """Serve in a thread until `stop`."""
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """End at once: open connections are closed, whatever they were doing."""
        if self._thread is not None:
            self.shutdown()
            self._thread.join()
        self.server_close()

    def server_close(self) -> None:
        """Stop listening, break off what is going on, and wait up to a second for its threads."""
        super().server_close()
        self.stopping.set()
        deadline = time.monotonic() + 1
        while self.connections and time.monotonic() < deadline:
            for connection in list(self.connections):
                _shut(connection)
            threading.Event().wait(0.01)
        if self._on_close is not None:
            self._on_close()


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # its thread was faster
