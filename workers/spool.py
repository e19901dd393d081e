"""What exists nowhere else, on this host's disk until it is in the database and the bucket.

Of an attempt there may lie here:

- `{attempt}.body`: an edit's answer, written and fsynced as it arrives;
- `{attempt}.json`: the mark, by atomic rename, that the body is whole;
- `{attempt}.task`: the task id that a video's provider answered;
- `{attempt}.cut`: a body that broke off, kept for a complaint until housekeeping;
- `{attempt}.permit`, `{attempt}.revoked`: see `workers.permits`;
- `workers/`: see `workers.locks`;
- `strangers/`: all of this whose attempt and job no database knows, until a person looks.

The mark or the task is on the disk before anything else happens with an answer.
"""

import contextlib
import errno
import fcntl
import json
import os
import secrets
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog

from core.errors import ConfigError, Unreachable
from core.providers import Accepted, EditAnswer
from workers import litter
from workers.locks import WorkerLocks
from workers.permits import Permits

log = structlog.get_logger(__name__)

_OF_ANSWER = frozenset(field.name for field in fields(EditAnswer))


@dataclass(frozen=True, slots=True, kw_only=True)
class Spooled:
    """A complete answer on disk."""

    attempt_id: UUID
    job_id: UUID
    body: Path
    answer: EditAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class NotedTask:
    """A task that a provider took and that the database may not know of."""

    attempt_id: UUID
    job_id: UUID
    taken: Accepted


class Spool:
    """The spool folder of this host. Worker processes of one host share it.

    `host` names the folder, not the machine: an answer is found again by whoever
    has its disk, whatever that machine is called by then.
    """

    def __init__(self, folder: Path) -> None:
        """Raises ConfigError: `folder` cannot be made or written; Unreachable: that may pass."""
        self._folder = folder
        self.permits = Permits(folder)
        self.locks = WorkerLocks(folder / "workers")
        self._promised_bytes = 0
        self._promising = threading.Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.host = self._name()
        except OSError as error:
            passing = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EIO}
            raise (Unreachable if passing else ConfigError)(
                f"SPOOL_DIR {str(folder)!r} cannot be written: {error}. Paid answers wait there, "
                "so name a folder on a real disk that belongs to the worker's user."
            ) from error

    # --- an edit's answer -------------------------------------------------------------

    def body(self, attempt_id: UUID) -> Path:
        """Return where an attempt's answer is written while it arrives."""
        return self._folder / f"{attempt_id}.body"

    def complete(self, attempt_id: UUID, job_id: UUID, answer: EditAnswer) -> Spooled:
        """Mark an answer as whole, durably."""
        content = {"job_id": str(job_id), "answer": asdict(answer)}
        self._write(self._mark(attempt_id), content)
        return self._spooled(attempt_id, content)

    def get(self, attempt_id: UUID) -> Spooled | None:
        """Return an attempt's complete answer, if this host has it."""
        content = self._read(self._mark(attempt_id))
        if content is None or not self.body(attempt_id).exists():
            return None
        return self._spooled(attempt_id, content)

    def answered(self) -> Sequence[UUID]:
        """Return the attempts whose complete answer lies here."""
        return [id for id in self._attempts("json") if self.body(id).exists()]

    @contextmanager
    def keeping(self, attempt_id: UUID) -> Iterator[Spooled | None]:
        """Yield a complete answer that is in nobody else's hands until the end; None if it is.

        Where a lease says whose it is, this is not needed. A worker that dies lets go of it.
        """
        try:
            body = os.open(self.body(attempt_id), os.O_RDWR)
        except FileNotFoundError:  # whoever had it is done
            yield None
            return
        try:
            yield self.get(attempt_id) if _locked(body) else None
        finally:
            os.close(body)

    def unmarked(self) -> Iterator[UUID]:
        """Yield the attempts whose body lies here without a mark: arriving, or left behind."""
        for attempt_id in self._attempts("body"):
            if not self._mark(attempt_id).exists():
                yield attempt_id

    def set_aside(self, attempt_id: UUID) -> None:
        """Keep a body that broke off for a complaint, and look at it no more."""
        path = self.body(attempt_id)
        with contextlib.suppress(FileNotFoundError):
            _without_room(path)
            path.replace(path.with_suffix(".cut"))

    def put_by(self, attempt_id: UUID) -> None:
        """Keep for a person what lies here of an attempt whose job the database does not know."""
        strangers = self._folder / "strangers"
        strangers.mkdir(exist_ok=True, mode=0o700)
        for path in self._folder.glob(f"{attempt_id}.*"):
            _without_room(path)
            path.replace(strangers / path.name)

    def remove(self, attempt_id: UUID) -> None:
        """Forget an answer whose results are stored. The mark goes last."""
        for path in self._folder.glob(f"{attempt_id}.body*"):
            path.unlink(missing_ok=True)
        self._mark(attempt_id).unlink(missing_ok=True)

    # --- a video's task ---------------------------------------------------------------

    def note_task(self, attempt_id: UUID, job_id: UUID, taken: Accepted) -> None:
        """Write down, durably, which task a provider has taken."""
        self._write(self._task(attempt_id), {"job_id": str(job_id), "taken": asdict(taken)})

    def noted(self) -> Sequence[UUID]:
        """Return the attempts whose task lies here: it was not yet forgotten."""
        return self._attempts("task")

    def task(self, attempt_id: UUID) -> NotedTask | None:
        """Return the task that an attempt has become, if it lies here."""
        content = self._read(self._task(attempt_id))
        if content is None:
            return None
        return NotedTask(
            attempt_id=attempt_id,
            job_id=UUID(content["job_id"]),
            taken=Accepted(**content["taken"]),
        )

    def forget_task(self, attempt_id: UUID) -> None:
        """Forget a task that the database knows."""
        self._task(attempt_id).unlink(missing_ok=True)

    def is_answered(self, attempt_id: UUID) -> bool:
        """Return whether anything lies here that a provider has said to an attempt."""
        body = self.body(attempt_id)
        begun = body.exists() and body.stat().st_size > 0
        return begun or self._mark(attempt_id).exists() or self._task(attempt_id).exists()

    def job_of(self, attempt_id: UUID) -> UUID | None:
        """Return whose answer or task lies here; None if neither does."""
        content = self._read(self._mark(attempt_id)) or self._read(self._task(attempt_id))
        return UUID(content["job_id"]) if content is not None else None

    def of_job(self, job_id: UUID) -> Sequence[UUID]:
        """Return the attempts of a job whose answer or task lies here."""
        return [id for id in (*self.answered(), *self.noted()) if self._is_of(id, job_id)]

    def _is_of(self, attempt_id: UUID, job_id: UUID) -> bool:
        """One that cannot be read is nobody's here: whoever takes it up tells of it."""
        with contextlib.suppress(OSError, LookupError, ValueError, TypeError):
            return self.job_of(attempt_id) == job_id
        return False

    def quiet_for_s(self, attempt_id: UUID) -> float:
        """Return for how long nothing of an answer has arrived."""
        return time.time() - self.body(attempt_id).stat().st_mtime

    # --- the folder -------------------------------------------------------------------

    @contextmanager
    def room_for(self, size_bytes: int) -> Iterator[bool]:
        """Promise room on the disk while a step is under way; yield whether there is any.

        What this process has promised to others is counted, so that steps side by side do not
        rely on the same room. What is written meanwhile counts twice until the end.
        """
        with self._promising:
            self._promised_bytes += size_bytes
            disk = os.statvfs(self._folder)
            fits = disk.f_bavail * disk.f_frsize >= self._promised_bytes
        try:
            yield fits
        finally:
            with self._promising:
                self._promised_bytes -= size_bytes

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Yield a folder for one step's files. What a killed worker leaves, `tidy` removes."""
        work = self._folder / "work"
        work.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=work) as folder:
            yield Path(folder)

    def tidy(self) -> None:
        """Drop what killed workers left, and broken-off answers that a week has passed over."""
        litter.tidy(self._folder, self.permits)

    def _name(self) -> str:
        """Return this folder's own name; the first process to come writes it."""
        path = self._folder / "host"
        if not path.exists():  # else a worker starts on a full disk too
            fresh = self._folder / f"host.{secrets.token_hex(4)}"
            try:
                fresh.write_text(secrets.token_hex(8), encoding="ascii")
                with contextlib.suppress(FileExistsError):  # another process was first
                    os.link(fresh, path)
            finally:
                fresh.unlink(missing_ok=True)
        return path.read_text(encoding="ascii").strip()

    def _attempts(self, suffix: str) -> list[UUID]:
        found = []
        for path in sorted(self._folder.glob(f"*.{suffix}")):
            try:
                found.append(UUID(path.stem))
            except ValueError:
                log.warning("stray_file_in_spool", file=path.name)
        return found

    def _mark(self, attempt_id: UUID) -> Path:
        return self._folder / f"{attempt_id}.json"

    def _task(self, attempt_id: UUID) -> Path:
        return self._folder / f"{attempt_id}.task"

    def _spooled(self, attempt_id: UUID, content: dict[str, Any]) -> Spooled:
        # Another release may have written it, which knew more of an answer.
        answer = {name: it for name, it in content["answer"].items() if name in _OF_ANSWER}
        return Spooled(
            attempt_id=attempt_id,
            job_id=UUID(content["job_id"]),
            body=self.body(attempt_id),
            answer=EditAnswer(**answer),
        )

    def _read(self, path: Path) -> dict[str, Any] | None:
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except ValueError:  # only a damaged disk: it appeared by a rename
            log.exception("spool_file_unreadable", file=path.name)
            return None
        return content if isinstance(content, dict) else None

    def _write(self, path: Path, content: dict[str, Any]) -> None:
        """Write a file that appears whole or not at all, and stays.

        Its name until then is nobody else's: several threads and processes take up what lies here.
        """
        fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")
        with fresh.open("w", encoding="utf-8") as file:
            json.dump(content, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        self._sync_folder()

    def _sync_folder(self) -> None:
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _without_room(path: Path) -> None:
    """Give back what a killed worker took for the rest of a file: see `core.disk_room`."""
    if path.is_file():  # never a device
        os.truncate(path, path.stat().st_size)
