"""Which parts of a benchmark to measure: those named, or all."""

import sys
from collections.abc import Collection, Sequence


def chosen(named: Sequence[str], known: Collection[str]) -> set[str]:
    """Return the parts named, or all if none is.

    Raises:
        SystemExit: with status 2, if there is no such part: a typo must not measure nothing.
    """
    unknown = [name for name in named if name not in known]
    if unknown:
        print(
            f"There is no part {', '.join(map(repr, unknown))}. There are: {' '.join(known)}.",
            file=sys.stderr,
        )
        raise SystemExit(2)
    return set(named or known)
