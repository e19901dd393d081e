from datetime import timedelta

import pytest
import requests
from sqlalchemy import update

from core import attempts, decisions, runs
from core.details import load
from core.models import AssetKind, Attempt
from core.spending import Charge
from core.stages import Outcome, Stage
from tests.workers.conftest import billed, fault, look_now
from tests.workers.processes import until

V1 = ("MiniMax-Hailuo-02", {"mode": "text", "resolution": "768P", "duration": 6})
V2 = ("MiniMax-H3", {"mode": "text", "resolution": "768P", "duration": 5, "ratio": "16:9"})


@pytest.fixture(autouse=True)
def quick(minimax_simulator):
    requests.patch(
        f"{minimax_simulator.url}/_control/settings",
        json={"fixed_s": 0.5, "small_videos": True},
        timeout=5,
    ).raise_for_status()


def detail_of(services, user, job):
    with services.sessions() as session:
        return load(session, user, job.id, team_reads=True)


def test_the_list_heals_a_lost_reply(file_video, settle, services, hands, kim, minimax_simulator):
    fault(minimax_simulator, "reset_after_accept", times=1)
    job = file_video(*V2)
    assert settle(job).stage is Stage.UNCERTAIN

    look_now(hands)
    detail = settle(job)

    assert detail.stage is Stage.STORED
    assert len(billed(minimax_simulator)) == 1
    assert [event.kind for event in detail.events].count("task_found") == 1


def test_the_list_heals_also_when_our_key_was_replaced_meanwhile(
    file_video, settle, services, hands, minimax_simulator
):
    fault(minimax_simulator, "reset_after_accept", times=1)
    job = file_video(*V2)
    assert settle(job).stage is Stage.UNCERTAIN

    with services.sessions.begin() as session:
        session.execute(update(Attempt).values(key_id="the-one-before"))
    look_now(hands)

    assert settle(job).stage is Stage.STORED
    assert len(billed(minimax_simulator)) == 1


@pytest.mark.parametrize(("model", "options"), [V1, V2], ids=["v1", "v2"])
@pytest.mark.parametrize("number", [True, False])
def test_a_task_that_an_error_names_is_asked_for_and_not_sent_again(
    file_video, settle, hands, minimax_simulator, model, options, number
):
    fault(minimax_simulator, "task_id_beside_error", times=1, args={"number": number})
    job = file_video(model, options)

    until(lambda: settle(job).stage is Stage.STORED)  # the worker asks at once by itself

    assert len(billed(minimax_simulator)) == 1


def test_two_lost_replies_of_the_same_request_are_nobodys(
    file_video, settle, services, hands, kim, minimax_simulator
):
    fault(minimax_simulator, "reset_after_accept", times=2)
    jobs = [file_video(*V2), file_video(*V2)]
    for job in jobs:
        assert settle(job).stage is Stage.UNCERTAIN

    look_now(hands)

    assert {detail_of(services, kim, job).stage for job in jobs} == {Stage.UNCERTAIN}


def test_a_request_still_under_way_is_a_rival(
    file_video, settle, services, hands, kim, minimax_simulator
):
    other = file_video(*V2, prompt="another")
    settle(other)
    fault(minimax_simulator, "reset_after_accept", times=1)
    job = file_video(*V2)
    settle(job)
    with services.sessions.begin() as session:  # as if its reply had not come yet
        session.execute(
            update(Attempt)
            .where(Attempt.job_id == other.id)
            .values(provider_task_id=None, outcome=Outcome.OPEN)
        )

    look_now(hands)

    assert detail_of(services, kim, job).stage is Stage.UNCERTAIN


def test_a_result_that_turns_up_after_sending_again_is_kept_beside_the_other(
    file_video, settle, services, hands, kim, minimax_simulator
):
    fault(minimax_simulator, "reset_after_accept", times=1)
    job = file_video(*V2)
    settle(job)
    with services.sessions.begin() as session:
        decisions.send_again(session, kim, job.id)
    first = settle(job)
    assert first.stage is Stage.STORED

    while len(detail_of(services, kim, job).of_kind(AssetKind.RESULT)) < 2:
        look_now(hands)
    detail = detail_of(services, kim, job)

    assert len(billed(minimax_simulator)) == 2
    assert [attempt.outcome for attempt in detail.attempts] == ["superseded", "accepted"]
    assert all(attempt.provider_task_id for attempt in detail.attempts)
    assert len(detail.of_kind(AssetKind.RESULT)) == 2
    assert detail.job.cost_usd == 2 * first.job.cost_usd
    assert "late_result_kept" in [event.kind for event in detail.events]
    assert detail.stage is Stage.STORED


def test_a_result_that_turns_up_before_the_second_one_is_counted_beside_it(
    file_video, settle, services, hands, kim, minimax_simulator
):
    fault(minimax_simulator, "reset_after_accept", times=1)
    job = file_video(*V2)
    settle(job)
    with services.sessions.begin() as session:
        decisions.send_again(session, kim, job.id)
        runs.locked(session, job.id).due_at += timedelta(hours=1)
    while not detail_of(services, kim, job).of_kind(AssetKind.RESULT):
        look_now(hands)
    first = detail_of(services, kim, job)
    with services.sessions.begin() as session:
        runs.due_now(session, runs.locked(session, job.id))

    detail = settle(job)

    assert detail.stage is Stage.STORED
    assert detail.job.cost_usd == 2 * first.job.cost_usd
    assert detail.charges == [Charge.COUNTED, Charge.COUNTED]


def test_a_result_that_turns_up_after_giving_up_is_kept(
    file_video, settle, services, hands, kim, minimax_simulator
):
    fault(minimax_simulator, "reset_after_accept", times=1)
    job = file_video(*V2)
    settle(job)
    with services.sessions.begin() as session:
        decisions.give_up(session, kim, job.id)

    while not detail_of(services, kim, job).of_kind(AssetKind.RESULT):
        look_now(hands)
    look_now(hands)  # nothing more to do
    detail = detail_of(services, kim, job)

    assert detail.stage is Stage.ABANDONED
    assert len(detail.of_kind(AssetKind.RESULT)) == 1
    assert detail.job.cover_asset_id is not None
    assert detail.job.cost_usd > 0


def test_a_job_that_is_known_to_be_taken_is_not_sent_again(
    file_video, settle, services, kim, minimax_simulator
):
    fault(minimax_simulator, "reset_after_accept", times=1)
    job = file_video(*V2)
    detail = settle(job)
    with services.sessions.begin() as session:
        attempts.settled(session, detail.attempts[0].id, Outcome.ACCEPTED, task_id="1")

    with pytest.raises(Exception, match="moved on"), services.sessions.begin() as session:
        decisions.send_again(session, kim, job.id)
