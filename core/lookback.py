"""How far back a claim looks.

What was claimed stays in the queue's index as a dead entry until the last old snapshot is
gone; a report or a dump keeps thousands of them alive, and each claim would read past all
of them. A process remembers where the living ones begin. From time to time it looks at
everything, because a row may become visible later than its due time says.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Final

EVERYTHING: Final = datetime(1970, 1, 1, tzinfo=UTC)
MARGIN: Final = timedelta(seconds=1)  # a job is written up to so long before it is visible
FULL_EVERY_S: Final = 5.0


class Lookback:
    """Where the living entries of each part of the queue begin. Not shared between threads."""

    def __init__(self) -> None:
        self._first: dict[str, datetime] = {}
        self._full_at = time.monotonic()

    def begin(self) -> None:
        """Begin a claim: now and then it is one that looks at everything."""
        if time.monotonic() - self._full_at >= FULL_EVERY_S:
            self._first.clear()
            self._full_at = time.monotonic()

    def since(self, part: str) -> datetime:
        """Return from which due time on to look."""
        return self._first.get(part, EVERYTHING)

    def seen(self, part: str, first: datetime) -> None:
        """Note that nothing alive in this part was due before `first`."""
        self._first[part] = max(self.since(part), first - MARGIN)
