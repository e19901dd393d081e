"""The processes a campaign starts: each with a log, all started before any is waited for."""

import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from deploy.local.postgres import Cluster
from deploy.local.processes import Command

READY_S = 90.0
LOOK_S = 0.02


class Part:
    """One process. It ends with us, also when we are killed. Start it from the main thread."""

    def __init__(
        self,
        command: Command,
        log: Path,
        *,
        ready: Callable[[], bool] = lambda: True,
        stop: int = signal.SIGTERM,
        pipes: bool = False,
    ) -> None:
        """`pipes`: talk to it on its standard input and output instead of logging the latter."""
        self._command = command
        self._log = log
        self._ready = ready
        self._stop = stop
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command.launched(),
                stdin=subprocess.PIPE if pipes else subprocess.DEVNULL,
                stdout=subprocess.PIPE if pipes else output,
                stderr=output,
                env=dict(command.env),
                cwd=command.cwd,
                text=pipes,
                start_new_session=True,
            )

    def wait(self) -> None:
        """Return when it can be used. Raises RuntimeError with the end of its log."""
        deadline = time.monotonic() + READY_S
        while not self._ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                said = self._log.read_text(encoding="utf-8", errors="replace")[-2000:]
                raise RuntimeError(f"{self._command.argv[:4]} did not start: {said}")
            threading.Event().wait(LOOK_S)

    def end(self, number: int | None = None) -> None:
        """Stop it and wait; after ten seconds by SIGKILL. Whoever we talk to stops by itself."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        else:
            self.process.send_signal(self._stop if number is None else number)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


# A commit is in the kernel's hands before it returns, so it outlives a crash of the server, which
# happens here, but not one of the machine, which does not. Recovery would sync thousands of files.
NO_SYNC = ("-c", "fsync=off")


class Database:
    """A Postgres that is stopped as if it had crashed, and loses nothing by it."""

    def __init__(self, cluster: Cluster, log: Path) -> None:
        self._cluster = cluster
        self._log = log
        cluster.prepare()
        self._part = self._started()

    def wait(self) -> None:
        """Return when it accepts connections."""
        self._part.wait()

    def restart_immediately(self, meanwhile: Callable[[], None]) -> None:
        """Do what `pg_ctl restart -m immediate` does.

        Every session is cut off and nothing is written to disk first. `meanwhile` runs while
        nobody is there.
        """
        self._part.end(signal.SIGQUIT)
        meanwhile()
        self._cluster.prepare()
        self._part = self._started()
        self._part.wait()

    def end(self) -> None:
        """Stop it."""
        self._part.end()

    def _started(self) -> Part:
        plain = self._cluster.command()
        command = replace(plain, argv=(*plain.argv, *NO_SYNC))
        return Part(command, self._log, ready=self._cluster.accepts, stop=signal.SIGINT)
