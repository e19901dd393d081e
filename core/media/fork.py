"""A decoder that `core.decode.server` has forked, as the one sees it who has a file for it."""

import contextlib
import io
import os
import selectors
import socket
import time
from dataclasses import dataclass

from core.errors import DecoderFailed

MAX_ANSWER_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Fork:
    """A process that waits for its file, works, answers and ends."""

    pid: int  # to look at: only its server can kill it and be sure that the number is still its own
    request: io.FileIO
    answer: io.FileIO
    lifeline: socket.socket

    def tell(self, request: bytes) -> None:
        """Hand over the request, one line."""
        with contextlib.suppress(BrokenPipeError):  # it died; what it leaves behind tells why
            self.request.write(request + b"\n")
            self.request.close()

    def hear(self, *, within_s: float) -> bytes:
        """Return everything it says, up to MAX_ANSWER_BYTES, until it is silent.

        Raises:
            DecoderFailed: it did not end in time (its own limits on CPU time are
                lower, so it was waiting for this machine), or its server died.
        """
        said, deadline = b"", time.monotonic() + within_s
        with selectors.DefaultSelector() as selector:
            selector.register(self.answer, selectors.EVENT_READ)
            selector.register(self.lifeline, selectors.EVENT_READ)  # silent until we are done
            while len(said) <= MAX_ANSWER_BYTES:
                ready = selector.select(max(deadline - time.monotonic(), 0))
                if not ready:
                    raise DecoderFailed(
                        f"Decoding did not end in {within_s:.0f} s. Try again later."
                    )
                if all(key.fileobj is self.lifeline for key, _ in ready):
                    raise server_died()
                more = os.read(self.answer.fileno(), MAX_ANSWER_BYTES)
                if not more:
                    break
                said += more
        return said

    def end(self) -> int:
        """Leave neither the process, nor a child of its own behind; return its exit status.

        It is negative for a signal. Raises as `number`.
        """
        with contextlib.suppress(OSError):  # the server is gone, and with it the other end
            self.lifeline.shutdown(socket.SHUT_WR)
        return number(self.lifeline)


def number(line: socket.socket) -> int:
    """Return the next number from the server.

    Raises:
        DecoderFailed: it died.
        TimeoutError: it hangs.
    """
    try:
        said = line.recv(4, socket.MSG_WAITALL)
    except ConnectionError as error:
        raise server_died() from error
    if len(said) < 4:
        raise server_died()
    return int.from_bytes(said, signed=True)


def server_died() -> DecoderFailed:
    """Return the error for a decoder that nobody can end or bury any more."""
    return DecoderFailed(
        "The process that starts decoders ended, or hung and was ended. "
        "Try again; if it stays, look for memory shortage on this machine."
    )
