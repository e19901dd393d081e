"""What an observation means: one table, a row for each of our codes.

A provider's tables lead from its own words to a row, `core.providers.verdicts` makes the error of
a row, and `workers.recording` does with a job what that error's class says.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from core.providers.codes import Code

Scope = Literal["model", "key"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingLeft:
    """No byte of the request left this machine: it is sent again by itself."""

    code: Code


@dataclass(frozen=True, slots=True, kw_only=True)
class NotTaken:
    """Not taken: the gate of `scope` closes for `wait_s`, or until a person helps (None).

    The provider's own waiting time counts instead wherever it names one, unless only
    a person can help.
    """

    code: Code
    scope: Scope
    wait_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Never:
    """Refused for good; the gate of the model closes if this key may not use it."""

    code: Code
    closes_model: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """It may have been taken and billed."""

    code: Code


@dataclass(frozen=True, slots=True, kw_only=True)
class Useless:
    """Answered in full and billed, and nothing in it can be used."""

    code: Code


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenUp:
    """The provider has ended a task that it had taken."""

    code: Code


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingHappened:
    """A question or a download did not work: it is repeated, which is free."""

    code: Code


Verdict = NotTaken | Never | Unknown  # of an answer to a paid request
Row = NothingLeft | Verdict | Useless | GivenUp | NothingHappened


def not_taken(code: Code, scope: Scope, *, wait_s: float | None) -> NotTaken:
    """Return a row for 'rate, money or credentials'."""
    return NotTaken(code=code, scope=scope, wait_s=wait_s)


def never(code: Code, *, closes_model: bool = False) -> Never:
    """Return a row for 'refused'."""
    return Never(code=code, closes_model=closes_model)


def unknown(code: Code) -> Unknown:
    """Return a row for 'nobody knows'."""
    return Unknown(code=code)


ROWS: Final[tuple[Row, ...]] = (
    NothingLeft(code="unreachable"),
    NothingLeft(code="too_late"),
    NothingLeft(code="input_unreadable"),
    NothingLeft(code="spool_unwritable"),
    not_taken("rate_limited", "model", wait_s=60),  # windows are minutes
    not_taken("slow_down", "model", wait_s=60),
    not_taken("overloaded", "model", wait_s=30),
    not_taken("quota_exhausted", "key", wait_s=None),
    not_taken("usage_window_full", "key", wait_s=1800),  # a window of five hours
    not_taken("balance_empty", "key", wait_s=None),
    not_taken("key_invalid", "key", wait_s=None),
    not_taken("account_unverified", "key", wait_s=None),
    not_taken("wrong_address", "key", wait_s=None),
    never("key_not_allowed", closes_model=True),
    never("organization_unverified", closes_model=True),
    never("country_not_supported", closes_model=True),
    never("model_not_available", closes_model=True),
    never("plan_lacks_model", closes_model=True),
    never("moderation_input"),
    never("moderation_output"),
    never("invisible_characters"),
    never("invalid_request"),
    never("invalid_image"),
    never("mask_invalid"),
    never("too_large"),
    unknown("no_answer"),
    unknown("answer_cut"),
    unknown("answer_unreadable"),
    unknown("answer_not_saved"),
    unknown("provider_internal"),
    unknown("unexpected_answer"),
    unknown("no_task_id"),
    Useless(code="empty_result"),
    Useless(code="not_an_image"),
    GivenUp(code="generation_failed"),
    GivenUp(code="task_expired"),
    GivenUp(code="cancelled_at_provider"),
    NothingHappened(code="check_failed"),
    NothingHappened(code="check_limited"),
    NothingHappened(code="check_refused"),
    NothingHappened(code="check_incomplete"),
    NothingHappened(code="task_not_found"),
    NothingHappened(code="link_not_allowed"),
    NothingHappened(code="download_failed"),
    NothingHappened(code="download_cut"),
    NothingHappened(code="download_too_large"),
    NothingHappened(code="link_expired"),  # each step asks for a fresh link anyway
)
MEANS: Final[Mapping[Code, Row]] = {row.code: row for row in ROWS}


def meaning(code: Code) -> Verdict:
    """Return the row of an answer to a paid request, for a provider's table."""
    row = MEANS[code]
    if not isinstance(row, NotTaken | Never | Unknown):
        raise TypeError(f"{code} is a {type(row).__name__}: no answer to a paid request means it.")
    return row


_BUSY: Final = frozenset({"slow_down", "overloaded"})
_BUSY_STATUSES: Final = frozenset({503, 529})


def agreed(words: Verdict, by_status: Verdict, status: int) -> Verdict:
    """Return what an error's words mean beside its status.

    'Not taken' is the one word after which a paid request is sent again unasked. A server between
    may pass it on with a status of its own while the request goes on behind it: it counts only
    where the status alone would not leave the outcome open, or says that the server is busy.
    """
    is_busy = status in _BUSY_STATUSES and words.code in _BUSY
    contradicted = isinstance(words, NotTaken) and isinstance(by_status, Unknown) and not is_busy
    return by_status if contradicted else words
