"""The life of a task. Pure: a few fixed times, and a clock that is handed in.

Preparing ──▶ Queueing ──▶ Processing ──▶ Success | Fail
    └────────────┴──▶ Cancelled (v2 only)

v2 calls the first two `queued` and the third `running`.
"""

import math
import random
from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """Where a task stands, in the words of v1."""

    PREPARING = "Preparing"
    QUEUEING = "Queueing"
    PROCESSING = "Processing"
    SUCCESS = "Success"
    FAIL = "Fail"
    CANCELLED = "Cancelled"


WAITING = frozenset({Phase.PREPARING, Phase.QUEUEING})
FINAL = frozenset({Phase.SUCCESS, Phase.FAIL, Phase.CANCELLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """When a task changes. Unix times, drawn once at its creation."""

    created_at: float
    queueing_at: float
    processing_at: float
    ends_at: float | None  # None: stuck in Processing for ever
    fail_code: int | None = None  # what it ends with; None = success
    cancelled_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A task enters a phase at a Unix time."""

    phase: Phase
    at: float


def changes(walk: Walk) -> list[Change]:
    """Return every change of this task, past and to come, in order. Phases of no length are left
    out, as the provider skips some too."""
    planned = [
        Change(phase=Phase.PREPARING, at=walk.created_at),
        Change(phase=Phase.QUEUEING, at=walk.queueing_at),
        Change(phase=Phase.PROCESSING, at=walk.processing_at),
    ]
    if walk.ends_at is not None:
        end = Phase.SUCCESS if walk.fail_code is None else Phase.FAIL
        planned.append(Change(phase=end, at=walk.ends_at))
    if walk.cancelled_at is not None:
        planned = [each for each in planned if each.at <= walk.cancelled_at]
        planned.append(Change(phase=Phase.CANCELLED, at=walk.cancelled_at))
    following = [each.at for each in planned[1:]] + [math.inf]
    return [each for each, after in zip(planned, following, strict=True) if each.at < after]


def standing(walk: Walk, now: float) -> Change:
    """Return the phase the task is in, and since when."""
    all_changes = changes(walk)
    return next((each for each in reversed(all_changes) if each.at <= now), all_changes[0])


def drawn(
    seed: str,
    *,
    now: float,
    median_s: float,
    spread: float,
    fixed_s: float | None = None,
    fail_code: int | None = None,
    stuck: bool = False,
) -> Walk:
    """Draw a life: lognormal in total, the same for the same seed; `fixed_s` fixes the total."""
    dice = random.Random(seed)  # noqa: S311 - repeatable on purpose, guards nothing
    total_s = median_s * math.exp(dice.gauss(0, spread)) if fixed_s is None else fixed_s
    queueing_at = now + total_s * dice.uniform(0.02, 0.08)
    queued_share = 0.0 if dice.random() < 0.3 else dice.uniform(0.02, 0.2)
    return Walk(
        created_at=now,
        queueing_at=queueing_at,
        processing_at=queueing_at + total_s * queued_share,
        ends_at=None if stuck else now + total_s,
        fail_code=fail_code,
    )
