import secrets

import pytest

from core import attempts, clock, jobs, runs
from core.models import Attempt, Run
from core.stages import Outcome, Stage
from tests.core.conftest import claim_all, claimed, order, person

TOKEN = secrets.token_urlsafe(32)


@pytest.fixture
def attempt(services) -> Attempt:
    user = person(services.sessions, "kim")
    with services.sessions.begin() as session:
        jobs.queue(session, user, order(provider="hailuo", dialect="minimax_v1", model="m"))
    claim = claimed(services.sessions)
    with services.sessions.begin() as session:
        return attempts.open_one(
            session, claim, key_id="key", send_s=5, callback_token=TOKEN, estimate_usd=None
        )


def seen(services, attempt) -> Attempt:
    with services.sessions() as session:
        return session.get_one(Attempt, attempt.id)


def test_the_challenge_is_echoed_without_the_database(api, services):
    services.engine.dispose()

    answer = api.post(f"/hailuo/callback/{TOKEN}", json={"challenge": "abc"})

    assert answer.json() == {"challenge": "abc"}


@pytest.mark.parametrize("token", ["x", "a" * 43, "../../etc", "%00" * 20])
def test_an_unknown_token_is_404(api, token):
    assert api.post(f"/hailuo/callback/{token}", json={"task_id": "7"}).status_code == 404


@pytest.mark.parametrize(
    "body", [{"task_id": "77", "status": "processing"}, {"task": {"id": "77"}}, {"task_id": 77}]
)
def test_before_our_own_reply_the_id_is_only_a_candidate(api, services, attempt, body):
    assert api.post(f"/hailuo/callback/{TOKEN}", json=body).status_code == 200

    now = seen(services, attempt)
    assert (now.candidate_task_id, now.provider_task_id) == ("77", None)
    assert now.recheck_at is not None


def test_twice_is_once_and_the_first_candidate_stays(api, services, attempt):
    for task_id in ("77", "77", "88"):
        api.post(f"/hailuo/callback/{TOKEN}", json={"task_id": task_id})

    assert seen(services, attempt).candidate_task_id == "77"


def test_once_the_task_is_known_the_job_is_due_at_once(api, services, attempt):
    with services.sessions.begin() as session:
        attempts.settled(session, attempt.id, Outcome.ACCEPTED, task_id="77")
    with services.sessions.begin() as session:
        run = runs.locked(session, attempt.job_id)
        runs.found(session, run, task_id="77", by="test")
        run.due_at = clock.NEVER
    api.post(f"/hailuo/callback/{TOKEN}", json={"task_id": "77", "status": "success"})

    assert claimed(services.sessions, Stage.GENERATING).job_id == attempt.job_id


@pytest.mark.parametrize(
    "body",
    [
        {"task_id": "77", "status": "processing"},
        {"task": {"id": "77", "status": "queued"}},
        {"task": {"id": "77", "status": "running"}},
    ],
)
def test_that_the_provider_has_begun_is_no_reason_to_look(api, services, attempt, body):
    with services.sessions.begin() as session:
        attempts.settled(session, attempt.id, Outcome.ACCEPTED, task_id="77")
    with services.sessions.begin() as session:
        run = runs.locked(session, attempt.job_id)
        runs.found(session, run, task_id="77", by="test")
        run.due_at = clock.NEVER
    api.post(f"/hailuo/callback/{TOKEN}", json=body)

    assert claim_all(services.sessions, Stage.GENERATING) == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b"[" * 64_000,
        b'{"a":' * 12_000,
        b'{"task_id": {"a": 1}}',
        b'{"task_id": "../x"}',
        b'{"task_id": "\\ud800"}',
        b'{"task_id": ' + b"9" * 5_000 + b"}",
        b'{"challenge": "\\ud800"}',
    ],
    ids=lambda content: content[:24],
)
def test_nonsense_changes_nothing(api, services, attempt, content):
    assert api.post(f"/hailuo/callback/{TOKEN}", content=content).status_code == 200

    now = seen(services, attempt)
    assert (now.candidate_task_id, now.outcome) == (None, Outcome.OPEN)
    with services.sessions() as session:
        assert session.get_one(Run, attempt.job_id).stage == Stage.SUBMITTING
