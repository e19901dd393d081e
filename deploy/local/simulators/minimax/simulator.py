"""Everything that one running simulator has, and the settings that may be changed meanwhile."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from deploy.local.simulators.control import Settings
from deploy.local.simulators.faults import Faults
from deploy.local.simulators.http import Exchange
from deploy.local.simulators.ledger import Ledger
from deploy.local.simulators.minimax import breakages, models
from deploy.local.simulators.minimax.callbacks import Callbacks
from deploy.local.simulators.minimax.limits import Limits
from deploy.local.simulators.minimax.links import Links
from deploy.local.simulators.minimax.refusals import Refused
from deploy.local.simulators.minimax.register import Register
from deploy.local.simulators.minimax.storage import Clips, Inputs
from deploy.local.simulators.minimax.tasks import Dialect, Task, Wanted

DAY_S = 24 * 3600

DEFAULTS: dict[str, Any] = {
    # Median seconds of a clip of usual length by "MODEL RESOLUTION"; "median" counts for all.
    # Times `speed`. Like all that concerns a task's walk and file, read when it is created.
    "duration_s": {**models.MEDIANS_S},
    "spread": models.SPREAD,  # sigma of the lognormal round the median
    "fixed_s": None,  # every task takes exactly this long, whatever `speed`
    "rpm": None,  # v1: tasks created per `window_s` (the provider: 5 free, 20 paid)
    "window_s": 60,
    "max_concurrent": None,  # v2: tasks under way at once (the provider: 2 free, 15 paid)
    "url_ttl_s": 3600,  # how long a download link lives
    "v2_window_s": 7 * DAY_S,  # how far back v2 knows its tasks
    "v1_gateway_auth": False,  # v1 reports a bad key as HTTP 401 instead of inside a 200
    "small_videos": False,  # 256 px wide, one second long
    "shared_clip": False,  # one file for all tasks of the same shape
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulator:
    """What every request is answered with. Safe to share between threads."""

    ledger: Ledger
    faults: Faults
    settings: Settings
    register: Register
    inputs: Inputs
    clips: Clips
    links: Links
    limits: Limits
    callbacks: Callbacks
    api_key: str | None

    def fault(self, name: str, prompt: str = "") -> dict[str, Any] | None:
        """Return the arguments of a fault that hits now, or None."""
        return self.faults.take(name, prompt)

    def link(self, task: Task, exchange: Exchange) -> str | None:
        """Return a download link as given to a client, with what is wrong with it."""
        if self.fault("no_download_url", task.prompt) is not None:
            return None
        evil = self.fault("evil_url", task.prompt)
        if evil is not None:
            return str(evil.get("url", breakages.INSIDE_URL))
        expired = self.fault("url_expired", task.prompt) is not None
        life_s = -1.0 if expired else self.settings["url_ttl_s"]
        host = exchange.headers.get("Host")
        base_url = f"http://{host}" if host else self.links.base_url
        return self.links.signed(task, base_url, expires_at=time.time() + life_s)

    def close(self) -> None:
        """Stop what runs by itself and let go of the ledger."""
        self.callbacks.close()
        self.ledger.close()


def opened(data_dir: Path, *, api_key: str | None, speed: float) -> Simulator:
    """Return the simulator of a data folder, with every task that is in its ledger."""
    ledger = Ledger(data_dir / "ledger.jsonl")
    settings = Settings({**DEFAULTS, "speed": speed})
    register = Register(ledger)
    inputs = Inputs(data_dir / "inputs")
    links = Links(data_dir / "links.key")

    def fresh_link(task: Task) -> str:
        expires_at = time.time() + settings["url_ttl_s"]
        return links.signed(task, links.base_url, expires_at=expires_at)

    return Simulator(
        ledger=ledger,
        faults=Faults(breakages.KNOWN),
        settings=settings,
        register=register,
        inputs=inputs,
        clips=Clips(data_dir / "clips", inputs),
        links=links,
        limits=Limits(settings),
        callbacks=Callbacks(ledger, register, fresh_link),
        api_key=api_key,
    )


class Api(Protocol):
    """What differs between the two dialects when a task is created or read."""

    dialect: Dialect

    def wanted(self, body: object) -> Wanted:
        """Check a creation. Raises Refused."""
        ...

    def accepted(self, **task_id: object) -> dict[str, Any]:
        """Return the answer to a creation; no `task_id` leaves it out."""
        ...

    def refuse(self, exchange: Exchange, refused: Refused) -> None:
        """Answer with an error."""
        ...
