"""Proof that a paid request never left, on this host's disk.

An attempt's permit is written before its intent is committed, and the sender tears it up just
before the first byte leaves. Either the sender removes it or somebody else takes it away; the
file system lets only one of them. So a request whose permit could be taken away was never sent
and never will be, however its worker died or however long it sleeps.

A permit that was torn up may be back after a power cut, because nothing is fsynced here: one
that was written under another boot of this machine proves nothing.

- `{attempt}.permit`: the request has not left; holds the boot it was written under;
- `{attempt}.revoked`: it will not leave any more, and the database may not know it yet.
"""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final
from uuid import UUID

from core.providers.verdicts import not_sent

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
        """Let a request leave, once. Raises OSError."""
        self._permit(attempt_id).write_text(self._boot, encoding="ascii")

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
        """Return whether a request has not left; if so it never will."""
        if self.is_valid(attempt_id):
            with contextlib.suppress(FileNotFoundError):  # its sender was faster
                self._permit(attempt_id).rename(self._revoked(attempt_id))
        return self.is_revoked(attempt_id)

    def is_valid(self, attempt_id: UUID) -> bool:
        """Return whether a request may still leave, as its permit says."""
        try:
            written_under = self._permit(attempt_id).read_text(encoding="ascii")
        except FileNotFoundError:
            return False
        return bool(self._boot) and written_under == self._boot

    def is_revoked(self, attempt_id: UUID) -> bool:
        """Return whether a request's permit was taken away."""
        return self._revoked(attempt_id).exists()

    def drop(self, attempt_id: UUID) -> None:
        """Forget about a request of which the database knows what became."""
        self._permit(attempt_id).unlink(missing_ok=True)
        self._revoked(attempt_id).unlink(missing_ok=True)

    def all(self) -> Iterator[UUID]:
        """Yield every attempt that has a permit or had it taken away, of whatever boot."""
        for path in sorted([*self.folder.glob("*.permit"), *self.folder.glob("*.revoked")]):
            yield UUID(path.stem)

    def unsent(self) -> Sequence[UUID]:
        """Return the attempts whose requests have not left."""
        return [id for id in self.all() if self.is_valid(id) or self.is_revoked(id)]

    def _permit(self, attempt_id: UUID) -> Path:
        return self.folder / f"{attempt_id}.permit"

    def _revoked(self, attempt_id: UUID) -> Path:
        return self.folder / f"{attempt_id}.revoked"
