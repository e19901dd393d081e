from datetime import timedelta

import pytest
from sqlalchemy import event, text

from core import gates, heartbeats, place_in_line, runs
from core.providers.capabilities import RateLimits
from core.usage import Key
from tests.core.conftest import claim_all, claimed, filed, person, queued
from tests.core.test_runs import run_of

TYPICAL_S = 60.0


@pytest.fixture
def place(sessions):
    """Return where a job stands; a worker with eight threads runs."""
    with sessions.begin() as session:
        heartbeats.beat(session, "w1", host="here", spool="here", in_hand=0)

    def ask(job, *, per_user: int = 0, typical_s: float | None = TYPICAL_S, **limits: int):
        run = run_of(sessions, job)
        limits_of_key = RateLimits(**limits)
        key = Key(dialect=run.dialect, id="key", per_user=per_user, limits=limits_of_key)
        with sessions() as session:
            return place_in_line.place(session, run, key, typical_s=typical_s, threads=8)

    return ask


def test_the_only_job_is_next(sessions, kim, place):
    found = place(filed(sessions, kim))

    assert (found.ahead, str(found.why)) == (0, "It is next and starts at any moment.")
    assert found.ends_at - found.starts_at == timedelta(seconds=TYPICAL_S)


def test_a_persons_own_jobs_come_in_order(sessions, kim, place):
    filing = [filed(sessions, kim) for _ in range(3)]

    assert [place(job).ahead for job in filing] == [0, 1, 2]


def test_ahead_are_about_as_many_as_are_really_claimed_before(sessions, kim, place):
    people = [kim, person(sessions, "lee"), person(sessions, "park")]
    filing = [filed(sessions, who) for who in (kim,) * 6 + tuple(people[1:]) * 2]
    claim_all(sessions, limit=1)
    waiting = filing[1:]
    told = {job.id: place(job).ahead for job in waiting}
    order = [claim.job_id for claim in claim_all(sessions)]

    assert all(abs(told[id] - n) <= 1 for n, id in enumerate(order)), (told, order)


def test_one_persons_limit_is_the_reason_and_tells_when(sessions, kim, place):
    filing = [filed(sessions, kim) for _ in range(5)]
    found = place(filing[4], per_user=2)

    assert "2 jobs of one person" in str(found.why)
    assert found.starts_at - place(filing[0]).starts_at >= timedelta(seconds=2 * TYPICAL_S - 1)


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        ({"requests_per_minute": 2}, "takes 2 of our requests per minute"),
        ({"in_flight": 2}, "works on 2 of our tasks at once"),
    ],
)
def test_a_providers_limit_is_the_reason(sessions, kim, place, limits, why):
    filing = [filed(sessions, kim) for _ in range(3)]
    found = place(filing[2], **limits)

    assert why in str(found.why)
    assert found.starts_at - place(filing[0]).starts_at >= timedelta(seconds=59)


def test_input_pictures_are_a_reason(sessions, kim, place):
    job = filed(sessions, kim)
    with sessions.begin() as session:
        session.execute(text("UPDATE runs SET input_images = 9"))

    assert "takes 5 input pictures per minute" in str(place(job, input_images_per_minute=5).why)


def test_behind_a_gate_that_waits_for_help_nobody_can_tell_when(sessions, kim, place):
    job = filed(sessions, kim)
    with sessions.begin() as session:
        gates.close(
            session, dialect="openai", key_id="key", model="", code="balance_empty", for_s=None
        )
    found = place(job)

    assert "Our balance at OpenAI is empty" in str(found.why)
    assert found.starts_at is None


def test_behind_a_gate_that_opens_by_itself_it_starts_then(sessions, kim, place):
    job = filed(sessions, kim)
    with sessions.begin() as session:
        gates.close(
            session,
            dialect="openai",
            key_id="key",
            model="gpt-image-2",
            code="rate_limited",
            for_s=600,
        )
    found = place(job)

    assert "OpenAI limits how much" in str(found.why)
    assert found.starts_at - place(filed(sessions, kim, model="x")).starts_at > timedelta(minutes=9)


def test_a_request_that_was_put_back_says_why(sessions, kim, place):
    job = filed(sessions, kim)
    claim = claimed(sessions)
    with sessions.begin() as session:
        runs.postponed(session, claim, due_in_s=300, why="unreachable")
    found = place(job)

    assert "could not be reached" in str(found.why)


def test_without_a_worker_nothing_starts(sessions, kim, place):
    job = filed(sessions, kim)
    with sessions.begin() as session:
        session.execute(text("DELETE FROM workers"))
    found = place(job)

    assert "No worker is running" in str(found.why)
    assert found.starts_at is None


def test_a_job_that_lost_its_workers_blames_nobody_else(sessions, kim, place):
    job = filed(sessions, kim)
    claimed(sessions)
    with sessions.begin() as session:
        runs.freed(session, runs.locked(session, job.id), by="w2", due_in_s=60)

    assert str(place(job).why).startswith("Our worker stopped several times before it was sent")


def test_a_worker_that_leaves_starts_nothing_either(sessions, kim, place):
    with sessions.begin() as session:
        heartbeats.stopping(session, "w1")
    found = place(filed(sessions, kim))

    assert str(found.why).startswith("Our worker is being restarted")
    assert found.starts_at is None


def test_busy_workers_are_a_reason(sessions, kim, place):
    filing = [filed(sessions, kim) for _ in range(10)]

    assert "All our workers are busy" in str(place(filing[9]).why)


def video(sessions, user):
    return filed(sessions, user, provider="hailuo", dialect="minimax_v1", model="MiniMax-Hailuo-02")


def test_a_video_does_not_wait_for_edits(sessions, kim, place):
    for _ in range(8):
        filed(sessions, kim)
    claim_all(sessions)

    assert "starts at any moment" in str(place(video(sessions, kim)).why)
    assert "All our workers are busy" in str(place(filed(sessions, kim)).why)


def test_a_video_waits_for_a_thread_only_while_requests_are_on_their_way(sessions, kim, place):
    for _ in range(8):
        video(sessions, kim)
    sending = claim_all(sessions)
    waiting = video(sessions, kim)
    assert "All our workers are busy" in str(place(waiting).why)

    with sessions.begin() as session:
        for claim in sending:
            runs.accepted(session, claim, task_id=str(claim.job_id), poll_in_s=60)
    assert "starts at any moment" in str(place(waiting).why)


def test_it_costs_a_few_small_queries_however_long_the_queue(sessions, kim, place):
    with sessions.begin() as session:
        queued(session, kim, count=10_000)
    job = filed(sessions, person(sessions, "lee"))
    statements: list[str] = []
    engine = sessions.kw["bind"]
    event.listen(engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    found = place(job)

    assert found.ahead <= 1
    assert len([each for each in statements if "FROM runs" in each]) <= 5
