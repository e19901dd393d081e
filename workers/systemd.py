"""Telling systemd how this process stands: sd_notify(3), without its library.

Outside systemd there is nobody to tell, and nothing happens.
"""

import contextlib
import socket


class Systemd:
    """The socket NOTIFY_SOCKET names; '' tells nobody. Safe to share between threads."""

    def __init__(self, address: str) -> None:
        self._address = f"\0{address[1:]}" if address.startswith("@") else address

    def ready(self) -> None:
        """Say that the process works: `systemctl start` returns."""
        self._tell("READY=1")

    def alive(self) -> None:
        """Say that the claim loop turns. If this stays out for WatchdogSec, systemd restarts us."""
        self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        """Say that nothing new is taken."""
        self._tell("STOPPING=1")

    def finishing(self, steps: int, *, within_s: float) -> None:
        """Say that steps are still under way, and ask for `within_s` seconds more."""
        self._tell(
            "WATCHDOG=1",
            f"EXTEND_TIMEOUT_USEC={round(within_s * 1e6)}",
            f"STATUS=Finishing what is under way ({steps})",
        )

    def _tell(self, *lines: str) -> None:
        if not self._address:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as way:
            way.setblocking(False)  # a full queue must not hold up the claim loop
            way.sendto("\n".join(lines).encode(), self._address)
