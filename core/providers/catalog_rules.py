"""What must hold between the entries of the catalogue: a typo in it must not reach a form."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from core.errors import ConfigError
from core.providers.capabilities import (
    IMAGE_CHOICES,
    PICTURES_BY_MODE,
    RESOLUTIONS,
    ImageCapabilities,
    Model,
    PictureLimits,
    State,
    VideoCapabilities,
    VideoMode,
)
from core.providers.price_lists import ClipPrices, PriceList, SecondPrices, TokenPrices
from core.providers.sizes import read_size, size_problem

PROVIDERS: Final = {"openai": "gpt", "minimax_v1": "hailuo", "minimax_v2": "hailuo"}


def refuse_contradictions(
    models: Mapping[str, Model], retired: Mapping[str, Any], price_lists: Sequence[PriceList]
) -> None:
    """Check the whole catalogue.

    Raises:
        ConfigError: names the entry that contradicts itself or another one.
    """
    for id, model in models.items():
        _check_model(model, f"models.{id}")
        _require(id not in retired, f"models.{id}", "is among the retired ones too")
    for id, gone in [*retired.items(), *models.items()]:
        replacement = gone.replacement
        _require(
            replacement is None or replacement in models,
            id,
            f"is replaced by {replacement!r}, which is no model here",
        )
    _require_unique([prices.version for prices in price_lists], "price_lists", "version")
    for prices in price_lists:
        _check_prices(prices, models, f"price_lists.{prices.version}")


def _require(holds: bool, where: str, problem: str) -> None:
    if not holds:
        raise ConfigError(f"{where} {problem}.")


def _require_unique(values: Sequence[object], where: str, what: str) -> None:
    _require(len(values) == len(set(values)), where, f"has the same {what} twice: {list(values)}")


def _check_model(model: Model, where: str) -> None:
    _require(model.dialect in PROVIDERS, where, f"has an unknown dialect {model.dialect!r}")
    expected = PROVIDERS[model.dialect]
    _require(model.provider == expected, where, f"must have the provider {expected!r}")
    _require((model.image is None) != (model.video is None), where, "must have image or video")
    _require((model.provider == "gpt") == (model.image is not None), where, "has the wrong kind")
    deprecated = model.state is State.DEPRECATED
    _require(
        deprecated == (model.shutdown_date is not None),
        where,
        "must be deprecated if, and only if, it has a shutdown_date",
    )
    _require(not deprecated or model.replacement is not None, where, "needs a replacement")
    first, last = model.available_from, model.shutdown_date
    _require(first is None or last is None or first < last, where, "is shut down before it comes")
    if model.image is not None:
        _check_image(model.image, f"{where}.image")
    if model.video is not None:
        _check_video(model.video, f"{where}.video")


def _check_image(image: ImageCapabilities, where: str) -> None:
    for option in IMAGE_CHOICES:
        choices, default = image.choices(option), image.defaults.get(option)
        _require_unique(choices, where, option)
        _require(not choices or default in choices, where, f"has no usable default {option}")
        _require(bool(choices) or default is None, where, f"has a default {option} and no choice")
    known = {*IMAGE_CHOICES, "size"}
    _require(image.defaults.keys() <= known, where, "has defaults of unknown options")
    _require(image.defaults.get("size") in image.sizes, where, "has no usable default size")
    _require_unique(image.sizes, where, "size")
    for size in image.sizes:
        _check_size(image, size, where)
    _require(set(image.compressed_formats) <= set(image.formats), where, "compresses unknown files")
    for count in (image.prompt_max_chars, image.n_max, image.inputs_max, image.mask_max_bytes):
        _require(count > 0, where, "has a limit below 1")
    _check_pictures(image.pictures, where)


def _check_size(image: ImageCapabilities, size: str, where: str) -> None:
    if size == "auto":
        return
    pixels = read_size(size)
    _require(pixels is not None, where, f"has an unreadable size {size!r}")
    if image.custom_size is not None and pixels is not None:
        _require(size_problem(image.custom_size, pixels) is None, where, f"refuses its size {size}")


def _check_video(video: VideoCapabilities, where: str) -> None:
    _require(bool(video.modes), where, "has no mode")
    for name, mode in video.modes.items():
        _require(name in PICTURES_BY_MODE, where, f"has an unknown mode {name!r}")
        _check_mode(mode, f"{where}.modes.{name}")
    _require(
        (video.default_expansion_mode in video.expansion_modes)
        or (video.default_expansion_mode is None and not video.expansion_modes),
        where,
        "has no usable default_expansion_mode",
    )
    _require(video.prompt_max_chars > 0, where, "has a limit below 1")
    _check_pictures(video.pictures, where)


def _check_mode(mode: VideoMode, where: str) -> None:
    for resolution, durations in mode.durations.items():
        _require(resolution in RESOLUTIONS, where, f"has an unknown resolution {resolution!r}")
        _require(bool(durations), where, f"has no duration at {resolution}")
        _require_unique(durations, where, "duration")
        usual = mode.default_duration in durations
        _require(usual, where, f"does not offer its default_duration at {resolution}")
    _require(mode.default_resolution in mode.durations, where, "has no usable default_resolution")
    _require(
        (mode.default_ratio in mode.ratios) or (mode.default_ratio is None and not mode.ratios),
        where,
        "has no usable default_ratio",
    )


def _check_pictures(pictures: PictureLimits, where: str) -> None:
    _require(bool(pictures.mimes) and pictures.max_bytes > 0, where, "takes no picture at all")
    sides = pictures.max_side is None or pictures.min_side <= pictures.max_side
    _require(sides, where, "has a min_side above its max_side")
    least, most = pictures.min_aspect, pictures.max_aspect
    _require(least is None or most is None or least <= most, where, "has no possible aspect")


def _check_prices(prices: PriceList, models: Mapping[str, Model], where: str) -> None:
    named = [id for entry in prices.entries() for id in entry.models]
    _require_unique(named, where, "model")
    for id in named:
        _require(id in models, where, f"prices {id!r}, which is no model here")
        _require(models[id].provider == prices.provider, where, f"prices {id}, of another provider")
    for entry in prices.entries():
        for id in entry.models:
            _PRICE_CHECKS[type(entry)](entry, models[id], f"{where} {id}")


def _check_tokens(entry: TokenPrices, model: Model, where: str) -> None:
    _require(model.image is not None, where, "has token prices and makes no images")
    money = [entry.text_in, entry.image_in, entry.image_out]
    _require(min(money) > 0, where, "has a price of 0 or less")
    for size in entry.made_table or {}:
        _require(read_size(size) is not None, where, f"has tokens of an unreadable size {size!r}")


def _check_clips(entry: ClipPrices, model: Model, where: str) -> None:
    offered = _offered(model)
    for resolution, by_duration in entry.usd.items():
        for duration, usd in by_duration.items():
            _require(usd > 0, where, "has a price of 0 or less")
            combination = f"{resolution} at {duration} s"
            _require((resolution, duration) in offered, where, f"has a price for {combination}")


def _check_seconds(entry: SecondPrices, model: Model, where: str) -> None:
    offered = {resolution for resolution, _ in _offered(model)}
    _require(set(entry.usd_per_second) == offered, where, f"must have prices for {sorted(offered)}")
    _require(min(entry.usd_per_second.values()) > 0, where, "has a price of 0 or less")


def _offered(model: Model) -> set[tuple[str, int]]:
    return {
        (resolution, duration)
        for mode in (model.video.modes.values() if model.video else ())
        for resolution, durations in mode.durations.items()
        for duration in durations
    }


_PRICE_CHECKS: Final[Mapping[type, Callable[[Any, Model, str], None]]] = {
    TokenPrices: _check_tokens,
    ClipPrices: _check_clips,
    SecondPrices: _check_seconds,
}
