"""v2's rules for models, resolutions, ratios and the content list."""

import base64
import io
import wave
from typing import Any

import pytest

from deploy.local.simulators.minimax import encoding
from deploy.local.simulators.minimax.models import Mode
from deploy.local.simulators.minimax.refusals import Refused
from deploy.local.simulators.minimax.shapes import Clip
from deploy.local.simulators.minimax.v2_requests import wanted
from tests.simulators.minimax.client import image_bytes, image_item, v2_body

MAX = "MiniMax-H3-Max"
FIRST = image_item("first_frame")
LAST = image_item("last_frame", image_bytes(400, 400))
REFERENCE = image_item("reference_image")
TEXT = {"type": "text", "text": "a paper boat"}


def recording(kind: str, data: bytes) -> dict[str, Any]:
    url = f"data:{kind}/x;base64,{base64.b64encode(data).decode()}"
    return {"type": f"{kind}_url", f"{kind}_url": {"url": url}}


def sound(seconds: float) -> dict[str, Any]:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(bytes(int(16000 * seconds)))
    return recording("audio", file.getvalue())


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp("video") / "three_seconds.mp4"
    clip = Clip(width=64, height=64, duration_s=3, sound=False)
    encoding.encode(path, clip, seed="x", comment="")
    return recording("video", path.read_bytes())


@pytest.mark.parametrize(
    ("fields", "mode", "ratio", "cost_usd"),
    [
        ({}, Mode.TEXT, "16:9", 0.32),
        ({"resolution": "2K", "duration": 15, "ratio": "9:16"}, Mode.TEXT, "9:16", 1.95),
        ({"files": [FIRST]}, Mode.IMAGE, "16:9", 0.32),
        ({"files": [image_item(None)]}, Mode.IMAGE, "16:9", 0.32),
        ({"files": [LAST]}, Mode.IMAGE, "1:1", 0.32),
        ({"files": [LAST, FIRST], "ratio": "1:1"}, Mode.IMAGE, "16:9", 0.32),
        ({"files": [REFERENCE] * 9}, Mode.REFERENCE, "16:9", 0.48),
        ({"files": [REFERENCE], "ratio": "3:4"}, Mode.REFERENCE, "3:4", 0.32),
        ({"files": [REFERENCE, sound(2)], "ratio": "adaptive"}, Mode.REFERENCE, "16:9", 0.32),
        ({"model": MAX, "duration": 5, "resolution": None}, Mode.TEXT, "16:9", 0.4),
        ({"model": MAX, "duration": 5, "resolution": "480P"}, Mode.TEXT, "16:9", 0.25),
        (
            {
                "model": MAX,
                "duration": 5,
                "files": [REFERENCE] * 4,
                "extra": {"prompt_expansion_mode": "quality"},
            },
            Mode.REFERENCE,
            "16:9",
            0.548,
        ),
        ({"prompt": "x" * 7000}, Mode.TEXT, "16:9", 0.32),
    ],
)
def test_what_the_rules_offer_is_accepted(fields, mode, ratio, cost_usd):
    found = wanted(v2_body(**fields))

    assert (found.mode, found.ratio, found.cost_usd) == (mode, ratio, cost_usd)


def test_reference_videos_are_billed_by_their_seconds(video):
    found = wanted(v2_body(files=[video, REFERENCE]))

    assert (found.mode, found.reference_s, found.cost_usd) == (Mode.REFERENCE, 3, 0.56)


REFUSED = [
    ({"model": None}, "model"),
    ({"model": "MiniMax-Hailuo-2.3"}, "model"),
    ({"resolution": None}, "resolution"),
    ({"resolution": "480P"}, "resolution"),
    ({"resolution": "1080P"}, "resolution"),
    ({"model": MAX, "duration": 5, "resolution": "2K"}, "resolution"),
    ({"duration": None}, "duration"),
    ({"duration": 3}, "duration"),
    ({"duration": 16}, "duration"),
    ({"duration": "4"}, "duration"),
    ({"duration": True}, "duration"),
    ({"model": MAX, "duration": 4}, "duration"),
    ({"ratio": None}, "ratio"),
    ({"ratio": "adaptive"}, "ratio"),
    ({"ratio": "2:1"}, "ratio"),
    ({"extra": {"prompt_expansion_mode": "quality"}}, "extra"),
    ({"model": MAX, "duration": 5, "extra": {"x": 1}}, "extra"),
    ({"model": MAX, "duration": 5, "extra": 7}, "extra"),
    (
        {"model": MAX, "duration": 5, "extra": {"prompt_expansion_mode": "wild"}},
        "extra.prompt_expansion_mode",
    ),
    ({"content": None}, "content"),
    ({"content": []}, "content"),
    ({"content": "text"}, "content"),
    ({"content": ["text"]}, "content[0]"),
    ({"content": [{"type": "sculpture"}]}, "content type"),
    ({"content": [FIRST]}, "content must include a non-empty text item (prompt is required)"),
    ({"content": [TEXT, TEXT]}, "prompt is required"),
    ({"prompt": "  "}, "prompt is required"),
    ({"prompt": "x" * 7001}, "prompt"),
    ({"files": [FIRST, FIRST]}, "first_frame"),
    ({"files": [FIRST, REFERENCE]}, "content must not mix"),
    ({"files": [FIRST, sound(3)]}, "content must not mix"),
    ({"files": [REFERENCE] * 10}, "reference_image"),
    ({"files": [sound(2)] * 4}, "reference_audio"),
    ({"files": [sound(2)]}, "reference_audio"),
    ({"files": [REFERENCE] * 9 + [sound(2)] * 3 + [recording("video", b"")]}, "13 files"),
    ({"files": [REFERENCE, sound(1)]}, "content[2].audio_url"),
    ({"files": [REFERENCE, sound(8), sound(8)]}, "audio_url is 16.0 s in total"),
    ({"files": [REFERENCE, recording("audio", b"no sound")]}, "content[2].audio_url"),
    ({"files": [recording("video", b"no video")]}, "content[1].video_url"),
    ({"files": [{**FIRST, "role": "reference_video"}]}, "content[1].role"),
    ({"files": [{"type": "image_url", "image_url": "https://x/"}]}, "content[1].image_url"),
    ({"files": [{"type": "image_url", "image_url": {"url": "mm_file://1"}}]}, "mm_file://1"),
    ({"files": [image_item(data=image_bytes(255, 300))]}, "content[1].image_url"),
    ({"aigc_watermark": 1}, "aigc_watermark"),
    ({"callback_url": "here"}, "callback_url"),
]


@pytest.mark.parametrize(("fields", "field"), REFUSED)
def test_what_they_do_not_offer_is_refused_by_name(fields, field):
    with pytest.raises(Refused) as caught:
        wanted(v2_body(**fields))

    body = caught.value.gateway_body("0217")
    assert caught.value.status == 400
    assert body["error"]["message"].startswith("invalid params, ")
    assert field in body["error"]["message"]
    assert body["error"]["message"].endswith(" (2013)")


def test_a_prompt_that_is_mostly_invisible_has_a_code_of_its_own():
    with pytest.raises(Refused) as caught:
        wanted(v2_body(prompt="\u200b\u200ba"))

    assert (caught.value.code, caught.value.status) == (1042, 400)
