"""Whether a job has cost anything, where no amount is known: nothing, perhaps, or about its price.

Pure: what is known of its paid requests in, a word out.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from core.models import Attempt
from core.stages import FINAL, Outcome, Stage

_DOUBTFUL: Final = frozenset({Outcome.UNKNOWN, Outcome.SUPERSEDED})
_FREE: Final = frozenset({Outcome.NOT_SENT, Outcome.REJECTED})
# Given up: also a job that an older database, once restored, has no request of. Failed:
# MiniMax usually charges nothing for it, and says no more than that.
_DOUBTFUL_ENDS: Final = frozenset({Stage.ABANDONED, Stage.FAILED})


class Spent(StrEnum):
    NOTHING = "nothing"
    PERHAPS = "perhaps"
    ITS_PRICE = "its_price"  # or will, when it ends


def spent(stage: Stage, attempts: Sequence[Attempt]) -> Spent:
    """Return what is known of a job's cost from where it stands and what was sent for it."""
    if stage in _DOUBTFUL_ENDS or any(in_doubt(attempt) for attempt in attempts):
        return Spent.PERHAPS
    # What was taken and then cancelled had not begun: that is never charged.
    free = stage is Stage.CANCELLED or all(attempt.outcome in _FREE for attempt in attempts)
    return Spent.NOTHING if stage in FINAL and free else Spent.ITS_PRICE


def in_doubt(attempt: Attempt) -> bool:
    """Return whether nobody knows if a request was charged."""
    return attempt.outcome in _DOUBTFUL or refused_afterwards(attempt)


def refused_afterwards(attempt: Attempt) -> bool:
    """Return whether a request was refused when the provider had made its result already."""
    return attempt.outcome == Outcome.REJECTED and attempt.observation == "moderation_output"
