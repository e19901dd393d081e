"""From a video's end at the provider to our look, by its callback, over the real stack.

The callback comes in over HTTP, wakes a worker by NOTIFY, and the worker asks. Only the
Internet is missing: `replays` adds it.
"""

from collections.abc import Mapping, Sequence
from statistics import fmean
from uuid import uuid4

from sqlalchemy import func, select

from core import submissions
from core.models import Job, JobEvent, Provider, User
from core.services import Services
from core.stages import Stage
from tests.benchmarks import edits
from tests.benchmarks.engine.replays import INTERNET_S, LOCAL_S
from tests.benchmarks.figures import Figures, percentile
from tests.stack import Stack

VIDEOS = 30
TAKES_S = 2.0  # long before the first look that is planned
OPTIONS = {"mode": "text", "resolution": "768P", "duration": 5, "ratio": "16:9"}


def measure(figures: Figures, stack: Stack) -> None:
    """Print how long after their end videos are looked at."""
    services = stack.services()
    user = edits.tester(services)
    stack.control(
        "minimax",
        "settings",
        method="PATCH",
        body={"fixed_s": TAKES_S, "small_videos": True, "shared_clip": True},
    )
    jobs = [_filed(services, user, number) for number in range(VIDEOS)]
    for job in jobs:
        edits.finished(services, job.id, within_s=VIDEOS * TAKES_S + 60)
    ended = {
        entry["task_id"]: entry["at"]
        for entry in stack.ledger("minimax")
        if entry["event"] == "finished"
    }
    found = _found_at(services, jobs)
    services.engine.dispose()
    ways_s = [at - ended[task] for task, at in found.items()]
    for share in (0.5, 0.95):
        figures.told(f"callback.end_to_look.p{round(100 * share)}", percentile(ways_s, share), "s")
    figures.measured("callback.end_to_look.mean", fmean(ways_s), "s", goal=LOCAL_S)
    figures.told("callback.internet_assumed", INTERNET_S, "s")


def _filed(services: Services, user: User, number: int) -> Job:
    return submissions.submit(
        services,
        user,
        submissions.Wish(
            provider=Provider.HAILUO,
            model="MiniMax-H3",
            prompt=f"called back {number}",
            options=OPTIONS,
            input_ids=[],
            client_key=uuid4().hex,
            unknown_price_accepted=True,
        ),
    )


def _found_at(services: Services, jobs: Sequence[Job]) -> Mapping[str, float]:
    """Return when each task's end was recorded, right after the look, in seconds since 1970."""
    with services.sessions() as session:
        rows = session.execute(
            select(Job.provider_task_id, func.extract("epoch", JobEvent.at))
            .join(JobEvent, JobEvent.job_id == Job.id)
            .where(Job.id.in_([job.id for job in jobs]), JobEvent.to_stage == Stage.STORING)
        )
        return {str(task): float(at) for task, at in rows}
