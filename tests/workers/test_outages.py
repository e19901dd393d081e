"""The database or the bucket goes away while a result exists only in a reply, and comes back."""

import dataclasses
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from core import elapsed
from core.details import Detail
from core.models import AssetKind, Job
from core.stages import Outcome, Stage
from tests.proxy import Proxy, proxied, proxied_store
from tests.workers.conftest import billed, edit_filed, fault, video_filed
from tests.workers.left_behind import V1, claimed, detail_of, die
from tests.workers.processes import until
from workers import edits, recovery, sending, sweep, videos
from workers.hands import Hands

pytestmark = pytest.mark.usefixtures("quick_videos")


@pytest.fixture
def lines() -> dict[str, Proxy]:
    """The lines to the database and to the bucket, to be cut."""
    return {}


@pytest.fixture
def database_url(database_url, lines) -> Iterator[str]:
    with proxied(database_url) as (lines["database"], url):
        yield url


@pytest.fixture
def bucket(bucket, lines) -> Iterator[Any]:
    with proxied_store(bucket) as (lines["bucket"], there):
        yield there


@pytest.fixture
def cut_at(monkeypatch, lines) -> Callable[[str, str], None]:
    """Cut a line when a worker first comes to a border that `core.failpoints` names."""

    def arm(point: str, name: str) -> None:
        left = [point]

        def reach(reached: str) -> None:
            if reached in left:
                left.remove(reached)
                lines[name].cut()

        for steps in (edits, videos):
            monkeypatch.setattr(steps, "reach", reach)

    return arm


@pytest.fixture
def file(services, kim) -> Callable[[str], Job]:
    """File an edit, or a video that no callback and no list can find."""
    filers = {
        "edit": lambda: edit_filed(services, kim),
        "video": lambda: video_filed(services, kim, *V1),
    }
    return lambda kind: filers[kind]()


@pytest.fixture
def bills(openai_simulator, minimax_simulator) -> Callable[[], int]:
    """What the providers' own ledgers say: how many requests they have billed."""
    return lambda: sum(len(billed(each)) for each in (openai_simulator, minimax_simulator))


def send(hands: Hands) -> None:
    """Take the step that costs money."""
    sending.submit(hands, claimed(hands), deadline=elapsed.now() + 60)


def outcomes(detail: Detail) -> list[str]:
    return [attempt.outcome for attempt in detail.attempts]


@pytest.mark.parametrize("kind", ["edit", "video"])
def test_a_worker_records_what_it_was_told_once_the_database_is_back(
    hands, file, cut_at, lines, settle, bills, kind
):
    job = file(kind)
    cut_at("noted", "database")
    with ThreadPoolExecutor(1) as pool, capture_logs() as logs:
        step = pool.submit(send, hands)
        until(lambda: [line["event"] for line in logs].count("recording_waits") > 1)
        assert not step.done()
        lines["database"].mend()
        step.result()

    detail = settle(job)
    assert (detail.stage, outcomes(detail), bills()) == (Stage.STORED, [Outcome.ACCEPTED], 1)


@pytest.mark.parametrize(
    ("kind", "point"), [("edit", "noted"), ("edit", "uploaded"), ("video", "noted")]
)
def test_an_outage_that_outlasts_a_workers_patience_leaves_the_result_to_the_next_one(
    services, hands, file, cut_at, lines, settle, bills, kind, point
):
    job = file(kind)
    impatient = dataclasses.replace(services.settings, store_lease_s=0.1)
    cut_at(point, "database")
    with pytest.raises(OperationalError):
        send(dataclasses.replace(hands, services=dataclasses.replace(services, settings=impatient)))
    lines["database"].mend()
    die(services, job)
    recovery.recover(hands)
    sweep.sweep(hands)

    detail = settle(job)
    assert (detail.stage, outcomes(detail), bills()) == (Stage.STORED, [Outcome.ACCEPTED], 1)


@pytest.mark.parametrize(
    ("answer", "stage", "kind"),
    [("", Stage.STORED, AssetKind.RESULT), ("data_empty", Stage.BAD_RESULT, AssetKind.RAW)],
    ids=["an image", "nothing usable"],
)
def test_an_answer_waits_on_the_disk_until_the_bucket_is_back(
    services, hands, kim, file, cut_at, lines, settle, bills, openai_simulator, answer, stage, kind
):
    if answer:
        fault(openai_simulator, answer, times=1)
    job = file("edit")
    cut_at("recorded", "bucket")
    send(hands)
    waiting = detail_of(services, kim, job)
    assert (waiting.stage, waiting.run.waiting_for) == (Stage.STORING, "storage_unavailable")
    assert hands.spool.get(waiting.attempts[0].id) is not None

    lines["bucket"].mend()
    detail = settle(job)

    assert (detail.stage, outcomes(detail), bills()) == (stage, [Outcome.ACCEPTED], 1)
    (kept,) = detail.of_kind(kind)
    assert services.bucket.stat(kept.key).sha256 == kept.sha256
