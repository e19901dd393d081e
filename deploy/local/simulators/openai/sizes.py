"""The size of a result: which ones are allowed, and what `auto` becomes."""

import math
import re

from deploy.local.simulators.openai.refusals import Refused, unsupported, unusable

Size = tuple[int, int]

SQUARE: Size = (1024, 1024)
FIXED: tuple[Size, ...] = (SQUARE, (1024, 1536), (1536, 1024))
LONGEST_EDGE = 3840
LEAST_PIXELS = 655_360
MOST_PIXELS = 8_294_400
STEEPEST = 3


def text(size: Size) -> str:
    """Return the size as the provider writes it."""
    return f"{size[0]}x{size[1]}"


def nearest(aspect_of: Size | None) -> Size:
    """Return what `auto` becomes: the fixed size whose aspect is nearest to the input's."""
    if aspect_of is None:
        return SQUARE
    ratio = math.log(aspect_of[0] / aspect_of[1])
    return min(FIXED, key=lambda size: abs(math.log(size[0] / size[1]) - ratio))


def parsed(wanted: str, *, free: bool) -> Size | None:
    """Return the size asked for, None for `auto`.

    `free` models take any WxH within the limits, the others three sizes. Raises Refused.
    """
    if wanted == "auto":
        return None
    if not free and wanted not in map(text, FIXED):
        raise unsupported("size", wanted, (*map(text, FIXED), "auto"))
    match = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", wanted)
    if match is None:
        raise _invalid(wanted, "Expected 'auto' or a size such as '1536x1024'.")
    size = int(match[1]), int(match[2])
    problem = _problem(size)
    if problem:
        raise _invalid(wanted, problem)
    return size


def _problem(size: Size) -> str | None:
    longest, shortest, pixels = max(size), min(size), size[0] * size[1]
    checks = {
        f"The longest edge must be less than or equal to {LONGEST_EDGE}.": longest <= LONGEST_EDGE,
        "Both edges must be multiples of 16.": size[0] % 16 == 0 == size[1] % 16,
        "The aspect ratio must be between 1:3 and 3:1.": longest <= STEEPEST * shortest,
        "Requested resolution is below the current minimum pixel budget.": pixels >= LEAST_PIXELS,
        "Requested resolution exceeds the current maximum pixel budget.": pixels <= MOST_PIXELS,
    }
    return next((message for message, holds in checks.items() if not holds), None)


def _invalid(wanted: str, problem: str) -> Refused:
    return unusable(f"Invalid size '{wanted}'. {problem}", param="size")
