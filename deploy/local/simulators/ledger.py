"""The provider's own account of what it billed: the judge in every test of paid calls.

A JSON-lines file that only grows. One process owns it (an exclusive lock says so); everybody may
read it at any time, also while it is written or after its owner was killed.
"""

import fcntl
import json
import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

Entry = dict[str, Any]


class LedgerDamagedError(Exception):
    """A line in the middle is no entry: something other than a simulator wrote to the file."""


class Ledger:
    """Append-only entries, each on disk before `append` returns. Safe to share between threads."""

    def __init__(self, path: Path) -> None:
        """Open or make the file at `path`; a last line torn by a crash is removed.

        Raises:
            BlockingIOError: another process has this ledger open.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._lock = threading.Lock()
        self._file = path.open("ab")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.close()
            raise BlockingIOError(
                error.errno, "Another simulator has this ledger open; stop it", str(path)
            ) from error
        os.truncate(path, _whole_bytes(path))
        _sync_folder(path.parent)

    def append(self, entry: Entry) -> None:
        """Write one entry and return once it is on disk."""
        self._write(entry, durable=True)

    def note(self, entry: Entry) -> None:
        """Write one entry that nothing is proved by: it may be lost with the machine's power."""
        self._write(entry, durable=False)

    def entries(self, since: int = 0) -> list[Entry]:
        """Return the entries from number `since` (counted from 0) on."""
        return read(self.path, since=since)

    def close(self) -> None:
        """Let go of the file. Closing twice is not an error."""
        with self._lock:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self, entry: Entry, *, durable: bool) -> None:
        line = json.dumps(entry, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            self._file.write(line)
            self._file.flush()
            if durable:
                os.fsync(self._file.fileno())


def read(path: Path, since: int = 0) -> list[Entry]:
    """Return the whole entries of the ledger at `path`, whoever has it open; none if it is missing.

    Raises:
        LedgerDamagedError: a line that is not the last one is no JSON object.
    """
    if not path.exists():
        return []
    return [
        _parsed(line, path) for number, line in enumerate(_whole_lines(path)) if number >= since
    ]


def billed(entries: list[Entry], **wanted: object) -> list[Entry]:
    """Return the entries that cost money and whose fields equal `wanted`."""
    return [entry for entry in entries if entry["event"] == "billed" and _agrees(entry, wanted)]


def _agrees(entry: Entry, wanted: Mapping[str, object]) -> bool:
    return all(entry.get(name) == value for name, value in wanted.items())


def _whole_lines(path: Path) -> Iterator[bytes]:
    """Yield complete lines; a last one without its newline is still being written or was torn."""
    with path.open("rb") as lines:
        for line in lines:
            if line.endswith(b"\n"):
                yield line


def _whole_bytes(path: Path) -> int:
    """Return where the last whole entry ends. A crash leaves half a line, or one full of NULs."""
    end = last_start = 0
    last = b""
    for line in _whole_lines(path):
        last_start, end, last = end, end + len(line), line
    try:
        if last:
            json.loads(last)
    except ValueError:
        return last_start
    return end


def _parsed(line: bytes, path: Path) -> Entry:
    try:
        entry: Entry = json.loads(line)
    except ValueError as error:
        raise LedgerDamagedError(f"{path} holds a line that is no entry: {line[:80]!r}.") from error
    return entry


def _sync_folder(folder: Path) -> None:
    """Make the file's name durable too: fsync of a new file alone does not cover its folder."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
