"""kill -9 of every process in the middle of ten jobs, then a second start."""

import contextlib
import json
import os
import signal
import time
from collections import Counter
from pathlib import Path
from uuid import uuid4

from sqlalchemy import select

from core import submissions
from core.models import Job, Provider, Run, User
from core.services import Services
from core.stages import Stage, Status
from tests.benchmarks import edits
from tests.stack import Stack, running

SETTLED_S = 90
# Short, through the real settings: a killed sender is given up after its own timeout.
QUICK = {
    "OPENAI_TIMEOUT_S": "12",
    "MINIMAX_TIMEOUT_S": "8",
    "LEASE_MARGIN_S": "3",
    "STEP_LEASE_S": "8",
    "SETTLE_S": "2",
    "VIDEO_POLL_S": "1",
    "MINIMAX_POLLS_PER_MINUTE": "600",
    # For what is sent at the second start before it can be told how long to take.
    "SIMULATOR_SPEED": "0.05",
}


def test_ten_jobs_end_or_ask_and_nothing_is_billed_twice(tmp_path):
    home = tmp_path / "home"
    home.mkdir(mode=0o711)
    tmp_path.chmod(0o711)
    with running(home, env=QUICK) as stack:
        _slow_providers(stack)
        services = stack.services()
        prompts = _ten_jobs(services)
        time.sleep(4)  # some are sent, some wait, none has ended
        _kill_all(stack)
        services.engine.dispose()
        services.bucket.close()

    with running(home, env=QUICK) as stack:
        _slow_providers(stack)
        services = stack.services()
        ends = _settled(services)
        billed = _billed(stack)
        services.engine.dispose()
        services.bucket.close()

    assert set(ends) == set(prompts)
    assert all(end in {"done", "uncertain"} for end in ends.values()), ends
    assert max(billed.values()) == 1, billed
    # What was billed is either there or visibly asks: nothing is lost in silence.
    assert all(ends[prompt] in {"done", "uncertain"} for prompt in billed)
    assert {prompt for prompt, end in ends.items() if end == "done"} <= set(billed)


def _slow_providers(stack: Stack) -> None:
    stack.control("openai", "settings", method="PATCH", body={"fixed_s": 6, "tail_share": 0})
    stack.control("minimax", "settings", method="PATCH", body={"fixed_s": 6, "small_videos": True})


def _ten_jobs(services: Services) -> list[str]:
    user = edits.tester(services)
    image = edits.uploaded(services, user, edits.noise(400))
    prompts = [f"{kind} {uuid4()}" for kind in ("edit", "film") for _ in range(5)]
    for prompt in prompts:
        if prompt.startswith("edit"):
            edits.filed(services, user, image, prompt)
        else:
            _video(services, user, prompt)
    return prompts


def _video(services: Services, user: User, prompt: str) -> Job:
    return submissions.submit(
        services,
        user,
        submissions.Wish(
            provider=Provider.HAILUO,
            model="MiniMax-Hailuo-02",
            prompt=prompt,
            options={"mode": "text", "resolution": "768P", "duration": 6},
            client_key=uuid4().hex,
            unknown_price_accepted=True,
        ),
    )


def _kill_all(stack: Stack) -> None:
    state = json.loads(Path(stack.home / "running.json").read_text())
    pids = [state["supervisor"]["pid"], *(seen["pid"] for seen in state["children"].values())]
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _settled(services: Services) -> dict[str, str]:
    """Wait until every job rests and return what became of each, by its prompt."""
    deadline = time.monotonic() + SETTLED_S
    while time.monotonic() < deadline:
        with services.sessions() as session:
            jobs = session.scalars(select(Job)).all()
            stages = {run.job_id: run.stage for run in session.scalars(select(Run))}
        ends = {job.prompt: _end(job, stages.get(job.id)) for job in jobs}
        if "" not in ends.values():
            return ends
        time.sleep(0.5)
    raise TimeoutError(f"Still moving after {SETTLED_S} s: {ends}")


def _end(job: Job, stage: str | None) -> str:
    if stage == Stage.UNCERTAIN:
        return "uncertain"
    return job.status if job.status in {Status.DONE, Status.ERROR} else ""


def _billed(stack: Stack) -> Counter[str]:
    return Counter(
        entry["prompt"]
        for name in ("openai", "minimax")
        for entry in stack.ledger(name)
        if entry["event"] == "billed"
    )
