"""How the attempts that no step looks after are asked about, and how often."""

from uuid import UUID

import pytest
from sqlalchemy import text

from core import attempts, runs
from core.providers.minimax_v2 import MiniMaxV2
from core.stages import Outcome, Stage
from tests.core.conftest import claimed
from tests.workers.conftest import video_filed
from tests.workers.observing import VIDEOS
from workers import rechecks
from workers.hands import Hands
from workers.pace import Pace
from workers.rechecks import recheck

LOST = 5


@pytest.fixture
def asked(monkeypatch) -> list[str]:
    """What the second API was asked for."""
    paths: list[str] = []
    read = MiniMaxV2._page

    def page(self, number):
        paths.append("list")
        return read(self, number)

    monkeypatch.setattr(MiniMaxV2, "_page", page)
    return paths


@pytest.fixture
def lost(services, kim) -> None:
    """Requests of the second API whose replies were lost in an outage."""
    for _ in range(LOST):
        video_filed(services, kim, *VIDEOS["v2"])
        with services.sessions.begin() as session:
            session.execute(text("UPDATE provider_gates SET closed_until = NULL"))
        claim = claimed(services.sessions, Stage.READY)
        with services.sessions.begin() as session:
            attempt = attempts.open_one(
                session,
                claim,
                key_id=services.key_id("minimax_v2"),
                send_s=5,
                callback_token=None,
                estimate_usd=None,
            )
            attempts.settled(session, attempt.id, Outcome.UNKNOWN)
            attempt.recheck_at = attempt.created_at
            runs.unsure(session, claim, why="no_answer")


def due(hands: Hands) -> int:
    with hands.services.sessions() as session:
        return session.scalar(text("SELECT count(*) FROM attempts WHERE recheck_at <= now()"))


def test_the_list_is_read_once_for_all_that_were_lost(hands, lost, asked):
    assert recheck(hands) == LOST

    assert asked == ["list"]
    assert due(hands) == 0


def test_a_list_that_cannot_be_read_is_not_asked_for_again_and_again(
    hands, lost, asked, minimax_simulator
):
    minimax_simulator.stop()

    recheck(hands)

    assert asked == ["list"]


def test_one_that_fails_in_a_way_nobody_foresaw_keeps_no_other_waiting(
    hands, lost, asked, monkeypatch
):
    look, looked = rechecks._one, []

    def one(hands: Hands, attempt_id: UUID, listed: rechecks.Listed) -> None:
        looked.append(attempt_id)
        if len(looked) == 1:
            raise KeyError("unforeseen")
        look(hands, attempt_id, listed)

    monkeypatch.setattr(rechecks, "_one", one)

    assert recheck(hands) == len(looked) == LOST
    assert asked == ["list"]


def test_what_is_asked_here_is_taken_from_the_polls(hands, lost, asked):
    now = [1000.0]
    pace = Pace(60, clock=lambda: now[0])
    hands.looks.pace = pace
    pace.take(pace.turns())

    assert recheck(hands) == LOST  # one question more than there were turns, for all of them
    again(hands)
    assert recheck(hands) == 0
    assert asked == ["list"]
    assert due(hands) == LOST

    now[0] += 1
    assert recheck(hands) == LOST
    assert asked == ["list", "list"]


def test_those_without_a_turn_stay_due(hands, lost, asked):
    now = [1000.0]
    hands.looks.pace = Pace(60, clock=lambda: now[0])
    hands.looks.pace.take(1)  # one is left
    with hands.services.sessions.begin() as session:
        session.execute(text("UPDATE attempts SET candidate_task_id = '98765'"))

    assert recheck(hands) == 0
    assert due(hands) == LOST - 1


def again(hands: Hands) -> None:
    with hands.services.sessions.begin() as session:
        session.execute(text("UPDATE attempts SET recheck_at = now()"))
