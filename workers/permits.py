"""Proof that a paid request never left, on this host's disk.

An attempt's permit is written before its intent is committed, and the sender tears it up just
before the first byte leaves. Either the sender removes it or somebody else takes it away; the
file system lets only one of them. So a request whose permit could be taken away was never sent
and never will be, however its worker died or however long it sleeps.

A permit that was torn up may be back: after a power cut, because nothing is fsynced here, or
with a copy of the folder. So it names the boot of the machine that it was written under and
the file that it was written to, and proves nothing in another one. What cannot be read proves
nothing either.

- `{attempt}.permit`: the request has not left;
- `{attempt}.revoked`: it will not leave any more, and the database may not know it yet.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from uuid import UUID

import structlog

from core.providers.verdicts import not_sent

log = structlog.get_logger(__name__)

BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")  # Linux alone, proc(5)


def this_boot() -> str:
    """Return what names this boot of the machine; '' where nothing does."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


class Permits:
    """Those in one folder, written under one boot."""

    def __init__(self, folder: Path, *, boot: str | None = None) -> None:
        self.folder = folder
        self._boot = this_boot() if boot is None else boot

    def write(self, attempt_id: UUID) -> None:
        """Let a request leave, once. Raises OSError, and leaves nothing then."""
        path = self._permit(attempt_id)
        try:
            with path.open("wb") as file:
                file.write(self._named(file.fileno()))
        except OSError:
            path.unlink(missing_ok=True)
            raise

    def tear_up(self, attempt_id: UUID) -> None:
        """Say that the first byte leaves now.

        Raises:
            NotSent: somebody has concluded that it never would, or the disk does not obey.
        """
        try:
            self._permit(attempt_id).unlink()
        except FileNotFoundError as error:
            message = "Another worker has taken this request over before a byte of it was sent."
            raise not_sent("too_late", message) from error
        except OSError as error:
            raise not_sent("spool_unwritable", f"The spool cannot be written: {error}") from error

    def revoke(self, attempt_id: UUID) -> bool:
        """Return whether it is proved that a request has not left; if so it never will."""
        try:
            if self.is_valid(attempt_id):
                self._permit(attempt_id).rename(self._revoked(attempt_id))
        except FileNotFoundError:
            pass  # its sender was faster
        except OSError as error:
            log.warning("permit_not_revoked", attempt_id=str(attempt_id), reason=str(error))
        return self.is_revoked(attempt_id)

    def is_valid(self, attempt_id: UUID) -> bool:
        """Return whether a request may still leave, as its permit says."""
        try:
            with self._permit(attempt_id).open("rb") as file:
                return bool(self._boot) and file.read() == self._named(file.fileno())
        except FileNotFoundError:
            return False
        except OSError as error:
            log.warning("permit_not_read", attempt_id=str(attempt_id), reason=str(error))
            return False

    def is_revoked(self, attempt_id: UUID) -> bool:
        """Return whether a request's permit was taken away."""
        return self._revoked(attempt_id).exists()

    def drop(self, attempt_id: UUID) -> None:
        """Forget about a request of which the database knows what became."""
        self._permit(attempt_id).unlink(missing_ok=True)
        self._revoked(attempt_id).unlink(missing_ok=True)

    def paths(self) -> Sequence[Path]:
        """Return the file of each one that was given or taken away, whatever it proves."""
        return sorted([*self.folder.glob("*.permit"), *self.folder.glob("*.revoked")])

    def all(self) -> Sequence[UUID]:
        """Return the attempts of these."""
        return [UUID(path.stem) for path in self.paths() if _is_ours(path)]

    def unsent(self) -> Sequence[UUID]:
        """Return the attempts whose requests have not left."""
        return [id for id in self.all() if self.is_valid(id) or self.is_revoked(id)]

    def _named(self, descriptor: int) -> bytes:
        """Return what the permit in an open file has to say."""
        file = os.fstat(descriptor)
        return f"{self._boot} {file.st_dev}:{file.st_ino}".encode()

    def _permit(self, attempt_id: UUID) -> Path:
        return self.folder / f"{attempt_id}.permit"

    def _revoked(self, attempt_id: UUID) -> Path:
        return self.folder / f"{attempt_id}.revoked"


def _is_ours(path: Path) -> bool:
    try:
        UUID(path.stem)
    except ValueError:
        log.warning("stray_file_in_spool", file=path.name)
        return False
    return True
