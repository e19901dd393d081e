"""The owner's side of the process that forks decoders, `core.decode.server`.

It is our interpreter with Pillow, started once: without our environment and its secrets,
in a session of its own. It holds 20 MB, reads no file, and ends when its socket closes,
which happens however we end. One that was killed is replaced at the next order.
"""

import contextlib
import io
import os
import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from core.errors import DecoderFailed
from core.media.fork import Fork, number, server_died

ROOT = Path(__file__).parents[2]
REPLY_S = 60.0  # whoever takes longer hangs: milliseconds are usual, and 0.1 s to start
CLOSING_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The server's process, and the socket that it takes orders from."""

    process: subprocess.Popen[bytes]
    orders: socket.socket


class Server:
    """Starts the server when it is needed, and orders. Safe to share between threads."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._changing = threading.Lock()
        self._running: Running | None = None

    @contextlib.contextmanager
    def forked(self, order: bytes) -> Iterator[Fork]:
        """Yield a decoder that waits for its file. On leaving it loses its lifeline.

        Raises:
            DecoderFailed: there is none, or nobody to tell how it ended.
        """
        with ExitStack() as ours, ExitStack() as its:
            its_request, request = _pipe(its, ours)
            answer, its_answer = _pipe(ours, its)
            lifeline, its_lifeline = socket.socketpair()
            ours.enter_context(lifeline).settimeout(REPLY_S)
            its.enter_context(its_lifeline)
            pid, process = self._ordered(order, (its_request, its_answer, its_lifeline))
            its.close()  # not before they have arrived: macOS may lose what is on its way
            try:
                yield Fork(pid=pid, request=request, answer=answer, lifeline=lifeline)
            except TimeoutError as error:
                process.kill()  # it hangs, and would hold up every other file
                raise server_died() from error

    def warm(self) -> None:
        """Start the server, to spare the first file the 0.1 s that this takes."""
        with self._changing:
            self._warmed()

    def close(self) -> None:
        """Let the server go, and with it whatever it has forked. The next order starts another."""
        with self._changing:
            self._end()

    def forget(self) -> None:
        """Leave the server to the process that this one was forked from."""
        self._changing = threading.Lock()  # a thread may have held it that is not here
        running, self._running = self._running, None
        if running is not None:
            running.orders.close()
            running.process.poll()  # no child of this process: it learns that, and is silent

    def _ordered(
        self, order: bytes, descriptors: Sequence[io.FileIO | socket.socket]
    ) -> tuple[int, subprocess.Popen[bytes]]:
        """Order a fork; return its process id and the process that was asked."""
        with self._changing:
            running = self._warmed()
            try:
                socket.send_fds(running.orders, [order], [each.fileno() for each in descriptors])
                pid = number(running.orders)
            except (ConnectionError, TimeoutError, DecoderFailed) as error:
                self._end()  # dead, dying or hanging: the next one gets another
                raise server_died() from error
        if pid == 0:
            raise DecoderFailed("This machine has no room for another process. Try again later.")
        return pid, running.process

    def _warmed(self) -> Running:
        if self._running is not None and self._running.process.poll() is not None:
            self._end()  # somebody killed it
        if self._running is None:
            self._running = _started(self._command)
        return self._running

    def _end(self) -> None:
        running, self._running = self._running, None
        if running is None:
            return
        running.orders.close()
        try:
            running.process.wait(CLOSING_S)
        except subprocess.TimeoutExpired:
            running.process.kill()
            running.process.wait()


def _started(command: Sequence[str]) -> Running:
    ours, its = socket.socketpair()
    with its:
        process = subprocess.Popen(  # noqa: S603  (our own interpreter and module)
            command,
            cwd=ROOT,
            env={},
            stdin=its.fileno(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    ours.settimeout(REPLY_S)
    return Running(process=process, orders=ours)


def _pipe(reader: ExitStack, writer: ExitStack) -> tuple[io.FileIO, io.FileIO]:
    """Return the two ends of a pipe, the first to read from, each in the hands of its user."""
    reading, writing = os.pipe()
    return reader.enter_context(io.FileIO(reading, "rb")), writer.enter_context(
        io.FileIO(writing, "wb")
    )
