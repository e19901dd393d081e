"""A worker dies at every border between a commit and a side effect; the next one goes on."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from core.details import Detail, load
from core.failpoints import POINTS
from core.models import AssetKind, Job, User
from core.services import Services
from core.stages import Stage
from tests.application import services_for
from tests.workers.conftest import billed, edit_filed, person, video_filed
from tests.workers.forks import Nursery, forked, nursery
from workers.spool import Spool

V1 = ("MiniMax-Hailuo-02", {"mode": "text", "resolution": "768P", "duration": 6})
V2 = ("MiniMax-H3", {"mode": "text", "resolution": "768P", "duration": 5, "ratio": "16:9"})

# What a job killed at each point must come to, and how often it was paid for.
STORED, ASKS_UNPAID, ASKS_PAID = (Stage.STORED, 1), (Stage.UNCERTAIN, 0), (Stage.UNCERTAIN, 1)
ENDS = {
    "edit": {
        "claimed": STORED,
        "intended": ASKS_UNPAID,
        "answered": STORED,  # its bytes are on the disk already
        "noted": STORED,
        "recorded": STORED,
        "fetched": STORED,
        "uploaded": STORED,
        "stored": STORED,
    },
    "v1": {
        "claimed": STORED,
        "intended": ASKS_UNPAID,
        "answered": ASKS_PAID,  # only a callback could tell, and there is none here
        "noted": STORED,
        "recorded": STORED,
        "looked": STORED,
        "fetched": STORED,
        "uploaded": STORED,
    },
    "v2": {
        "claimed": STORED,
        "intended": ASKS_UNPAID,
        "answered": STORED,  # the list tells
        "noted": STORED,
        "recorded": STORED,
        "looked": STORED,
        "fetched": STORED,
        "uploaded": STORED,
    },
}


def test_no_point_is_forgotten():
    assert {point for ends in ENDS.values() for point in ends} == set(POINTS)


@pytest.mark.parametrize("kind", ENDS)
def test_every_border_leads_to_its_end(
    kind, new_database, bucket, tmp_path, openai_simulator, minimax_simulator
):
    quick(openai_simulator, fixed_s=0.2)
    quick(minimax_simulator, fixed_s=0.2, small_videos=True)
    simulator = openai_simulator if kind == "edit" else minimax_simulator

    databases = {point: new_database() for point in ENDS[kind]}

    def end_of(point: str) -> tuple[Stage, int]:
        services = services_for(
            databases[point],
            bucket,
            new_folder(tmp_path / point),
            openai_base_url=f"{openai_simulator.url}/v1",
            minimax_base_url=minimax_simulator.url,
            download_allowed_hosts=frozenset({minimax_simulator.url.removeprefix("http://")}),
            openai_timeout_s=15,  # long enough for two busy cores
            minimax_timeout_s=15,
            lease_margin_s=1,
            step_lease_s=5,
            store_lease_s=8,
            settle_s=0.5,
        )
        try:
            stage = stage_after_kill(forks, services, kind, point, tmp_path / point)
        finally:
            services.engine.dispose()
            services.bucket.close()
        return stage, sum(entry["prompt"] == point for entry in billed(simulator))

    with nursery() as forks, ThreadPoolExecutor(len(databases)) as pool:
        ends = dict(zip(ENDS[kind], pool.map(end_of, ENDS[kind]), strict=True))

    assert ends == ENDS[kind]


def quick(simulator, **values) -> None:
    url = f"{simulator.url}/_control/settings"
    requests.patch(url, json=values, timeout=5).raise_for_status()


def new_folder(path: Path) -> Path:
    path.mkdir()
    return path


def stage_after_kill(
    forks: Nursery, services: Services, kind: str, point: str, folder: Path
) -> Stage:
    """Let one worker die at a point, and another go on until the job rests."""
    user = person(services)
    if kind == "edit":
        job = edit_filed(services, user, point)
    else:
        model, options = V1 if kind == "v1" else V2
        job = video_filed(services, user, model, options | own_length(kind, point), prompt=point)
    first = forked(forks, services.settings, folder, FAILPOINTS=point)
    assert first.ended() == -signal.SIGKILL
    second = forked(forks, services.settings, folder)
    detail = rested(services, user, job)
    if detail.stage is Stage.STORED:
        assert len(detail.of_kind(AssetKind.RESULT)) == 1
        wait_for_empty_spool(services)
    second.send()
    assert second.ended() == 0
    return detail.stage


def own_length(kind: str, point: str) -> dict[str, int]:
    """Return what tells this cell's task from the others' in the one list they share."""
    return {"duration": 4 + list(ENDS[kind]).index(point)} if kind == "v2" else {}


def rested(services: Services, user: User, job: Job) -> Detail:
    """Return the job once it has ended, or asks for a decision and nothing heals it."""
    deadline = time.monotonic() + 60
    uncertain_since = None
    while time.monotonic() < deadline:
        with services.sessions() as session:
            detail = load(session, user, job.id, team_reads=True)
        if detail.run is None:
            return detail
        if detail.stage is Stage.UNCERTAIN:
            uncertain_since = uncertain_since or time.monotonic()
            if time.monotonic() > uncertain_since + 5:
                return detail
        else:
            uncertain_since = None
        time.sleep(0.1)
    raise TimeoutError(f"Job {job.id} is still {detail.stage}.")


def wait_for_empty_spool(services: Services) -> None:
    spool = Spool(services.settings.spool_dir)
    deadline = time.monotonic() + 20
    while [*spool.complete_ones(), *spool.unmarked(), *spool.noted_tasks()]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
