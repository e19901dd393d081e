"""What runs in a home: the lock of the one supervisor and its state, written at every change."""

import fcntl
import json
import os
import signal
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from core.errors import ConfigError
from deploy.local.home import Home, refused, write_private
from deploy.local.processes import Seen, gone

SURVIVORS_GET_S = 3.0


class AlreadyRunning(Exception):
    """Another supervisor holds the lock."""


class Lock:
    """An flock: the system takes it back whatever becomes of the process that holds it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = -1

    def __enter__(self) -> Self:
        """Take the lock. Raises AlreadyRunning, or ConfigError if the file cannot be made."""
        try:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise refused(self._path.parent, error) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._file)
            raise AlreadyRunning from None
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        """Give it back."""
        os.close(self._file)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A snapshot of a stack."""

    supervisor: Seen
    url: str
    ready: bool
    since: float  # unix time
    log_from: int  # where this run begins in stack.log
    children: dict[str, Seen]

    def save(self, home: Home) -> None:
        """Replace the snapshot on disk."""
        write_private(home.state, json.dumps(asdict(self), indent=2))

    @classmethod
    def load(cls, home: Home) -> "State | None":
        """Return the last snapshot, whoever wrote it, or None."""
        try:
            found: dict[str, Any] = json.loads(home.state.read_text(encoding="utf-8"))
            found["supervisor"] = Seen(**found["supervisor"])
            found["children"] = {name: Seen(**seen) for name, seen in found["children"].items()}
            return cls(**found)
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None


def running(home: Home) -> State | None:
    """Return the state if its supervisor lives."""
    state = State.load(home)
    return state if state and state.supervisor.alive() else None


def stop_survivors(home: Home) -> dict[str, Seen]:
    """End what a killed supervisor left behind; return those that may finish what they have.

    A worker in the middle of a paid request must not be killed: it takes
    nothing new, stores its result where the next worker finds it, and ends.

    Raises:
        ConfigError: something cannot be ended.
    """
    state = State.load(home)
    left = {name: seen for name, seen in state.children.items() if seen.alive()} if state else {}
    for seen in left.values():
        seen.send(seen.stop_signal)
    gone(left.values(), within_s=SURVIVORS_GET_S)
    for seen in left.values():
        if not seen.lingers:
            seen.send(signal.SIGKILL)
    stubborn = [seen for seen in left.values() if not seen.lingers]
    if not gone(stubborn, within_s=SURVIVORS_GET_S):
        pids = ", ".join(str(seen.pid) for seen in stubborn if seen.alive())
        raise ConfigError(
            f"Processes of the last run cannot be ended: {pids}. Reboot, or kill them."
        )
    return {name: seen for name, seen in left.items() if seen.alive()}


def forget(home: Home) -> None:
    """Remove the snapshot of a stack that has ended."""
    with suppress(FileNotFoundError):
        home.state.unlink()
