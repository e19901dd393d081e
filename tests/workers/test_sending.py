"""How long a paid request has, and that it is never under way when its lease ends."""

import pytest

from core import elapsed
from core.stages import Stage
from tests.workers.conftest import billed, picture
from tests.workers.left_behind import claimed, detail_of
from workers import requests, sending

FROM_FRAME = ("MiniMax-H3", {"mode": "first_frame", "resolution": "768P", "duration": 5})

pytestmark = pytest.mark.usefixtures("quick_videos")


def test_nothing_is_sent_in_the_settle_time_before_the_lease_ends(
    services, hands, kim, file_edit, openai_simulator
):
    job = file_edit()
    claim = claimed(hands)
    margin_s = services.settings.settle_s - 0.1
    object.__setattr__(services.settings, "lease_margin_s", margin_s)  # less than is allowed
    lease_s = services.settings.openai_timeout_s + margin_s

    sending.submit(hands, claim, deadline=elapsed.now() + lease_s)

    assert billed(openai_simulator) == []
    assert detail_of(services, kim, job).run.waiting_for == "too_late"


def test_a_request_whose_pictures_took_long_is_sent_under_a_lease_of_its_own(
    services, hands, kim, file_edit, openai_simulator
):
    job = file_edit()
    claim = claimed(hands)

    sending.submit(hands, claim, deadline=elapsed.now() + services.settings.settle_s)

    assert len(billed(openai_simulator)) == 1
    detail = detail_of(services, kim, job)
    assert detail.stage is Stage.STORED
    assert detail.attempts[0].lease_token == claim.token + 1


def test_large_frames_have_their_time_to_be_sent(services):
    """Cut off in the middle of them, a request that nobody took would be uncertain."""
    settings = services.settings

    def total_s(dialect: str, body_bytes: int) -> float:
        return sending.send_s(services, dialect, body_bytes=body_bytes)

    assert total_s("minimax_v2", 0) == settings.minimax_timeout_s
    assert total_s("minimax_v2", 27_000_000) == settings.minimax_timeout_s + 54
    assert total_s("openai", 27_000_000) == settings.openai_timeout_s


def test_a_video_of_large_frames_is_sent_under_a_lease_as_long(
    services, hands, kim, file_video, upload, monkeypatch, minimax_simulator
):
    monkeypatch.setattr(sending, "SLOWEST_BYTES_PER_S", 100)  # hours for any picture
    job = file_video(*FROM_FRAME, input_ids=[upload(picture(4000, 3000))])  # a copy is sent
    claim = claimed(hands)
    sending.submit(hands, claim, deadline=elapsed.now() + 60)

    (frame,) = requests.load(services, job.id).images
    (attempt,) = detail_of(services, kim, job).attempts
    assert attempt.lease_token == claim.token + 1
    total_s = services.settings.minimax_timeout_s + frame.bytes * 4 / 3 / 100
    sends_for = attempt.send_deadline - attempt.created_at
    assert sends_for.total_seconds() == pytest.approx(total_s, abs=1)
    assert len(billed(minimax_simulator)) == 1
