"""The catalogue as it is: which models, in which order, until when, and that it is consistent."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from core.errors import Rejected
from core.providers.capabilities import RateLimits
from core.providers.catalog import load
from tests.catalog.wishes import CATALOG, IMAGES, TODAY, VIDEOS

LAST_DAY = date(2026, 11, 30)
SHUT_DOWN = date(2026, 12, 1)
GOING = ["gpt-image-1.5", "gpt-image-1.5-2025-12-16", "gpt-image-1-mini", "chatgpt-image-latest"]


def test_it_is_read_once():
    assert load() is CATALOG


def test_every_model_of_both_providers_is_there():
    assert set(IMAGES) == {
        "gpt-image-2.6-sunburst",
        "gpt-image-2.6-flare",
        "gpt-image-2.5-sunburst",
        "gpt-image-2.5-sunburst-2026-09-08",
        "gpt-image-2.5-flare",
        "gpt-image-2.5-flare-2026-09-08",
        "gpt-image-2",
        "gpt-image-2-2026-04-21",
        *GOING,
    }
    assert set(VIDEOS) == {
        "MiniMax-H3",
        "MiniMax-H3-Max",
        "MiniMax-Hailuo-2.3",
        "MiniMax-Hailuo-2.3-Fast",
        "MiniMax-Hailuo-02",
        "T2V-01-Director",
        "T2V-01",
        "I2V-01-Director",
        "I2V-01-live",
        "I2V-01",
        "S2V-01",
    }


def test_the_default_comes_first():
    assert IMAGES[0] == "gpt-image-2.6-sunburst"
    assert VIDEOS[0] == "MiniMax-H3"


@pytest.mark.parametrize("model", GOING)
@pytest.mark.parametrize(
    ("on", "words"),
    [
        (date(2026, 11, 23), "will be shut down on 2026-12-01, in 8 days; use gpt-image-2.6-"),
        (date(2026, 11, 29), "will be shut down on 2026-12-01, in 2 days; use gpt-image-2.6-"),
        (LAST_DAY, "will be shut down on 2026-12-01, tomorrow; use gpt-image-2.6-"),
    ],
)
def test_a_model_that_goes_warns_until_its_last_day(model, on, words):
    assert words in str(CATALOG.model(model).shutdown_warning(on))
    assert model in [each.id for each in CATALOG.models("gpt", on)]


@pytest.mark.parametrize("model", GOING)
def test_a_model_that_is_gone_is_not_offered_but_still_known(model):
    assert model not in [each.id for each in CATALOG.models("gpt", SHUT_DOWN)]
    assert CATALOG.model(model).label
    assert CATALOG.model(model).shutdown_warning(SHUT_DOWN) is None


def test_a_model_that_stays_does_not_warn():
    assert CATALOG.model("gpt-image-2").shutdown_warning(TODAY) is None


def test_a_model_that_has_not_come_is_not_offered():
    early = date(2026, 11, 3)
    assert "gpt-image-2.6-flare" not in [model.id for model in CATALOG.models("gpt", early)]
    assert "gpt-image-2.6-flare" in [
        model.id for model in CATALOG.models("gpt", early + timedelta(days=1))
    ]


@pytest.mark.parametrize(
    ("id", "words"),
    [
        ("gpt-image-1", "gpt-image-1 was shut down on 2026-10-23. Use gpt-image-2.6-sunburst"),
        ("dall-e-3", "dall-e-3 was shut down on 2026-05-12. Use"),
        ("gpt-image-9", "There is no model 'gpt-image-9'. Choose one from the list."),
        ("", "There is no model ''."),
        ("x" * 10_000, "There is no model 'xxxxxxxx"),
        ("a\x00\ud800{b}", "There is no model 'a\\x00\\ud800{b}'."),
    ],
)
def test_an_unknown_model_is_refused_in_one_short_sentence(id, words):
    with pytest.raises(Rejected) as refusal:
        CATALOG.model(id)
    assert words in str(refusal.value)
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize("id", [*IMAGES, *VIDEOS])
def test_every_model_says_what_it_is_for(id):
    model = CATALOG.model(id)
    assert model.label
    assert str(model.description).endswith(".")
    assert model.description.text in set(CATALOG.texts())


@pytest.mark.parametrize("id", VIDEOS)
def test_every_video_model_says_how_often_it_may_be_asked(id):
    model = CATALOG.model(id)
    assert model.rates.poll_interval_s == 10
    assert (model.rates.requests_per_minute, model.rates.in_flight) in {(5, None), (None, 2)}


def test_the_price_list_of_a_day_is_the_newest_that_had_begun():
    first = CATALOG.prices("gpt", date(2026, 11, 12))
    assert first is not None
    assert first.version == "openai-2026-11-12"
    assert CATALOG.prices("gpt", date(2026, 11, 11)) is None
    assert CATALOG.prices("gpt", date(2030, 1, 1)) is first


def test_money_is_decimal_and_as_it_was_written():
    prices = CATALOG.prices("hailuo", TODAY)
    assert prices is not None
    h3 = next(entry for entry in prices.seconds if "MiniMax-H3-Max" in entry.models)
    assert h3.usd_per_image == Decimal("0.074")
    assert isinstance(h3.usd_per_image, Decimal)


def test_a_key_may_do_what_the_strictest_model_behind_its_api_allows():
    catalog = load()

    assert catalog.rates("minimax_v1") == RateLimits(requests_per_minute=5)
    assert catalog.rates("minimax_v2") == RateLimits(in_flight=2)
    assert catalog.rates("openai") == RateLimits()


def test_an_operators_figure_replaces_the_catalogues():
    known = RateLimits(requests_per_minute=5, in_flight=2)

    assert known.replaced_by(RateLimits(requests_per_minute=20)) == RateLimits(
        requests_per_minute=20, in_flight=2
    )
