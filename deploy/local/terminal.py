"""What the person in the terminal sees, and the same lines in `stack.log` for a second terminal."""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from deploy.local.accounts import DemoAccount

TITLE_WIDTH = 20
GREEN, RED, DIM, BOLD, PLAIN = "\033[32m", "\033[31m", "\033[2m", "\033[1m", "\033[0m"


class Terminal:
    """Prints; a terminal that has been closed is no reason to stop."""

    def __init__(self, log: Path | None = None) -> None:
        """Write to standard output and, with their time, the same lines to `log`."""
        self._log = log
        self._colours = sys.stdout.isatty() and "NO_COLOR" not in os.environ  # noqa: TID251  (a convention of terminals, no setting)
        utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
        self._tick, self._cross = ("✓", "✗") if utf8 else ("ok", "!!")

    def ready(self, title: str, seconds: float, detail: str = "") -> None:
        """Say that a part is there, how long it took and where it is."""
        self._line(self._tick, GREEN, f"{title:<{TITLE_WIDTH}}{seconds:>6.2f} s", detail)

    def skipped(self, title: str, detail: str) -> None:
        """Say that a part is somebody else's."""
        self._line("-", DIM, f"{title:<{TITLE_WIDTH}}{'':>8}", detail)

    def trouble(self, text: str) -> None:
        """Say that something went wrong."""
        self._line(self._cross, RED, text)

    def say(self, text: str = "") -> None:
        """Say anything else."""
        self._print(f"  {text}" if text else "")
        if text:
            self.record(text)

    def welcome(self, url: str, accounts: Sequence[DemoAccount]) -> None:
        """Say where to go and who can sign in. Passwords go to the terminal, never to the log."""
        self._print("")
        self._print(f"  Open      {self._in(BOLD, url)}")
        for number, account in enumerate(accounts):
            label = "" if number else "Sign in"
            password = self._in(BOLD, account.password or "(its password was changed)")
            name = self._in(DIM, account.display_name)
            self._print(f"  {label:<10}{account.login:<8} {password}   {name}")
        self._print("")

    def _line(self, mark: str, colour: str, text: str, detail: str = "") -> None:
        self._print(f"  {self._in(colour, mark)} {text}   {self._in(DIM, detail)}".rstrip())
        self.record(f"{text}   {detail}".rstrip())

    def _in(self, colour: str, text: str) -> str:
        return f"{colour}{text}{PLAIN}" if self._colours and text else text

    def record(self, text: str) -> None:
        """Write to the log only; that the disk is full is no reason to stop."""
        if self._log is not None:
            with suppress(OSError), self._log.open("a", encoding="utf-8") as log:
                log.write(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {text}\n")

    def _print(self, text: str) -> None:
        try:
            print(text, flush=True)
        except OSError:
            # Nobody looks any more; the stack goes on. Nothing may be left to flush at the exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
