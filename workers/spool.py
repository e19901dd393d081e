"""Answers that exist nowhere else, on this host's disk until they are in the bucket.

An edit's result comes only in the reply. Its bytes are written to
`{attempt}.body` as they arrive and fsynced; `{attempt}.json` follows by an
atomic rename and says that the body is complete. Only then does anything else
happen with it. Files are removed after their results are stored.
"""

import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from core.errors import ConfigError
from core.providers import EditAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class Spooled:
    """A complete answer on disk."""

    attempt_id: UUID
    job_id: UUID
    body: Path
    answer: EditAnswer


class Spool:
    """The spool folder of this host. Worker processes of one host may share it."""

    def __init__(self, folder: Path) -> None:
        """Raises ConfigError if `folder` cannot be made or written."""
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.TemporaryFile(dir=folder):
                self._folder = folder
        except OSError as error:
            raise ConfigError(
                f"SPOOL_DIR {str(folder)!r} cannot be written: {error}. Paid answers wait there, "
                "so name a folder on a real disk that belongs to the worker's user."
            ) from error

    def body(self, attempt_id: UUID) -> Path:
        """Return where an attempt's answer is written while it arrives."""
        return self._folder / f"{attempt_id}.body"

    def complete(self, attempt_id: UUID, job_id: UUID, answer: EditAnswer) -> Spooled:
        """Mark an answer as whole, durably."""
        content = {"job_id": str(job_id), "answer": asdict(answer)}
        fresh = self._folder / f"{attempt_id}.json.new"
        with fresh.open("w", encoding="utf-8") as file:
            json.dump(content, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._mark(attempt_id))
        self._sync_folder()
        return self._spooled(attempt_id, content)

    def get(self, attempt_id: UUID) -> Spooled | None:
        """Return an attempt's complete answer, if this host has it."""
        try:
            content = json.loads(self._mark(attempt_id).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return self._spooled(attempt_id, content)

    def complete_ones(self) -> Iterator[Spooled]:
        """Yield every complete answer, for the sweep after a restart."""
        for mark in sorted(self._folder.glob("*.json")):
            found = self.get(UUID(mark.stem))
            if found is not None:
                yield found

    def remove(self, attempt_id: UUID) -> None:
        """Forget an answer whose results are stored. The mark goes last."""
        for path in self._folder.glob(f"{attempt_id}.body*"):
            path.unlink(missing_ok=True)
        self._mark(attempt_id).unlink(missing_ok=True)

    def _mark(self, attempt_id: UUID) -> Path:
        return self._folder / f"{attempt_id}.json"

    def _spooled(self, attempt_id: UUID, content: dict[str, Any]) -> Spooled:
        return Spooled(
            attempt_id=attempt_id,
            job_id=UUID(content["job_id"]),
            body=self.body(attempt_id),
            answer=EditAnswer(**content["answer"]),
        )

    def _sync_folder(self) -> None:
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
