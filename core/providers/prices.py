"""What a request will cost, about, and what it did cost. US dollars as Decimal, never float."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final, Literal

from core.providers.capabilities import PICTURES_BY_MODE
from core.providers.catalog import Catalog
from core.providers.pictures import InputFacts
from core.providers.price_lists import ClipPrices, PriceList, SecondPrices, TokenPrices
from core.providers.sizes import AUTO
from core.providers.tokens import made_tokens, read_tokens, text_tokens

MILLION: Final = Decimal(1_000_000)
MICRODOLLAR: Final = Decimal("0.000001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Medians:
    """Our own experience with one model, quality and size, as they were asked ('auto' too).

    `usd` is the median cost of one result image, or None before the first one.
    """

    usd: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a click will cost. `usd` is None when basis is 'unknown': ask before sending."""

    usd: Decimal | None
    basis: Literal["price", "median", "unknown"]
    version: str | None  # of the price list, for basis 'price'
    at_most: bool = False  # something is left to the provider; its dearest choice was counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a finished job cost. Both None when no price or no usable usage is known."""

    usd: Decimal | None
    price_version: str | None


UNKNOWN: Final = Estimate(usd=None, basis="unknown", version=None)
NOT_KNOWN: Final = Cost(usd=None, price_version=None)


def estimate(
    catalog: Catalog,
    *,
    model: str,
    options: Mapping[str, Any],
    inputs: Sequence[InputFacts],
    history: Medians | None = None,
    on: date,
    prompt: str = "",
) -> Estimate:
    """Return what a request will cost. `options` are those that `checks` returned."""
    prices = _prices(catalog, model, on)
    entry = prices.of(model) if prices is not None else None
    if isinstance(entry, TokenPrices) or (entry is None and _is_image(catalog, model)):
        return _image_estimate(prices, model, options, inputs, history, prompt)
    usd = _video_usd(entry, options, usage={}, pictures=len(inputs))
    if usd is None or prices is None:
        return UNKNOWN
    return Estimate(usd=usd, basis="price", version=prices.version)


def cost(
    catalog: Catalog,
    *,
    model: str,
    options: Mapping[str, Any],
    usage: Mapping[str, Any] | None,
    on: date,
) -> Cost:
    """Return what a finished job cost; it never fails, because its result is paid for.

    For images it is an upper bound: cached input is not told apart in the answer.
    """
    prices = _prices(catalog, model, on)
    entry = prices.of(model) if prices is not None else None
    usage = usage or {}
    if isinstance(entry, TokenPrices):
        usd = _tokens_usd(entry, usage)
    else:
        pictures = PICTURES_BY_MODE.get(str(options.get("mode")), 0)
        usd = _video_usd(entry, options, usage=usage, pictures=pictures)
    if usd is None or prices is None:
        return NOT_KNOWN
    return Cost(usd=usd, price_version=prices.version)


def _prices(catalog: Catalog, model: str, on: date) -> PriceList | None:
    found = catalog.by_id.get(model)
    return catalog.prices(found.provider, on) if found is not None else None


def _is_image(catalog: Catalog, model: str) -> bool:
    found = catalog.by_id.get(model)
    return found is not None and found.image is not None


def _image_estimate(
    prices: PriceList | None,
    model: str,
    options: Mapping[str, Any],
    inputs: Sequence[InputFacts],
    history: Medians | None,
    prompt: str,
) -> Estimate:
    """Return an edit's estimate: by published tokens, else by our own median.

    Where the provider chooses quality or size, our median says more than its dearest choice.
    """
    open_choice = AUTO in {options.get("quality", AUTO), options.get("size", AUTO)}
    known = _known_usd(prices, model, options, inputs, prompt)
    if known is None or open_choice:
        median = _median(history, options)
        if median is not None:
            return Estimate(usd=median, basis="median", version=None)
    if known is None or prices is None:
        return UNKNOWN
    return Estimate(usd=known, basis="price", version=prices.version, at_most=open_choice)


def _median(history: Medians | None, options: Mapping[str, Any]) -> Decimal | None:
    if history is None or history.usd is None:
        return None
    return _rounded(history.usd * int(options.get("n", 1)))


def _known_usd(
    prices: PriceList | None,
    model: str,
    options: Mapping[str, Any],
    inputs: Sequence[InputFacts],
    prompt: str,
) -> Decimal | None:
    """Return an edit's price by its token counts; each of n results is billed like a call."""
    entry = prices.of(model) if prices is not None else None
    if not isinstance(entry, TokenPrices):
        return None
    made = made_tokens(
        entry, quality=str(options.get("quality", AUTO)), size=str(options.get("size", AUTO))
    )
    read = read_tokens(entry, inputs, input_fidelity=options.get("input_fidelity"))
    if made is None or read is None:
        return None
    previews = entry.partial_tokens * int(options.get("partial_images") or 0)
    each = (
        text_tokens(prompt, pictures=len(inputs)) * entry.text_in
        + read * entry.image_in
        + (made + previews) * entry.image_out
    )
    return _rounded(int(options.get("n", 1)) * each / MILLION)


def _tokens_usd(entry: TokenPrices, usage: Mapping[str, Any]) -> Decimal | None:
    """Return the price of the tokens in a usage; what is not told apart counts as images."""
    read = _split(usage, "input_tokens")
    made = _split(usage, "output_tokens")
    if read is None or made is None:
        return None
    text_out = entry.text_out if entry.text_out is not None else entry.image_out
    total = (
        read[0] * entry.text_in
        + read[1] * entry.image_in
        + made[0] * text_out
        + made[1] * entry.image_out
    )
    return _rounded(total / MILLION)


def _split(usage: Mapping[str, Any], name: str) -> tuple[Decimal, Decimal] | None:
    """Return a side's text and image tokens, or None when the answer did not count it."""
    details = usage.get(f"{name}_details")
    if isinstance(details, Mapping):
        text, image = _number(details, "text_tokens"), _number(details, "image_tokens")
        if text is not None and image is not None:
            return text, image
    total = _number(usage, name)
    return (Decimal(0), total) if total is not None else None


def _video_usd(
    entry: TokenPrices | ClipPrices | SecondPrices | None,
    options: Mapping[str, Any],
    *,
    usage: Mapping[str, Any],
    pictures: int,
) -> Decimal | None:
    """Return a clip's price; what the usage does not say follows from what was asked."""
    resolution, duration = str(options.get("resolution")), options.get("duration")
    if isinstance(entry, ClipPrices) and type(duration) is int:
        return entry.usd.get(resolution, {}).get(duration)
    if not isinstance(entry, SecondPrices) or resolution not in entry.usd_per_second:
        return None
    made = _number(usage, "output_seconds") or _number(options, "duration")
    if made is None:
        return None
    read = _number(usage, "input_seconds") or Decimal(0)
    counted = _number(usage, "input_image_count")
    images = counted if counted is not None else Decimal(pictures)
    fees = max(Decimal(0), images - entry.free_images) * entry.usd_per_image
    return _rounded((made + read) * entry.usd_per_second[resolution] + fees)


def _number(values: Mapping[str, Any], name: str) -> Decimal | None:
    """Return a count of a provider's, or None for anything that is no plausible one."""
    value = values.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    number = Decimal(str(value))
    return number if number.is_finite() and 0 <= number < MILLION * MILLION else None


def _rounded(usd: Decimal) -> Decimal | None:
    """Return an amount to the millionth, or None for one that no column and no bill holds."""
    return usd.quantize(MICRODOLLAR, ROUND_HALF_UP) if usd < MILLION else None
