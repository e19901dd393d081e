"""From a claim to the request that leaves for the provider, and a whole edit's overhead."""

import time
from collections.abc import Sequence
from uuid import UUID, uuid4

from sqlalchemy import func, select

from core.models import JobEvent
from core.services import Services
from core.stages import Stage
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


def measure(figures: Figures, stack: Stack) -> None:
    """Print click → claimed → request, each click's picture one of 1 MB."""
    services = stack.services()
    user = edits.tester(services)
    stack.control("openai", "settings", method="PATCH", body={"fixed_s": 0.05, "tail_share": 0})
    image = edits.uploaded(services, user, edits.noise(SIDE))
    clicked: dict[str, float] = {}
    jobs: dict[str, UUID] = {}
    for number in range(CLICKS):
        prompt = f"click {number} {uuid4()}"
        clicked[prompt] = time.time()
        jobs[prompt] = edits.filed(services, user, image, prompt).id
        time.sleep(SPACED_S)
    for job in jobs.values():
        edits.finished(services, job)
    claimed = _claimed_at(services, list(jobs.values()))
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


def _claimed_at(services: Services, jobs: Sequence[UUID]) -> dict[UUID, float]:
    """Return when each job's claim wrote its line in the log, in seconds since 1970."""
    with services.sessions() as session:
        rows = session.execute(
            select(JobEvent.job_id, func.extract("epoch", JobEvent.at)).where(
                JobEvent.job_id.in_(jobs), JobEvent.to_stage == Stage.SUBMITTING
            )
        )
        return {job: float(at) for job, at in rows}


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
