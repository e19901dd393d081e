import dataclasses
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from queue import SimpleQueue

import pytest
from sqlalchemy import select, text
from structlog.testing import capture_logs

from core.claims import Claim
from core.connections import Connection
from core.events import WORK_CHANNEL
from core.models import JobEvent, Run
from core.services import build
from core.stages import Stage
from tests.proxy import proxied
from tests.workers.conftest import fault, waits_for_lock
from tests.workers.processes import until
from workers.__main__ import _begin
from workers.dispatch import Dispatcher, Lane
from workers.hands import Hands


def with_settings(hands: Hands, **changes) -> Hands:
    settings = dataclasses.replace(hands.services.settings, **changes)
    return dataclasses.replace(
        hands, services=dataclasses.replace(hands.services, settings=settings)
    )


@pytest.fixture
def looping(hands):
    """Start claim loops that nobody wakes but their own clock."""
    started = []

    def start(by: Hands, **options) -> Dispatcher:
        dispatcher = Dispatcher(by, **options)
        started.append(dispatcher)
        dispatcher.start()
        return dispatcher

    yield start
    for dispatcher in started:
        dispatcher.stop()


def test_a_signal_that_does_not_wake_the_main_thread_is_heard_all_the_same():
    """As one that comes just before it begins to wait; here another thread takes it."""
    code = (
        "import queue, signal, threading, time\n"
        "from workers.__main__ import wait_for\n"
        "signals = queue.SimpleQueue()\n"
        "signal.signal(signal.SIGTERM, lambda number, _: signals.put(number))\n"
        "def take():\n"
        "    time.sleep(0.5)\n"
        "    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)\n"
        "    time.sleep(60)\n"
        "threading.Thread(target=take, daemon=True).start()\n"
        "wait_for(signals)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=20)


def test_a_notification_has_only_the_steps_claimed_that_it_names(hands, monkeypatch):
    """All workers hear it at once, and most of them come too late for the one step it is about."""
    asked: list[Stage] = []

    def claim(*_: object, stages: Sequence[Stage], **__: object) -> list[Claim]:
        asked.extend(stages)
        return []

    monkeypatch.setattr("core.claims.claim", claim)
    dispatcher = Dispatcher(hands)

    def after(channel: str, payload: str) -> list[Stage]:
        asked.clear()
        dispatcher.heard(channel, payload)
        dispatcher._turn()
        return asked

    both = [Stage.READY] * 2  # edits and videos
    everything = [*both, Stage.GENERATING, Stage.STORING]
    assert after("", "") == everything
    assert after(WORK_CHANNEL, "storing") == [Stage.STORING]
    assert after(WORK_CHANNEL, "ready") == both
    assert after(WORK_CHANNEL, "") == []
    assert after("", "") == everything


def first_claim(services, job) -> JobEvent | None:
    with services.sessions() as session:
        return session.scalar(
            select(JobEvent).where(JobEvent.job_id == job.id, JobEvent.to_stage == "submitting")
        )


def test_a_worker_that_is_asked_to_leave_while_it_starts_claims_nothing(hands, services, file_edit):
    job, dispatcher = file_edit(), Dispatcher(hands)
    signals: SimpleQueue[int] = SimpleQueue()
    signals.put(signal.SIGTERM)

    _begin(dispatcher, signals)
    ended = dispatcher.drained(within_s=5)
    dispatcher.stop()

    assert ended
    assert first_claim(services, job) is None


def test_a_claim_that_comes_through_after_the_end_has_begun_is_given_up(
    looping, hands, services, file_edit
):
    job = file_edit()
    with services.sessions.begin() as session:
        session.execute(text("LOCK TABLE runs"))  # a database that is slow to answer
        dispatcher = looping(hands)
        until(lambda: waits_for_lock(services))
        dispatcher.drain()

    until(lambda: dispatcher.drained(within_s=0.1))
    assert first_claim(services, job) is None


def test_new_work_is_found_without_a_notification(looping, hands, services, file_edit):
    looping(with_settings(hands, poll_interval_s=1))
    time.sleep(0.3)  # it waits already
    job = file_edit()

    until(lambda: first_claim(services, job) is not None, within_s=5)

    claimed = first_claim(services, job)
    assert claimed is not None
    with services.sessions() as session:
        filed_at = session.scalar(
            select(JobEvent.at).where(JobEvent.job_id == job.id).order_by(JobEvent.id)
        )
    assert (claimed.at - filed_at).total_seconds() < 1.5


def test_what_falls_due_is_taken_at_its_moment_not_at_the_next_poll(
    looping, hands, services, file_edit
):
    job = file_edit()
    with services.sessions.begin() as session:
        due_at = session.scalar(
            text("UPDATE runs SET due_at = now() + interval '3 s' RETURNING due_at")
        )
    looping(with_settings(hands, poll_interval_s=30))

    until(lambda: first_claim(services, job) is not None, within_s=8)

    claimed = first_claim(services, job)
    assert claimed is not None
    assert 0 <= (claimed.at - due_at).total_seconds() < 1


def test_an_ended_lease_is_told(looping, hands, services, file_edit):
    file_edit()
    with services.sessions.begin() as session:
        session.execute(
            text(
                "UPDATE runs SET stage = 'generating', lease_owner = 'dead',"
                " lease_until = now() + interval '2 s'"
            )
        )
    told = []
    looping(with_settings(hands, poll_interval_s=0.5), overdue=lambda: told.append(1))
    time.sleep(0.5)
    assert not told

    until(lambda: bool(told), within_s=5)


def test_a_mistake_in_the_loop_does_not_end_it(looping, hands, monkeypatch, services, file_edit):
    once = [ValueError("a mistake of ours")]
    fill = Lane.fill

    def failing(lane: Lane) -> bool:
        if once:
            raise once.pop()
        return fill(lane)

    monkeypatch.setattr(Lane, "fill", failing)
    with capture_logs() as logs:
        looping(hands)
        job = file_edit()
        until(lambda: first_claim(services, job) is not None)

    assert [line["event"] for line in logs].count("claim_loop_failed") == 1


def test_an_outage_is_told_once_and_survived(
    looping, hands, services, database_url, monkeypatch, file_edit
):
    monkeypatch.setattr(Connection, "reply_s", 0.5)
    monkeypatch.setattr(Connection, "connect_s", 0.5)
    with proxied(database_url) as (proxy, url), capture_logs() as logs:
        settings = dataclasses.replace(services.settings, database_url=url)
        cut_off = build(settings, application="test")
        dispatcher = looping(dataclasses.replace(hands, services=cut_off))
        time.sleep(1)  # it turns
        proxy.freeze()
        time.sleep(3)
        proxy.thaw()
        job = file_edit()
        until(lambda: first_claim(services, job) is not None)
        dispatcher.stop()
        cut_off.engine.dispose()

    told = [line["event"] for line in logs if line["event"] in {"claim_failed", "claiming_again"}]
    assert told[:2] == ["claim_failed", "claiming_again"]
    assert told == told[:2] * (len(told) // 2)  # not at every turn


def test_slow_edits_keep_no_video_waiting(
    looping, hands, services, file_edit, file_video, openai_simulator
):
    fault(openai_simulator, "hang", times=1, args={"seconds": 5})
    edit = file_edit()
    looping(with_settings(hands, worker_concurrency=1, poll_interval_s=0.2, lease_margin_s=60))
    until(lambda: first_claim(services, edit) is not None, within_s=5)

    video = file_video("MiniMax-Hailuo-02", {"mode": "text", "resolution": "768P", "duration": 6})

    until(lambda: first_claim(services, video) is not None, within_s=3)
    with services.sessions() as session:
        assert session.get_one(Run, edit.id).stage == Stage.SUBMITTING
