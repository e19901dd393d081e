"""A worker dies at every border between a commit and a side effect; the next one goes on."""

import signal
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import text

from core import decisions
from core.details import Detail, load
from core.failpoints import POINTS
from core.models import AssetKind, Job, Run, User
from core.services import Services
from core.stages import Stage
from tests.application import services_for
from tests.workers.conftest import billed, edit_filed, fault, person, video_filed
from tests.workers.forks import Nursery, forked, nursery
from tests.workers.processes import until
from workers.spool import Spool

V1 = ("MiniMax-Hailuo-02", {"mode": "text", "resolution": "768P", "duration": 6})
V2 = ("MiniMax-H3", {"mode": "text", "resolution": "768P", "duration": 5, "ratio": "16:9"})

QUEUES_LONG = {"resolution": "2K"}

# What a job killed at each point must come to, and how often it was taken.
STORED, ASKS_UNPAID, ASKS_PAID = (Stage.STORED, 1), (Stage.UNCERTAIN, 0), (Stage.UNCERTAIN, 1)
KEPT_LATE = (Stage.ABANDONED, 1)  # with its result beside it
ENDS = {
    "edit": {
        "claimed": STORED,
        "intended": STORED,  # its permit says that nothing left
        "leaving": ASKS_UNPAID,
        "revoked": STORED,
        "answered": STORED,  # its bytes are on the disk already
        "refused": ASKS_UNPAID,
        "noted": STORED,
        "recorded": STORED,
        "fetched": STORED,
        "uploaded": STORED,
        "raw_uploaded": (Stage.BAD_RESULT, 1),
        "late_uploaded": KEPT_LATE,
        "stored": STORED,
    },
    "v1": {
        "claimed": STORED,
        "intended": STORED,  # its permit says that nothing left
        "leaving": ASKS_UNPAID,
        "revoked": STORED,
        "answered": ASKS_PAID,  # only a callback could tell, and there is none here
        "refused": ASKS_UNPAID,
        "noted": STORED,
        "recorded": STORED,
        "looked": STORED,
        "fetched": STORED,
        "uploaded": STORED,
    },
    "v2": {
        "claimed": STORED,
        "intended": STORED,  # its permit says that nothing left
        "leaving": ASKS_UNPAID,
        "revoked": STORED,
        "answered": STORED,  # the list tells
        "refused": ASKS_UNPAID,
        "noted": STORED,
        "recorded": STORED,
        "looked": STORED,
        "cancelled_there": (Stage.CANCELLED, 1),  # which made it cost nothing
        "fetched": STORED,
        "uploaded": STORED,
        "late_uploaded": KEPT_LATE,
    },
}
# What a person decides on the way there.
DECISIONS: Mapping[tuple[str, str], tuple[Stage, Callable[..., None]]] = {
    ("v2", "cancelled_there"): (Stage.GENERATING, decisions.cancel),
    ("v2", "late_uploaded"): (Stage.UNCERTAIN, decisions.give_up),
}
# What the provider does so that a worker comes to a point at all.
FAULTS = {
    ("edit", "refused"): "error:moderation_blocked",
    ("v1", "refused"): "error:1026",
    ("v2", "refused"): "error:1026",
    ("edit", "raw_uploaded"): "data_empty",
    ("v2", "late_uploaded"): "reset_after_accept",
}


def test_no_point_is_forgotten():
    assert {point for ends in ENDS.values() for point in ends} == set(POINTS)


@pytest.mark.parametrize("kind", ENDS)
def test_every_border_leads_to_its_end(
    kind, new_database, bucket, tmp_path, openai_simulator, minimax_simulator
):
    quick(openai_simulator, fixed_s=0.2)
    of_each = {"MiniMax-Hailuo-02 768P": 10, "MiniMax-H3 768P": 10, "MiniMax-H3 2K": 50_000}
    quick(minimax_simulator, duration_s=of_each, spread=0, small_videos=True)
    simulator = openai_simulator if kind == "edit" else minimax_simulator
    for (whose, point), name in FAULTS.items():
        if whose == kind:
            fault(simulator, name, times=1, match=point)

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
            lease_margin_s=6,  # as long may pass between the claim and the first byte
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
        job = video_filed(services, user, model, options | own_shape(kind, point), prompt=point)
    if point == "revoked":  # comes after the death of another
        assert forked(forks, services.settings, folder, FAILPOINTS="intended").ended() < 0
    if (kind, point) == ("edit", "late_uploaded"):
        given_up_elsewhere(forks, services, user, job, folder)
    first = forked(forks, services.settings, folder, FAILPOINTS=point)
    if (kind, point) in DECISIONS:
        decided(services, user, job, *DECISIONS[kind, point])
    assert first.ended() == -signal.SIGKILL
    with services.sessions.begin() as session:  # the dead worker would look again in two minutes
        session.execute(text("UPDATE attempts SET recheck_at = now() WHERE recheck_at > now()"))
    second = forked(forks, services.settings, folder)
    detail = rested(services, user, job, with_result=point == "late_uploaded")
    if detail.stage in {Stage.STORED, Stage.ABANDONED}:
        assert len(detail.of_kind(AssetKind.RESULT)) == 1
        wait_for_empty_spool(services)
    second.send()
    assert second.ended() == 0
    return detail.stage


def own_shape(kind: str, point: str) -> dict[str, Any]:
    """Return what tells this cell's task from the others' in the one list they share."""
    if point == "cancelled_there":
        return QUEUES_LONG
    if kind != "v2":
        return {}
    turn, number = divmod(list(ENDS[kind]).index(point), 12)
    return {"duration": 4 + number, "ratio": ("16:9", "9:16")[turn]}


def given_up_elsewhere(
    forks: Nursery, services: Services, user: User, job: Job, folder: Path
) -> None:
    """Leave an answer on this disk, and have its job given up where nobody sees that."""
    first = forked(forks, services.settings, folder, FAILPOINTS="answered")
    assert first.ended() == -signal.SIGKILL
    elsewhere = replace(services.settings, spool_dir=folder / "elsewhere")
    other = forked(forks, elsewhere, folder)
    decided(services, user, job, Stage.UNCERTAIN, decisions.give_up)
    other.send()
    assert other.ended() == 0


def decided(
    services: Services, user: User, job: Job, stage: Stage, decide: Callable[..., None]
) -> None:
    """Decide about a job as soon as it is in a stage."""

    def stands() -> bool:
        with services.sessions() as session:
            return session.get_one(Run, job.id).stage == stage

    until(stands, within_s=40)
    with services.sessions.begin() as session:
        decide(session, user, job.id)


def rested(services: Services, user: User, job: Job, *, with_result: bool) -> Detail:
    """Return the job once it has ended, or asks for a decision and nothing heals it."""
    deadline = time.monotonic() + 60
    uncertain_since = None
    while time.monotonic() < deadline:
        with services.sessions() as session:
            detail = load(session, user, job.id, team_reads=True)
        if detail.run is None and (detail.of_kind(AssetKind.RESULT) or not with_result):
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
    while [*spool.answered(), *spool.unmarked(), *spool.noted()]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
