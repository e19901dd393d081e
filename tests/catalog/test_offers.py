"""Whatever a form offers may be sent."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Rejected
from core.providers import checks
from core.providers.capabilities import PictureLimits, SizeRules
from core.providers.offers import edit_offer, size_label, video_modes, video_offer
from core.providers.options import OPTION_NAMES, value_label
from core.providers.pictures import InputFacts
from tests.catalog.wishes import CATALOG, IMAGES, VIDEOS, edit, video

Draw = st.DrawFn


@st.composite
def free_sizes(draw: Draw, rules: SizeRules) -> str:
    """Draw a size by the vendor's published rules, written down here a second time."""
    steps = st.integers(1, rules.max_edge // rules.multiple).map(lambda n: n * rules.multiple)
    size = st.tuples(steps, steps).filter(
        lambda wh: max(wh) <= 3 * min(wh) and 655_360 <= wh[0] * wh[1] <= 8_294_400
    )
    width, height = draw(size)
    return f"{width}x{height}"


@st.composite
def pictures(draw: Draw, limits: PictureLimits) -> InputFacts:
    sides = st.integers(limits.min_side, limits.max_side or 8_000)
    width, height = draw(
        st.tuples(sides, sides).filter(
            lambda wh: limits.min_aspect is None or (0.4 <= wh[0] / wh[1] <= 2.5)
        )
    )
    bytes = draw(st.integers(1, min(limits.max_bytes, 20_000_000)))
    mime = draw(st.sampled_from(limits.mimes))
    return InputFacts(width=width, height=height, bytes=bytes, mime=mime)


@st.composite
def offered_edits(draw: Draw) -> Any:
    """Fill the edit form as somebody would: each choice changes what is offered next."""
    model = CATALOG.model(draw(st.sampled_from(IMAGES)))
    chosen: dict[str, Any] = {}
    for option, field in {
        "output_format": "formats",
        "background": "backgrounds",
        "quality": "qualities",
        "complexity": "complexities",
        "input_fidelity": "input_fidelities",
        "moderation": "moderations",
    }.items():
        offered = getattr(edit_offer(model, chosen), field)
        if offered and draw(st.booleans()):
            chosen[option] = draw(st.sampled_from(offered))
    if edit_offer(model, chosen).compression and draw(st.booleans()):
        chosen["output_compression"] = draw(st.integers(0, 100))
    if draw(st.booleans()):
        chosen["n"] = draw(st.integers(1, edit_offer(model, chosen).n_max))
    if edit_offer(model, chosen).streaming and draw(st.booleans()):
        chosen["stream"] = True
        chosen["partial_images"] = draw(st.integers(0, edit_offer(model, chosen).partials_max))
    offer = edit_offer(model, chosen)
    sizes = st.sampled_from([size.value for size in offer.sizes])
    if offer.custom_size is not None:
        sizes |= free_sizes(offer.custom_size)
    chosen["size"] = draw(sizes)
    inputs = draw(st.lists(pictures(offer.pictures), min_size=1, max_size=offer.inputs_max))
    return edit(model.id, options=chosen, inputs=inputs)


@given(wish=offered_edits())
def test_whatever_the_edit_form_offers_may_be_sent(wish):
    sent = checks.check_edit(CATALOG, **wish)
    assert wish["options"].items() <= sent.items()
    assert checks.check_edit(CATALOG, **{**wish, "options": sent}) == sent


@st.composite
def offered_videos(draw: Draw) -> Any:
    model = CATALOG.model(draw(st.sampled_from(VIDEOS)))
    offer = video_offer(model, draw(st.sampled_from(video_modes(model))).value)
    resolution = draw(st.sampled_from(offer.resolutions))
    durations = offer.durations_by_resolution[resolution]
    chosen: dict[str, Any] = {
        "mode": offer.mode,
        "resolution": resolution,
        "duration": draw(st.sampled_from(durations)),
    }
    lists = {"ratio": offer.ratios, "prompt_expansion_mode": offer.expansion_modes}
    for option, offered in lists.items():
        asked = draw(st.booleans())
        if offered and asked:
            chosen[option] = draw(st.sampled_from(offered))
    for option in ("prompt_optimizer", "fast_pretreatment", "aigc_watermark"):
        if getattr(offer, option) and draw(st.booleans()):
            chosen[option] = draw(st.booleans())
    needed = offer.pictures_needed
    inputs = draw(st.lists(pictures(offer.pictures), min_size=needed, max_size=needed))
    prompt = "a cat" if offer.prompt_required else draw(st.sampled_from(["", "a cat"]))
    return video(model.id, options=chosen, inputs=inputs, prompt=prompt)


@given(wish=offered_videos())
def test_whatever_the_video_form_offers_may_be_sent(wish):
    sent = checks.check_video(CATALOG, **wish)
    unsent = {"resolution", "duration"} if wish["model"] == "S2V-01" else set()
    assert {name: sent.get(name) for name in wish["options"] if name not in unsent} == {
        name: value for name, value in wish["options"].items() if name not in unsent
    }
    assert checks.check_video(CATALOG, **{**wish, "options": sent}) == sent


@pytest.mark.parametrize("model", IMAGES)
def test_the_defaults_of_the_edit_form_may_be_sent(model):
    defaults = edit_offer(CATALOG.model(model)).defaults
    assert checks.check_edit(CATALOG, **edit(model, options=defaults)) == defaults


@pytest.mark.parametrize("model", VIDEOS)
def test_the_defaults_of_the_video_form_are_offered(model):
    for mode in video_modes(CATALOG.model(model)):
        offer = video_offer(CATALOG.model(model), mode.value)
        if "resolution" in offer.defaults:
            offered = offer.durations_by_resolution[offer.defaults["resolution"]]
            assert offer.defaults["duration"] in offered


def test_transparency_and_jpeg_hide_each_other():
    model = CATALOG.model("gpt-image-2.5-flare")
    assert "jpeg" not in edit_offer(model, {"background": "transparent"}).formats
    assert "transparent" not in edit_offer(model, {"output_format": "jpeg"}).backgrounds
    assert edit_offer(model, {"output_format": "jpeg"}).compression
    assert not edit_offer(model).compression


def test_several_results_and_live_previews_hide_each_other():
    model = CATALOG.model("gpt-image-2.5-flare")
    assert not edit_offer(model, {"n": 2}).streaming
    assert edit_offer(model, {"stream": True}).n_max == 1
    assert edit_offer(model, {"stream": True}).partials_max == 3


@pytest.mark.parametrize(
    ("size", "label"),
    [
        ("auto", "Automatic"),
        ("1024x1024", "1024×1024 square"),
        ("3840x2160", "3840×2160 landscape"),
        ("2160x3840", "2160×3840 portrait"),
    ],
)
def test_a_size_says_its_shape(size, label):
    assert str(size_label(size)) == label


def test_modes_and_resolutions_come_in_one_order():
    model = CATALOG.model("MiniMax-Hailuo-02")
    assert [mode.value for mode in video_modes(model)] == ["text", "first_frame", "first_last"]
    assert video_offer(model, "first_frame").resolutions == ["512P", "768P", "1080P"]
    assert str(video_modes(model)[1].label) == "First frame"


def test_a_control_that_does_not_exist_is_refused():
    with pytest.raises(Rejected, match="MiniMax H3 makes no image edits"):
        edit_offer(CATALOG.model("MiniMax-H3"))
    with pytest.raises(Rejected, match="GPT Image 2 makes no videos"):
        video_offer(CATALOG.model("gpt-image-2"), "text")
    with pytest.raises(Rejected, match="T2V-01 does not offer the mode “Subject reference”"):
        video_offer(CATALOG.model("T2V-01"), "subject")
    assert video_modes(CATALOG.model("gpt-image-2")) == []


def test_options_and_values_have_names_for_people():
    assert {*checks.check_edit(CATALOG, **edit()), "ratio", "mode"} <= OPTION_NAMES.keys()
    assert str(value_label("xhigh")) == "Very high"
    assert str(value_label("768P")) == "768P"
