import threading
from collections.abc import Iterator

import pytest
import requests
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from core import attempts, callbacks
from core.api import create_api
from core.models import Attempt
from core.stages import Stage
from tests.application import services_for
from tests.stack import free_port
from tests.workers.conftest import billed, fault, look_now
from tests.workers.processes import until

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


def test_a_callback_that_names_another_task_is_not_believed(
    file_video, settle, services, hands, kim, minimax_simulator
):
    other = settle(file_video(*V2))
    fault(minimax_simulator, "callback_never", times=1)
    fault(minimax_simulator, "reset_after_accept", times=1)
    job = file_video(*V2, prompt="another")
    attempt = settle(job).attempts[0]
    with services.sessions.begin() as session:
        found = session.get_one(type(attempt), attempt.id)
        found.candidate_task_id = other.job.provider_task_id
        found.recheck_at = found.created_at

    look_now(hands)
    detail = settle(job)

    assert detail.attempts[0].provider_task_id != other.job.provider_task_id
    assert detail.stage in {Stage.UNCERTAIN, Stage.STORED}


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


def candidate(services, attempt_id) -> str | None:
    """Return the task that is still to be asked for."""
    with services.sessions() as session:
        attempt = session.get_one(Attempt, attempt_id)
    return None if attempt.provider_task_id else attempt.candidate_task_id
