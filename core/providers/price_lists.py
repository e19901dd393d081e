"""Dated price lists, as the catalogue holds them. Money is US dollars, always Decimal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeByArea:
    """Output tokens of a free size: edges by quality, weighted by pixels (see `tokens`)."""

    edges: Mapping[str, int]  # tokens along the longer edge, by quality
    offset_pixels: int
    scale_pixels: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadByTiles:
    """Input tokens of a picture whose shorter side is scaled to `side` and cut into tiles."""

    side: int
    base: int
    per_tile: int
    high_fidelity_square: int = 0  # added when input_fidelity is high
    high_fidelity_other: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadByPatches:
    """Input tokens of a picture cut into patches, with small ones magnified first."""

    side: int
    budget: int
    magnified_to: int
    magnified_by_at_most: int
    max_aspect: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPrices:
    """USD per million tokens, and how many tokens there will be where that is known."""

    models: Sequence[str]
    text_in: Decimal
    image_in: Decimal
    image_out: Decimal
    text_out: Decimal | None = None
    partial_tokens: int  # image output tokens of each streamed preview
    made_table: Mapping[str, Mapping[str, int]] | None = None  # by size, then quality
    made_by_area: MadeByArea | None = None
    read_by_tiles: ReadByTiles | None = None
    read_by_patches: ReadByPatches | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipPrices:
    """USD per clip, by resolution and seconds."""

    models: Sequence[str]
    usd: Mapping[str, Mapping[int, Decimal]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondPrices:
    """USD per second by resolution, and a fee for each picture after the free ones."""

    models: Sequence[str]
    usd_per_second: Mapping[str, Decimal]
    free_images: int
    usd_per_image: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceList:
    """What a provider asked for from a day on. `version` is stored with every cost."""

    version: str
    provider: str
    valid_from: date
    source: str
    tokens: Sequence[TokenPrices] = ()
    clips: Sequence[ClipPrices] = ()
    seconds: Sequence[SecondPrices] = ()

    def entries(self) -> Sequence[TokenPrices | ClipPrices | SecondPrices]:
        """Return every entry, whatever its unit."""
        return (*self.tokens, *self.clips, *self.seconds)

    def of(self, model: str) -> TokenPrices | ClipPrices | SecondPrices | None:
        """Return a model's entry, or None when its price is not known."""
        return next((entry for entry in self.entries() if model in entry.models), None)
