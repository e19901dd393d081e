"""v1 over HTTP: errors inside 200, string ids in queries, numbers in files."""

import hashlib
import json

import pytest

from tests.simulators.minimax.client import colour, data_url, image_bytes, watched


def test_a_text_becomes_a_real_video_of_the_asked_length(minimax):
    minimax.set(small_videos=False)
    id = minimax.created("v1", duration=6)
    shown = minimax.query("v1", id)
    data = minimax.http.get(minimax.link("v1", id), timeout=20).content

    found = watched(data)
    assert (shown["status"], shown["base_resp"]["status_code"]) == ("Success", 0)
    assert (shown["video_width"], shown["video_height"]) == (1366, 768)
    assert (found.width, found.height, found.frames) == (1366, 768, 144)
    assert (found.rate, found.seconds, found.sound) == (24, 6, None)
    assert (found.codec, found.pixel_format) == ("h264", "yuv420p")
    assert data.index(b"moov") < data.index(b"mdat")
    assert found.comment == f"simulated v1 {id}"


def test_a_first_frame_is_what_the_video_begins_with(minimax):
    image = image_bytes(900, 600, "JPEG")
    id = minimax.created("v1", first_frame_image=data_url(image, "image/jpeg"))
    data = minimax.http.get(minimax.link("v1", id)).content

    red, _, blue = colour(data, 0, (40, 80))
    assert red > 150
    assert blue < 90
    assert (watched(data).width, watched(data).height) == (256, 170)
    [billed] = minimax.entries("billed")
    assert billed["inputs"][0]["sha256"] == hashlib.sha256(image).hexdigest()


def test_the_bill_says_what_was_asked(minimax):
    id = minimax.created("v1", callback_url="http://127.0.0.1:1/x", duration=10)

    [billed] = minimax.entries("billed")
    expected = {
        "provider": "minimax",
        "dialect": "v1",
        "task_id": id,
        "model": "MiniMax-Hailuo-2.3",
        "prompt": "a paper boat",
        "callback_url": "http://127.0.0.1:1/x",
        "resolution": "768P",
        "duration": 10,
        "cost_usd": 0.56,
    }
    assert expected.items() <= billed.items()
    assert billed["arrived_at"] <= billed["at"]
    assert [entry["event"] for entry in minimax.entries()][:2] == ["arrived", "billed"]


def test_states_follow_the_clock(minimax):
    minimax.set(fixed_s=60)
    id = minimax.created("v1")

    shown = minimax.query("v1", id)
    assert shown == {
        "task_id": id,
        "status": "Preparing",
        "file_id": "",
        "base_resp": {"status_code": 0, "status_msg": "success"},
    }


def test_a_file_id_is_a_string_in_the_query_and_a_number_in_the_file(minimax):
    shown = minimax.query("v1", minimax.created("v1"))
    file = minimax.call("GET", f"/v1/files/retrieve?file_id={shown['file_id']}").json()["file"]

    assert shown["file_id"] == str(file["file_id"])
    assert type(file["file_id"]) is int
    assert (file["bytes"], file["filename"]) == (0, "output_aigc.mp4")
    assert file["purpose"] == "video_generation"
    assert "/inference_output/video/" in file["download_url"]


def test_the_content_can_be_had_with_the_key_instead_of_a_link(minimax):
    id = minimax.created("v1")
    path = f"/v1/files/retrieve_content?file_id={minimax.query('v1', id)['file_id']}"

    reply = minimax.call("GET", path)
    assert reply.headers["Content-Type"] == "video/mp4"
    assert reply.content == minimax.http.get(minimax.link("v1", id)).content
    minimax.key = None
    assert minimax.call("GET", path).json()["base_resp"]["status_code"] == 1004


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("query/video_generation", "task_id"),
        ("query/video_generation?task_id=106000000000000", "task_id"),
        ("files/retrieve?file_id=176000000000000", "file_id"),
        ("files/retrieve?file_id=abc", "file_id"),
        ("files/retrieve_content", "file_id"),
    ],
)
def test_what_is_not_there_is_an_error_inside_200(minimax, path, field):
    reply = minimax.call("GET", f"/v1/{path}")

    verdict = reply.json()["base_resp"]
    assert (reply.status_code, verdict["status_code"]) == (200, 2013)
    assert field in verdict["status_msg"]


def test_a_file_is_not_there_before_its_task_is_done(minimax):
    minimax.set(fixed_s=60)
    minimax.created("v1")
    [billed] = minimax.entries("billed")

    reply = minimax.call("GET", f"/v1/files/retrieve?file_id={billed['file_id']}")
    assert reply.json()["base_resp"]["status_code"] == 2013


def test_a_refused_request_costs_nothing(minimax):
    reply = minimax.create("v1", duration=7)

    assert reply.status_code == 200
    assert reply.json()["task_id"] == ""
    assert reply.json()["base_resp"]["status_code"] == 2013
    assert minimax.entries("billed") == []


@pytest.mark.parametrize(
    ("key", "code"), [(None, 1004), ("", 1004), ("bad-key", 2049), ("sk-good", 0)]
)
def test_a_key_is_asked_for(minimax, key, code):
    minimax.key = key

    reply = minimax.create("v1")
    assert (reply.status_code, reply.json()["base_resp"]["status_code"]) == (200, code)


def test_the_newer_gateway_refuses_a_key_with_401(minimax):
    minimax.set(v1_gateway_auth=True)
    minimax.key = "bad"

    reply = minimax.create("v1")
    assert reply.status_code == 401
    assert reply.json()["error"] == {
        "type": "authorized_error",
        "message": "invalid api key (2049)",
        "http_code": "401",
    }


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_a_body_that_is_no_json_is_refused(minimax, body):
    reply = minimax.call("POST", "/v1/video_generation", data=body)

    assert "JSON" in reply.json()["base_resp"]["status_msg"]


def test_no_more_than_so_many_a_minute(minimax):
    minimax.set(rpm=2, window_s=0.3)
    codes = [minimax.create("v1").json()["base_resp"]["status_code"] for _ in range(3)]

    assert codes == [0, 0, 1002]
    minimax.set(window_s=0)
    assert minimax.create("v1").json()["base_resp"]["status_code"] == 0
    assert len(minimax.entries("billed")) == 3


def test_v1_has_no_cancel(minimax):
    assert minimax.call("DELETE", "/v1/video_generation/1").status_code == 404


def test_strange_prompts_survive_the_way_to_the_bill(minimax):
    prompt = '</script>{{x}} \u0000\ud800 "보트" 🛶 and then something one can see'
    minimax.call(
        "POST",
        "/v1/video_generation",
        data=json.dumps({"model": "MiniMax-Hailuo-2.3", "prompt": prompt}),
    )

    assert minimax.entries("billed")[0]["prompt"] == prompt


def test_each_question_about_a_task_or_its_file_is_counted(minimax):
    id, other = minimax.created("v1"), minimax.created("v1")
    minimax.link("v1", id)
    minimax.query("v1", id)
    minimax.query("v1", "106")

    assert minimax.control("GET", "questions") == {id: 3}
    minimax.query("v1", other)
    assert minimax.control("GET", "questions")[other] == 1
