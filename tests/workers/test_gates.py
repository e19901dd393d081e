"""Gates, limits and trials against the simulators: what the providers say is what happens."""

import time
from collections.abc import Callable

import pytest
from sqlalchemy import text

from core import gates
from core.models import ProviderGate
from core.stages import Stage
from tests.providers.control import Control
from tests.workers.conftest import picture
from workers import trials

V1 = ("MiniMax-Hailuo-2.3", {"mode": "text", "duration": 6, "resolution": "768P"})
V2 = ("MiniMax-H3", {"mode": "text", "duration": 5, "resolution": "768P", "ratio": "16:9"})


@pytest.fixture
def openai(openai_simulator) -> Control:
    return Control(openai_simulator.url)


@pytest.fixture
def minimax(minimax_simulator) -> Control:
    control = Control(minimax_simulator.url)
    control.set(small_videos=True)
    return control


@pytest.fixture
def nothing_happens(working, file_video, settle, quick_videos) -> Callable[[], None]:
    """Let the loop come round: it has taken a job of another provider, and what else it may."""

    def come_round() -> None:
        working.wake()
        assert settle(file_video(*V1, prompt="meanwhile")).stage is Stage.STORED

    return come_round


def closed(services) -> list[ProviderGate]:
    with services.sessions() as session:
        return list(gates.closed(session, services.keys()))


def all_closures_end(services) -> None:
    with services.sessions.begin() as session:
        session.execute(text("UPDATE provider_gates SET closed_until = now()"))
        session.execute(text("UPDATE runs SET due_at = now() WHERE stage = 'ready'"))


def due_again(services) -> None:
    with services.sessions.begin() as session:
        session.execute(text("UPDATE runs SET due_at = now() WHERE stage = 'ready'"))


def test_a_rate_limit_closes_one_model_and_other_providers_go_on(
    services, file_edit, file_video, settle, openai, minimax
):
    openai.fault("error:rate_limit_exceeded", times=1, retry_after=600)
    stopped = settle(file_edit())
    (gate,) = closed(services)
    waiting = file_edit("another one")
    film = settle(file_video(*V2))

    assert (gate.dialect, gate.model, gate.closed_code) == (
        "openai",
        "gpt-image-2",
        "rate_limited",
    )
    assert film.stage is Stage.STORED
    assert (stopped.stage, openai.posts()) == (Stage.READY, 1)
    all_closures_end(services)
    assert settle(waiting).stage is Stage.STORED


@pytest.mark.parametrize(
    ("code", "expected"), [("slow_down", "slow_down"), ("rate_limit_exceeded", "rate_limited")]
)
def test_slowing_down_is_remembered_for_a_quarter_of_an_hour(
    services, file_edit, settle, openai, code, expected
):
    openai.fault(f"error:{code}", times=1, retry_after=600)
    settle(file_edit())

    (gate,) = closed(services)
    assert gate.closed_code == expected
    assert (gate.slow_requests_per_minute == 1) == (code == "slow_down")


def test_the_limits_in_an_answers_headers_are_kept(services, file_edit, settle, openai):
    openai.set(requests_per_min=7, input_images_per_min=9)
    settle(file_edit())

    with services.sessions() as session:
        gate = session.get(ProviderGate, ("openai", services.key_id("openai"), "gpt-image-2"))
    assert gate.limits == {"requests_per_minute": 7, "input_images_per_minute": 9}


def test_a_minute_that_is_known_to_be_full_is_waited_for(
    file_edit, settle, nothing_happens, openai
):
    openai.set(input_images_per_min=1)
    settle(file_edit())
    assert openai.posts() == 1
    file_edit("one more")

    nothing_happens()
    assert openai.posts() == 1


def test_an_edit_with_more_pictures_than_the_minute_takes_is_sent(
    services, file_edit, settle, upload, openai
):
    object.__setattr__(services.settings, "openai_input_images_per_minute", 1)
    pictures = [upload(picture(600 + n)) for n in range(3)]

    assert settle(file_edit(input_ids=pictures)).stage is Stage.STORED


@pytest.mark.parametrize("code", ["credit_balance_exhausted", "invalid_api_key"])
def test_a_provider_without_money_waits_and_recovers_by_itself(
    services, hands, file_edit, settle, working, nothing_happens, openai, code
):
    openai.fault(f"error:{code}")
    settle(file_edit())
    later = [file_edit(f"later {n}") for n in range(2)]
    assert len(closed(services)) == 1
    posts = openai.posts()

    trials.ask(hands, every_s=0)  # the free question works, the money is still gone
    due_again(services)
    _until(working, lambda: openai.posts() == posts + 1)
    _until(working, lambda: _trial_is_over(services))
    openai.no_faults()
    due_again(services)
    nothing_happens()
    assert openai.posts() == posts + 1  # one job tried, and the gate is closed again

    trials.ask(hands, every_s=0)
    for job in later:
        assert settle(job).stage is Stage.STORED
    assert closed(services) == []


def _trial_is_over(services) -> bool:
    with services.sessions() as session:
        return session.scalar(
            text(
                "SELECT count(*) = 0 FROM provider_gates WHERE trial_at IS NOT NULL"
                " OR trial_job_id IS NOT NULL"
            )
        )


def test_a_provider_that_does_not_answer_is_not_tried(
    services, hands, file_edit, settle, nothing_happens, openai
):
    openai.fault("error:credit_balance_exhausted", times=1)
    settle(file_edit())
    openai.fault("models_unavailable")
    trials.ask(hands, every_s=0)
    due_again(services)
    nothing_happens()

    assert (openai.posts(), len(closed(services))) == (1, 1)


@pytest.mark.parametrize("film", [V1, V2])
def test_videos_wait_for_money_and_recover_too(services, hands, file_video, settle, minimax, film):
    minimax.fault("error:1008", times=1)
    stopped = file_video(*film)
    settle(stopped)
    assert [gate.closed_code for gate in closed(services)] == ["balance_empty"]

    trials.ask(hands, every_s=0)
    with services.sessions.begin() as session:
        session.execute(text("UPDATE runs SET due_at = now(), waiting_for = NULL"))
    assert settle(stopped).stage is Stage.STORED
    assert closed(services) == []


def test_no_more_tasks_are_in_flight_than_the_provider_takes(services, file_video, settle, minimax):
    minimax.set(max_concurrent=2)
    filing = [file_video(*V2, prompt=f"clip {n}") for n in range(5)]

    assert all(settle(job, within_s=60).stage is Stage.STORED for job in filing)
    assert minimax.posts() == 5  # none of them was refused


def _until(working, holds, *, within_s: float = 15) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline
        working.wake()
        time.sleep(0.05)
