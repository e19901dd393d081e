"""A mistake in the catalogue stops the process, and the error names the entry."""

import copy
import tomllib
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from core.errors import ConfigError
from core.providers import checks
from core.providers.catalog import FILE, load, parse
from tests.catalog.wishes import PICTURE, edit, sentences

SOUND = tomllib.loads(FILE.read_text(encoding="utf-8"), parse_float=Decimal)


def broken(change: Callable[[Any], object]) -> str:
    """Return the error that a changed catalogue raises."""
    tables = copy.deepcopy(SOUND)
    change(tables)
    with pytest.raises(ConfigError) as error:
        parse(tables)
    return str(error.value)


def fact(tables: Any, words: str) -> Any:
    return next(item for item in tables["unconfirmed"] if words in item["fact"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.pop("retired"), "sections must be"),
        (lambda t: t.update(models=[]), "[models] must be a table"),
        (lambda t: t["models"]["T2V-01"].pop("label"), "models.T2V-01 has no field 'label'"),
        (lambda t: t["models"]["T2V-01"].update(labl="x"), "unknown field 'labl'"),
        (lambda t: t["models"].update({"T2V-01": 1}), "names 'T2V-01', which is no table"),
        (lambda t: t["models"]["T2V-01"].update(family=["x"]), "names ['x'], which is no table"),
        (lambda t: t["models"]["T2V-01"].update(rates=5), "T2V-01.rates must be a table, not 5"),
        (
            lambda t: t["models"]["S2V-01"].update(video={"modes": 5}),
            "modes must be a table, not 5",
        ),
        (lambda t: t["models"]["T2V-01"].update(label=1), "T2V-01.label must be text, not 1"),
        (lambda t: t["models"]["T2V-01"].update(family="t"), "names 't', which is no table in"),
        (lambda t: t["models"]["T2V-01"].update(state="new"), "must be one of active, legacy"),
        (lambda t: t["models"]["T2V-01"].update(state="deprecated"), "only if, it has a shutdown"),
        (lambda t: t["models"]["T2V-01"].update(provider="gpt"), "must have the provider 'hailuo'"),
        (lambda t: t["models"]["T2V-01"].update(replacement="x"), "T2V-01 is replaced by 'x'"),
        (
            lambda t: t["families"]["t2v-01"].update(dialect="grpc"),
            "names 'grpc', which is no table",
        ),
        (lambda t: t["retired"].update({"T2V-01": t["retired"]["dall-e-2"]}), "is among the ret"),
        (lambda t: t["retired"]["dall-e-2"].update(replacement="x"), "dall-e-2 is replaced by 'x'"),
        (lambda t: fact(t, "T2V")["to"].append("t3v"), "names 't3v': no such model"),
    ],
)
def test_a_wrong_entry_is_named(change, words):
    assert words in broken(change)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("qualities", ["low"], "gpt-image-2.image has no usable default quality"),
        ("qualities", ["auto", "auto"], "has the same quality twice"),
        ("qualities", "auto", "qualities must be a list, not 'auto'"),
        ("sizes", ["auto", "big"], "has an unreadable size 'big'"),
        ("sizes", ["auto", "1000x1000"], "refuses its size 1000x1000"),
        ("sizes", ["1024x1024"], "has no usable default size"),
        ("n_max", True, "n_max must be a whole number, not True"),
        ("n_max", 0, "has a limit below 1"),
        ("compressed_formats", ["gif"], "compresses unknown files"),
        ("defaults", {"complexity": "high"}, "has a default complexity and no choice"),
        ("defaults", {"speed": "high"}, "has defaults of unknown options"),
        ("complexities", ["low"], "has no usable default complexity"),
    ],
)
def test_a_wrong_image_capability_is_named(field, value, words):
    assert words in broken(lambda t: t["families"]["gpt-image-2"]["image"].update({field: value}))


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("durations", {"999P": [6]}, "text has an unknown resolution '999P'"),
        ("durations", {"720P": []}, "has no duration at 720P"),
        ("durations", {"720P": [6, 6]}, "has the same duration twice"),
        ("durations", {"720P": [10]}, "does not offer its default_duration at 720P"),
        ("durations", {"768P": [6]}, "has no usable default_resolution"),
        ("durations", {"720P": ["6"]}, "durations.720P[0] must be a whole number, not '6'"),
        ("default_ratio", "16:9", "has no usable default_ratio"),
    ],
)
def test_a_wrong_video_mode_is_named(field, value, words):
    def change(tables: Any) -> None:
        tables["families"]["t2v-01"]["video"]["modes"]["text"][field] = value

    assert words in broken(change)


def test_an_unknown_mode_is_named():
    def change(tables: Any) -> None:
        modes = tables["families"]["t2v-01"]["video"]["modes"]
        modes["dream"] = modes["text"]

    assert "has an unknown mode 'dream'" in broken(change)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda p: p[1].update(version=p[0]["version"]), "has the same version twice"),
        (lambda p: p[1].update(valid_from="2026"), "valid_from must be a date, not '2026'"),
        (lambda p: p[0]["tokens"][0]["models"].append("gpt-image-9"), "prices 'gpt-image-9'"),
        (lambda p: p[0]["tokens"][0]["models"].append("gpt-image-2"), "the same model twice"),
        (lambda p: p[0]["tokens"][0]["models"].append("MiniMax-H3"), "of another provider"),
        (lambda p: p[0]["tokens"][0].update(text_in=0), "has a price of 0 or less"),
        (lambda p: p[0]["tokens"][0].update(text_in="5"), "text_in must be a number, not '5'"),
        (lambda p: p[0]["tokens"][0].update(text_in=Decimal("NaN")), "must be a number"),
        (lambda p: p[1]["clips"][0]["usd"]["768P"].update({"7": 1}), "a price for 768P at 7 s"),
        (lambda p: p[1]["clips"][0]["usd"]["768P"].update({"six": 1}), "has the key 'six'"),
        (lambda p: p[1]["seconds"][0]["usd_per_second"].pop("2K"), "must have prices for"),
    ],
)
def test_a_wrong_price_is_named(change, words):
    assert words in broken(lambda tables: change(tables["price_lists"]))


def test_a_typo_behind_a_switch_that_is_off_is_found():
    def change(tables: Any) -> None:
        fact(tables, "T2V")["adds"]["video"]["modes"]["text"]["durations"] = {"1081P": [6]}

    assert "unknown resolution '1081P'" in broken(change)


def test_a_switch_adds_what_nobody_has_confirmed():
    tables = copy.deepcopy(SOUND)
    fact(tables, "T2V")["offered"] = True
    fact(tables, "xhigh")["offered"] = False
    catalog = parse(tables)

    video, image = catalog.model("T2V-01").video, catalog.model("gpt-image-2.6-flare").image
    assert video is not None
    assert image is not None
    assert video.modes["text"].durations == {"720P": (6,), "1080P": (6,)}
    assert image.qualities == ("auto", "low", "medium", "high")


def test_a_file_that_is_no_toml_is_one_sentence(tmp_path: Path):
    file = tmp_path / "catalog.toml"
    file.write_text("[models\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"catalog\.toml is no TOML: .*line 1"):
        load(file)


def test_a_wrong_entry_in_a_file_names_the_file_too(tmp_path: Path):
    file = tmp_path / "other.toml"
    text = FILE.read_text(encoding="utf-8").replace('label = "T2V-01"', 'lable = "T2V-01"')
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"^other\.toml: models\.T2V-01 has an unknown field"):
        load(file)


def test_a_model_that_takes_neither_mask_nor_previews_says_so():
    tables = copy.deepcopy(SOUND)
    tables["families"]["gpt-image-2"]["image"] |= {"mask": False, "partials_max": 0}
    wish = edit("gpt-image-2", mask=PICTURE, options={"stream": True})
    assert sentences(checks.edit_problems(parse(tables), **wish)) == [
        "GPT Image 2 does not take a mask. Remove it.",
        "Live previews: GPT Image 2 does not take this option. Leave it out.",
    ]
