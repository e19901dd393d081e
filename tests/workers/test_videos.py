import errno
import os
from typing import Any

import pytest
import requests
from structlog.testing import capture_logs

from core.models import AssetKind, GenerationTime
from core.stages import Stage
from tests.workers.conftest import billed, fault, picture
from workers.spool import Spool

V1 = ("MiniMax-Hailuo-02", {"mode": "text", "resolution": "768P", "duration": 6})
V2 = (
    "MiniMax-H3",
    {"mode": "text", "resolution": "768P", "duration": 5, "ratio": "16:9"},
)


@pytest.fixture(autouse=True)
def quick(minimax_simulator):
    requests.patch(
        f"{minimax_simulator.url}/_control/settings",
        json={"fixed_s": 0.5, "small_videos": True},
        timeout=5,
    ).raise_for_status()


@pytest.mark.parametrize(("model", "options"), [V1, V2], ids=["v1", "v2"])
def test_a_video_is_made_once_stored_with_its_poster_and_priced(
    file_video, settle, minimax_simulator, model, options
):
    detail = settle(file_video(model, options))

    assert detail.stage is Stage.STORED
    assert len(billed(minimax_simulator)) == 1
    (result,) = detail.of_kind(AssetKind.RESULT)
    assert result.mime == "video/mp4"
    assert result.duration_s > 0
    assert detail.small_of(result).kind == AssetKind.POSTER
    assert detail.job.cost_usd > 0
    assert detail.job.provider_task_id.isdecimal()


def test_a_task_that_the_disk_has_no_room_for_goes_on_in_the_database(
    file_video, settle, monkeypatch, minimax_simulator
):
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Spool, "note_task", full)
    with capture_logs() as logs:
        detail = settle(file_video(*V1))

    assert detail.stage is Stage.STORED
    assert len(billed(minimax_simulator)) == 1
    told = [line["task_id"] for line in logs if line["event"] == "task_not_noted"]
    assert told == [detail.job.provider_task_id]


def test_how_long_it_took_is_kept_for_the_next_of_its_kind(file_video, settle, services):
    job = file_video(*V1)
    settle(job)

    with services.sessions() as session:
        took = session.get_one(GenerationTime, job.id)
    assert took.kind == "MiniMax-Hailuo-02 768P 6 text"
    assert 0 <= took.earliest_s <= took.latest_s < 30


def test_a_first_frame_is_sent_with_it(file_video, settle, upload, minimax_simulator):
    model, options = V1
    detail = settle(
        file_video(model, {**options, "mode": "first_frame"}, input_ids=[upload(picture(960, 540))])
    )

    assert detail.stage is Stage.STORED


def test_a_refused_prompt_is_not_tried_again(file_video, settle, minimax_simulator):
    fault(minimax_simulator, "error:1026", times=1)
    detail = settle(file_video(*V1))

    assert (detail.stage, detail.job.error_code) == (Stage.REJECTED, "moderation_input")
    assert billed(minimax_simulator) == []


@pytest.mark.parametrize(("model", "options"), [V1, V2], ids=["v1", "v2"])
def test_a_lost_reply_is_uncertain_without_callbacks(
    file_video, settle, minimax_simulator, model, options
):
    fault(minimax_simulator, "reset_after_accept", times=1)
    detail = settle(file_video(model, options))

    assert detail.stage is Stage.UNCERTAIN
    assert len(billed(minimax_simulator)) == 1


def test_why_a_look_failed_is_in_the_log(file_video, settle, minimax_simulator):
    fault(minimax_simulator, "query_status", times=1, args={"status": 502})
    with capture_logs() as logs:
        assert settle(file_video(*V1)).stage is Stage.STORED

    (told,) = [line for line in logs if line["event"] == "step_repeated"]
    assert (told["stage"], told["why"]) == (Stage.GENERATING, "check_failed")
    assert "502" in told["reason"]
