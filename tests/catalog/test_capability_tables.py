"""Every row of the vendors' two capability tables, and its neighbours that are refused."""

from typing import Any

import pytest

from core.providers import checks
from tests.catalog.wishes import (
    CATALOG,
    PICTURE,
    VIDEOS,
    edit,
    edit_says,
    video,
    video_says,
)

BASIC = {"auto", "low", "medium", "high"}
FINE = BASIC | {"xhigh", "max"}
LEVELS = {"low", "medium", "high"}
# id: qualities, complexity, input_fidelity, transparent, free size
IMAGE_TABLE: dict[str, tuple[set[str], set[str], set[str], bool, bool]] = {
    "gpt-image-2.6-sunburst": (FINE, LEVELS, set(), True, True),
    "gpt-image-2.6-flare": (FINE, LEVELS, set(), True, True),
    "gpt-image-2.5-sunburst": (FINE, set(), set(), True, True),
    "gpt-image-2.5-sunburst-2026-09-08": (FINE, set(), set(), True, True),
    "gpt-image-2.5-flare": (FINE, set(), set(), True, True),
    "gpt-image-2.5-flare-2026-09-08": (FINE, set(), set(), True, True),
    "gpt-image-2": (BASIC, set(), set(), False, True),
    "gpt-image-2-2026-04-21": (BASIC, set(), set(), False, True),
    "gpt-image-1.5": (BASIC, set(), {"low", "high"}, True, False),
    "gpt-image-1.5-2025-12-16": (BASIC, set(), {"low", "high"}, True, False),
    "gpt-image-1-mini": (BASIC, set(), {"low"}, True, False),
    "chatgpt-image-latest": (BASIC, set(), set(), True, False),
}

H3 = {"768P": set(range(4, 16)), "2K": set(range(4, 16))}
H3_MAX = {"480P": set(range(5, 16)), "768P": set(range(5, 16))}
HD = {"768P": {6, 10}, "1080P": {6}}
OLD = {"720P": {6}}
# id: by mode, the seconds at each resolution
VIDEO_TABLE: dict[str, dict[str, dict[str, set[int]]]] = {
    "MiniMax-H3": dict.fromkeys(("text", "first_frame", "first_last", "subject"), H3),
    "MiniMax-H3-Max": dict.fromkeys(("text", "first_frame", "first_last"), H3_MAX),
    "MiniMax-Hailuo-2.3": {"text": HD, "first_frame": HD},
    "MiniMax-Hailuo-2.3-Fast": {"first_frame": HD},
    "MiniMax-Hailuo-02": {
        "text": HD,
        "first_frame": {"512P": {6, 10}, **HD},
        "first_last": HD,
    },
    "T2V-01-Director": {"text": OLD},
    "T2V-01": {"text": OLD},
    "I2V-01-Director": {"first_frame": OLD},
    "I2V-01-live": {"first_frame": OLD},
    "I2V-01": {"first_frame": OLD},
    "S2V-01": {"subject": OLD},
}
PICTURES = {"text": 0, "first_frame": 1, "first_last": 2, "subject": 1}
RESOLUTIONS = ("480P", "512P", "720P", "768P", "1080P", "2K")


def taken(model: str, **options: Any) -> bool:
    return not edit_says(model, options=options)


def made(model: str, mode: str, **options: Any) -> bool:
    inputs = [PICTURE] * PICTURES[mode]
    return not video_says(model, inputs=inputs, options={"mode": mode, **options})


@pytest.mark.parametrize("model", IMAGE_TABLE)
def test_a_row_of_the_image_table(model):
    qualities, complexities, fidelities, transparent, free = IMAGE_TABLE[model]
    assert {word for word in (*FINE, "hd") if taken(model, quality=word)} == qualities
    assert {word for word in (*FINE, "hd") if taken(model, complexity=word)} == complexities
    assert {word for word in (*LEVELS, "auto") if taken(model, input_fidelity=word)} == fidelities
    assert taken(model, background="transparent") is transparent
    assert taken(model, size="1280x1024") is free
    assert all(taken(model, size=size) for size in ("auto", "1024x1024", "1536x1024", "1024x1536"))


@pytest.mark.parametrize("model", IMAGE_TABLE)
def test_what_every_image_model_takes(model):
    formats = ("png", "webp", "jpeg", "gif", "svg")
    assert [word for word in formats if taken(model, output_format=word)] == [*formats[:3]]
    assert [n for n in range(13) if taken(model, n=n)] == list(range(1, 11))
    assert [n for n in range(6) if taken(model, stream=True, partial_images=n)] == [0, 1, 2, 3]
    assert not taken(model, moderation="low")
    assert [n for n in range(19) if not edit_says(model, inputs=[PICTURE] * n)] == list(
        range(1, 17)
    )
    assert edit_says(model, prompt="x" * 32_000) == []
    assert edit_says(model, prompt="x" * 32_001) != []


@pytest.mark.parametrize("model", VIDEO_TABLE)
@pytest.mark.parametrize("mode", PICTURES)
def test_a_row_of_the_video_table(model, mode):
    rows = VIDEO_TABLE[model].get(mode, {})
    found = {
        (resolution, seconds)
        for resolution in RESOLUTIONS
        for seconds in range(1, 20)
        if made(model, mode, resolution=resolution, duration=seconds)
    }
    assert found == {(name, seconds) for name, offered in rows.items() for seconds in offered}


def test_the_tables_name_every_model():
    assert list(VIDEO_TABLE) == VIDEOS


@pytest.mark.parametrize("model", VIDEO_TABLE)
def test_prompt_limits_are_the_dialects(model):
    limit = 7_000 if "H3" in model else 2_000
    mode = next(iter(VIDEO_TABLE[model]))
    sound = {"inputs": [PICTURE] * PICTURES[mode], "options": {"mode": mode}}
    assert video_says(model, prompt="x" * limit, **sound) == []
    assert video_says(model, prompt="x" * (limit + 1), **sound) == [
        f"The prompt has {limit + 1:,} characters; at most {limit:,} are allowed. Shorten it."
    ]


RATIOS = ("adaptive", "21:9", "16:9", "4:3", "1:1", "3:4", "9:16")


@pytest.mark.parametrize(
    ("model", "mode", "ratios"),
    [
        ("MiniMax-H3", "text", RATIOS[1:]),
        ("MiniMax-H3", "first_frame", ("adaptive",)),
        ("MiniMax-H3", "first_last", ("adaptive",)),
        ("MiniMax-H3", "subject", RATIOS),
        ("MiniMax-H3-Max", "text", RATIOS[1:]),
        ("MiniMax-H3-Max", "first_frame", ("adaptive",)),
        ("MiniMax-Hailuo-2.3", "text", ()),
        ("MiniMax-Hailuo-02", "first_frame", ()),
    ],
)
def test_ratios_depend_on_the_mode(model, mode, ratios):
    assert tuple(word for word in RATIOS if made(model, mode, ratio=word)) == ratios


@pytest.mark.parametrize(
    ("option", "value", "takers"),
    [
        ("prompt_expansion_mode", "quality", {"MiniMax-H3-Max"}),
        ("prompt_optimizer", False, set(VIDEO_TABLE) - {"MiniMax-H3", "MiniMax-H3-Max"}),
        ("aigc_watermark", True, {"MiniMax-H3", "MiniMax-H3-Max"}),
        (
            "fast_pretreatment",
            True,
            {"MiniMax-Hailuo-2.3", "MiniMax-Hailuo-2.3-Fast", "MiniMax-Hailuo-02"},
        ),
    ],
)
def test_who_takes_an_option(option, value, takers):
    found = {
        model
        for model, modes in VIDEO_TABLE.items()
        if made(model, next(iter(modes)), **{option: value})
    }
    assert found == takers


def test_first_and_last_frame_has_no_fast_pretreatment():
    assert made("MiniMax-Hailuo-02", "first_frame", fast_pretreatment=True)
    assert not made("MiniMax-Hailuo-02", "first_last", fast_pretreatment=True)


def test_who_takes_camera_commands():
    takers = {id for id in VIDEOS if (found := CATALOG.model(id).video) and found.camera_commands}
    assert takers == {
        "MiniMax-Hailuo-2.3",
        "MiniMax-Hailuo-2.3-Fast",
        "MiniMax-Hailuo-02",
        "T2V-01-Director",
        "I2V-01-Director",
    }
    assert len(CATALOG.camera_commands()) == 15


@pytest.mark.parametrize(
    ("model", "mode", "required"),
    [
        ("MiniMax-Hailuo-2.3", "text", True),
        ("MiniMax-Hailuo-2.3", "first_frame", False),
        ("MiniMax-Hailuo-02", "first_last", False),
        ("S2V-01", "subject", False),
        ("MiniMax-H3", "first_frame", True),
        ("MiniMax-H3", "subject", True),
    ],
)
def test_whether_a_prompt_is_needed(model, mode, required):
    inputs = [PICTURE] * PICTURES[mode]
    problems = video_says(model, prompt=" ", inputs=inputs, options={"mode": mode})
    assert bool(problems) is required


def test_what_is_sent_is_explicit():
    assert checks.check_edit(CATALOG, **edit("gpt-image-2.6-flare")) == {
        "size": "auto",
        "quality": "auto",
        "background": "auto",
        "output_format": "png",
        "complexity": "high",
        "n": 1,
        "stream": False,
    }
    options = {"output_format": "webp", "stream": True, "quality": None}
    assert checks.check_edit(CATALOG, **edit("gpt-image-1.5", options=options)) == {
        "size": "auto",
        "quality": "auto",
        "background": "auto",
        "output_format": "webp",
        "input_fidelity": "low",
        "n": 1,
        "output_compression": 100,
        "stream": True,
        "partial_images": 0,
    }
    assert checks.check_video(CATALOG, **video("MiniMax-Hailuo-2.3")) == {
        "mode": "text",
        "resolution": "768P",
        "duration": 6,
        "prompt_optimizer": True,
        "fast_pretreatment": False,
    }
    assert checks.check_video(CATALOG, **video("MiniMax-H3-Max", inputs=[PICTURE])) == {
        "mode": "first_frame",
        "resolution": "768P",
        "duration": 5,
        "ratio": "adaptive",
        "prompt_expansion_mode": "balanced",
        "aigc_watermark": False,
    }


def test_a_length_that_is_no_parameter_is_not_sent():
    options = {"resolution": "720P", "duration": 6}
    sent = checks.check_video(CATALOG, **video("S2V-01", inputs=[PICTURE], options=options))
    assert sent == {"mode": "subject", "prompt_optimizer": True}
