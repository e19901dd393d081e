"""Each row of the table of observations, from the wire to what becomes of the job."""

import time
from collections.abc import Callable, Mapping
from typing import Any, get_args

import pytest

from core.details import Detail
from core.models import AssetKind, Job
from core.providers.codes import Code
from core.providers.observations import (
    MEANS,
    ROWS,
    GivenUp,
    Never,
    NothingHappened,
    NothingLeft,
    NotTaken,
    Row,
    Unknown,
    Useless,
)
from core.stages import FINAL, Outcome, Stage
from tests.workers.observing import FURTHER, SCENES, Bench, Scene
from workers.steps import ENDED_THERE

BY_NOW_S = 20.0


def test_each_code_has_one_row_and_each_row_a_scene():
    assert [row.code for row in ROWS] == list(MEANS)
    assert set(MEANS) == set(get_args(Code)) == set(SCENES)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.code)
def test_what_a_row_says_becomes_of_the_job(bench, row):
    _played(bench, row, SCENES[row.code])


@pytest.mark.parametrize(("code", "scene"), FURTHER)
def test_another_way_to_a_row_leads_there_too(bench, code, scene):
    _played(bench, MEANS[code], scene)


def _played(bench: Bench, row: Row, scene: Scene) -> None:
    job = bench.begin(scene)
    bench.work()
    CHECKS[type(row)](bench, job, row, scene)


def stumbles(bench: Bench, job: Job, code: str) -> Detail:
    """Work until a step goes wrong in this way, or the job ends."""
    until = time.monotonic() + BY_NOW_S
    while time.monotonic() < until:
        found = bench.seen(job)
        if found.stage in FINAL or any(it.detail.get("why") == code for it in found.events):
            return found
        bench.sql("UPDATE runs SET due_at = now()")
        bench.work()
    raise TimeoutError(f"The job is still {found.stage}.")


def outcomes(found: Detail) -> list[str]:
    return [attempt.outcome for attempt in found.attempts]


def nothing_left(bench: Bench, job: Job, row: NothingLeft, _: Scene) -> None:
    """It waits, and costs nothing."""
    found = bench.seen(job)
    assert (found.stage, found.waits_for) == (Stage.READY, row.code)
    assert set(outcomes(found)) <= {Outcome.NOT_SENT}
    assert bench.closed() == []


def not_taken(bench: Bench, job: Job, row: NotTaken, scene: Scene) -> None:
    """It waits at a closed gate, and costs nothing; a second one is not even tried."""
    found = bench.seen(job)
    assert (found.stage, found.waits_for) == (Stage.READY, row.code)
    assert outcomes(found) == [Outcome.NOT_SENT]
    model = job.model if row.scope == "model" else ""
    assert bench.closed() == [(model, row.code, row.wait_s is not None)]
    asked = bench.asked(scene)
    bench.sql("UPDATE runs SET due_at = now()")
    bench.work()
    assert (asked.posts(), asked.billed()) == (1, 0)


def never(bench: Bench, job: Job, row: Never, scene: Scene) -> None:
    """It ends, and the model closes if this key may not use it."""
    found = bench.seen(job)
    assert (found.stage, found.job.error_code) == (Stage.REJECTED, row.code)
    assert outcomes(found) == [Outcome.REJECTED]
    assert bench.closed() == ([(job.model, row.code, False)] if row.closes_model else [])
    assert bench.asked(scene).billed() == 0


def unknown(bench: Bench, job: Job, row: Unknown, scene: Scene) -> None:
    """A person decides; nothing is sent again by itself."""
    found = bench.seen(job)
    assert (found.stage, found.waits_for) == (Stage.UNCERTAIN, row.code)
    assert outcomes(found) == [Outcome.UNKNOWN]
    bench.work()
    assert bench.asked(scene).posts() == 1
    assert bench.closed() == []


def useless(bench: Bench, job: Job, row: Useless, scene: Scene) -> None:
    """It ends, billed, and what came is kept."""
    found = bench.seen(job)
    assert (found.stage, found.job.error_code) == (Stage.BAD_RESULT, row.code)
    assert outcomes(found) == [Outcome.ACCEPTED]
    assert len(found.of_kind(AssetKind.RAW)) == 1
    assert bench.asked(scene).billed() == 1


def given_up(bench: Bench, job: Job, row: GivenUp, scene: Scene) -> None:
    """It ends as the provider said."""
    found = stumbles(bench, job, row.code)
    assert found.stage is ENDED_THERE.get(row.code, Stage.FAILED)
    assert found.job.error_code == row.code
    assert bench.asked(scene).posts() == 1


def repeated(bench: Bench, job: Job, row: NothingHappened, scene: Scene) -> None:
    """The step is repeated until it works; nothing is sent again."""
    found = stumbles(bench, job, row.code)
    assert found.stage in {Stage.GENERATING, Stage.STORING}
    scene.mends(bench)
    assert stumbles(bench, job, "never").stage is Stage.STORED
    asked = bench.asked(scene)
    assert (asked.posts(), asked.billed()) == (1, 1)


CHECKS: Mapping[type, Callable[[Bench, Job, Any, Scene], None]] = {
    NothingLeft: nothing_left,
    NotTaken: not_taken,
    Never: never,
    Unknown: unknown,
    Useless: useless,
    GivenUp: given_up,
    NothingHappened: repeated,
}
