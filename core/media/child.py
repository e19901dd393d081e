"""The limited process that decodes, asked and understood.

Every file gets a process of its own (`core.decode`): without our environment and its
secrets, in a session of its own, with limits on memory, time, files and output that it
sets before it reads anything. It learns paths in one line of JSON, answers in another,
and ends; it never sees a second file.

Starting Python and Pillow takes 0.1 s, so these processes are forked from one that has
started and does nothing else (`core.media.server`).
"""

import atexit
import json
import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import DecoderFailed, MediaRejected
from core.media.refusals import refusal, sayable
from core.media.server import Server

COMMAND = (sys.executable, "-s", "-E", "-m", "core.decode")
AT_ONCE = 2  # processes at work; large pictures take turns on the whole machine besides
WAIT_S = 120.0
OUTPUT_BYTES = 50_000_000 - 1  # the largest file it may write
PICTURE, FILM = b"p", b"f"  # what the server has to load

# Signals that a decoder's own crash ends in; SIGKILL is the machine's.
CRASHES = frozenset(
    {signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a process said before it ended, and how it ended."""

    said: Mapping[str, Any]  # {} when it said nothing that can be understood
    status: int  # of the process; negative for a signal


class Decoder:
    """Runs one operation per process. Safe to share between threads."""

    def __init__(
        self, *, command: Sequence[str] = COMMAND, at_once: int = AT_ONCE, wait_s: float = WAIT_S
    ) -> None:
        """Start nothing yet. `wait_s` counts from the moment a process gets its file."""
        self._server = Server(command)
        self._at_once = at_once
        self._slots = threading.BoundedSemaphore(at_once)
        self._wait_s = wait_s

    def run(self, operation: str, **arguments: object) -> Mapping[str, Any]:
        """Do one operation with one file and return what was found.

        Raises:
            MediaRejected: the file is at fault.
            DecoderFailed: this machine is; the same call may work later.
        """
        return _understood(self.ask(operation, **arguments))

    def finish(self, operation: str, *, path: str, small: str) -> Mapping[str, Any]:
        """Prove a file and make a small picture of it; raises as `run`.

        Where the process dies, the file is proved once more and nothing is made of it: what is
        sound is paid for, and kept without a small picture.
        """
        answer = self.ask(operation, path=path, small=small)
        if answer.said:
            return _understood(answer)
        return self.run(operation, path=path, small=None)

    def ask(self, operation: str, **arguments: object) -> Answer:
        """Do one operation with one file and return all that came back.

        Raises:
            DecoderFailed: nothing came in time, or nobody knows how it ended.
        """
        request = {"operation": operation, "arguments": arguments, "output_bytes": OUTPUT_BYTES}
        order = FILM if operation == "finish_video" else PICTURE
        with self._slots, self._server.forked(order) as fork:
            try:
                fork.tell(json.dumps(request).encode())
                said = fork.hear(within_s=self._wait_s)
            finally:
                status = fork.end()
        return Answer(said=_parsed(said), status=status)

    def warm(self) -> None:
        """Be ready; call it where a process starts whose first file should not wait 0.1 s."""
        self._server.warm()

    def close(self) -> None:
        """End what decodes, and what is ready to. The next call starts it again."""
        self._server.close()

    def forget(self) -> None:
        """Begin as if nothing had been started; call it in a fork of this process."""
        self._slots = threading.BoundedSemaphore(self._at_once)
        self._server.forget()


def _parsed(answer: bytes) -> Mapping[str, Any]:
    try:
        said = json.loads(answer)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _understood(answer: Answer) -> Mapping[str, Any]:
    """Return what was done, or raise what went wrong. The words are never the process's own."""
    match answer.said:
        case {"done": dict(done)}:
            return done
        case {"refused": str(code), "values": dict(values)} if sayable(code, values):
            raise refusal(code, **values)
        case {"failed": str(reason)}:
            raise DecoderFailed(f"Decoding failed on this machine: {reason[:300]}")
    raise _died(answer.status)


def _died(status: int) -> MediaRejected | DecoderFailed:
    """Return what a process means that ended without an answer."""
    if status == -signal.SIGXCPU:
        return refusal("too_slow")
    if -status in CRASHES:
        return refusal("unreadable")
    return DecoderFailed(
        f"The decoder ended with status {status} and said nothing. "
        "Try again; if it stays, look for memory shortage on this machine."
    )


decoder = Decoder()  # this process's own; it starts nothing before it is used
atexit.register(decoder.close)
os.register_at_fork(after_in_child=decoder.forget)
