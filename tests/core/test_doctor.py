"""What the operator's doctor finds, line by line; the bucket's own promises have their tests."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, update

from core import attempts, heartbeats, runs
from core.doctor import examined
from core.models import Run, Spool
from core.services import build
from core.settings import Settings
from tests.application import write_accounts
from tests.core.conftest import claimed, filed
from tests.core.test_settings import NEEDED


@pytest.fixture
def settings(database_url, bucket, openai_simulator, tmp_path):
    write_accounts(tmp_path / "credentials.yaml")
    return replace(
        Settings.from_env(NEEDED),
        database_url=database_url,
        s3_bucket=bucket.name,
        s3_endpoint_url=bucket.endpoint_url,
        s3_region=bucket.region,
        s3_access_key_id=bucket.access_key,
        s3_secret_access_key=bucket.secret_key,
        auth_credentials=tmp_path / "credentials.yaml",
        spool_dir=tmp_path / "not-made-yet" / "spool",
        openai_api_key="sk-test",
        openai_base_url=f"{openai_simulator.url}/v1",
    )


def said(settings) -> dict[str, tuple[bool, str]]:
    services = build(settings, application="test")
    try:
        return {check.name: (check.ok, check.detail) for check in examined(services)}
    finally:
        services.engine.dispose()


def test_a_sound_installation_has_no_problem(settings):
    found = said(settings)

    assert [name for name, (ok, _) in found.items() if not ok] == []
    assert found["OPENAI_API_KEY"] == (True, "the provider takes it")
    assert "switched off" in found["MINIMAX_API_KEY (minimax_v1)"][1]


def test_each_problem_says_what_to_do_and_hides_no_other(settings, empty_database_url, tmp_path):
    (tmp_path / "credentials.yaml").unlink()
    found = said(
        replace(
            settings,
            database_url=empty_database_url,
            spool_dir=tmp_path / "a" / "b",
            openai_api_key="bad-key",
            public_base_url="http://127.0.0.1:8501",
            environment="prod",
        )
    )

    wrong = {name: detail for name, (ok, detail) in found.items() if not ok}
    assert "migrate" in wrong["database, schema and Korean search"]
    assert "AUTH_CREDENTIALS" in wrong["accounts file"]
    assert "OPENAI_API_KEY" in wrong
    assert "Leave it empty" in wrong["PUBLIC_BASE_URL"]


def test_where_money_is_spent_the_database_must_keep_its_commits(settings):
    services = build(replace(settings, openai_base_url="https://192.0.2.1/v1"), application="test")
    database = next(examined(services))  # the others would ask that provider
    services.engine.dispose()

    assert not database.ok
    assert "fsync = off" in database.detail


def test_a_spool_that_cannot_be_written_is_named(settings):
    ok, detail = said(replace(settings, spool_dir=Path("/proc/spool")))["spool"]

    assert not ok
    assert "SPOOL_DIR '/proc/spool' cannot be written" in detail


def worker_was_here(sessions, *, days_ago: int = 0) -> None:
    """Have the worker of `machine` had the spool `here`, and left if that is some days ago."""
    with sessions.begin() as session:
        heartbeats.beat(session, "w1", host="machine", spool="here", in_hand=0)
        session.execute(update(Spool).values(seen_at=func.now() - timedelta(days=days_ago)))
        if days_ago:
            heartbeats.left(session, "w1")


def lie(sessions, **by) -> None:
    """Have what is under way be there for some time already."""
    with sessions.begin() as session:
        since = func.now() - timedelta(**by)
        session.execute(update(Run).values(stage_since=since, waiting_for="storage_unavailable"))


@pytest.fixture
def spooled(sessions, kim):
    """A job whose answer lies in the spool `here`."""
    job = filed(sessions, kim)
    claim = claimed(sessions)
    with sessions.begin() as session:
        attempts.open_one(
            session, claim, key_id="key", send_s=5, callback_token=None, estimate_usd=None
        )
        runs.answered(session, claim, host="here", lease_s=60)
    return job


def test_no_worker_is_wrong_as_soon_as_a_job_waits_for_one(settings, sessions, kim):
    assert said(settings)["workers"] == (True, "none runs, and no job waits for one")

    filed(sessions, kim)
    ok, detail = said(settings)["workers"]
    assert not ok
    assert detail.endswith("jobs wait: 1. Start one: systemctl start proofsheet-worker")

    worker_was_here(sessions)
    assert said(settings)["workers"] == (True, "w1 (0 steps under way)")

    with sessions.begin() as session:
        heartbeats.beat(session, "w1", host="h", spool="s", in_hand=2)
        heartbeats.stopping(session, "w1")
    assert said(settings)["workers"] == (True, "w1 (2 steps under way, takes nothing new)")


def test_answers_that_are_being_stored_are_told_and_in_order(settings, sessions, spooled):
    worker_was_here(sessions)

    ok, detail = said(settings)["paid answers on machine"]
    assert ok
    assert detail.startswith("1, the oldest since ")


def test_answers_that_cannot_be_stored_say_why(settings, sessions, spooled):
    worker_was_here(sessions)
    lie(sessions, hours=2)

    ok, detail = said(settings)["paid answers on machine"]
    assert not ok
    assert "They cannot be stored (storage_unavailable): look at the bucket's lines" in detail


def test_answers_on_a_machine_that_is_down_say_which_to_start_and_by_when(
    settings, sessions, spooled
):
    worker_was_here(sessions, days_ago=2)
    lie(sessions, days=3)
    with sessions() as session:
        until = session.get_one(Spool, "here").seen_at + timedelta(days=7)

    ok, detail = said(settings)["paid answers on machine"]
    assert not ok
    assert f"start it again before {until:%Y-%m-%d %H:%M} UTC" in detail


@pytest.mark.parametrize(("minutes", "ok"), [(1, True), (6, False)])
def test_a_lease_that_nobody_takes_up_names_its_job(settings, sessions, spooled, minutes, ok):
    with sessions.begin() as session:
        session.execute(update(Run).values(lease_until=func.now() - timedelta(minutes=minutes)))

    fine, detail = said(settings)["leases"]
    assert fine is ok
    assert f"w1 is overdue with job {spooled.id}" in detail
    assert ("Start a worker" in detail) is not ok


@pytest.mark.parametrize(("days", "ok"), [(0, True), (2, False)])
def test_uncertain_jobs_name_who_decides(settings, sessions, kim, days, ok):
    assert said(settings)["decisions"] == (True, "no job is uncertain")
    filed(sessions, kim)
    with sessions.begin() as session:
        runs.unsure(session, claimed(sessions), why="answer_cut")
    lie(sessions, days=days)

    fine, detail = said(settings)["decisions"]
    assert fine is ok
    assert detail.startswith("1 uncertain, the oldest since ")
    assert "kim, or an administrator, decide in the history" in detail


def test_answers_on_this_disk_are_counted_and_those_of_nobody_explained(settings):
    strangers = settings.spool_dir / "strangers"
    strangers.mkdir(parents=True)
    for name in ("1.body", "1.json", "2.task"):
        (strangers / name).touch()
    (settings.spool_dir / "3.json").touch()
    found = said(settings)

    assert found["spool"][0]
    assert found["spool"][1].endswith("answers waiting: 1")
    ok, detail = found["strangers"]
    assert not ok
    assert detail.startswith(f"2 paid answers in {strangers} belong to no request")
    assert "move them elsewhere" in detail
