"""From a claim to the request that leaves for the provider, and a whole edit's overhead."""

import contextlib
import json
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from core.events import LIVE_CHANNEL, NEWS
from core.live import Listener
from tests.benchmarks import edits
from tests.benchmarks.figures import Figures, percentile
from tests.stack import Stack

CLICKS = 150
SPACED_S = 0.7
SIDE = 900  # a little under 1 MB of noise
BEYOND_GOAL_MS = 10
ROUNDS = 12
RATIO_GOAL = 1.05
EXTRA_GOAL_MS = 150


@dataclass(slots=True)
class Claims:
    """When each job's claim was committed, in seconds since 1970.

    Postgres tells it at that moment: the first change of a job after its filing, which is news.
    """

    at: dict[UUID, float] = field(default_factory=dict)

    def heard(self, channel: str, payload: str) -> None:
        now = time.time()
        if channel and not NEWS.items() <= (change := json.loads(payload)).items():
            self.at.setdefault(UUID(change["job"]), now)


@contextlib.contextmanager
def _claims(url: str) -> Iterator[Claims]:
    claims, ready = Claims(), threading.Event()

    def heard(channel: str, payload: str) -> None:
        claims.heard(channel, payload)
        ready.set()

    listener = Listener(url, [LIVE_CHANNEL], heard)
    listener.start()
    try:
        ready.wait(10)
        yield claims
    finally:
        listener.stop()


def measure(figures: Figures, stack: Stack) -> None:
    """Print click → claimed → request, each click's picture one of 1 MB."""
    services = stack.services()
    user = edits.tester(services)
    stack.control("openai", "settings", method="PATCH", body={"fixed_s": 0.05, "tail_share": 0})
    image = edits.uploaded(services, user, edits.noise(SIDE))
    clicked: dict[str, float] = {}
    jobs: dict[str, UUID] = {}
    with _claims(services.settings.database_url) as claims:
        for number in range(CLICKS):
            prompt = f"click {number} {uuid4()}"
            clicked[prompt] = time.time()
            jobs[prompt] = edits.filed(services, user, image, prompt).id
            time.sleep(SPACED_S)
        for job in jobs.values():
            edits.finished(services, job)
    claimed = claims.at
    arrived = {
        entry["prompt"]: entry["arrived_at"]
        for entry in stack.ledger("openai")
        if entry["event"] == "billed"
    }
    services.engine.dispose()
    _tell(figures, "click_to_claimed", [claimed[jobs[p]] - at for p, at in clicked.items()])
    _tell(figures, "click_to_request", [arrived[p] - at for p, at in clicked.items()])
    beyond = [arrived[prompt] - claimed[job] for prompt, job in jobs.items()]
    figures.told("send.claimed_to_request.p50", 1000 * percentile(beyond, 0.5), "ms")
    figures.measured(
        "send.claimed_to_request.p95", 1000 * percentile(beyond, 0.95), "ms", goal=BEYOND_GOAL_MS
    )


def _tell(figures: Figures, name: str, values_s: Sequence[float]) -> None:
    for share in (0.5, 0.95):
        value = 1000 * percentile(values_s, share)
        figures.told(f"send.{name}.p{round(100 * share)}", value, "ms")


def measure_edits(figures: Figures, stack: Stack) -> None:
    """Print a whole edit beside the best blocking script's."""
    services = stack.services()
    ours, theirs = edits.totals(stack, services, edits.tester(services), rounds=ROUNDS)
    services.engine.dispose()
    extra = [1000 * (our - their) for our, their in zip(ours, theirs, strict=True)]
    ratio = percentile(ours, 0.5) / percentile(theirs, 0.5)
    figures.told("edit.total", percentile(ours, 0.5), "s")
    figures.told("edit.blocking_script", percentile(theirs, 0.5), "s")
    figures.measured("edit.total_vs_script", ratio, "ratio", goal=RATIO_GOAL)
    figures.measured("edit.extra.p95", percentile(extra, 0.95), "ms", goal=EXTRA_GOAL_MS)
