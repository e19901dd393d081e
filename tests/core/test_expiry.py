"""When waiting ends, and that what has gone on meanwhile is not ended with it."""

from datetime import timedelta

import pytest
from sqlalchemy import func, text, update

from core import attempts, expiry, heartbeats, runs
from core.models import Job, Run, Spool
from core.stages import Stage
from tests.core.conftest import claimed, filed


@pytest.fixture
def old(sessions, kim) -> Job:
    """A job that has waited for more than a day."""
    job = filed(sessions, kim)
    with sessions.begin() as session:
        session.execute(text("UPDATE jobs SET created_at = created_at - interval '25 h'"))
    return job


def final_stage(sessions, job: Job) -> str | None:
    with sessions() as session:
        return session.get_one(Job, job.id).final_stage


def ended(sessions, job: Job) -> bool:
    with sessions.begin() as session:
        return expiry.end(session, job.id, by="worker")


def test_what_nobody_took_within_a_day_ends(sessions, old):
    with sessions() as session:
        assert expiry.passed(session) == [old.id]

    assert ended(sessions, old)
    assert final_stage(sessions, old) == Stage.EXPIRED


@pytest.mark.parametrize(
    ("waited_for", "code"),
    [
        ("rate_limited", "expired"),
        ("storage_unavailable", "expired_here"),
        ("balance_empty", "expired_here"),
        (None, "expired_in_line"),
    ],
)
def test_what_it_waited_for_at_last_tells_whose_fault_it_is(sessions, old, waited_for, code):
    if waited_for is not None:
        claim = claimed(sessions)
        with sessions.begin() as session:
            runs.postponed(session, claim, due_in_s=0, why=waited_for)

    assert ended(sessions, old)
    with sessions() as session:
        assert session.get_one(Job, old.id).error_code == code


def test_what_was_taken_since_it_was_listed_goes_on(sessions, old):
    claim = claimed(sessions)
    assert not ended(sessions, old)

    with sessions.begin() as session:
        attempts.open_one(
            session, claim, key_id="key", send_s=5, callback_token=None, estimate_usd=None
        )
        runs.accepted(session, claim, task_id="7", poll_in_s=60)
    assert not ended(sessions, old)
    assert final_stage(sessions, old) is None


@pytest.fixture
def spooled(sessions, kim) -> Job:
    """A job whose answer came to the spool `here` eight days ago, and still waits in it."""
    job = filed(sessions, kim)
    claim = claimed(sessions)
    with sessions.begin() as session:
        attempts.open_one(
            session, claim, key_id="key", send_s=5, callback_token=None, estimate_usd=None
        )
        runs.answered(session, claim, host="here", lease_s=60)
    with sessions.begin() as session:
        run = session.get_one(Run, job.id)
        run.stage_since -= timedelta(days=8)
        run.lease_owner = run.lease_until = None
    return job


def seen(sessions, *, days_ago: int) -> None:
    with sessions.begin() as session:
        heartbeats.beat(session, "w1", host="machine", spool="here", in_hand=0)
        heartbeats.left(session, "w1")
        session.execute(update(Spool).values(seen_at=func.now() - timedelta(days=days_ago)))


def test_an_answer_is_waited_for_as_long_as_its_disk_is_seen(sessions, spooled):
    seen(sessions, days_ago=6)
    with sessions() as session:
        assert expiry.passed(session) == []
    assert not ended(sessions, spooled)

    seen(sessions, days_ago=8)
    assert ended(sessions, spooled)
    with sessions() as session:
        assert session.get_one(Job, spooled.id).error_code == "answer_lost"


def test_an_answer_on_a_disk_that_nobody_ever_told_of_ends_after_a_week(sessions, spooled):
    assert ended(sessions, spooled)


def test_a_consent_begins_a_new_day(sessions, old, kim):
    claim = claimed(sessions)
    with sessions.begin() as session:
        attempt = attempts.open_one(
            session, claim, key_id="key", send_s=5, callback_token=None, estimate_usd=None
        )
        attempts.superseded(attempt, by=kim.id)
        runs.postponed(session, claim, due_in_s=0, why="rate_limited")

    assert not ended(sessions, old)
