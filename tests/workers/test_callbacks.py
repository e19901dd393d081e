import dataclasses
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
import uvicorn
from sqlalchemy import func, select
from starlette.applications import Starlette
from starlette.routing import Mount
from structlog.testing import capture_logs

from core import attempts, callbacks, clock, elapsed, rechecks
from core.api import create_api
from core.events import TELLS_OF_AN_END
from core.models import AssetKind, Attempt, Run
from core.providers import Ready, VideoRequest
from core.spending import Charge
from core.stages import Outcome, Stage
from tests.application import services_for
from tests.stack import free_port
from tests.workers.conftest import billed, fault, look_now
from tests.workers.left_behind import (
    claimed,
    limits,
)
from tests.workers.processes import until
from workers import sending, videos
from workers.looks import Looks
from workers.rechecks import recheck

V1 = ("MiniMax-Hailuo-02", {"mode": "text", "resolution": "768P", "duration": 6})
V2 = ("MiniMax-H3", {"mode": "text", "resolution": "768P", "duration": 5, "ratio": "16:9"})
BOTH = pytest.mark.parametrize(("model", "options"), [V1, V2], ids=["v1", "v2"])


@pytest.fixture(autouse=True)
def quick(minimax_simulator):
    requests.patch(
        f"{minimax_simulator.url}/_control/settings",
        json={"fixed_s": 0.5, "small_videos": True},
        timeout=5,
    ).raise_for_status()


@pytest.fixture
def public_base_url(database_url, bucket, tmp_path) -> Iterator[str]:
    """The real callback route, on a port of its own."""
    port = free_port()
    services = services_for(database_url, bucket, tmp_path)
    app = Starlette(routes=[Mount("/api", app=create_api(services))])
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()
    services.engine.dispose()
    services.bucket.close()


@BOTH
def test_a_callback_heals_a_lost_reply(
    file_video, settle, hands, minimax_simulator, model, options
):
    fault(minimax_simulator, "reset_after_accept", times=1)
    job = file_video(model, options)
    detail = settle(job)
    while detail.stage is Stage.UNCERTAIN:  # the callback, or the look it asks for, is on its way
        look_now(hands)
        detail = settle(job)

    assert detail.stage is Stage.STORED
    assert len(billed(minimax_simulator)) == 1
    assert len(detail.attempts) == 1


@BOTH
@pytest.mark.parametrize(
    "oddity", ["callback_before_reply", "callback_duplicate", "callback_out_of_order"]
)
def test_callbacks_in_any_order_change_nothing(
    file_video, settle, minimax_simulator, model, options, oddity
):
    fault(minimax_simulator, oddity, times=1)
    detail = settle(file_video(model, options))

    assert detail.stage is Stage.STORED
    assert len(billed(minimax_simulator)) == len(detail.attempts) == 1


def test_a_callback_makes_a_job_due_at_once(file_video, settle, services, minimax_simulator):
    requests.patch(
        f"{minimax_simulator.url}/_control/settings", json={"fixed_s": 3}, timeout=5
    ).raise_for_status()
    detail = settle(file_video(*V1))

    came = [event.at for event in detail.events if event.kind == "callback_came"]
    stored = [event.at for event in detail.events if event.to_stage == Stage.STORING]
    assert came
    assert (stored[0] - came[-1]).total_seconds() < 1


@pytest.fixture
def unhurried(hands) -> None:
    """A worker that looks as rarely as on a server."""
    settings = dataclasses.replace(hands.services.settings, video_poll_s=3600)
    object.__setattr__(hands, "looks", Looks(settings))


def sent_while(services, hands, heard, then) -> Run:
    """Send what waits, do `then` once it is `heard` and before the reply; return the job's run."""
    claim = claimed(hands)
    with ThreadPoolExecutor(1) as pool:
        sending_it = pool.submit(sending.submit, hands, claim, deadline=elapsed.now() + 60)
        until(heard)
        then()
        assert not sending_it.done()
        sending_it.result()
    with services.sessions() as session:
        return session.get_one(Run, claim.job_id)


def seconds_until_due(services, run: Run) -> float:
    with services.sessions() as session:
        return (run.due_at - clock.read(session)).total_seconds()


@BOTH
@pytest.mark.parametrize("asked", [False, True], ids=["not asked yet", "asked already"])
def test_a_video_that_ended_before_our_own_reply_is_looked_at_at_once(
    file_video, services, hands, unhurried, minimax_simulator, model, options, asked
):
    fault(minimax_simulator, "delay", times=1, args={"seconds": 2})
    file_video(model, options)

    def ended() -> bool:
        with services.sessions() as session:
            return bool(session.scalar(select(func.count()).where(TELLS_OF_AN_END)))

    ask = look_now if asked else lambda _: None
    run = sent_while(services, hands, ended, lambda: ask(hands))

    assert run.stage == Stage.GENERATING
    assert seconds_until_due(services, run) <= 0


@BOTH
def test_that_it_began_before_our_own_reply_is_no_reason_to_look(
    file_video, services, hands, unhurried, minimax_simulator, model, options
):
    requests.patch(
        f"{minimax_simulator.url}/_control/settings", json={"fixed_s": 60}, timeout=5
    ).raise_for_status()
    fault(minimax_simulator, "callback_before_reply", times=1)
    fault(minimax_simulator, "delay", times=1, args={"seconds": 1})
    file_video(model, options)

    def begun() -> bool:
        with services.sessions() as session:
            return bool(session.scalar(select(func.count(Attempt.candidate_task_id))))

    run = sent_while(services, hands, begun, lambda: None)

    assert seconds_until_due(services, run) > 30


def test_a_callback_that_names_another_task_is_not_believed(
    file_video, settle, services, hands, minimax_simulator
):
    """One of ours, of which no attempt is known, and that is longer than what was asked for."""
    other = services.videos["minimax_v2"].submit(
        VideoRequest(
            model="MiniMax-H3",
            prompt="another",
            options={"resolution": "768P", "duration": 6, "ratio": "16:9"},
        ),
        limits=limits(),
    )
    fault(minimax_simulator, "callback_never", times=1)
    fault(minimax_simulator, "reset_after_accept", times=1)
    job = file_video(*V2)
    attempt = settle(job).attempts[0]
    with services.sessions.begin() as session:
        session.get_one(Attempt, attempt.id).recheck_at = None  # nor does the list help
        callbacks.heard(session, attempts.locked(session, attempt.id), other.task_id)

    with capture_logs() as logs:
        recheck(hands)
    (attempt,) = settle(job).attempts

    told = [line["task_id"] for line in logs if line["event"] == "callback_named_another_task"]
    assert told == [other.task_id]
    assert attempt.provider_task_id != other.task_id
    assert attempt.candidate_task_id is None


@BOTH
def test_a_task_that_the_provider_does_not_know_gives_way_to_the_next(
    file_video, settle, services, hands, kim, minimax_simulator, model, options
):
    fault(minimax_simulator, "callback_never", times=1)
    fault(minimax_simulator, "reset_after_accept", times=1)
    job = file_video(model, options)
    attempt = settle(job).attempts[0]
    (taken,) = billed(minimax_simulator)

    for task_id in ("987654321", taken["task_id"]):
        with services.sessions.begin() as session:
            callbacks.heard(session, attempts.locked(session, attempt.id), task_id)
        look_now(hands)
        until(lambda: candidate(services, attempt.id) is None)
    assert settle(job).stage is Stage.STORED


@BOTH
def test_a_request_is_not_sent_again_that_its_provider_turned_away_and_works_on(
    file_video, settle, hands, minimax_simulator, model, options
):
    fault(minimax_simulator, "status:529", times=1, args={"billed": True})
    job = file_video(model, options)
    detail = settle(job)
    while detail.stage is not Stage.STORED:
        look_now(hands)
        detail = settle(job)

    assert len(billed(minimax_simulator)) == len(detail.attempts) == 1
    doubts = [event for event in detail.events if event.to_stage == Stage.UNCERTAIN]
    assert [(event.by, event.detail["why"]) for event in doubts] == [("provider", "called_back")]


@BOTH
def test_a_result_is_kept_of_a_request_that_its_provider_had_refused(
    file_video, settle, services, hands, kim, minimax_simulator, model, options
):
    fault(minimax_simulator, "error:1026", times=1, args={"billed": True})
    job = file_video(model, options)
    assert settle(job).stage is Stage.REJECTED

    def kept() -> bool:
        look_now(hands)
        return bool(settle(job).of_kind(AssetKind.RESULT))

    until(kept)
    assert len(billed(minimax_simulator)) == 1
    assert settle(job).attempts[0].outcome == Outcome.ACCEPTED


@BOTH
def test_a_job_that_became_uncertain_while_a_late_result_came_goes_on_with_it(
    file_video, settle, services, hands, minimax_simulator, model, options
):
    fault(minimax_simulator, "callback_never", times=1)
    fault(minimax_simulator, "reset_after_accept", times=1)
    job = file_video(model, options)
    (attempt,) = settle(job).attempts
    (taken,) = billed(minimax_simulator)
    with services.sessions.begin() as session:
        found = session.get_one(Attempt, attempt.id)
        found.provider_task_id, found.recheck_at = taken["task_id"], None
    until(lambda: isinstance(hands.progress(attempt.dialect, taken["task_id"]), Ready))
    ready = hands.progress(attempt.dialect, taken["task_id"])
    videos.store_late(hands, job.id, attempt.id, ready)

    until(lambda: settle(job).stage is Stage.STORED)
    detail = settle(job)
    assert detail.attempts[0].outcome == Outcome.ACCEPTED
    assert detail.charges == [Charge.COUNTED]


@BOTH
def test_a_callback_between_the_task_and_its_late_result_leaves_no_doubt(
    file_video, settle, services, hands, minimax_simulator, model, options
):
    fault(minimax_simulator, "callback_never", times=1)
    fault(minimax_simulator, "error:1026", times=1, args={"billed": True})
    job = file_video(model, options)
    (attempt,) = settle(job).attempts
    (taken,) = billed(minimax_simulator)
    with services.sessions.begin() as session:  # one came before our own reply
        session.get_one(Attempt, attempt.id).candidate_task_id = taken["task_id"]
    with services.sessions.begin() as session:
        rechecks.attach(session, attempt.id, task_id=taken["task_id"], by=hands.worker)
    with services.sessions.begin() as session:
        callbacks.heard(session, attempts.locked(session, attempt.id), taken["task_id"])

    def kept() -> bool:
        look_now(hands)
        return bool(settle(job).of_kind(AssetKind.RESULT))

    until(kept)
    assert settle(job).attempts[0].outcome == Outcome.ACCEPTED


def candidate(services, attempt_id) -> str | None:
    """Return the task that is still to be asked for."""
    with services.sessions() as session:
        attempt = session.get_one(Attempt, attempt_id)
    return None if attempt.provider_task_id else attempt.candidate_task_id
