"""How many tokens an edit will probably take. What it really took comes with the answer."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from math import ceil, floor
from typing import Final

from core.providers.pictures import InputFacts
from core.providers.price_lists import MadeByArea, ReadByPatches, ReadByTiles, TokenPrices
from core.providers.sizes import AUTO, Size, read_size

# What 'auto' may become, to name a price that will not be exceeded by much.
AUTO_SIZES: Final = ("1024x1024", "1536x1024", "1024x1536")
AUTO_QUALITIES: Final = ("low", "medium", "high")

# Seen on bills of edits: a prompt's tokens and these; four bytes to a token, Korean included.
TEXT_TOKENS_ALWAYS: Final = 6
TEXT_TOKENS_PER_PICTURE: Final = 16
BYTES_PER_TOKEN: Final = 4


def made_tokens(prices: TokenPrices, *, quality: str, size: str) -> int | None:
    """Return the image tokens of one result, the most that 'auto' may mean; None if unknown."""
    qualities = AUTO_QUALITIES if quality == AUTO else (quality,)
    sizes = AUTO_SIZES if size == AUTO else (size,)
    counts = [_made(prices, *choice) for choice in product(qualities, sizes)]
    known = [count for count in counts if count is not None]
    return max(known) if len(known) == len(counts) else None


def _made(prices: TokenPrices, quality: str, size: str) -> int | None:
    if prices.made_table is not None:
        return prices.made_table.get(size, {}).get(quality)
    pixels = read_size(size)
    if prices.made_by_area is None or pixels is None:
        return None
    return _by_area(prices.made_by_area, quality, pixels)


def _by_area(rule: MadeByArea, quality: str, size: Size) -> int | None:
    """Return a grid of tokens in the result's shape, weighted by its pixels."""
    longer_edge = rule.edges.get(quality)
    if longer_edge is None:
        return None
    shorter_edge = _nearest(Fraction(longer_edge * min(size), max(size)))
    weight = Fraction(rule.offset_pixels + size[0] * size[1], rule.scale_pixels)
    return ceil(longer_edge * shorter_edge * weight)


def _nearest(value: Fraction) -> int:
    return floor(value + Fraction(1, 2))


def read_tokens(
    prices: TokenPrices, pictures: Sequence[InputFacts], *, input_fidelity: str | None
) -> int | None:
    """Return the image tokens of all inputs; None where nobody knows how they are counted."""
    if prices.read_by_tiles is not None:
        tiles = prices.read_by_tiles
        high = input_fidelity == "high"
        return sum(_by_tiles(tiles, picture, high=high) for picture in pictures)
    if prices.read_by_patches is not None:
        return sum(_by_patches(prices.read_by_patches, picture) for picture in pictures)
    return None


def _by_tiles(rule: ReadByTiles, picture: InputFacts, *, high: bool) -> int:
    longer, shorter = max(picture.width, picture.height), min(picture.width, picture.height)
    tiles = ceil(longer * rule.side // shorter / rule.side)
    tokens = rule.base + rule.per_tile * tiles
    if not high:
        return tokens
    return tokens + (rule.high_fidelity_square if longer == shorter else rule.high_fidelity_other)


def _by_patches(rule: ReadByPatches, picture: InputFacts) -> int:
    longer = Fraction(max(picture.width, picture.height))
    shorter = max(Fraction(min(picture.width, picture.height)), longer / rule.max_aspect)
    wanted = max(Fraction(1), rule.magnified_to / longer)
    factor = min(Fraction(rule.magnified_by_at_most), wanted)
    patches = ceil(longer * factor / rule.side) * ceil(shorter * factor / rule.side)
    return min(rule.budget, patches)


def text_tokens(prompt: str, *, pictures: int) -> int:
    """Return about how many text tokens an edit is billed for."""
    written = ceil(len(prompt.encode(errors="replace")) / BYTES_PER_TOKEN)
    return TEXT_TOKENS_ALWAYS + TEXT_TOKENS_PER_PICTURE * pictures + written
