"""Programs to start, and how to know a process again after we have lost it."""

import os
import pwd
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.errors import ConfigError

LAUNCHER = Path(__file__).with_name("launch.py")
LOOK_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whom a process belongs to, when we are root and it must not be."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A program to start. `argv[0]` is a full path; secrets are in `env` only."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)
    cwd: Path
    owner: Identity | None = None
    death_signal: int = signal.SIGTERM  # what it gets when we die

    def launched(self) -> list[str]:
        """Return what to execute, from a thread that outlives it.

        Linux sends the death signal when the *thread* that forked ends: a child
        that stays is started from the main thread.
        """
        owner = f"{self.owner.uid}:{self.owner.gid}" if self.owner else "-"
        by = (str(os.getpid()), str(int(self.death_signal)), owner)
        return [sys.executable, "-I", "-S", str(LAUNCHER), *by, *self.argv]


def require_name() -> None:
    """Raise ConfigError when we run under a number that no user has, as `docker run -u` can."""
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        raise ConfigError(
            f"Postgres refuses to run as user {os.geteuid()}, which has no entry in /etc/passwd. "
            "Start as a user that has one, or set DATABASE_URL."
        ) from None


def nobody() -> Identity:
    """Return the user that owns nothing. Raises ConfigError where there is none."""
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise ConfigError(
            "Postgres refuses to run as root, and this machine has no user 'nobody' to run it as. "
            "Start as an ordinary user, or set DATABASE_URL."
        ) from None
    return Identity(uid=entry.pw_uid, gid=entry.pw_gid)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A process and when it was born: a number alone is soon somebody else's."""

    pid: int
    birth: str
    stop_signal: int = signal.SIGTERM
    lingers: bool = False  # finishes what it has in hand and then ends by itself

    @classmethod
    def of(cls, pid: int, **more: Any) -> "Seen":
        """Return a process that runs now."""
        return cls(pid=pid, birth=birth(pid), **more)

    def alive(self) -> bool:
        """Return whether this very process still runs."""
        return bool(self.birth) and birth(self.pid) == self.birth

    def send(self, number: int) -> None:
        """Signal it; that it has just ended is fine."""
        if self.alive():
            signal_quietly(self.pid, number)


def birth(pid: int) -> str:
    """Return something that no two processes share with their number, or '' if none runs."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    except (FileNotFoundError, ProcessLookupError):
        return _birth_by_ps(pid) if sys.platform != "linux" else ""
    return "" if fields[0] in "ZX" else f"{boot}:{fields[19]}"


def _birth_by_ps(pid: int) -> str:
    answer = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    state, _, started = answer.stdout.strip().partition(" ")
    return "" if state.startswith("Z") else started.strip()


def signal_quietly(pid: int, number: int) -> None:
    """Signal a process that may have just ended."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def gone(processes: Iterable[Seen], *, within_s: float) -> bool:
    """Wait until all have ended. Return False if one is left."""
    waiting = threading.Event()
    deadline = time.monotonic() + within_s
    while any(process.alive() for process in processes):
        if time.monotonic() > deadline:
            return False
        waiting.wait(LOOK_S)
    return True
