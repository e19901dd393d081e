"""Videos that their provider has finished and that do not get here."""

import time
from datetime import timedelta

import pytest
from sqlalchemy import update

from core import clock, decisions
from core.events import TOLD
from core.models import AssetKind, Attempt, Job
from core.stages import FINAL, Stage
from tests.workers.conftest import fault, look_now, video_filed
from tests.workers.observing import VIDEOS, Bench, work_until
from workers import sweep
from workers.backoff import LONGEST_S, RAREST_S
from workers.refetching import TRIES


def filed(bench: Bench, whom: str) -> Job:
    return video_filed(bench.hands.services, bench.user, *VIDEOS[whom])


def ended(found) -> bool:
    return found.stage in FINAL


def failures(found) -> list[str]:
    return [event.detail["why"] for event in found.events if event.kind == "step_failed"]


def in_a_row(found) -> int:
    """Return how often its step has failed: the log tells only of the first few times."""
    return found.run.failures if found.run is not None else 0


def week_passes(bench: Bench) -> None:
    long_ago = clock.now() - timedelta(days=7, minutes=1)
    with bench.hands.services.sessions.begin() as session:
        session.execute(update(Job).values(created_at=long_ago))
        session.execute(update(Attempt).values(created_at=long_ago))


@pytest.mark.parametrize("whom", VIDEOS)
def test_a_video_that_never_arrives_whole_is_tried_three_times(bench, minimax_simulator, whom):
    fault(minimax_simulator, "download_truncated")
    job = filed(bench, whom)

    work_until(bench, job, ended)
    found = bench.seen(job)

    assert (found.stage, found.job.error_code) == (Stage.BAD_RESULT, "never_whole")
    assert failures(found).count("download_cut") == TRIES - 1
    assert found.of_kind(AssetKind.RAW) == []


def pauses(found, why: str = "download_cut") -> list[float]:
    """Return how long was waited after each try that failed in this way."""
    failed = (event.detail for event in found.events if event.kind == "step_failed")
    return [detail["again_in_s"] for detail in failed if detail["why"] == why]


def test_the_tries_that_count_lie_minutes_apart(bench, minimax_simulator):
    fault(minimax_simulator, "download_truncated")
    job = filed(bench, "v1")

    work_until(bench, job, ended)

    assert pauses(bench.seen(job)) == [pytest.approx(60, rel=0.11), pytest.approx(900, rel=0.11)]


def test_the_tries_that_count_fit_into_what_is_left_of_the_week(bench, minimax_simulator):
    fault(minimax_simulator, "download_truncated")
    job = filed(bench, "v2")
    bench.work()
    bench.sql("UPDATE attempts SET created_at = now() - interval '7 days' + interval '50 seconds'")

    work_until(bench, job, ended)
    found = bench.seen(job)

    assert found.job.error_code == "never_whole"
    assert all(0 < pause <= 25 for pause in pauses(found))


def test_a_line_that_is_too_slow_for_us_says_nothing_of_the_video(bench, minimax_simulator):
    fault(minimax_simulator, "download_trickle", args={"interval_s": 0.05})
    object.__setattr__(bench.hands.services.settings, "store_lease_s", 0.5)
    job = filed(bench, "v1")

    work_until(bench, job, lambda found: in_a_row(found) > TRIES)
    found = bench.seen(job)

    assert (found.stage, found.waits_for) == (Stage.STORING, "download_failed")
    assert set(failures(found)) == {"download_failed"}


def test_cut_and_unplayable_count_together_and_what_came_is_kept(bench, minimax_simulator):
    fault(minimax_simulator, "download_truncated", times=2)
    job = filed(bench, "v2")
    work_until(bench, job, lambda found: failures(found).count("download_cut") == 2)
    fault(minimax_simulator, "download_html")

    work_until(bench, job, ended)
    found = bench.seen(job)

    assert (found.stage, found.job.error_code) == (Stage.BAD_RESULT, "not_a_video")
    assert len(found.of_kind(AssetKind.RAW)) == 1


def test_a_video_at_a_refused_address_is_tried_ever_more_rarely(bench, minimax_simulator):
    fault(minimax_simulator, "evil_url")
    job = filed(bench, "v1")

    work_until(bench, job, lambda found: in_a_row(found) >= 2 * TRIES)
    bench.monkeypatch.setattr(
        "workers.retrying.backoff_s", lambda _, *, longest_s=LONGEST_S: longest_s
    )
    bench.sql("UPDATE runs SET due_at = now()")
    bench.work()
    found = bench.seen(job)

    assert (found.stage, found.waits_for) == (Stage.STORING, "link_not_allowed")
    assert len(failures(found)) == TOLD
    with bench.hands.services.sessions() as session:
        pause = found.run.due_at - clock.read(session)
    assert timedelta(seconds=RAREST_S - 60) < pause <= timedelta(seconds=RAREST_S)


def test_a_video_of_the_second_api_ends_when_its_provider_has_dropped_it(bench, minimax_simulator):
    fault(minimax_simulator, "evil_url")
    job = filed(bench, "v2")
    work_until(bench, job, lambda found: found.stage is Stage.STORING and failures(found))
    week_passes(bench)

    assert sweep.expire(bench.hands) == 1
    found = bench.seen(job)

    assert (found.stage, found.job.error_code) == (Stage.EXPIRED, "result_expired")


@pytest.mark.parametrize(
    ("status", "stage", "code"),
    [
        ("expired", Stage.EXPIRED, "result_expired"),
        ("cancelled", Stage.FAILED, "result_deleted"),
    ],
)
def test_what_ends_there_once_it_was_finished_was_paid_for(
    bench, minimax_simulator, status, stage, code
):
    fault(minimax_simulator, "download_truncated", times=1)
    job = filed(bench, "v2")
    work_until(bench, job, failures)
    fault(minimax_simulator, "odd_status", args={"value": status})

    work_until(bench, job, ended)
    found = bench.seen(job)

    assert (found.stage, found.job.error_code) == (stage, code)


# --- late results -----------------------------------------------------------------------


def given_up(bench: Bench, whom: str) -> Job:
    """Return a job whose owner stopped waiting for a task that its provider still has."""
    job = filed(bench, whom)
    bench.work()
    bench.sql("UPDATE runs SET dialect = 'minimax_v1', stage_since = now() - interval '1 hour'")
    with bench.hands.services.sessions.begin() as session:
        decisions.stop_waiting(session, bench.user, job.id)
    return job


def next_look(bench: Bench, job: Job) -> timedelta:
    due = bench.seen(job).attempts[0].recheck_at
    assert due is not None
    with bench.hands.services.sessions() as session:
        return due - clock.read(session)


def test_a_video_that_came_whole_after_its_job_had_given_up_is_kept(bench, minimax_simulator):
    fault(minimax_simulator, "download_truncated", times=TRIES)
    job = filed(bench, "v1")
    work_until(bench, job, ended)
    assert bench.seen(job).job.error_code == "never_whole"
    assert timedelta(minutes=50) < next_look(bench, job) < timedelta(minutes=70)

    look_now(bench.hands)
    found = bench.seen(job)

    (result,) = found.of_kind(AssetKind.RESULT)
    assert (found.stage, result.attempt_id in found.late_attempts) == (Stage.BAD_RESULT, True)
    assert found.attempts[0].recheck_at is None


def test_a_video_that_is_still_cut_later_is_asked_for_ever_more_rarely_and_not_for_ever(
    bench, minimax_simulator
):
    fault(minimax_simulator, "download_truncated")
    job = filed(bench, "v1")
    work_until(bench, job, ended)

    look_now(bench.hands)
    assert next_look(bench, job) > timedelta(hours=5)
    look_now(bench.hands)
    assert next_look(bench, job) > timedelta(hours=21)
    look_now(bench.hands)
    found = bench.seen(job)

    assert found.attempts[0].recheck_at is None
    assert said_of_late(found, "late_result_missing") == ["never_whole"]


def test_the_tries_for_a_late_video_lie_minutes_apart_too(bench, minimax_simulator):
    fault(minimax_simulator, "download_truncated")
    job = given_up(bench, "v1")
    time.sleep(0.2)

    look_now(bench.hands)
    assert timedelta(seconds=50) < next_look(bench, job) < timedelta(seconds=70)
    look_now(bench.hands)
    assert timedelta(minutes=13) < next_look(bench, job) < timedelta(minutes=17)


def test_the_log_counts_as_far_as_a_video_is_tried():
    assert TRIES <= TOLD + 1


def said_of_late(found, kind: str) -> list[str]:
    told = (event.detail for event in found.events if event.kind == kind)
    return [detail.get("why") or detail.get("code") for detail in told]


@pytest.mark.parametrize(
    ("broken", "why", "code", "kept"),
    [
        ("download_truncated", "download_cut", "never_whole", 0),
        ("download_html", "download_broken", "not_a_video", 1),
    ],
)
def test_a_late_video_that_is_never_whole_is_said_to_be_missing(
    bench, minimax_simulator, broken, why, code, kept
):
    fault(minimax_simulator, broken)
    job = given_up(bench, "v1")
    time.sleep(0.2)

    for _ in range(TRIES + 1):
        look_now(bench.hands)
    found = bench.seen(job)

    assert said_of_late(found, "late_result_not_fetched") == [why] * (TRIES - 1)
    assert said_of_late(found, "late_result_missing") == [code]
    assert len(found.of_kind(AssetKind.RAW)) == kept
    assert found.attempts[0].recheck_at is None


@pytest.mark.parametrize(("whom", "ends"), [("v1", False), ("v2", True)])
def test_a_late_video_at_a_refused_address_is_lost_with_a_word_when_its_provider_drops_it(
    bench, minimax_simulator, whom, ends
):
    fault(minimax_simulator, "evil_url")
    job = given_up(bench, whom)
    time.sleep(0.2)
    for _ in range(5):
        look_now(bench.hands)
    week_passes(bench)
    look_now(bench.hands)
    found = bench.seen(job)

    assert said_of_late(found, "late_result_not_fetched") == ["link_not_allowed"] * 3
    assert said_of_late(found, "late_result_missing") == (["result_expired"] if ends else [])
    assert (found.attempts[0].recheck_at is None) is ends


def test_a_late_task_of_the_first_api_is_asked_about_for_ever(bench, minimax_simulator):
    fault(minimax_simulator, "stuck")
    job = given_up(bench, "v1")
    week_passes(bench)
    look_now(bench.hands)

    assert next_look(bench, job) > timedelta(hours=5)
