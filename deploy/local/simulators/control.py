"""The doors of a simulator that no provider has: its ledger, its faults, its settings.

GET            /_control/health
GET            /_control/ledger[?since=INDEX]
GET PATCH      /_control/settings
GET PUT POST DELETE /_control/faults[?name=NAME for DELETE]
GET            /_control/questions (MiniMax: how often each task was asked for since the start)
"""

import threading
from collections.abc import Callable, Mapping
from typing import Any

from deploy.local.simulators.faults import Faults
from deploy.local.simulators.http import Exchange
from deploy.local.simulators.ledger import Ledger

PREFIX = "/_control/"
LOOPBACK = ("127.", "::1", "::ffff:127.")


class Settings:
    """Named values that a client may change while the simulator runs.

    A value that is an object is merged key by key, where null removes a key; any other value is
    replaced. Safe to share between threads; forgotten at a restart.
    """

    def __init__(self, defaults: Mapping[str, Any]) -> None:
        self._values = dict(defaults)
        self._lock = threading.Lock()

    def __getitem__(self, name: str) -> Any:
        with self._lock:
            return self._values[name]

    def shown(self) -> dict[str, Any]:
        """Return every value."""
        with self._lock:
            return dict(self._values)

    def patch(self, changes: object) -> None:
        """Change the named values, all or none. Raises ValueError naming what there is."""
        if not isinstance(changes, dict):
            raise TypeError("Expected an object of settings.")
        with self._lock:
            unknown = changes.keys() - self._values.keys()
            if unknown:
                known = ", ".join(sorted(self._values))
                raise ValueError(f"There is no setting {sorted(unknown)}. There are: {known}.")
            self._values |= {
                name: _merged(self._values[name], value) for name, value in changes.items()
            }


def _merged(old: object, new: object) -> object:
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    return {key: value for key, value in {**old, **new}.items() if value is not None}


class Control:
    """Answers the control routes of one simulator."""

    def __init__(
        self,
        provider: str,
        ledger: Ledger,
        faults: Faults,
        settings: Settings,
        **more: Callable[[Exchange], object],
    ) -> None:
        """`more` are routes of this simulator alone."""
        self.provider = provider
        self.ledger = ledger
        self.faults = faults
        self.settings = settings
        self._routes: dict[str, Callable[[Exchange], object]] = {
            "health": self._health,
            "ledger": self._ledger,
            "faults": self._faults,
            "settings": self._settings,
            **more,
        }

    def answers(self, exchange: Exchange) -> bool:
        """Answer a request to a control route; False leaves any other one to the caller."""
        if not exchange.path.startswith(PREFIX):
            return False
        if not exchange.client_host.startswith(LOOPBACK):
            exchange.reply_json(403, {"error": "Control is for this machine only."})
            return True
        route = self._routes.get(exchange.path.removeprefix(PREFIX))
        if route is None:
            exchange.reply_json(404, {"error": f"There are: {', '.join(self._routes)}."})
            return True
        try:
            answer = route(exchange)
        except (ValueError, TypeError) as error:
            exchange.reply_json(400, {"error": str(error)})
        else:
            exchange.reply_json(200, answer)
        return True

    def _health(self, _: Exchange) -> object:
        return {"status": "ok", "provider": self.provider}

    def _ledger(self, exchange: Exchange) -> object:
        since = int(exchange.query.get("since", "0"))
        entries = self.ledger.entries(since)
        return {"entries": entries, "next": since + len(entries)}

    def _settings(self, exchange: Exchange) -> object:
        if exchange.method == "PATCH":
            self.settings.patch(exchange.read_json())
        return self.settings.shown()

    def _faults(self, exchange: Exchange) -> object:
        if exchange.method == "PUT":
            self.faults.replace(exchange.read_json())
        elif exchange.method == "POST":
            self.faults.add(exchange.read_json())
        elif exchange.method == "DELETE":
            self.faults.clear(exchange.query.get("name"))
        return {"faults": self.faults.shown(), "known": self.faults.known}
