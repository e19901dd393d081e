"""A simulator's control routes: its faults, its settings, and the ledger that judges alone."""

from dataclasses import dataclass
from typing import Any

import requests


@dataclass(frozen=True)
class Control:
    """The doors of a simulator that no provider has."""

    url: str

    def fault(self, name: str, *, times: int | None = None, **args: Any) -> None:
        """Switch one fault on."""
        self._call("POST", "faults", {"name": name, "times": times, "args": args})

    def no_faults(self) -> None:
        """Switch every fault off."""
        self._call("DELETE", "faults")

    def set(self, **settings: Any) -> None:
        """Change settings."""
        self._call("PATCH", "settings", settings)

    def entries(self, event: str) -> list[dict[str, Any]]:
        """Return the ledger's entries of one kind."""
        found = self._call("GET", "ledger")["entries"]
        return [entry for entry in found if entry["event"] == event]

    def posts(self) -> int:
        """Return how many paid requests arrived, whatever became of them."""
        return len([each for each in self.entries("arrived") if each["method"] == "POST"])

    def billed(self) -> int:
        """Return how many of them are paid for."""
        return len(self.entries("billed"))

    def questions(self) -> dict[str, int]:
        """Return how often each task of MiniMax was asked for, by its id."""
        found: dict[str, int] = self._call("GET", "questions")
        return found

    def _call(self, method: str, name: str, body: object = None) -> Any:
        reply = requests.request(method, f"{self.url}/_control/{name}", json=body, timeout=10)
        assert reply.status_code == 200, reply.text
        return reply.json()
