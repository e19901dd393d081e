"""A request that cost nothing says so; one that may have cost does not say that it did."""

from uuid import UUID, uuid4

import pytest

from core.models import Attempt, JobEvent
from core.spending import KEPT, Charge, became, charges, late_endings
from core.stages import Outcome, Stage

LATE = uuid4()
NOTHING, PERHAPS, ITS_PRICE, COUNTED = Charge


def sent(outcome: Outcome, observation: str | None = None, task_id: str | None = None) -> Attempt:
    return Attempt(id=LATE, outcome=outcome, observation=observation, provider_task_id=task_id)


@pytest.mark.parametrize(
    ("stage", "attempts", "known"),
    [
        (Stage.CANCELLED, [], [NOTHING]),
        (Stage.EXPIRED, [sent(Outcome.NOT_SENT)], [NOTHING, NOTHING]),
        (Stage.REJECTED, [sent(Outcome.NOT_SENT), sent(Outcome.REJECTED)], [NOTHING, NOTHING]),
        (Stage.CANCELLED, [sent(Outcome.ACCEPTED)], [NOTHING]),
        (Stage.CANCELLED, [sent(Outcome.SUPERSEDED)], [PERHAPS, NOTHING]),
        (Stage.REJECTED, [sent(Outcome.REJECTED, "moderation_output")], [PERHAPS]),
        (Stage.ABANDONED, [], [PERHAPS]),
        (Stage.ABANDONED, [sent(Outcome.REJECTED)], [NOTHING]),
        (Stage.FAILED, [sent(Outcome.ACCEPTED)], [PERHAPS]),
        (Stage.UNCERTAIN, [], [PERHAPS]),
        (Stage.UNCERTAIN, [sent(Outcome.UNKNOWN)], [PERHAPS]),
        (Stage.REJECTED, [sent(Outcome.UNKNOWN, "called_back")], [PERHAPS]),
        (Stage.REJECTED, [sent(Outcome.ACCEPTED, task_id="7")], [ITS_PRICE]),
        (Stage.BAD_RESULT, [sent(Outcome.ACCEPTED)], [ITS_PRICE]),
        (Stage.EXPIRED, [sent(Outcome.ACCEPTED)], [ITS_PRICE]),
        (Stage.READY, [sent(Outcome.NOT_SENT)], [NOTHING, ITS_PRICE]),
        (Stage.READY, [sent(Outcome.SUPERSEDED)], [PERHAPS, ITS_PRICE]),
        (Stage.GENERATING, [sent(Outcome.ACCEPTED)], [ITS_PRICE]),
        (Stage.STORED, [sent(Outcome.ACCEPTED)], [COUNTED]),
    ],
)
def test_what_is_known_of_a_cost_follows_from_what_was_sent(stage, attempts, known):
    assert charges(stage, attempts, {}) == known


@pytest.mark.parametrize(
    ("stage", "code", "known"),
    [
        (Stage.FAILED, "result_deleted", ITS_PRICE),
        (Stage.EXPIRED, "result_expired", ITS_PRICE),
        (Stage.FAILED, "generation_failed", PERHAPS),
    ],
)
def test_what_its_provider_had_finished_is_charged_though_it_is_gone(stage, code, known):
    assert charges(stage, [sent(Outcome.ACCEPTED, task_id="7")], {}, code=code) == [known]


@pytest.mark.parametrize(
    ("attempt", "ended", "known"),
    [
        (sent(Outcome.SUPERSEDED, "worker_lost"), None, PERHAPS),
        (sent(Outcome.SUPERSEDED, "unreachable"), None, NOTHING),
        (sent(Outcome.SUPERSEDED, "rate_limited"), None, NOTHING),
        (sent(Outcome.SUPERSEDED, "invalid_request"), None, NOTHING),
        (sent(Outcome.SUPERSEDED, "moderation_output"), None, PERHAPS),
        (sent(Outcome.SUPERSEDED, "empty_result"), None, ITS_PRICE),
        (sent(Outcome.SUPERSEDED, "worker_lost"), KEPT, COUNTED),
        (sent(Outcome.SUPERSEDED, "worker_lost"), "not_an_image", ITS_PRICE),
        (sent(Outcome.SUPERSEDED, task_id="7"), None, ITS_PRICE),
        (sent(Outcome.SUPERSEDED, task_id="7"), KEPT, COUNTED),
        (sent(Outcome.SUPERSEDED, task_id="7"), "never_whole", ITS_PRICE),
        (sent(Outcome.SUPERSEDED, task_id="7"), "generation_failed", PERHAPS),
        (sent(Outcome.SUPERSEDED, task_id="7"), "moderation_input", PERHAPS),
        (sent(Outcome.SUPERSEDED, task_id="7"), "cancelled_at_provider", NOTHING),
        (sent(Outcome.NOT_SENT, "overloaded", task_id="7"), None, ITS_PRICE),
        (sent(Outcome.NOT_SENT, "overloaded", task_id="7"), KEPT, COUNTED),
        (sent(Outcome.NOT_SENT, "overloaded", task_id="7"), "generation_failed", PERHAPS),
        (sent(Outcome.ACCEPTED, task_id="7"), KEPT, COUNTED),
        (sent(Outcome.ACCEPTED, task_id="7"), "never_whole", ITS_PRICE),
        (sent(Outcome.ACCEPTED, task_id="7"), "generation_failed", PERHAPS),
        (sent(Outcome.ACCEPTED, task_id="7"), "cancelled_at_provider", NOTHING),
    ],
)
def test_what_came_late_tells_what_a_request_cost(attempt, ended, known):
    late = {LATE: ended} if ended else {}
    assert charges(Stage.ABANDONED, [attempt], late)[0] is known


def late_event(kind: str, **detail: str) -> JobEvent:
    return JobEvent(kind=kind, attempt_id=LATE, detail=detail)


@pytest.mark.parametrize(
    ("events", "ended"),
    [
        ([late_event("late_result_not_fetched", why="download_cut")], {}),
        ([late_event("late_result_kept")], {LATE: KEPT}),
        ([late_event("late_result_missing", code="never_whole")], {LATE: "never_whole"}),
    ],
)
def test_how_a_late_result_ended_stands_in_the_log(events, ended: dict[UUID, str]):
    assert late_endings(events) == ended


def test_a_request_that_was_not_sent_again_is_what_its_outcome_says():
    assert became(sent(Outcome.UNKNOWN, "unreachable"), {LATE: KEPT}) is Outcome.UNKNOWN
