"""What is known of a job's cost, request by request: charged, perhaps, or not at all.

Pure: what is recorded of its paid requests in, a word for each out.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final
from uuid import UUID

from core.models import Attempt, JobEvent
from core.refusals import BAD_RESULT, NOT_SENT, NOT_TAKEN, REFUSED
from core.stages import LIVE_OUTCOMES, Outcome, Stage

KEPT: Final = "kept"  # how a late result ended that is here; another one ends with a code
_GOES_ON: Final = "goes_on"
_DOUBTFUL: Final = frozenset({Outcome.UNKNOWN, Outcome.SUPERSEDED})
_LASTS: Final = LIVE_OUTCOMES | {Outcome.REJECTED}  # a refusal ends its job
_FREE: Final = frozenset({Outcome.NOT_SENT, Outcome.REJECTED})
# Why a job ended whose result its provider had made, and has no more.
_FINISHED_THERE: Final = frozenset({"result_deleted", "result_expired"})
# Failed: MiniMax usually charges nothing for it, and says no more than that.
_DOUBTFUL_STAGES: Final = frozenset({Stage.UNCERTAIN, Stage.ABANDONED, Stage.FAILED})

# What became of a request that its job has gone on without: of its task, by how that ended, and
# without one by what its answer said when it came. Any other word leaves the doubt.
_OF_A_TASK: Final[Mapping[str, Outcome]] = {
    **dict.fromkeys((_GOES_ON, KEPT, "result_expired", *BAD_RESULT), Outcome.ACCEPTED),
    "cancelled_at_provider": Outcome.NOT_SENT,
}
_OF_AN_ANSWER: Final[Mapping[str, Outcome]] = {
    **dict.fromkeys((*NOT_SENT, *NOT_TAKEN), Outcome.NOT_SENT),
    **dict.fromkeys(REFUSED, Outcome.REJECTED),
    **dict.fromkeys((KEPT, *BAD_RESULT), Outcome.ACCEPTED),
}


class Charge(StrEnum):
    """What one request costs."""

    NOTHING = "nothing"
    PERHAPS = "perhaps"
    ITS_PRICE = "its_price"  # or will, when it ends
    COUNTED = "counted"  # its price, and that is in the job's cost if one is known


def late_endings(events: Sequence[JobEvent]) -> Mapping[UUID, str]:
    """Return how the late result of each request that had one to come ended: KEPT, or a code."""
    codes = {
        event.attempt_id: str(event.detail.get("code"))
        for event in events
        if event.kind == "late_result_missing" and event.attempt_id is not None
    }
    return codes | {
        event.attempt_id: KEPT
        for event in events
        if event.kind == "late_result_kept" and event.attempt_id is not None
    }


def became(attempt: Attempt, late: Mapping[UUID, str]) -> Outcome:
    """Return what is known of a request by now, also if its job had gone on before that was so.

    A provider may have turned a request away and worked on it all the same.
    """
    outcome = Outcome(attempt.outcome)
    if outcome in LIVE_OUTCOMES:
        return outcome
    if attempt.provider_task_id is not None:
        doubt = outcome if outcome is Outcome.SUPERSEDED else Outcome.UNKNOWN
        return _OF_A_TASK.get(late.get(attempt.id, _GOES_ON), doubt)
    if outcome is not Outcome.SUPERSEDED:
        return outcome
    said = late.get(attempt.id) or attempt.observation or ""
    return _OF_AN_ANSWER.get(said, Outcome.SUPERSEDED)


def withheld(attempt: Attempt, late: Mapping[UUID, str]) -> bool:
    """Return whether a request was refused when the provider had made its result already."""
    refused = became(attempt, late) is Outcome.REJECTED
    return refused and attempt.observation == "moderation_output"


def charges(
    stage: Stage,
    attempts: Sequence[Attempt],
    late: Mapping[UUID, str],
    *,
    code: str | None = None,
) -> Sequence[Charge]:
    """Return what each request of a job costs; the last one is that which its stage is about.

    `code` says why a job ended, if one does.
    """
    last = next((it for it in attempts if it.outcome in _LASTS), None)
    before = [_of_one(it, late) for it in attempts if it is not last]
    if last and _is_told(last, late):
        return [*before, _of_one(last, late)]
    return [*before, Charge.ITS_PRICE if code in _FINISHED_THERE else _by(stage, last)]


def _is_told(attempt: Attempt, late: Mapping[UUID, str]) -> bool:
    """Return whether a request's own record says more of its cost than its job's stage does."""
    return attempt.outcome == Outcome.REJECTED or attempt.id in late


def _of_one(attempt: Attempt, late: Mapping[UUID, str]) -> Charge:
    ended = late.get(attempt.id)
    outcome = _OF_A_TASK.get(ended, Outcome.UNKNOWN) if ended else became(attempt, late)
    if outcome in _DOUBTFUL or withheld(attempt, late):
        return Charge.PERHAPS
    if outcome in _FREE:
        return Charge.NOTHING
    return Charge.COUNTED if ended == KEPT else Charge.ITS_PRICE


def _by(stage: Stage, live: Attempt | None) -> Charge:
    """Return what the request costs that a job waits for, or ended with, by where the job stands.

    Of a job that is yet to be sent there is none.
    """
    if stage is Stage.STORED:
        return Charge.COUNTED
    if stage in _DOUBTFUL_STAGES or (live is not None and live.outcome == Outcome.UNKNOWN):
        return Charge.PERHAPS
    # What was taken and then cancelled had not begun: that is never charged.
    to_come = live is not None or stage in {Stage.READY, Stage.SUBMITTING}
    return Charge.ITS_PRICE if to_come and stage is not Stage.CANCELLED else Charge.NOTHING
