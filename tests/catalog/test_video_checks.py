"""What a video is told before it costs anything."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Rejected
from core.providers import checks
from tests.catalog.wishes import CATALOG, PICTURE, TODAY, picture, sentences, video, video_says

FAST = "MiniMax-Hailuo-2.3-Fast"


@pytest.mark.parametrize(
    ("model", "options", "words"),
    [
        ("MiniMax-Hailuo-2.3", {"resolution": "2K"}, "Choose one of: 768P, 1080P."),
        ("MiniMax-Hailuo-2.3", {"resolution": "768p"}, "does not offer '768p'"),
        ("MiniMax-Hailuo-2.3", {"resolution": ["768P"]}, "does not offer ['768P']"),
        (
            "MiniMax-Hailuo-2.3",
            {"resolution": "1080P", "duration": 10},
            "Hailuo 2.3 does not make 10 s at 1080P. Choose one of: 6 s.",
        ),
        ("MiniMax-Hailuo-2.3", {"duration": 7}, "7 s at 768P. Choose one of: 6, 10 s."),
        ("MiniMax-Hailuo-2.3", {"duration": "6"}, "does not make '6' s"),
        ("MiniMax-Hailuo-2.3", {"duration": True}, "does not make True s"),
        ("MiniMax-H3", {"duration": 16}, "does not make 16 s at 768P"),
        ("MiniMax-H3", {"ratio": "adaptive"}, "Choose one of: 21:9, 16:9, 4:3, 1:1, 3:4, 9:16."),
        ("MiniMax-H3", {"prompt_expansion_mode": "quality"}, "does not take this option"),
        ("MiniMax-H3-Max", {"prompt_expansion_mode": "x"}, "disabled, balanced, quality."),
        ("MiniMax-Hailuo-2.3", {"ratio": "16:9"}, "Aspect ratio: Hailuo 2.3 does not take"),
        ("MiniMax-Hailuo-2.3", {"prompt_optimizer": "no"}, "must be true or false, not 'no'"),
        ("MiniMax-Hailuo-2.3", {"aigc_watermark": False}, "AI watermark: Hailuo 2.3 does not"),
        ("MiniMax-Hailuo-2.3", {"seed": 1}, "There is no option 'seed'. Leave it out."),
        ("MiniMax-Hailuo-2.3", {"mode": "dream"}, "There is no mode 'dream'. Choose one of: text"),
        ("MiniMax-Hailuo-2.3", {"mode": {}}, "There is no mode {}."),
        ("MiniMax-Hailuo-2.3", {"mode": "first_last"}, "the mode “First and last frame”. Choose"),
    ],
)
def test_a_combination_that_the_model_refuses_is_named(model, options, words):
    problems = video_says(model, options=options)
    assert len(problems) == 1
    assert words in problems[0]


@pytest.mark.parametrize(
    ("mode", "count"), [("text", 1), ("first_frame", 0), ("first_frame", 2), ("first_last", 1)]
)
def test_a_mode_takes_its_number_of_pictures(mode, count):
    (problem,) = video_says("MiniMax-H3", inputs=[PICTURE] * count, options={"mode": mode})
    assert f"needed, {count} given. Add or remove some" in problem


@pytest.mark.parametrize(
    ("model", "count", "mode"),
    [
        ("MiniMax-H3", 0, "text"),
        ("MiniMax-H3", 1, "first_frame"),
        ("MiniMax-H3", 2, "first_last"),
        ("S2V-01", 1, "subject"),
    ],
)
def test_without_a_mode_the_number_of_pictures_decides(model, count, mode):
    sent = checks.check_video(CATALOG, **video(model, inputs=[PICTURE] * count))
    assert sent["mode"] == mode


def test_a_model_that_only_animates_asks_for_its_picture():
    (problem,) = video_says(FAST)
    assert problem.startswith("Pictures for the mode “First frame”: 1 needed, 0 given.")


@pytest.mark.parametrize(
    ("model", "frame", "words"),
    [
        (FAST, picture(300, 600), "is 300x600; its shorter side needs at least 301 pixels"),
        (FAST, picture(301, 753), "too long and narrow: its width must be 0.4 to 2.5 times its"),
        (FAST, picture(1001, 400), "Picture 1 is 1001x400, too long and narrow"),
        (FAST, picture(bytes=20 * 2**20), "has 20,971,520 bytes; Hailuo 2.3 Fast takes 1 to 20,9"),
        (FAST, picture(mime="image/heic"), "Picture 1 is 'image/heic'"),
        ("MiniMax-H3", picture(255, 400), "its shorter side needs at least 256 pixels"),
        ("MiniMax-H3", picture(5761, 5000), "its longer side may have 5,760 pixels"),
        ("MiniMax-H3", picture(bytes=30 * 2**20 + 1), "takes 1 to 31,457,280. Make it smaller."),
    ],
)
def test_a_frame_that_would_be_refused_is_named(model, frame, words):
    problems = video_says(model, inputs=[frame])
    assert len(problems) == 1
    assert words in problems[0]


@pytest.mark.parametrize(
    ("model", "frame"),
    [
        (FAST, picture(301, 752)),
        (FAST, picture(1000, 400)),
        (FAST, picture(400, 1000)),
        ("MiniMax-H3", picture(256, 256)),
        ("MiniMax-H3", picture(5760, 2304, bytes=30 * 2**20)),
    ],
)
def test_a_frame_at_the_border_is_taken(model, frame):
    assert video_says(model, inputs=[frame]) == []


def test_two_large_frames_are_too_much_for_one_request():
    large = picture(bytes=30 * 2**20)
    (problem,) = video_says("MiniMax-H3", inputs=[large, large])
    assert problem == (
        "Together the pictures make a request of 83,886,080 bytes; MiniMax H3 takes 67,108,864. "
        "Make them smaller."
    )


def test_the_second_picture_is_checked_like_the_first():
    (problem,) = video_says("MiniMax-Hailuo-02", inputs=[PICTURE, picture(100, 100)])
    assert problem.startswith("Picture 2 is 100x100")


@pytest.mark.parametrize(
    ("model", "on", "words"),
    [
        ("gpt-image-2", TODAY, "GPT Image 2 makes no videos. Choose another model."),
        ("MiniMax-H4", TODAY, "There is no model 'MiniMax-H4'."),
    ],
)
def test_a_model_that_does_not_serve_is_refused(model, on, words):
    (problem,) = video_says(model, on=on)
    assert words in problem
    assert checks.video_warnings(CATALOG, **video(model, on=on)) == []
    with pytest.raises(Rejected):
        checks.check_video(CATALOG, **video(model, on=on))


def warnings(model: str, **changed: object) -> list[str]:
    return sentences(checks.video_warnings(CATALOG, **video(model, **changed)))


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        (
            "a cat [Pan left, tilt up,Zoom in, Shake]",
            "4 camera commands stand in one bracket; more than 3 at a time rarely work.",
        ),
        ("a cat [Pan left,Tilt up,Zoom in] [Shake]", None),
        ("a cat [Pan left, a, b, c, d]", None),
        ("a cat [sitting]", None),
        ("[[Pan left]", None),
        ("[" * 5000, None),
        ("x" * 2000 + "[Pan left,Tilt up,Zoom in,Shake]", None),
    ],
)
def test_more_than_three_camera_commands_at_once_are_a_warning(prompt, words):
    found = warnings("MiniMax-Hailuo-2.3", prompt=prompt)
    assert video_says("MiniMax-Hailuo-2.3", prompt=prompt[:2000]) == []
    assert [words in warning for warning in found] == ([True] if words else [])


def test_camera_commands_for_a_model_without_them_are_a_warning():
    assert warnings("T2V-01", prompt="a cat [Push in]") == [
        "T2V-01 does not know camera commands: it reads [Push in] as plain text."
    ]


def test_a_prompt_of_invisible_characters_is_a_warning():
    assert len(warnings("MiniMax-Hailuo-2.3", prompt="a\u200b\u200bcat")) == 1
    assert warnings("MiniMax-Hailuo-2.3", prompt="a\ncat\n\n") == []


def test_a_last_frame_of_another_shape_is_a_warning():
    frames = [picture(1000, 500), picture(800, 500)]
    assert warnings("MiniMax-Hailuo-02", inputs=frames) == [
        "The last frame has another shape than the first and will be cropped to it."
    ]
    assert warnings("MiniMax-Hailuo-02", inputs=[picture(1000, 500), picture(800, 400)]) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=3,
)
NAMES = st.sampled_from(["mode", "resolution", "duration", "ratio", "prompt_optimizer"])


@given(options=st.dictionaries(NAMES | st.text(max_size=9), JSON, max_size=5), prompt=st.text())
def test_no_json_makes_it_stumble(options, prompt):
    wish = video("MiniMax-H3", options=options, prompt=prompt)
    problems = sentences(checks.video_problems(CATALOG, **wish))
    sentences(checks.video_warnings(CATALOG, **wish))
    assert all(len(problem) < 400 for problem in problems)
    if not problems:
        assert checks.check_video(CATALOG, **wish)["mode"] == "text"


def test_dates_do_not_matter_to_models_that_stay():
    assert video_says("MiniMax-H3", on=date(2027, 1, 1)) == []
