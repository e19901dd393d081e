"""What MiniMax offers: models, modes, resolutions, lengths, prices, how long it takes.

Source: the vendor's tables as of 2026-11-22. A price or a time that no table gives says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Mode(StrEnum):
    """What a video is made from."""

    TEXT = "text_to_video"
    IMAGE = "image_to_video"
    FIRST_LAST = "first_last_frame"  # v1: the last frame alone is enough
    SUBJECT = "subject_reference"  # v1, S2V-01
    REFERENCE = "reference"  # v2


Lengths = Mapping[str, tuple[int, ...]]  # resolution -> seconds on offer

HD: Lengths = {"768P": (6, 10), "1080P": (6,)}
OLD: Lengths = {"720P": (6,)}

V1: Mapping[str, Mapping[Mode, Lengths]] = {
    "MiniMax-Hailuo-2.3": {Mode.TEXT: HD, Mode.IMAGE: HD},
    "MiniMax-Hailuo-2.3-Fast": {Mode.IMAGE: HD},
    "MiniMax-Hailuo-02": {
        Mode.TEXT: HD,
        Mode.IMAGE: {"512P": (6, 10), **HD},
        Mode.FIRST_LAST: HD,
    },
    "T2V-01-Director": {Mode.TEXT: OLD},
    "T2V-01": {Mode.TEXT: OLD},
    "I2V-01-Director": {Mode.IMAGE: OLD},
    "I2V-01-live": {Mode.IMAGE: OLD},
    "I2V-01": {Mode.IMAGE: OLD},
    "S2V-01": {Mode.SUBJECT: OLD},
}

V1_DEFAULT_LENGTH_S = 6


def v1_default_resolution(lengths: Lengths) -> str:
    """Return the resolution of a request that names none."""
    return "768P" if "768P" in lengths else "720P"


V1_PRICES_USD: Mapping[tuple[str, str, int], float] = {
    ("MiniMax-Hailuo-2.3-Fast", "768P", 6): 0.19,
    ("MiniMax-Hailuo-2.3-Fast", "768P", 10): 0.32,
    ("MiniMax-Hailuo-2.3-Fast", "1080P", 6): 0.33,
    ("MiniMax-Hailuo-2.3", "768P", 6): 0.28,
    ("MiniMax-Hailuo-2.3", "768P", 10): 0.56,
    ("MiniMax-Hailuo-2.3", "1080P", 6): 0.49,
    ("MiniMax-Hailuo-02", "512P", 6): 0.10,
    ("MiniMax-Hailuo-02", "512P", 10): 0.15,
    ("MiniMax-Hailuo-02", "768P", 6): 0.28,
    ("MiniMax-Hailuo-02", "768P", 10): 0.56,
    ("MiniMax-Hailuo-02", "1080P", 6): 0.49,
}
V1_PRICE_UNLISTED_USD = 0.28  # an assumption: no current list price of the *-01 models was found


@dataclass(frozen=True, slots=True, kw_only=True)
class V2Model:
    """One row of the v2 tables. Prices in USD."""

    per_second: Mapping[str, float]  # by resolution: also says which resolutions there are
    lengths_s: range
    images_free: int
    per_image: float
    expands_prompts: bool
    default_resolution: str | None


V2: Mapping[str, V2Model] = {
    "MiniMax-H3": V2Model(
        per_second={"768P": 0.08, "2K": 0.13},
        lengths_s=range(4, 16),
        images_free=5,
        per_image=0.04,
        expands_prompts=False,
        default_resolution=None,
    ),
    "MiniMax-H3-Max": V2Model(
        per_second={"480P": 0.05, "768P": 0.08},
        lengths_s=range(5, 16),
        images_free=2,
        per_image=0.074,
        expands_prompts=True,
        default_resolution="768P",
    ),
}

RATIOS = ("21:9", "16:9", "4:3", "1:1", "3:4", "9:16")
ADAPTIVE = "adaptive"


def v1_cost_usd(model: str, resolution: str, duration_s: int) -> float:
    """Return the price of one clip."""
    return V1_PRICES_USD.get((model, resolution, duration_s), V1_PRICE_UNLISTED_USD)


def v2_cost_usd(model: str, resolution: str, *, seconds: int, images: int) -> float:
    """Return the price of one clip; `seconds` of output and of reference video together."""
    row = V2[model]
    paid_images = max(0, images - row.images_free)
    return round(seconds * row.per_second[resolution] + paid_images * row.per_image, 4)


# Median seconds from create to done, for a clip of 6 s (v1) or 5 s (v2). Sources: "768P 1.5-5 min,
# 1080P up to 10 min" (v1), 117 s for 4 s of 768P, 417 s for 5 s of 2K, "under 3 s" (H3-Max).
MEDIANS_S: Mapping[str, float] = {
    "MiniMax-Hailuo-2.3 768P": 150,
    "MiniMax-Hailuo-2.3 1080P": 300,
    "MiniMax-Hailuo-2.3-Fast 768P": 100,
    "MiniMax-Hailuo-2.3-Fast 1080P": 200,
    "MiniMax-Hailuo-02 512P": 110,
    "MiniMax-Hailuo-02 768P": 200,
    "MiniMax-Hailuo-02 1080P": 400,
    "MiniMax-H3 768P": 146,
    "MiniMax-H3 2K": 417,
    "MiniMax-H3-Max 480P": 2.5,
    "MiniMax-H3-Max 768P": 3,
}
MEDIAN_UNLISTED_S = 180.0  # an assumption for the *-01 models
SPREAD = 0.557  # sigma of the lognormal: p95 is 2.5 times the median
USUAL_LENGTH_S = {"v1": 6, "v2": 5}


def median_s(wanted: Mapping[str, float], model: str, resolution: str, duration_s: int) -> float:
    """Return how long such a clip usually takes.

    `wanted` is the setting `duration_s`: "median" counts for every task; otherwise
    "MODEL RESOLUTION" is the time of a clip of usual length, and longer ones take longer.
    """
    if "median" in wanted:
        return wanted["median"]
    usual = wanted.get(f"{model} {resolution}", MEDIAN_UNLISTED_S)
    return usual * duration_s / USUAL_LENGTH_S["v2" if model in V2 else "v1"]
