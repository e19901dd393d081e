"""Where the local stack keeps what it must not lose: `.local` in the checkout."""

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]
MIB = 2**20
NEEDED_BYTES = 300 * MIB  # a new cluster takes 60, its write-ahead log up to twice 64 more
KEPT_LOG_BYTES = 5 * MIB
FULL = "No space left on device"  # as programs say it in their logs


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """The folder of one stack; every path in it has its name here."""

    path: Path

    @property
    def logs(self) -> Path:
        """One file per part, and `stack.log`."""
        return self.path / "logs"

    @property
    def postgres(self) -> Path:
        """The database's folder, or a link to it where 'nobody' cannot reach this one."""
        return self.path / "postgres"

    @property
    def s3(self) -> Path:
        """Objects and state of the local S3 server."""
        return self.path / "s3"

    @property
    def simulators(self) -> Path:
        """Ledgers and tasks of the simulated providers."""
        return self.path / "simulators"

    @property
    def spool(self) -> Path:
        """Paid results on their way to the bucket."""
        return self.path / "spool"

    @property
    def credentials(self) -> Path:
        """The accounts, bcrypt only."""
        return self.path / "credentials.yaml"

    @property
    def passwords(self) -> Path:
        """The demo accounts' passwords in plain text, to print them again."""
        return self.path / "demo-passwords"

    @property
    def keys(self) -> Path:
        """The cookie's key and the local S3 server's credentials."""
        return self.path / "keys.json"

    @property
    def ports(self) -> Path:
        """Which port each part had last time."""
        return self.path / "ports.json"

    @property
    def lock(self) -> Path:
        """Held by the one supervisor for as long as it lives."""
        return self.path / "lock"

    @property
    def state(self) -> Path:
        """What runs now, for a second start, `status`, `down`, and after a kill -9."""
        return self.path / "running.json"

    def log(self, name: str) -> Path:
        """Return the log of one part."""
        return self.logs / f"{name}.log"

    def folders(self) -> tuple[Path, ...]:
        """Return what must exist before anything starts."""
        return (self.logs, self.s3, self.simulators, self.spool)


def home_at(env: Mapping[str, str]) -> Home:
    """Return the stack's folder, whether or not it exists."""
    chosen = env.get("PROOFSHEET_HOME")
    return Home(path=Path(chosen).expanduser().resolve() if chosen else ROOT / ".local")


def prepare(home: Home, *, needed_bytes: int = NEEDED_BYTES) -> None:
    """Make the folder and prove that it can be written.

    As root it must be passable for the user that Postgres runs as; secrets in
    it are files of mode 600 either way.

    Raises:
        ConfigError: it cannot be written, or the disk is nearly full.
    """
    try:
        if not home.path.exists():
            home.path.mkdir(parents=True)
            home.path.chmod(0o711 if os.geteuid() == 0 else 0o700)
        with tempfile.TemporaryFile(dir=home.path) as probe:
            probe.write(b"x" * 4096)
        for folder in home.folders():
            folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise refused(home.path, error) from error
    check_space(home.path, needed_bytes)


def check_space(path: Path, needed_bytes: int) -> None:
    """Raise ConfigError unless so much is free on the disk of `path`."""
    free = shutil.disk_usage(path).free
    if free < needed_bytes:
        raise disk_full(path, free)


def refused(path: Path, error: OSError) -> ConfigError:
    """Return the sentence for a file or folder that the system would not let us write."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return disk_full(path, 0)
    return ConfigError(
        f"{str(error.filename or path)!r} cannot be written ({error.strerror}). "
        "Give it to the user who starts Proofsheet, or choose another folder: "
        "PROOFSHEET_HOME=/some/folder make run"
    )


def disk_full(path: Path, free_bytes: int) -> ConfigError:
    """Return the sentence for a full disk."""
    return ConfigError(
        f"The disk of {str(path)!r} is full: {free_bytes // MIB} MB are free and "
        f"{NEEDED_BYTES // MIB} MB are needed. Make room, or choose another disk: "
        "PROOFSHEET_HOME=/some/folder make run"
    )


def rotate_logs(home: Home) -> None:
    """Put large logs aside; the ones before them go."""
    for log in home.logs.glob("*.log"):
        if log.stat().st_size > KEPT_LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))


def kept_json(path: Path) -> dict[str, Any]:
    """Return what `write_private` has kept as JSON; nothing of a file that is not there.

    Raises:
        ConfigError: the file is not as we wrote it.
    """
    try:
        kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except ValueError:  # of the JSON or of its encoding
        kept = None
    if not isinstance(kept, dict):
        raise ConfigError(
            f"{str(path)!r} is damaged. Put it back from a copy, or delete it: "
            "the next start makes a new one."
        )
    return kept


def write_private(path: Path, text: str) -> None:
    """Replace a file that only its owner may read; never half of it, whatever happens."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(
        os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
    ) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
