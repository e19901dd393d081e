"""Videos that somebody cancels while their provider has them."""

from core import decisions
from core.models import Job
from core.providers.minimax_v2 import MiniMaxV2
from core.stages import Stage
from tests.providers.control import Control
from tests.workers.conftest import fault, video_filed
from tests.workers.observing import VIDEOS, Bench


def asked_to_cancel(bench: Bench, *, takes_s: float) -> Job:
    """Return a video that its provider has taken, and that somebody has cancelled since."""
    Control(bench.minimax.url).set(fixed_s=takes_s, small_videos=True)
    job = video_filed(bench.hands.services, bench.user, *VIDEOS["v2"])
    bench.work()
    with bench.hands.services.sessions.begin() as session:
        decisions.cancel(session, bench.user, job.id)
    return job


def kinds(found) -> set[str]:
    return {event.kind for event in found.events}


def test_one_that_waits_is_cancelled(bench):
    job = asked_to_cancel(bench, takes_s=600)

    bench.work()

    assert bench.seen(job).stage is Stage.CANCELLED


def test_a_lost_reply_to_the_cancelling_changes_nothing(bench):
    job = asked_to_cancel(bench, takes_s=600)
    videos = bench.hands.services.videos["minimax_v2"]
    videos.cancel(bench.seen(job).job.provider_task_id)

    bench.work()
    found = bench.seen(job)

    assert found.stage is Stage.CANCELLED
    assert "cancel_refused" not in kinds(found)


def test_one_that_finishes_just_then_ends_with_a_word_of_its_own(bench):
    job = asked_to_cancel(bench, takes_s=0)
    bench.monkeypatch.setattr(MiniMaxV2, "_task", lambda *_: {"status": "queued"})

    bench.work()
    found = bench.seen(job)

    assert (found.stage, found.job.error_code) == (Stage.FAILED, "result_deleted")
    assert "result_deleted" in kinds(found)


def test_one_that_cannot_be_cancelled_for_now_is_looked_at_all_the_same(bench, minimax_simulator):
    job = asked_to_cancel(bench, takes_s=0)
    fault(minimax_simulator, "query_status", times=1)

    bench.work()

    assert bench.seen(job).stage is Stage.STORED
