"""What an edit is told before it costs anything: each wrong thing in a sentence of its own."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Rejected
from core.providers import checks
from tests.catalog.wishes import CATALOG, PICTURE, TODAY, edit, edit_says, picture, sentences


def test_a_sound_edit_has_no_problem():
    assert edit_says() == []
    assert edit_says(mask=picture(bytes=1000)) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"size": "1000x1000"}, "multiples of 16. The nearest is 992x992."),
        ({"size": "1025x1024"}, "The size 1025x1024 does not fit"),
        ({"size": "4096x4096"}, "the longer edge may have 3,840 pixels. Make it shorter."),
        ({"size": "3840x1024"}, "one edge may be 3 times the other. Make it squarer."),
        ({"size": "576x1024"}, "it has 589,824 pixels and 655,360 are needed. Make it larger."),
        ({"size": "3840x2176"}, "it has 8,355,840 pixels and 8,294,400 are allowed."),
        ({"size": "wide"}, "The size 'wide' cannot be read. Write width and height like 1536x1024"),
        ({"size": "01024x1024"}, "The size '01024x1024' cannot be read."),
        ({"size": "1024x1024\n"}, "cannot be read"),
        ({"size": "1024X1024"}, "cannot be read"),
        ({"size": "0x0"}, "cannot be read"),
        ({"size": "١٠٢٤x1024"}, "cannot be read"),
        ({"size": 1024}, "The size 1024 cannot be read."),
        ({"size": {"w": 1}}, "cannot be read"),
    ],
)
def test_each_rule_of_a_free_size_has_its_own_sentence(options, words):
    (problem,) = edit_says("gpt-image-2", options=options)
    assert words in problem


@pytest.mark.parametrize("size", ["1024x1024", "2560x1440", "3840x1280", "3840x2160", "640x1024"])
def test_free_sizes_at_the_borders_are_taken(size):
    assert edit_says("gpt-image-2.5-flare", options={"size": size}) == []


def test_a_model_with_fixed_sizes_names_them():
    (problem,) = edit_says("gpt-image-1.5", options={"size": "2048x2048"})
    assert problem == (
        "GPT Image 1.5 does not make the size '2048x2048'. "
        "Choose one of: auto, 1024x1024, 1536x1024, 1024x1536."
    )


@pytest.mark.parametrize(
    ("model", "options", "words"),
    [
        (
            "gpt-image-2.5-flare",
            {"background": "transparent", "output_format": "jpeg"},
            "JPEG has no transparency. Choose PNG or WebP",
        ),
        ("gpt-image-2", {"background": "transparent"}, "Choose one of: auto, opaque."),
        ("gpt-image-2", {"output_compression": 50}, "PNG files are not compressed."),
        ("gpt-image-2", {"output_format": "png", "output_compression": 100}, "not compressed"),
        (
            "gpt-image-2",
            {"output_format": "webp", "output_compression": 101},
            "Compression must be a whole number from 0 to 100, not 101.",
        ),
        ("gpt-image-2", {"input_fidelity": "high"}, "Input fidelity: GPT Image 2 does not take"),
        ("gpt-image-2.6-flare", {"input_fidelity": "low"}, "does not take this option"),
        (
            "gpt-image-1-mini",
            {"input_fidelity": "high"},
            "does not offer 'high'. Choose one of: low",
        ),
        ("gpt-image-2", {"quality": "xhigh"}, "Choose one of: auto, low, medium, high."),
        ("gpt-image-2", {"quality": "hd"}, "Quality: GPT Image 2 does not offer 'hd'."),
        ("gpt-image-2", {"quality": 1}, "does not offer 1."),
        ("gpt-image-2", {"quality": ["low"]}, "does not offer ['low']."),
        ("gpt-image-2", {"n": 2, "stream": True}, "Live previews work with one result only."),
        ("gpt-image-2", {"n": 0}, "Number of results must be a whole number from 1 to 10, not 0."),
        ("gpt-image-2", {"n": 11}, "from 1 to 10, not 11"),
        ("gpt-image-2", {"n": "2"}, "not '2'"),
        ("gpt-image-2", {"n": True}, "not True"),
        ("gpt-image-2", {"n": 1.0}, "not 1.0"),
        ("gpt-image-2", {"partial_images": 2}, "Previews need the live connection."),
        ("gpt-image-2", {"stream": True, "partial_images": 4}, "from 0 to 3, not 4"),
        ("gpt-image-2", {"stream": "yes"}, "Live previews must be true or false, not 'yes'."),
        ("gpt-image-2", {"style": "vivid"}, "There is no option 'style'. Leave it out."),
        ("gpt-image-2", {"response_format": "url"}, "There is no option 'response_format'."),
        ("gpt-image-2", {"output_format": "svg"}, "Choose one of: png, webp, jpeg."),
        ("gpt-image-2", {"moderation": "low"}, "Moderation: GPT Image 2 does not take"),
    ],
)
def test_a_combination_that_the_model_refuses_is_named(model, options, words):
    problems = edit_says(model, options=options)
    assert len(problems) == 1
    assert words in problems[0]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"inputs": []}, "An edit needs at least one picture. Add one."),
        ({"inputs": [PICTURE] * 17}, "There are 17 pictures; GPT Image 2 takes at most 16."),
        (
            {"inputs": [PICTURE, picture(mime="image/gif")]},
            "Picture 2 is 'image/gif'; GPT Image 2 takes image/png, image/jpeg, image/webp.",
        ),
        ({"inputs": [picture(bytes=50 * 2**20)]}, "Picture 1 has 52,428,800 bytes; GPT Image 2"),
        ({"inputs": [picture(bytes=0)]}, "Picture 1 has 0 bytes"),
        (
            {"mask": picture(512, 512)},
            "The mask is 512x512 and the first picture is 1024x1024; both must have the same size.",
        ),
        ({"mask": picture(mime="image/jpeg")}, "The mask is 'image/jpeg'; it must be a PNG file"),
        ({"mask": picture(bytes=4 * 2**20)}, "The mask has 4,194,304 bytes; 1 to 3,999,999"),
        ({"mask": picture(bytes=0)}, "The mask has 0 bytes"),
    ],
)
def test_a_wrong_file_is_named(changed, words):
    problems = edit_says(**changed)
    assert len(problems) == 1
    assert words in problems[0]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"markup": picture(512, 512)}, "The markup is 512x512 and the first picture is 1024x1024"),
        ({"markup": picture(mime="image/jpeg")}, "it must be a PNG file of 1 to 3,999,999"),
        ({"markup": picture(bytes=4_000_000)}, "of 4,000,000 bytes; it must be a PNG file"),
        ({"markup": PICTURE, "mask": PICTURE}, "A mask and a markup cannot go together."),
    ],
)
def test_a_wrong_markup_is_named(changed, words):
    problems = edit_says("gpt-image-2.6-flare", **changed)
    assert len(problems) == 1
    assert words in problems[0]


def test_a_markup_is_for_the_models_since_2_5():
    assert edit_says("gpt-image-2.6-sunburst", markup=PICTURE) == []
    assert edit_says("gpt-image-2.5-flare", markup=PICTURE) == []
    assert edit_says("gpt-image-2", markup=PICTURE) == [
        "GPT Image 2 takes no markup. Remove it, or choose a newer model."
    ]


def test_a_mask_belongs_to_the_first_picture():
    inputs = [picture(512, 768), PICTURE]
    assert edit_says(inputs=inputs, mask=picture(512, 768)) == []
    assert len(edit_says(inputs=inputs, mask=picture(768, 512))) == 1


def test_a_mask_without_its_picture_says_so_too():
    assert edit_says(inputs=[], mask=PICTURE) == [
        "An edit needs at least one picture. Add one.",
        "A mask needs its picture. Add the picture that the mask was drawn on.",
    ]


def test_a_form_is_told_everything_and_a_filing_the_first_thing():
    wrong = edit(prompt="", inputs=[], options={"n": 0, "style": "vivid", "size": "x"})
    problems = sentences(checks.edit_problems(CATALOG, **wrong))
    assert len(problems) == 5
    with pytest.raises(Rejected) as refusal:
        checks.check_edit(CATALOG, **wrong)
    assert str(refusal.value) == problems[0]


@pytest.mark.parametrize(
    ("model", "on", "words"),
    [
        ("gpt-image-1.5", date(2026, 12, 1), "GPT Image 1.5 was shut down on 2026-12-01. Use gpt-"),
        ("gpt-image-1-mini", date(2027, 1, 1), "was shut down on 2026-12-01. Use gpt-image-2.6-f"),
        ("gpt-image-1", TODAY, "gpt-image-1 was shut down on 2026-10-23. Use"),
        ("gpt-image-2.6-flare", date(2026, 11, 3), "is available from 2026-11-04 on. Choose"),
        ("MiniMax-H3", TODAY, "MiniMax H3 makes no image edits. Choose another model."),
        ("dall-e-9", TODAY, "There is no model 'dall-e-9'."),
    ],
)
def test_a_model_that_does_not_serve_is_the_only_problem(model, on, words):
    (problem,) = sentences(checks.edit_problems(CATALOG, **edit(model, on=on, prompt="")))
    assert words in problem
    assert checks.edit_warnings(CATALOG, **edit(model, on=on)) == []
    with pytest.raises(Rejected):
        checks.check_edit(CATALOG, **edit(model, on=on))


@pytest.mark.parametrize("on", [TODAY, date(2026, 11, 30)])
def test_a_model_that_goes_is_taken_with_a_warning_until_its_last_day(on):
    wish = edit("gpt-image-1.5", on=on)
    assert checks.edit_problems(CATALOG, **wish) == []
    (warning,) = sentences(checks.edit_warnings(CATALOG, **wish))
    assert warning.startswith("GPT Image 1.5 will be shut down on 2026-12-01")


def test_a_very_large_size_is_a_warning_and_no_problem():
    wish = edit("gpt-image-2", options={"size": "3840x2160"})
    assert checks.edit_problems(CATALOG, **wish) == []
    assert sentences(checks.edit_warnings(CATALOG, **wish)) == [
        "Sizes above 2560x1440 are experimental at the provider; 3840x2160 may come out worse."
    ]
    smaller = edit("gpt-image-2", options={"size": "2560x1440"})
    assert checks.edit_warnings(CATALOG, **smaller) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=3,
)
NAMES = st.sampled_from(["size", "quality", "n", "stream", "partial_images", "output_format"])


@given(options=st.dictionaries(NAMES | st.text(max_size=9), JSON, max_size=5), prompt=st.text())
def test_no_json_makes_it_stumble(options, prompt):
    wish = edit(options=options, prompt=prompt)
    problems = sentences(checks.edit_problems(CATALOG, **wish))
    assert all(len(problem) < 400 for problem in problems)
    if not problems:
        assert checks.check_edit(CATALOG, **wish)["size"]
