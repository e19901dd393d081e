"""One call of the image endpoints: who asked, what it is billed, what the ledger says of it."""

import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from deploy.local.simulators.control import Settings
from deploy.local.simulators.faults import Faults
from deploy.local.simulators.http import Exchange
from deploy.local.simulators.ledger import Entry, Ledger
from deploy.local.simulators.openai import usage
from deploy.local.simulators.openai.limits import Limits
from deploy.local.simulators.openai.orders import Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What all calls share."""

    ledger: Ledger
    faults: Faults
    settings: Settings
    limits: Limits


@dataclass(slots=True, kw_only=True)
class Call:
    """One request on its way. `kept` holds its files open until the answer is out."""

    account: Account
    exchange: Exchange
    kept: ExitStack
    kind: str  # edit | generation | models
    id: str = field(default_factory=lambda: f"req_{uuid4().hex}")
    prompt: str = ""
    model: str = ""  # once it is known to exist
    received_at: float = 0.0  # Unix time at which the whole request was there
    started: float = field(default_factory=time.monotonic)

    def arrived(self) -> None:
        """Note in the ledger that the request line and headers are here."""
        exchange = self.exchange
        self.account.ledger.note(
            self._entry("arrived")
            | {"method": exchange.method, "path": exchange.path, "arrived_at": exchange.arrived_at}
        )
        exchange.extra_headers["x-request-id"] = self.id

    def received(self, prompt: str) -> None:
        """Remember when the whole request was here: durations count from now."""
        self.received_at, self.started, self.prompt = time.time(), time.monotonic(), prompt

    def fault(self, name: str) -> dict[str, Any] | None:
        """Return the arguments of a fault that hits this call, or None."""
        return self.account.faults.take(name, self.prompt)

    def any_fault(self, names: Iterable[str]) -> tuple[str, dict[str, Any]] | None:
        """Return name and arguments of the first of these faults that hits this call, or None."""
        return self.account.faults.take_any([*names], self.prompt)

    def bill(self, order: Order, partials: int) -> dict[str, Any]:
        """Write the bill to disk and return the usage it is for. From here on it is paid."""
        used = usage.usage(order, partials)
        entry = self._entry("billed") | {
            "prompt": order.prompt,
            "model": order.model.id,
            "n": order.n,
            "size": f"{order.size[0]}x{order.size[1]}",
            "quality": order.quality,
            "cost_usd": usage.cost_usd(order, used),
            "arrived_at": self.exchange.arrived_at,
            "received_at": self.received_at,
            "input_sha256": [upload.sha256 for upload in order.images],
            "mask_sha256": order.mask.sha256 if order.mask else None,
        }
        self.account.ledger.append(entry)
        return used

    def finished(self) -> None:
        """Note how it ended: `status` of the answer if one began, and if all of it was sent."""
        status, broken = self.exchange.status, self.exchange.broken
        self.account.ledger.note(
            self._entry("finished") | {"status": status, "delivered": bool(status) and not broken}
        )

    def head(self) -> None:
        """Set the headers that every answer has, as they stand now."""
        self.exchange.extra_headers |= {
            "openai-processing-ms": str(round((time.time() - self.exchange.arrived_at) * 1000)),
            "openai-version": "2020-10-01",
            "openai-organization": "org-simulated",
            "openai-project": "proj_simulated",
            **self.account.limits.headers(self.model),
        }

    def wait_until(self, seconds: float) -> None:
        """Wait until so many seconds after the whole request was here."""
        self.pause(self.started + seconds - time.monotonic())

    def pause(self, seconds: float) -> None:
        """Wait. Raises ConnectionAbortedError if the simulator is being stopped."""
        if not self.exchange.wait(seconds):
            raise ConnectionAbortedError("The simulator is stopping.")

    def _entry(self, event: str) -> Entry:
        return {
            "at": time.time(),
            "event": event,
            "provider": "openai",
            "kind": self.kind,
            "request_id": self.id,
            "client_request_id": self.exchange.headers.get("X-Client-Request-Id"),
        }
