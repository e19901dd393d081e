"""Creations by both MiniMax adapters: what goes out, and what an answer is taken for."""

import json
from typing import Any

import pytest

from core.errors import NotAccepted, NotSent, OutcomeUnknown, ProviderError, Refused
from core.providers import Accepted, SendLimits, VideoRequest
from tests.providers.conftest import LIMITS
from tests.providers.minimax_answers import BOTH, DATA_URL, FINE, said, v1, v2
from tests.providers.raw_server import answer, replying, serving


class TestSubmitV1:
    def test_pictures_go_as_data_urls(self, picture):
        request = VideoRequest(
            model="MiniMax-Hailuo-02",
            prompt="She smiles [Push in]",
            options={"duration": 6, "resolution": "768P", "prompt_optimizer": False, "x": None},
            first_frame=picture,
            last_frame=picture,
            callback_url="https://host/api/hailuo/callback/token",
        )
        with serving(replying(said({"task_id": "106", "base_resp": FINE}))) as server:
            assert v1(server).submit(request, limits=LIMITS) == Accepted(
                task_id="106", http_status=200
            )
            assert server.head().startswith("POST /v1/video_generation HTTP/1.1")
            assert "Authorization: Bearer sk-secret" in server.head()
            assert json.loads(server.body()) == {
                "model": "MiniMax-Hailuo-02",
                "prompt": "She smiles [Push in]",
                "first_frame_image": DATA_URL,
                "last_frame_image": DATA_URL,
                "duration": 6,
                "resolution": "768P",
                "prompt_optimizer": False,
                "callback_url": "https://host/api/hailuo/callback/token",
            }

    def test_a_face_is_a_subject(self, picture):
        request = VideoRequest(model="S2V-01", prompt="", subject=picture)
        with serving(replying(said({"task_id": "106", "base_resp": FINE}))) as server:
            v1(server).submit(request, limits=LIMITS)
            assert json.loads(server.body()) == {
                "model": "S2V-01",
                "subject_reference": [{"type": "character", "image": [DATA_URL]}],
            }


class TestSubmitV2:
    def test_frames_are_content(self, picture):
        request = VideoRequest(
            model="MiniMax-H3-Max",
            prompt="Slow push in",
            options={"duration": 5, "resolution": "768P", "prompt_expansion_mode": "disabled"},
            first_frame=picture,
            last_frame=picture,
            callback_url="https://host/cb",
        )
        reply = said({"task_id": "424"}, headers="Trace-Id: t9\r\n")
        with serving(replying(reply)) as server:
            assert v2(server).submit(request, limits=LIMITS) == Accepted(
                task_id="424", http_status=200, request_id="t9"
            )
            assert server.head().startswith("POST /v2/video_generation HTTP/1.1")
            frame = {"type": "image_url", "image_url": {"url": DATA_URL}}
            assert json.loads(server.body()) == {
                "model": "MiniMax-H3-Max",
                "content": [
                    {"type": "text", "text": "Slow push in"},
                    {**frame, "role": "first_frame"},
                    {**frame, "role": "last_frame"},
                ],
                "duration": 5,
                "resolution": "768P",
                "extra": {"prompt_expansion_mode": "disabled"},
                "callback_url": "https://host/cb",
            }

    def test_a_subject_is_a_reference(self, picture):
        request = VideoRequest(model="MiniMax-H3", prompt="x", subject=picture)
        with serving(replying(said({"task_id": "424"}))) as server:
            v2(server).submit(request, limits=LIMITS)
            assert json.loads(server.body())["content"][1]["role"] == "reference_image"


NAMES_NONE: list[object] = [0, "0", None, "", " ", [], {}, False]
ODD: list[object] = [
    *(1.5, -5, True, [1], {"id": "1"}),
    *("../../etc", "..", "a b", "a\nb", "a?b", "ü", "a\0b", "x" * 129),
]
USABLE = ["1", "x" * 128, "424010985738629", "a-b_C", "a.b:c", 106916112212032]
RATE = {"status_code": 1002, "status_msg": "rate limit"}
REQUEST = VideoRequest(model="MiniMax-Hailuo-02", prompt="a boat")


def refused(client: Any, data: bytes) -> ProviderError:
    with serving(replying(data)) as server:
        with pytest.raises(ProviderError) as caught:
            client(server).submit(REQUEST, limits=LIMITS)
        assert server.connections == 1
    return caught.value


@BOTH
class TestTaskIds:
    @pytest.mark.parametrize("task_id", [*NAMES_NONE, *ODD, "1" * 1_000_000])
    def test_what_is_not_one_is_unknown(self, client, task_id):
        error = refused(client, said({"task_id": task_id, "base_resp": FINE}))
        assert type(error) is OutcomeUnknown
        assert len(str(error)) < 2200

    @pytest.mark.parametrize("body", [{}, {"base_resp": FINE}, {"task": {"id": "1"}}])
    def test_a_missing_one_is_unknown(self, client, body):
        error = refused(client, said(body))
        assert (type(error), error.code) == (OutcomeUnknown, "no_task_id")

    @pytest.mark.parametrize("task_id", USABLE)
    def test_a_good_one_is_kept_as_it_is(self, client, task_id):
        with serving(replying(said({"task_id": task_id}))) as server:
            assert client(server).submit(REQUEST, limits=LIMITS).task_id == str(task_id)

    @pytest.mark.parametrize("task_id", NAMES_NONE)
    def test_an_error_that_names_no_task_counts(self, client, task_id):
        error = refused(client, said({"task_id": task_id, "base_resp": RATE}))
        assert (type(error), error.code) == (NotAccepted, "rate_limited")

    @pytest.mark.parametrize("task_id", [*USABLE, *ODD])
    def test_an_error_and_a_task_at_once_is_unknown(self, client, task_id):
        error = refused(client, said({"task_id": task_id, "base_resp": RATE}))
        assert isinstance(error, OutcomeUnknown)
        usable = str(task_id) if task_id in USABLE and task_id is not True else None
        assert (error.code, error.named_task) == ("unexpected_answer", usable)

    @pytest.mark.parametrize("base", [FINE, RATE])
    @pytest.mark.parametrize(
        ("task_id", "told"),
        [
            ("a/b", "the task 'a/b'"),
            ("a\0b", "the task 'ab'"),
            ("7" * 200, f"the task '{'7' * 128}'"),
            ("sk-secret!", "the task '[hidden]!'"),
            (1.5, "the task 1.5"),
            ([1], "the task a list"),
        ],
    )
    def test_one_that_is_of_no_use_to_us_is_told(self, client, task_id, told, base):
        long = {**base, "status_msg": "words " * 200}
        error = refused(client, said({"task_id": task_id, "base_resp": long}))
        assert told in str(error)[:500]  # so much of it is recorded

    def test_a_task_with_an_unforeseen_status_is_unknown_and_can_be_asked_for(self, client):
        error = refused(client, said({"task_id": "106", "base_resp": FINE}, "201 Created"))
        assert isinstance(error, OutcomeUnknown)
        assert error.named_task == "106"


@BOTH
class TestAnswers:
    @pytest.mark.parametrize("data", [b"", b"<html>", b"{", b"null", b'"text"', b"[]", b"[" * 9999])
    def test_what_cannot_be_read_is_unknown(self, client, data):
        assert type(refused(client, answer(data))) is OutcomeUnknown

    def test_a_cut_answer_is_unknown(self, client):
        whole = said({"task_id": "106", "base_resp": FINE})
        assert type(refused(client, whole[:-3])) is OutcomeUnknown

    def test_a_task_that_is_named_is_ours_however_the_connection_ended(self, client):
        whole = said({"task_id": "106"}).replace(b"Content-Length: ", b"Content-Length: 1")
        with serving(replying(whole)) as server:
            assert client(server).submit(REQUEST, limits=LIMITS).task_id == "106"

    def test_a_refusal_is_final(self, client):
        body = {"error": {"message": "sensitive (1026)"}, "request_id": "r1"}
        error = refused(client, said(body, "422 Unprocessable Entity"))
        assert isinstance(error, Refused)
        assert (error.code, error.request_id) == ("moderation_input", "r1")

    def test_a_redirect_is_unknown(self, client):
        data = answer(b"", "308 Permanent Redirect", "Location: /elsewhere\r\n")
        assert type(refused(client, data)) is OutcomeUnknown

    def test_nobody_listens(self, client):
        with serving(replying(b"")) as server:
            gone = client(server)
        with pytest.raises(NotSent):
            gone.submit(REQUEST, limits=SendLimits(connect_s=1, total_s=2))
