"""A Postgres of our own: a cluster in a folder, reached by a socket in a private folder.

It never asks a pid whether the server runs, only `pg_isready`. Callers keep
others away while they prepare and start it: the stack by its lock, a test by
a folder of its own.
"""

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from core.errors import ConfigError
from deploy.local.home import FULL, disk_full
from deploy.local.postgres_programs import Programs
from deploy.local.processes import Command, Identity

NOBODY_RUNS_THIS = "2147483646"  # above every system's largest pid
SOCKET_FILE = ".s.PGSQL.5432"
START_LIMIT_S = 120.0  # crash recovery after a hard stop takes its time
# What a server says that meets the last backends of one that was killed.
PASSING_TROUBLE = ("pre-existing shared memory block", 'lock file "postmaster.pid" already exists')
# pg_trgm asks the C library what a letter is: with the character type C it drops all Hangul.
CHARACTER_TYPES = ("C.UTF-8", "ko_KR.UTF-8", "en_US.UTF-8", "UTF-8")
OWN_DATABASE = """
SELECT format('CREATE ROLE %I LOGIN', :'name')
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'name') \\gexec
SELECT format('CREATE DATABASE %I OWNER %I', :'name', :'name')
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \\gexec
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """One server. `durable=False` is for tests only: a power cut destroys the data."""

    programs: Programs
    base: Path
    sockets: Path
    owner: Identity | None = None
    durable: bool = True
    connections: int = 100

    @property
    def data(self) -> Path:
        """The data folder; a newer major version cannot open an older one's."""
        return self.base / f"pg{self.programs.major}"

    def prepare(self) -> None:
        """Make what is missing and clear what a killed server left. Idempotent, up to a second.

        A server of an earlier run that still accepts connections is stopped.
        """
        for half_made in self.base.glob("pg*.new-*"):
            shutil.rmtree(half_made, ignore_errors=True)  # its initdb may be clearing it, too
        if not self.data.exists():
            self._create()
        elif self.accepts():
            self._run("pg_ctl", "stop", "-D", str(self.data), "-m", "fast", "-w", "-s")
        self._disarm_pid_file()

    def command(self) -> Command:
        """Return the server's process. It stops fast when its parent dies."""
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": '"' + str(self.sockets).replace('"', '""') + '"',
            "port": "5432",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "max_connections": str(self.connections),
        }
        if not self.durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return Command(
            argv=(self.programs.path("postgres"), "-D", str(self.data), *options),
            env=_plain_environment(),
            cwd=self.base,
            owner=self.owner,
            death_signal=signal.SIGINT,
        )

    def accepts(self) -> bool:
        """Return whether one can connect now; waits while it is starting or stopping."""
        return self._ask() == 0

    def own_database(self, name: str) -> None:
        """Make an ordinary role and its database, unless they are there."""
        variable = ("-v", f"name={name}", "-v", "ON_ERROR_STOP=1")
        self._run("psql", "-Xq", *variable, *self._where(), "postgres", say=OWN_DATABASE)

    def url(self, database: str, *, role: str) -> str:
        """Return the DSN; it says all that PGPORT and the like would otherwise change."""
        folder = quote(str(self.sockets), safe="/")
        return f"postgresql+psycopg2://{role}@/{database}?host={folder}&port=5432&sslmode=disable"

    def _where(self) -> tuple[str, ...]:
        return ("-h", str(self.sockets), "-p", "5432", "-U", "postgres")

    def _ask(self) -> int:
        said = subprocess.run(
            [self.programs.path("pg_isready"), "-q", "-t", "3", *self._where()[:4]],
            env=_plain_environment(),
            check=False,
        )
        return said.returncode

    def _create(self) -> None:
        """Run initdb in a folder aside and rename it: a killed one leaves nothing behind."""
        trouble = ""
        for character_type in CHARACTER_TYPES:
            fresh = Path(tempfile.mkdtemp(prefix=f"{self.data.name}.new-", dir=self.base))
            if self.owner:
                os.chown(fresh, self.owner.uid, self.owner.gid)
            trouble = self._initdb(fresh, character_type)
            if not trouble:
                fresh.rename(self.data)
                return
            shutil.rmtree(fresh, ignore_errors=True)
            if "invalid locale" not in trouble:
                break
        if FULL in trouble:
            raise disk_full(self.base, 0)
        raise ConfigError(f"Postgres could not make its data folder {str(self.data)!r}: {trouble}")

    def _initdb(self, folder: Path, character_type: str) -> str:
        """Return why it failed, or ''."""
        locale = [f"--locale={character_type}"]
        if self.programs.major >= 17:  # the same order and case on every system
            locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
            locale.append(f"--lc-ctype={character_type}")
        sync = [] if self.durable else ["--no-sync"]
        options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", *locale, *sync]
        try:
            self._run("initdb", "-D", str(folder), *options)
        except ConfigError as error:
            return str(error)
        return ""

    def _disarm_pid_file(self) -> None:
        """Make a stale pid harmless and keep the rest of its file.

        Its number may be somebody else's by now, and Postgres would refuse to
        start. Its last line is how Postgres notices backends still at work.
        """
        file = self.data / "postmaster.pid"
        if not file.exists() or self._ask() == 1:  # 1: alive, starting or stopping
            return
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        file.write_text("".join([f"{NOBODY_RUNS_THIS}\n", *lines[1:]]), encoding="utf-8")
        for stale in (self.sockets / SOCKET_FILE, self.sockets / f"{SOCKET_FILE}.lock"):
            stale.unlink(missing_ok=True)

    def _run(self, program: str, *arguments: str, say: str = "") -> None:
        """Run one of the programs to its end. Raises ConfigError with what it said last."""
        command = Command(
            argv=(self.programs.path(program), *arguments),
            env=_plain_environment(),
            cwd=self.base,
            owner=self.owner,
        )
        # Files, not pipes: what a server keeps open would keep a pipe's reader waiting.
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(
                command.launched(),
                input=say,
                text=True,
                stdout=output,
                stderr=output,
                env=dict(command.env),
                cwd=command.cwd,
                check=False,
            )
            output.seek(0)
            lines = [line.strip() for line in output.read().splitlines() if line.strip()]
        if done.returncode:
            wrong = [line for line in lines if re.search("error|fatal", line, re.IGNORECASE)]
            raise ConfigError(f"{program} failed: {(wrong or lines or ['no message'])[0]}")


def _plain_environment() -> Mapping[str, str]:
    """Return an environment in which no PG*, LC_* or LANG of the user's changes anything."""
    return {"PATH": os.defpath, "TZ": "UTC"}
