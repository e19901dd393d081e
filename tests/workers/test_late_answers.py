"""An answer that turns up once its job has ended, or was sent again, is kept beside it."""

import threading
from decimal import Decimal

import pytest
from sqlalchemy import text

from core import runs
from core.models import AssetKind, Job
from core.stages import Stage
from tests.workers.conftest import fault
from tests.workers.left_behind import (
    answered,
    claimed,
    detail_of,
    given_up,
    intended,
    sent_again,
    spooled_answer,
    stage_of,
    unanswered,
)
from workers import edits, recovery, sweep

pytestmark = pytest.mark.usefixtures("quick_videos")


def test_a_late_answer_of_a_request_that_was_sent_again_is_kept_beside_it(
    services, hands, kim, file_edit, settle
):
    job = file_edit()
    attempt = unanswered(services, hands, job)
    sent_again(services, kim, job)
    assert settle(job).stage is Stage.STORED

    spooled_answer(services, hands, attempt, job)  # the dead worker's host comes back
    assert recovery.keep_late(hands) == 1
    detail = detail_of(services, kim, job)

    assert len(detail.of_kind(AssetKind.RESULT)) == 2
    assert hands.spool.answered() == []


def test_a_late_answer_of_a_job_that_was_given_up_is_kept(services, hands, kim, file_edit):
    job = file_edit()
    attempt = unanswered(services, hands, job)
    given_up(services, kim, job)

    spooled_answer(services, hands, attempt, job)
    assert recovery.keep_late(hands) == 1
    detail = detail_of(services, kim, job)

    assert detail.stage is Stage.ABANDONED
    assert len(detail.of_kind(AssetKind.RESULT)) == 1
    assert detail.job.cost_usd > 0


def test_a_late_answer_is_kept_by_one_worker_at_a_time(
    services, hands, kim, file_edit, monkeypatch
):
    job = file_edit()
    attempt = unanswered(services, hands, job)
    given_up(services, kim, job)
    spooled_answer(services, hands, attempt, job)
    really, kept_by_others = edits.store_late, []

    def store_late(*args):
        monkeypatch.setattr(edits, "store_late", really)
        kept_by_others.append(recovery.keep_late(hands))
        really(*args)

    monkeypatch.setattr(edits, "store_late", store_late)

    assert recovery.keep_late(hands) == 1
    assert kept_by_others == [0]
    assert hands.spool.answered() == []


def test_a_bucket_that_hangs_keeps_no_orphan_waiting(services, hands, kim, file_edit, monkeypatch):
    """A late answer is copied there, minutes long; `recover` goes on to the next one."""
    late = file_edit()
    attempt = unanswered(services, hands, late)
    given_up(services, kim, late)
    spooled_answer(services, hands, attempt, late)
    job = file_edit()
    answered(services, hands, job)

    def hanging(*_args, **_kwargs):
        pytest.fail("It waits for the bucket.")

    with monkeypatch.context() as patched:
        patched.setattr(services.bucket, "put_file", hanging)
        assert recovery.recover(hands) == 1
    assert stage_of(services, kim, job) is Stage.STORING
    assert recovery.keep_late(hands) == 1


def test_a_late_answer_that_comes_while_its_job_stores_another_is_counted_beside_it(
    services, hands, kim, file_edit
):
    job = file_edit()
    attempt = intended(services, claimed(hands))
    spooled_answer(services, hands, attempt, job)
    late = threading.Thread(target=edits.store_late, args=(hands, hands.spool.get(attempt.id)))
    with services.sessions.begin() as session:
        runs.locked(session, job.id)
        stored = session.get_one(Job, job.id)
        late.start()
        late.join(2)
        runs.add_cost(stored, Decimal("0.30"), "v")
    late.join()
    detail = detail_of(services, kim, job)

    assert len(detail.of_kind(AssetKind.RESULT)) == 1
    assert detail.job.cost_usd > Decimal("0.30")


def test_a_late_answer_that_holds_nothing_is_kept_and_told_of(
    services, hands, kim, file_edit, openai_simulator
):
    job = file_edit()
    attempt = unanswered(services, hands, job)
    given_up(services, kim, job)

    fault(openai_simulator, "b64_html", times=1)
    spooled_answer(services, hands, attempt, job)
    assert recovery.keep_late(hands) == 1
    detail = detail_of(services, kim, job)

    assert len(detail.of_kind(AssetKind.RAW)) == 1
    told = [event.detail for event in detail.events if event.kind == "late_result_missing"]
    assert told == [{"code": "not_an_image"}]


def test_an_answer_that_comes_back_after_its_job_was_given_up_for_lost_is_kept(
    services, hands, kim, file_edit
):
    job = file_edit()
    answered(services, hands, job)
    assert recovery.recover(hands) == 1
    with services.sessions.begin() as session:
        session.execute(text("UPDATE runs SET stage_since = now() - interval '8 days'"))
    assert sweep.expire(hands) == 1
    assert detail_of(services, kim, job).job.error_code == "answer_lost"

    assert recovery.keep_late(hands) == 1

    detail = detail_of(services, kim, job)
    assert detail.of_kind(AssetKind.RESULT)
    assert detail.job.final_stage == Stage.BAD_RESULT
    assert hands.spool.answered() == []
