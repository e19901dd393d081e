"""What a provider's rate-limit headers say: how much per minute, and whether anything is left."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from core.providers.said import LONGEST_WAIT_S, duration_s

PREFIX: Final = "x-ratelimit-"
FAMILIES: Final = ("requests", "input-images", "images", "tokens", "project-tokens")
_WHOLE: Final = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What one key may do with one model. None: the answer does not say.

    `empty_for_s`: nothing is left of at least one limit for so many seconds.
    """

    requests_per_minute: int | None
    input_images_per_minute: int | None
    empty_for_s: float | None

    def limits(self) -> dict[str, int]:
        """Return the figures that are known, as they are kept."""
        named = {
            "requests_per_minute": self.requests_per_minute,
            "input_images_per_minute": self.input_images_per_minute,
        }
        return {name: figure for name, figure in named.items() if figure}


def rate_limits(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the rate-limit headers alone, their names in small letters."""
    named = ((name.lower(), value) for name, value in headers.items())
    return {name: value for name, value in named if name.startswith(PREFIX)}


def allowance(headers: Mapping[str, str]) -> Allowance:
    """Return what the headers of `rate_limits` mean; what cannot be read says nothing."""
    waits = [
        duration_s(headers.get(f"{PREFIX}reset-{family}", ""))
        for family in FAMILIES
        if _figure(headers, "remaining", family) == 0
    ]
    empty_s = min(max(waits, default=0.0), LONGEST_WAIT_S)
    return Allowance(
        requests_per_minute=_figure(headers, "limit", "requests"),
        input_images_per_minute=_figure(headers, "limit", "input-images"),
        empty_for_s=empty_s if empty_s > 0 else None,
    )


def _figure(headers: Mapping[str, str], what: str, family: str) -> int | None:
    text = headers.get(f"{PREFIX}{what}-{family}", "").strip()
    return int(text) if _WHOLE.fullmatch(text) else None
