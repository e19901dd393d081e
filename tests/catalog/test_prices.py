"""What a click will cost, and what it did cost. The expected sums are worked out by hand."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.providers.checks import check_edit
from core.providers.prices import Cost, Estimate, Medians, cost, estimate
from tests.catalog.wishes import CATALOG, IMAGES, PICTURE, TODAY, VIDEOS, edit, picture

OPENAI, MINIMAX = "openai-2026-11-12", "minimax-2026-11-22"


def about(model: str, *, inputs: Any = (PICTURE,), usd: str | None = None, **options: Any) -> Any:
    """Return an edit's estimate; `usd` is our median of such results."""
    checked = check_edit(CATALOG, **edit(model, options=options, inputs=list(inputs)))
    history = Medians(usd=Decimal(usd)) if usd is not None else None
    return estimate(
        CATALOG,
        model=model,
        options=checked,
        inputs=inputs,
        history=history,
        on=TODAY,
        prompt="12345678",
    )


TEXT = Decimal(6 + 16 + 2)  # tokens of an eight-letter prompt with one picture


@pytest.mark.parametrize(
    ("model", "options", "tokens"),
    [
        ("gpt-image-1.5", {"quality": "low", "size": "1024x1024"}, 272),
        ("gpt-image-1.5", {"quality": "medium", "size": "1024x1024"}, 1056),
        ("gpt-image-1.5", {"quality": "high", "size": "1024x1024"}, 4160),
        ("gpt-image-1.5", {"quality": "low", "size": "1024x1536"}, 408),
        ("gpt-image-1.5", {"quality": "medium", "size": "1024x1536"}, 1584),
        ("gpt-image-1.5", {"quality": "high", "size": "1024x1536"}, 6240),
        ("gpt-image-1.5", {"quality": "low", "size": "1536x1024"}, 400),
        ("gpt-image-1.5", {"quality": "medium", "size": "1536x1024"}, 1568),
        ("gpt-image-1.5", {"quality": "high", "size": "1536x1024"}, 6208),
    ],
)
def test_the_published_table_makes_the_estimate(model, options, tokens):
    # One square picture of low fidelity is one tile: 65 + 129 tokens.
    usd = (TEXT * 5 + 194 * 8 + tokens * 32) / Decimal(1_000_000)
    assert about(model, **options) == Estimate(usd=usd, basis="price", version=OPENAI)


def test_the_small_model_has_its_own_prices():
    usd = (TEXT * 2 + 194 * Decimal("2.5") + 1056 * 8) / Decimal(1_000_000)
    assert about("gpt-image-1-mini", quality="medium", size="1024x1024").usd == usd


@pytest.mark.parametrize(
    ("size", "quality", "guide_usd"),
    [
        ("1024x1024", "low", "0.006"),
        ("1024x1024", "medium", "0.053"),
        ("1024x1024", "high", "0.211"),
        ("1536x1024", "low", "0.005"),
        ("1536x1024", "medium", "0.041"),
        ("1536x1024", "high", "0.165"),
        ("1024x1536", "high", "0.165"),
    ],
)
def test_gpt_image_2_comes_to_the_guides_price_and_the_input(size, quality, guide_usd):
    inputs = (TEXT * 5 + 1024 * 8) / Decimal(1_000_000)
    made = about("gpt-image-2", size=size, quality=quality).usd - inputs
    assert made.quantize(Decimal("0.001")) == Decimal(guide_usd)


def test_gpt_image_2_is_known_at_every_free_size():
    # The calculator of the vendor, read by its users: 12,329 tokens.
    large = about("gpt-image-2", size="3584x2048", quality="high").usd
    assert large == (TEXT * 5 + 1024 * 8 + 12_329 * 30) / Decimal(1_000_000)


@pytest.mark.parametrize(
    ("width", "height", "tokens"),
    [
        (1024, 1024, 1024),
        (512, 512, 1024),  # magnified twice
        (256, 256, 256),
        (4000, 3000, 1536),  # no more than the budget
        (1024, 100, 352),  # billed as 1:3
    ],
)
def test_gpt_image_2_reads_pictures_in_patches(width, height, tokens):
    one = about("gpt-image-2", inputs=(picture(width, height),), quality="low", size="1024x1024")
    two = about(
        "gpt-image-2", inputs=(picture(width, height),) * 2, quality="low", size="1024x1024"
    )
    assert two.usd - one.usd == (16 * Decimal(5) + tokens * 8) / Decimal(1_000_000)


@pytest.mark.parametrize(
    ("width", "height", "low", "high"),
    [
        (1024, 1024, 194, 194 + 4160),
        (1024, 1536, 323, 323 + 6240),
        (1025, 1024, 194, 194 + 6240),
    ],
)
def test_older_models_read_pictures_in_tiles(width, height, low, high):
    inputs = (picture(width, height),)
    sure: Any = {"quality": "low", "size": "1024x1024", "inputs": inputs}
    near = about("gpt-image-1.5", input_fidelity="low", **sure).usd
    close = about("gpt-image-1.5", input_fidelity="high", **sure).usd
    assert near == (TEXT * 5 + low * 8 + 272 * 32) / Decimal(1_000_000)
    assert close - near == (high - low) * Decimal(8) / Decimal(1_000_000)


def test_each_result_is_billed_and_each_preview():
    sure = {"quality": "low", "size": "1024x1024"}
    one = about("gpt-image-2", **sure).usd
    assert about("gpt-image-2", n=4, **sure).usd == 4 * one
    previewed = about("gpt-image-2", stream=True, partial_images=3, **sure).usd
    assert previewed - one == 300 * Decimal(30) / Decimal(1_000_000)


def test_what_the_provider_chooses_is_counted_at_its_dearest():
    left_open = about("gpt-image-2")
    dearest = about("gpt-image-2", quality="high", size="1024x1024")
    assert left_open == Estimate(usd=dearest.usd, basis="price", version=OPENAI, at_most=True)


def test_our_own_median_beats_the_dearest_choice_but_no_known_price():
    assert about("gpt-image-2", usd="0.07").basis == "median"
    assert about("gpt-image-2", quality="low", size="1024x1024", usd="0.07").basis == "price"


@pytest.mark.parametrize(
    "model", ["gpt-image-2.6-sunburst", "gpt-image-2.5-flare", "chatgpt-image-latest"]
)
def test_without_published_tokens_our_median_is_the_estimate(model):
    sure = {"quality": "high", "size": "1024x1024"}
    assert about(model, **sure) == Estimate(usd=None, basis="unknown", version=None)
    assert about(model, usd="0.2", n=2, **sure) == Estimate(
        usd=Decimal("0.4"), basis="median", version=None
    )


V1_PRICES = [
    ("MiniMax-Hailuo-2.3-Fast", "768P", 6, "0.19"),
    ("MiniMax-Hailuo-2.3-Fast", "768P", 10, "0.32"),
    ("MiniMax-Hailuo-2.3-Fast", "1080P", 6, "0.33"),
    ("MiniMax-Hailuo-2.3", "768P", 6, "0.28"),
    ("MiniMax-Hailuo-2.3", "768P", 10, "0.56"),
    ("MiniMax-Hailuo-2.3", "1080P", 6, "0.49"),
    ("MiniMax-Hailuo-02", "512P", 6, "0.10"),
    ("MiniMax-Hailuo-02", "512P", 10, "0.15"),
    ("MiniMax-Hailuo-02", "768P", 6, "0.28"),
    ("MiniMax-Hailuo-02", "768P", 10, "0.56"),
    ("MiniMax-Hailuo-02", "1080P", 6, "0.49"),
]


@pytest.mark.parametrize(("model", "resolution", "duration", "usd"), V1_PRICES)
def test_a_v1_clip_costs_what_the_list_says(model, resolution, duration, usd):
    options = {"mode": "first_frame", "resolution": resolution, "duration": duration}
    guess = estimate(CATALOG, model=model, options=options, inputs=[PICTURE], on=TODAY)
    assert guess == Estimate(usd=Decimal(usd), basis="price", version=MINIMAX)
    paid = cost(CATALOG, model=model, options=options, usage={}, on=TODAY)
    assert paid == Cost(usd=Decimal(usd), price_version=MINIMAX)


@pytest.mark.parametrize("model", ["T2V-01", "I2V-01-live", "S2V-01"])
def test_a_clip_without_a_list_price_is_unknown(model):
    options = {"mode": "text", "resolution": "720P", "duration": 6}
    guess = estimate(CATALOG, model=model, options=options, inputs=[], on=TODAY)
    assert guess == Estimate(usd=None, basis="unknown", version=None)
    assert cost(CATALOG, model=model, options=options, usage={}, on=TODAY).usd is None


@pytest.mark.parametrize(
    ("model", "resolution", "duration", "images", "usd"),
    [
        ("MiniMax-H3", "768P", 5, 0, "0.40"),
        ("MiniMax-H3", "2K", 15, 0, "1.95"),
        ("MiniMax-H3", "768P", 4, 5, "0.32"),
        ("MiniMax-H3", "768P", 4, 7, "0.40"),
        ("MiniMax-H3-Max", "480P", 5, 2, "0.25"),
        ("MiniMax-H3-Max", "768P", 5, 3, "0.474"),
    ],
)
def test_a_v2_clip_costs_its_seconds_and_pictures(model, resolution, duration, images, usd):
    options = {"mode": "text", "resolution": resolution, "duration": duration}
    inputs = [PICTURE] * images
    guess = estimate(CATALOG, model=model, options=options, inputs=inputs, on=TODAY)
    assert guess == Estimate(usd=Decimal(usd), basis="price", version=MINIMAX)
    usage = {"output_seconds": duration, "input_seconds": 0, "input_image_count": images}
    paid = cost(CATALOG, model=model, options=options, usage=usage, on=TODAY)
    assert paid == Cost(usd=Decimal(usd), price_version=MINIMAX)


@pytest.mark.parametrize(
    ("usage", "usd"),
    [
        ({"output_seconds": 5, "input_seconds": 3, "input_image_count": 1}, "0.64"),
        ({"output_seconds": 5, "input_seconds": 2.5}, "0.60"),
        ({}, "0.40"),
        ({"output_seconds": None}, "0.40"),
        ({"output_seconds": "5"}, "0.40"),
        ({"output_seconds": 6}, "0.48"),
    ],
)
def test_what_a_v2_usage_does_not_say_follows_from_the_request(usage, usd):
    options = {"mode": "first_frame", "resolution": "768P", "duration": 5}
    paid = cost(CATALOG, model="MiniMax-H3", options=options, usage=usage, on=TODAY)
    assert paid.usd == Decimal(usd)


def spent(usage: Any, model: str = "gpt-image-2") -> Decimal | None:
    return cost(CATALOG, model=model, options={}, usage=usage, on=TODAY).usd


COUNTED = {"text_tokens": 67, "image_tokens": 1100}


@pytest.mark.parametrize(
    ("model", "usage", "usd"),
    [
        (
            "gpt-image-2.6-sunburst",
            {
                "input_tokens_details": COUNTED,
                "output_tokens": 7033,
                "output_tokens_details": {"text_tokens": 0, "image_tokens": 7033},
            },
            "0.220125",
        ),
        ("gpt-image-2", {"input_tokens_details": COUNTED, "output_tokens": 7033}, "0.220125"),
        (
            "gpt-image-1.5",
            {
                "input_tokens_details": COUNTED,
                "output_tokens_details": {"text_tokens": 100, "image_tokens": 1000},
            },
            "0.042135",
        ),
        ("gpt-image-2", {"input_tokens": 1167, "output_tokens": 7033}, "0.220326"),
        (
            "gpt-image-2",
            {"input_tokens": 10, "input_tokens_details": {"text_tokens": 10}, "output_tokens": 0},
            "0.000080",
        ),
        (
            "gpt-image-2",
            {
                "input_tokens_details": COUNTED,
                "output_tokens_details": {"text_tokens": 1000, "image_tokens": 1000},
            },
            "0.069135",
        ),
    ],
)
def test_an_edit_costs_its_tokens(model, usage, usd):
    assert spent(usage, model) == Decimal(usd)


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        {"total_tokens": 8200},
        {"input_tokens": 10},
        {"output_tokens": 10},
        {"input_tokens": None, "output_tokens": None},
        {"input_tokens": "10", "output_tokens": "10"},
        {"input_tokens": True, "output_tokens": 1},
        {"input_tokens": -1, "output_tokens": 1},
        {"input_tokens": float("nan"), "output_tokens": 1},
        {"input_tokens": 1, "output_tokens": float("inf")},
        {"input_tokens": 1, "output_tokens": 10**30},
        {"input_tokens": 1, "output_tokens": 10**11},
        {"input_tokens_details": [], "output_tokens_details": "x"},
    ],
)
def test_a_usage_that_counts_nothing_costs_an_unknown_amount(usage):
    paid = cost(CATALOG, model="gpt-image-2", options={}, usage=usage, on=TODAY)
    assert paid == Cost(usd=None, price_version=None)


def test_before_the_first_list_and_for_forgotten_models_nothing_is_known():
    usage = {"input_tokens": 10, "output_tokens": 10}
    early = date(2026, 11, 12) - timedelta(days=1)
    assert cost(CATALOG, model="gpt-image-2", options={}, usage=usage, on=early).usd is None
    assert cost(CATALOG, model="dall-e-2", options={}, usage=usage, on=TODAY).usd is None
    guess = estimate(CATALOG, model="gpt-image-2", options={}, inputs=[], on=early)
    assert guess == Estimate(usd=None, basis="unknown", version=None)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.dictionaries(
        st.sampled_from(["text_tokens", "image_tokens"]) | st.text(max_size=5), inner
    ),
    max_leaves=4,
)
COUNTS = ["input_tokens", "output_tokens", "input_tokens_details", "output_seconds", "duration"]


@given(
    model=st.sampled_from([*IMAGES, *VIDEOS]) | st.text(max_size=9),
    options=st.dictionaries(st.sampled_from(["mode", "resolution", "duration"]), JSON),
    usage=st.dictionaries(st.sampled_from(COUNTS), JSON),
)
def test_a_cost_never_fails_and_always_fits_its_column(model, options, usage):
    usd = cost(CATALOG, model=model, options=options, usage=usage, on=TODAY).usd
    assert usd is None or (0 <= usd < 1_000_000 and usd == round(usd, 6))
