"""What a stage means for a person, in one sentence each, and how it is coloured."""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Final
from uuid import UUID

from core import refusals
from core.errors import Message, msg
from core.models import Attempt, Dialect, Job, Provider, Run
from core.spending import Charge, became, withheld
from core.stages import Outcome, Stage, Status


class Tone(StrEnum):
    QUIET = "quiet"
    BUSY = "busy"
    GOOD = "good"
    DECIDE = "decide"  # needs a person
    BAD = "bad"


LABELS: Final = {
    Stage.READY: msg("Queued"),
    Stage.SUBMITTING: msg("Sending"),
    Stage.GENERATING: msg("Generating"),
    Stage.STORING: msg("Saving"),
    Stage.UNCERTAIN: msg("Needs a decision"),
    Stage.STORED: msg("Done"),
    Stage.REJECTED: msg("Refused"),
    Stage.FAILED: msg("Failed"),
    Stage.EXPIRED: msg("Expired"),
    Stage.BAD_RESULT: msg("Unusable answer"),
    Stage.ABANDONED: msg("Given up"),
    Stage.CANCELLED: msg("Cancelled"),
}

# The sentence of the code stands below it and says who, why and what it cost.
SENTENCES: Final = {
    Stage.READY: msg("Waiting for its turn. You can close this tab; nothing is lost."),
    Stage.SUBMITTING: msg("The request is on its way. You can close this tab; nothing is lost."),
    Stage.GENERATING: msg("The provider is working on it. You can close this tab."),
    Stage.STORING: msg("The result has come and is being saved."),
    Stage.UNCERTAIN: msg(
        "It may have been sent, and no answer is known. It may have been billed, so it is not "
        "sent again unless you say so."
    ),
    Stage.STORED: msg("Finished and saved."),
    Stage.REJECTED: msg("It was refused."),
    Stage.FAILED: msg("It ended at the provider and brought no result."),
    Stage.EXPIRED: msg("Its time ran out."),
    Stage.BAD_RESULT: msg("The answer held nothing usable."),
    Stage.ABANDONED: msg("You gave up on it. If its result still turns up, it is kept here."),
    Stage.CANCELLED: msg("Cancelled before it cost anything more."),
}
_CANCELLED_FREE: Final = msg("Cancelled before it cost anything.")

STALLED: Final = msg("It takes far longer than usual; we look ever more rarely. Nothing is lost.")
STALLED_KEPT: Final = msg(
    "It takes far longer than usual; we look ever more rarely. {provider} keeps it until {until} "
    "only."
)

STATUS_LABELS: Final = {
    Status.QUEUED: msg("Queued"),
    Status.RUNNING: msg("Running"),
    Status.DONE: msg("Done"),
    Status.ERROR: msg("Error"),
}

OUTCOME_LABELS: Final = {
    Outcome.OPEN: msg("On its way"),
    Outcome.ACCEPTED: msg("Taken; it costs"),
    Outcome.REJECTED: msg("Refused; it costs nothing"),
    Outcome.NOT_SENT: msg("Not taken; it costs nothing"),
    Outcome.UNKNOWN: msg("Unknown; it may have cost"),
    Outcome.SUPERSEDED: msg("Unknown; sent again with consent"),
}

_WITHHELD: Final = msg("Refused; it may have cost")
_FORGOTTEN: Final = msg("Unknown; sent again after an older database was restored")


def outcome_label(attempt: Attempt, late: Mapping[UUID, str]) -> Message:
    """Return what became of a paid request, and what that means for the money.

    `late` is how late results ended: see `core.spending`.
    """
    if withheld(attempt, late):
        return _WITHHELD
    outcome = became(attempt, late)
    if outcome is Outcome.SUPERSEDED and attempt.consent_by is None:
        return _FORGOTTEN
    return OUTCOME_LABELS[outcome]


_FREE_REFUSALS: Final = refusals.REFUSED.keys() - {"moderation_output"}
_NOT_CHARGED: Final = msg("This request was not charged.")
_PERHAPS_CHARGED: Final = msg("This request may have been charged.")
_ALL_THE_SAME: Final = msg("The provider worked on it all the same, so it may have been charged.")
_PERHAPS_BEFORE: Final = msg("What was sent before may have been charged.")
_CHARGED_BEFORE: Final = msg("What was sent before is paid for.")


def sentence(stage: Stage, charges: Sequence[Charge]) -> Message:
    """Return what a stage means for a person; `charges` are those of `core.spending`."""
    free = stage is Stage.CANCELLED and {*charges} == {Charge.NOTHING}
    return _CANCELLED_FREE if free else SENTENCES[stage]


def about_money(code: str | None, charges: Sequence[Charge]) -> Iterator[Message]:
    """Yield what has to be added, for the money, to how a job ended and to the code of why.

    A code speaks of the last request alone, and some leave even that unsaid. What a person has
    cancelled has no code, and all that was ever sent of it was sent before.
    """
    before = set(charges[:-1] if code is not None else charges)
    if code in refusals.CHARGE_UNSAID:
        yield _NOT_CHARGED if charges[-1] is Charge.NOTHING else _PERHAPS_CHARGED
    elif code in _FREE_REFUSALS and charges[-1] is not Charge.NOTHING:
        yield _ALL_THE_SAME
    if Charge.PERHAPS in before:
        yield _PERHAPS_BEFORE
    elif before - {Charge.NOTHING}:
        yield _CHARGED_BEFORE


_TONES: Final = {
    Stage.READY: Tone.QUIET,
    Stage.UNCERTAIN: Tone.DECIDE,
    Stage.STORED: Tone.GOOD,
    Stage.CANCELLED: Tone.QUIET,
    Stage.ABANDONED: Tone.QUIET,
}


PROVIDER_STATUSES: Final = {
    "preparing": msg("{provider} prepares it"),
    "queueing": msg("It waits at {provider}"),
    "queued": msg("It waits at {provider}"),
    "processing": msg("{provider} works on it"),
    "running": msg("{provider} works on it"),
}


def vendor(provider: str) -> str:
    """Return what the company behind a kind of job is called."""
    return "OpenAI" if provider == Provider.GPT else "MiniMax"


def vendor_of(dialect: str) -> str:
    """Return what the company behind a dialect is called."""
    return vendor(Provider.GPT if dialect == Dialect.OPENAI else Provider.HAILUO)


def provider_status(status: str, *, provider: str) -> Message:
    """Return how a provider says a task stands; a word of its that is new to us is quoted."""
    known = PROVIDER_STATUSES.get(status.lower(), msg("{provider} says: “{status}”"))
    return Message(known.text, {"provider": vendor(provider), "status": status})


def stalled(provider: str, *, until: str | None) -> Message:
    """Return what is told of a video that takes too long; its provider may drop it some day."""
    if until is None:
        return STALLED
    return Message(STALLED_KEPT.text, {"provider": vendor(provider), "until": until})


def stage_of(job: Job, run: Run | None) -> Stage:
    """Return where a job stands: its run's stage, or its final one."""
    if job.final_stage is not None:
        return Stage(job.final_stage)
    return Stage(run.stage) if run is not None else Stage.READY


def tone_of(stage: Stage) -> Tone:
    """Return how a stage is coloured."""
    busy = stage in {Stage.SUBMITTING, Stage.GENERATING, Stage.STORING}
    return _TONES.get(stage, Tone.BUSY if busy else Tone.BAD)


EVENT_LABELS: Final = {
    "moved": msg("Stage changed"),
    "sending": msg("Request written down, then sent"),
    "provider_answered": msg("Provider answered"),
    "preview_came": msg("Preview came"),
    "callback_came": msg("Provider called back"),
    "step_failed": msg("A step failed and will be repeated"),
    "lease_ended": msg("A worker was lost; another one goes on"),
    "task_found": msg("The task of a lost answer was found"),
    "cancel_asked": msg("Somebody asked to cancel it at the provider"),
    "cancel_refused": msg("The provider had begun already: it is paid for"),
    "result_deleted": msg("It had just finished, and our cancelling deleted it: it is paid for"),
    "late_result_kept": msg("A late result came and is kept beside the others"),
    "late_result_missing": msg("A late result will not come"),
    "late_result_not_fetched": msg("A late result could not be fetched; it is tried again"),
    "result_unusable": msg("Part of the answer was unusable; the answer is kept"),
    "check_asked": msg("Somebody asked to look at the provider"),
    "thumbnail_not_made": msg("No thumbnail could be made"),
    "result_differs": msg("The result is not what was asked for, and is kept"),
}


OF_ANOTHER_RELEASE: Final = msg("Something that this release has no words for")


def event_label(kind: str) -> Message:
    """Return a log line's title."""
    return EVENT_LABELS.get(kind, OF_ANOTHER_RELEASE)
