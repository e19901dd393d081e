"""Each fault has the effect it is named after, and bills what it says."""

import base64
import json
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from deploy.local.simulators.openai import breakages
from tests.simulators.conftest import Simulator

GONE = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)


def billed(simulator: Simulator) -> int:
    return len(simulator.entries("billed"))


def events(simulator: Simulator, **fields: Any) -> list[dict[str, Any]]:
    text = simulator.edit(stream="true", partial_images="3", **fields).text
    return [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]


@pytest.mark.parametrize("name", breakages.ERRORS)
def test_an_error_has_its_status_and_body_and_is_free(simulator: Simulator, name: str) -> None:
    simulator.fault(name, times=1)
    reply, expected = simulator.edit(), breakages.ERRORS[name]
    error = reply.json()["error"]
    assert reply.status_code == expected.status
    assert (error["type"], error["code"]) == (expected.type, expected.code)
    assert reply.headers["x-request-id"].startswith("req_")
    assert billed(simulator) == 0
    assert simulator.edit().status_code == 200


def test_an_error_may_be_billed_all_the_same(simulator: Simulator) -> None:
    simulator.fault("error:server_error", billed=True)
    assert simulator.edit().status_code == 500
    assert billed(simulator) == 1


def test_slow_down_also_comes_as_a_503(simulator: Simulator) -> None:
    simulator.fault("error:slow_down", status=503)
    reply = simulator.edit()
    assert (reply.status_code, reply.json()["error"]["code"]) == (503, "slow_down")


@pytest.mark.parametrize("seconds", [1, 121])
def test_retry_after_is_what_was_asked_for(simulator: Simulator, seconds: int) -> None:
    simulator.fault("error:rate_limit_exceeded", retry_after=seconds)
    headers = simulator.edit().headers
    assert headers["retry-after"] == str(seconds)
    assert headers["retry-after-ms"] == str(seconds * 1000)


def test_a_quota_error_tells_no_time_to_come_back(simulator: Simulator) -> None:
    simulator.fault("error:project_spend_limit_exceeded")
    assert "retry-after" not in simulator.edit().headers


@pytest.mark.parametrize("name", breakages.GATEWAY)
def test_a_gateway_page_is_html_and_was_billed(simulator: Simulator, name: str) -> None:
    simulator.fault(name, times=1)
    reply = simulator.edit()
    assert reply.status_code == breakages.GATEWAY[name]
    assert reply.headers["Content-Type"] == "text/html"
    assert billed(simulator) == 1
    simulator.fault(name, times=1, billed=False)
    simulator.edit()
    assert billed(simulator) == 1


@pytest.mark.parametrize(("name", "bills"), [("reset_before_read", 0), ("reset_after_accept", 1)])
def test_a_reset_breaks_the_connection(simulator: Simulator, name: str, bills: int) -> None:
    simulator.fault(name)
    with pytest.raises(GONE):
        simulator.edit()
    assert billed(simulator) == bills


def test_a_hang_says_nothing_and_was_billed(simulator: Simulator) -> None:
    simulator.fault("hang", seconds=0.2)
    with pytest.raises(GONE):
        simulator.edit()
    assert billed(simulator) == 1


def test_a_delay_is_added_to_the_duration(simulator: Simulator) -> None:
    simulator.set(fixed_s=0.2)
    simulator.fault("delay", seconds=0.3)
    began = time.monotonic()
    assert simulator.edit().status_code == 200
    assert 0.5 <= time.monotonic() - began < 1.5


@pytest.mark.parametrize("share", [0, 0.5])
def test_a_cut_body_is_shorter_than_announced(simulator: Simulator, share: float) -> None:
    simulator.fault("body_cut", share=share)
    with pytest.raises(GONE):
        simulator.edit()
    assert billed(simulator) == 1


def test_a_cut_body_without_a_length_looks_like_an_end(simulator: Simulator) -> None:
    simulator.fault("unframed_cut")
    reply = simulator.edit()
    assert reply.status_code == 200
    with pytest.raises(requests.JSONDecodeError):
        reply.json()


def test_a_trickle_outlives_every_read_timeout(simulator: Simulator) -> None:
    simulator.fault("trickle", interval_s=0.05)
    headers = {"Authorization": "Bearer sk"}
    with simulator.http.post(
        f"{simulator.url}/v1/images/generations",
        json={"prompt": "x", "model": "gpt-image-2"},
        headers=headers,
        stream=True,
        timeout=5,
    ) as reply:
        began = time.monotonic()
        pieces = [next(reply.iter_content(1)) for _ in range(8)]
    assert b"".join(pieces) == b'{"create'
    assert time.monotonic() - began > 0.25


def test_a_200_may_be_html(simulator: Simulator) -> None:
    simulator.fault("html_200")
    assert simulator.edit().text.startswith("<html>")
    assert billed(simulator) == 1


@pytest.mark.parametrize(
    ("name", "args", "wrong"),
    [
        ("data_empty", {}, lambda body: body["data"] == []),
        ("data_missing", {}, lambda body: "data" not in body),
        ("b64_null", {}, lambda body: body["data"][0] == {"b64_json": None}),
        ("b64_html", {}, lambda body: raw(body).startswith(b"<html>")),
        ("b64_html", {"raw": True}, lambda body: body["data"][0]["b64_json"][0] == "<"),
        (
            "b64_truncated",
            {},
            lambda body: raw(body)[:4] == b"\x89PNG" and b"IEND" not in raw(body),
        ),
        ("usage_missing", {}, lambda body: "usage" not in body),
        ("usage_details_missing", {}, lambda body: "output_tokens_details" not in body["usage"]),
    ],
)
def test_a_200_may_have_a_wrong_body(
    simulator: Simulator, name: str, args: dict[str, Any], wrong: Any
) -> None:
    simulator.fault(name, **args)
    reply = simulator.edit()
    assert reply.status_code == 200
    assert wrong(reply.json())
    assert billed(simulator) == 1


def raw(body: dict[str, Any]) -> bytes:
    return base64.b64decode(body["data"][0]["b64_json"], validate=True)


def test_x_should_retry_goes_with_good_and_bad_answers(simulator: Simulator) -> None:
    simulator.fault("x_should_retry_false")
    assert simulator.edit().headers["x-should-retry"] == "false"
    simulator.fault("error:server_error")
    assert simulator.edit().headers["x-should-retry"] == "false"


def test_a_fault_may_look_for_a_word_in_the_prompt(simulator: Simulator) -> None:
    simulator.fault("error:moderation_blocked", match="forbidden")
    assert simulator.edit(prompt="fine").status_code == 200
    assert simulator.edit(prompt="quite forbidden").status_code == 400


def test_the_models_may_be_unavailable(simulator: Simulator) -> None:
    simulator.fault("models_unavailable")
    headers = {"Authorization": "Bearer sk"}
    assert simulator.http.get(f"{simulator.url}/v1/models", headers=headers).status_code == 503


class TestStreams:
    def test_a_cut_stream_ends_well_but_without_its_last_event(self, simulator: Simulator) -> None:
        simulator.fault("stream_cut")
        assert [event["type"] for event in events(simulator)] == ["image_edit.partial_image"] * 3

    def test_a_reset_stream_breaks_after_some_events(self, simulator: Simulator) -> None:
        simulator.fault("stream_reset", after=2)
        with pytest.raises(GONE):
            events(simulator)
        assert billed(simulator) == 1

    def test_a_stream_may_be_cut_within_an_event(self, simulator: Simulator) -> None:
        simulator.fault("body_cut")
        with pytest.raises(GONE):
            events(simulator)

    def test_an_error_event_takes_the_place_of_the_image(self, simulator: Simulator) -> None:
        simulator.fault("stream_error_event", message="no")
        assert events(simulator)[-1] == {
            "type": "error",
            "error": {"message": "no", "type": "server_error", "param": None, "code": None},
        }

    @pytest.mark.parametrize(("args", "count"), [({}, 2), ({"count": 0}, 0), ({"count": 3}, 2)])
    def test_fewer_partials_may_come_than_asked_for(
        self, simulator: Simulator, args: dict[str, Any], count: int
    ) -> None:
        simulator.fault("partials_fewer", **args)
        assert len(events(simulator)) == count + 1

    @pytest.mark.parametrize(
        ("name", "wrong"),
        [
            ("b64_null", lambda event: event["b64_json"] is None),
            ("b64_html", lambda event: base64.b64decode(event["b64_json"])[:6] == b"<html>"),
            ("usage_missing", lambda event: "usage" not in event),
        ],
    )
    def test_the_final_event_may_be_wrong(
        self, simulator: Simulator, name: str, wrong: Any
    ) -> None:
        simulator.fault(name)
        assert wrong(events(simulator)[-1])

    def test_an_error_comes_instead_of_a_stream(self, simulator: Simulator) -> None:
        simulator.fault("error:server_is_overloaded")
        assert simulator.edit(stream="true").status_code == 503


def test_every_fault_is_tried_here() -> None:
    """Keeps this file complete: a new fault needs its test."""
    tried = Path(__file__).read_text(encoding="utf-8")
    named = {name for name in breakages.BROKEN if f'"{name}"' in tried}
    assert named == set(breakages.BROKEN)
