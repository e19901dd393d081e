"""Replacing a file that other processes read: whole or not at all, and still theirs to read."""

import os
import tempfile
from pathlib import Path


def replace(path: Path, text: str) -> None:
    """Put `text` (UTF-8) in the place of a file, also if the machine stops right after.

    Owner, group and mode stay. A new file goes to the group of its folder,
    which may read it (0640); nobody else may.

    Raises:
        OSError: the folder cannot be written, or the owner cannot be kept.
    """
    path = path.resolve()
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(number)
    fresh = Path(name)
    try:
        with fresh.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            _hand_over(file.fileno(), path)
            os.fsync(file.fileno())
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    _sync(path.parent)


def _hand_over(number: int, path: Path) -> None:
    """Give an open file the owner, group and mode that belong at `path`."""
    made = os.fstat(number)
    if path.exists():
        wanted = path.stat()
        owner, group, mode = wanted.st_uid, wanted.st_gid, wanted.st_mode & 0o777
    else:
        owner, group, mode = made.st_uid, path.parent.stat().st_gid, 0o640
    if (made.st_uid, made.st_gid) != (owner, group):
        os.fchown(number, owner, group)
    os.fchmod(number, mode)


def _sync(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
