"""Who is missing for what is under way is told, and nobody is while a worker is there."""

from datetime import timedelta

import pytest
from sqlalchemy import func, update
from sqlalchemy.orm import Session

from core import absence, attempts, expiry, heartbeats, runs
from core.absence import Absence
from core.models import Job, Role, Run, Spool, Worker
from tests.core.conftest import claimed, filed, person


@pytest.fixture
def sent(sessions, kim):
    """File a job of Kim's and write down that it is being sent; return it and its claim."""

    def send(dialect: str = "openai"):
        provider = "gpt" if dialect == "openai" else "hailuo"
        job = filed(sessions, kim, provider=provider, dialect=dialect)
        claim = claimed(sessions)
        with sessions.begin() as session:
            attempts.open_one(
                session, claim, key_id="key", send_s=5, callback_token=None, estimate_usd=None
            )
        return job, claim

    return send


@pytest.fixture
def spooled(sessions, sent) -> Job:
    """A job of Kim's whose answer lies in the spool `here`."""
    job, claim = sent()
    with sessions.begin() as session:
        runs.answered(session, claim, host="here", lease_s=60)
    return job


def taken(sessions, sent, dialect: str) -> Job:
    job, claim = sent(dialect)
    with sessions.begin() as session:
        runs.accepted(session, claim, task_id="7", poll_in_s=0)
    return job


def seen(sessions, worker: str, *, spool: str, ago_s: float = 0) -> None:
    """Have a worker on the machine of its name been seen last some time ago."""
    at = func.now() - timedelta(seconds=ago_s)
    with sessions.begin() as session:
        heartbeats.beat(session, worker, host=f"machine-{worker}", spool=spool, in_hand=0)
        session.execute(update(Worker).where(Worker.id == worker).values(seen_at=at))
        session.execute(update(Spool).where(Spool.name == spool).values(seen_at=at))


def missing(sessions, job: Job) -> Absence | None:
    with sessions() as session:
        tried = attempts.of_job(session, job.id)
        return absence.of_run(session, session.get_one(Run, job.id), tried)


def test_a_request_on_its_way_without_any_worker_says_that_nobody_hears_the_answer(sessions, sent):
    job, _ = sent()
    found = missing(sessions, job)

    assert found
    assert "No worker is running to hear the answer." in str(found.why)
    assert found.until is None


def test_a_video_without_any_worker_says_until_when_its_provider_keeps_it(sessions, sent):
    job = taken(sessions, sent, "minimax_v2")
    found = missing(sessions, job)

    assert found
    assert "MiniMax keeps the result until Monday only." in str(found.told("Monday"))
    with sessions() as session:
        (attempt,) = attempts.of_job(session, job.id)
    assert found.until == attempt.created_at + expiry.V2_TASK


def test_one_that_its_provider_keeps_without_end_is_not_lost(sessions, sent):
    found = missing(sessions, taken(sessions, sent, "minimax_v1"))

    assert found
    assert str(found.told("")).endswith("An administrator must start one; nothing is lost.")


def test_any_worker_will_do_for_what_lies_at_a_provider(sessions, sent):
    job = taken(sessions, sent, "minimax_v1")
    seen(sessions, "any", spool="another")

    assert missing(sessions, job) is None


@pytest.mark.parametrize("another_works", [False, True])
def test_an_answer_on_the_disk_of_a_machine_that_is_down_names_that_machine(
    sessions, spooled, another_works
):
    seen(sessions, "old", spool="here", ago_s=60)
    if another_works:
        seen(sessions, "new", spool="another")
    found = missing(sessions, spooled)

    assert found
    assert "lies on the disk of machine-old, where no worker is running" in str(found.told(""))
    with sessions() as session:
        since = session.get_one(Run, spooled.id).stage_since
    assert found.until == since + expiry.SPOOL_UNSEEN


def test_an_answer_whose_disk_a_worker_has_misses_nobody(sessions, spooled):
    seen(sessions, "old", spool="here")

    assert missing(sessions, spooled) is None


def test_what_waits_for_its_turn_or_for_a_person_misses_nobody(sessions, kim):
    waiting = filed(sessions, kim)
    assert missing(sessions, waiting) is None

    with sessions.begin() as session:
        runs.unsure(session, claimed(sessions), why="answer_cut")
    assert missing(sessions, waiting) is None


def told(sessions, user) -> str:
    with sessions() as session:
        return " ".join(map(str, absence.on_every_page(session, user)))


def test_every_page_tells_a_person_of_their_own_and_an_administrator_of_all(sessions, kim, spooled):
    lee, boss = person(sessions, "lee"), person(sessions, "boss", Role.ADMIN)
    seen(sessions, "old", spool="here", ago_s=60)

    for user in (kim, boss):
        assert "No worker is running: " in told(sessions, user)
        assert "disk of machine-old" in told(sessions, user)
    assert told(sessions, lee) == ""

    seen(sessions, "new", spool="another")
    assert "No worker is running: " not in told(sessions, kim)
    assert "disk of machine-old" in told(sessions, kim)

    seen(sessions, "old", spool="here")
    assert told(sessions, kim) == told(sessions, boss) == ""


def test_open_pages_hear_of_a_worker_that_comes_and_not_of_each_beat(sessions, monkeypatch):
    heard: list[Session] = []
    monkeypatch.setattr("core.events.show_news", heard.append)
    for _ in range(3):
        seen(sessions, "new", spool="here")

    assert len(heard) == 1


def unattended(sessions) -> int:
    with sessions() as session:
        return absence.unattended(session)


def test_what_nobody_looks_after_is_counted(sessions, kim, spooled):
    filed(sessions, kim)
    assert unattended(sessions) == 2

    seen(sessions, "new", spool="another")
    seen(sessions, "old", spool="here", ago_s=60)
    assert unattended(sessions) == 1

    seen(sessions, "old", spool="here")
    assert unattended(sessions) == 0


def test_what_waits_for_a_person_needs_no_worker(sessions, kim, sent):
    _, claim = sent()
    with sessions.begin() as session:
        runs.unsure(session, claim, why="answer_cut")

    assert unattended(sessions) == 0
