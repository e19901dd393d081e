"""How large the video becomes: resolution, ratio and first frame turned into even sides."""

import math
from dataclasses import dataclass, replace

from deploy.local.simulators.minimax.models import RATIOS

SHORT_SIDES = {"480P": 480, "512P": 512, "720P": 720, "768P": 768, "1080P": 1080, "2K": 1440}
WIDE = 16 / 9
SMALL_WIDTH = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """The file that a task ends in: pixels, seconds, with or without sound."""

    width: int
    height: int
    duration_s: int
    sound: bool
    shared: bool = False  # one file for all tasks of this shape


def frame_size(resolution: str, aspect: float = WIDE) -> tuple[int, int]:
    """Return width and height; the resolution's name is the short side. 768P wide is 1366x768."""
    short = SHORT_SIDES[resolution]
    return (even(short * aspect), short) if aspect >= 1 else (short, even(short / aspect))


def small(clip: Clip) -> Clip:
    """Return the same picture tiny and one second long, for campaigns of thousands of tasks."""
    height = even(SMALL_WIDTH * clip.height / clip.width)
    return replace(clip, width=SMALL_WIDTH, height=height, duration_s=1)


def even(length: float) -> int:
    """Return the nearest even number: yuv420p has no odd sides."""
    return max(2, 2 * round(length / 2))


def aspect_of(ratio: str) -> float:
    """Return "16:9" as a number."""
    width, height = ratio.split(":")
    return int(width) / int(height)


def nearest_ratio(aspect: float) -> str:
    """Return the named ratio that comes closest."""
    return min(RATIOS, key=lambda ratio: abs(math.log(aspect_of(ratio) / aspect)))
