"""One line per figure: `figure NAME VALUE UNIT goal <=GOAL ok` (or `short`, or `info`)."""

import math
import sys
from collections.abc import Sequence


class Figures:
    """Collects the lines of one run."""

    def __init__(self) -> None:
        self._short: list[str] = []

    def measured(self, name: str, value: float, unit: str, *, goal: float) -> None:
        """Print a figure that must not exceed its goal."""
        good = value <= goal
        if not good:
            self._short.append(name)
        verdict = "ok" if good else "short"
        print(f"figure {name} {value:.4g} {unit} goal <={goal:g} {verdict}", flush=True)

    def told(self, name: str, value: float, unit: str) -> None:
        """Print a figure that has no goal."""
        print(f"figure {name} {value:.4g} {unit} info", flush=True)

    def seeded(self, name: str, seed: int) -> None:
        """Print what a part's dice began with, in full: to be able to throw them again."""
        print(f"figure {name} {seed} seed info", flush=True)

    def failed(self, name: str, unit: str, *, goal: float, why: str) -> None:
        """Print a figure that could not be measured: it counts as short."""
        self._short.append(name)
        print(f"figure {name} nan {unit} goal <={goal:g} short ({why})", flush=True)

    def status(self) -> int:
        """Return 0 only if nothing was short."""
        if self._short:
            print(f"short: {', '.join(self._short)}", file=sys.stderr)
        return 1 if self._short else 0


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that `share` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
