"""From a video's end at the provider to our look, by its callback, over the real stack.

The callback comes in over HTTP, wakes a worker by NOTIFY, and the worker asks. Only the
Internet is missing: `replays` adds it. What was asked, the simulator has counted.
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

# One API after the other: five of the first one's videos end at once, and ten questions in one
# moment are ahead of what all polling may ask (60 a minute). It is the callback that is measured.
VIDEOS = {"v2": 30, "v1": 6}  # the first API takes but a few a minute
TAKES_S = 4.0  # long before the first look that is planned
CALLS_GOAL = 2  # to the provider about one video: a look at one of the first API that ended is two
WISHES = {
    "v1": ("MiniMax-Hailuo-02", {"mode": "text", "resolution": "768P", "duration": 6}),
    "v2": ("MiniMax-H3", {"mode": "text", "resolution": "768P", "duration": 5, "ratio": "16:9"}),
}


def measure(figures: Figures, stack: Stack) -> None:
    """Print how long after their end videos are looked at (v2), and in how many calls (both)."""
    services = stack.services()
    user = edits.tester(services)
    stack.control(
        "minimax",
        "settings",
        method="PATCH",
        body={"fixed_s": TAKES_S, "small_videos": True, "shared_clip": True},
    )
    jobs: dict[str, Sequence[Job]] = {}
    for api, count in VIDEOS.items():
        jobs[api] = [_filed(services, user, api, number) for number in range(count)]
        for job in jobs[api]:
            edits.finished(services, job.id, within_s=120)
    asked = stack.control("minimax", "questions", method="GET")
    ended = {
        entry["task_id"]: entry["at"]
        for entry in stack.ledger("minimax")
        if entry["event"] == "finished"
    }
    found = {api: _found_at(services, those) for api, those in jobs.items()}
    services.engine.dispose()
    ways_s = [at - ended[task] for task, at in found["v2"].items()]
    for share in (0.5, 0.95):
        figures.told(f"callback.end_to_look.p{round(100 * share)}", percentile(ways_s, share), "s")
    figures.measured("callback.end_to_look.mean", fmean(ways_s), "s", goal=LOCAL_S)
    figures.told("callback.internet_assumed", INTERNET_S, "s")
    for api, those in found.items():
        calls = [asked[task] for task in those]
        figures.measured(f"callback.calls.{api}.mean", fmean(calls), "calls", goal=CALLS_GOAL)
        figures.told(f"callback.calls.{api}.most", max(calls), "calls")


def _filed(services: Services, user: User, api: str, number: int) -> Job:
    model, options = WISHES[api]
    return submissions.submit(
        services,
        user,
        submissions.Wish(
            provider=Provider.HAILUO,
            model=model,
            prompt=f"called back {number}",
            options=options,
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
