"""The parent's side of the limited process that decodes.

Every file gets a process of its own (`python -m core.decode`): without
our environment and its secrets, in a session of its own, with limits on memory,
time, files and output that it sets before it reads anything. It learns paths in
one line of JSON, answers in another, and ends; it never sees a second file.

Starting Python and Pillow takes 0.1 s, so one process is kept that has started
and waits for its file. It holds 20 MB and ends with us: its input closes.
"""

import atexit
import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import DecoderFailed, MediaRejected
from core.media.refusals import refusal, sayable

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-s", "-E", "-m", "core.decode")
AT_ONCE = 2  # processes at work; large pictures take turns on the whole machine besides
WAIT_S = 120.0
MAX_ANSWER_BYTES = 64 * 1024
OUTPUT_BYTES = 50_000_000 - 1  # the largest file it may write

# Signals that a decoder's own crash ends in; SIGKILL is the machine's.
CRASHES = frozenset(
    {signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP}
)

Process = subprocess.Popen[bytes]


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
        self._command = command
        self._slots = threading.BoundedSemaphore(at_once)
        self._wait_s = wait_s
        self._changing = threading.Lock()
        self._spare: Process | None = None

    def run(self, operation: str, **arguments: object) -> Mapping[str, Any]:
        """Do one operation with one file and return what was found.

        Raises:
            MediaRejected: the file is at fault.
            DecoderFailed: this machine is; the same call may work later.
        """
        return _understood(self.ask(operation, **arguments))

    def ask(self, operation: str, **arguments: object) -> Answer:
        """Do one operation with one file and return all that came back.

        Raises:
            DecoderFailed: nothing came in time.
        """
        request = {"operation": operation, "arguments": arguments, "output_bytes": OUTPUT_BYTES}
        with self._slots:
            process = self._taken()
            try:
                _tell(process, request)
                self.warm()  # the next one starts while this one works
                said = _heard(process, self._wait_s)
            finally:
                _end(process)
        return Answer(said=_parsed(said), status=process.returncode)

    def warm(self) -> None:
        """Have a process waiting; call it where a process starts, to spare its first file 0.1 s."""
        with self._changing:
            if self._spare is None:
                self._spare = self._started()

    def close(self) -> None:
        """Let the waiting process go. The next call starts a new one."""
        with self._changing:
            spare, self._spare = self._spare, None
        if spare is not None:
            _end(spare)

    def _taken(self) -> Process:
        """Return a process that waits for its file, and is nobody else's."""
        with self._changing:
            spare, self._spare = self._spare, None
        if spare is None:
            return self._started()
        if spare.poll() is None:
            return spare
        _end(spare)  # somebody killed it while it waited
        return self._started()

    def _started(self) -> Process:
        return subprocess.Popen(  # noqa: S603  (our own interpreter and module)
            self._command,
            cwd=ROOT,
            env={},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            start_new_session=True,
        )


def _tell(process: Process, request: Mapping[str, object]) -> None:
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):  # it died; what it leaves behind tells why
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.close()


def _heard(process: Process, wait_s: float) -> bytes:
    """Return everything the process says, up to MAX_ANSWER_BYTES, until it is silent.

    Raises:
        DecoderFailed: it did not end in time. Its own limits on CPU time are
            lower, so it was waiting for this machine.
    """
    assert process.stdout is not None
    said, deadline = b"", time.monotonic() + wait_s
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while len(said) <= MAX_ANSWER_BYTES:
            if not selector.select(max(deadline - time.monotonic(), 0)):
                raise DecoderFailed(f"Decoding did not end in {wait_s:.0f} s. Try again later.")
            more = os.read(process.stdout.fileno(), MAX_ANSWER_BYTES)
            if not more:
                break
            said += more
    return said


def _end(process: Process) -> None:
    """Leave neither the process, nor a child of its own, nor a pipe behind.

    It is killed before it is waited for: until then its id cannot be another's.
    Whoever has closed its output is ending anyhow and keeps its own exit status.
    """
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        pipe.close()
    process.wait()


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
