"""What an observation means: the rows that each provider's table of errors is made of."""

from dataclasses import dataclass
from typing import Literal

from core.errors import NotAccepted, NotSent, OutcomeUnknown, ProviderError, Refused
from core.providers.codes import Code

Scope = Literal["model", "key"]


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


Verdict = NotTaken | Never | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a provider said, for the people who read the error and for its support."""

    message: str  # no secrets in it
    http_status: int | None = None
    request_id: str | None = None
    wait_s: float | None = None  # how long the provider says to wait


def not_taken(code: Code, scope: Scope, *, wait_s: float | None) -> NotTaken:
    """Return a row for 'rate, money or credentials'."""
    return NotTaken(code=code, scope=scope, wait_s=wait_s)


def never(code: Code, *, closes_model: bool = False) -> Never:
    """Return a row for 'refused'."""
    return Never(code=code, closes_model=closes_model)


def unknown(code: Code) -> Unknown:
    """Return a row for 'nobody knows'."""
    return Unknown(code=code)


def error_of(verdict: Verdict, answered: Answered) -> ProviderError:
    """Return the error that a verdict stands for."""
    match verdict:
        case NotTaken():
            return NotAccepted(
                answered.message,
                code=verdict.code,
                scope=verdict.scope,
                retry_after_s=_wait_s(verdict, answered),
                http_status=answered.http_status,
                request_id=answered.request_id,
            )
        case Never():
            return Refused(
                answered.message,
                code=verdict.code,
                closes_model=verdict.closes_model,
                http_status=answered.http_status,
                request_id=answered.request_id,
            )
        case Unknown():
            return unsure(verdict.code, answered)


def _wait_s(verdict: NotTaken, answered: Answered) -> float | None:
    if verdict.wait_s is None:
        return None
    return answered.wait_s or verdict.wait_s


def unsure(code: Code, answered: Answered) -> OutcomeUnknown:
    """Return the error of a request that may have been taken."""
    return OutcomeUnknown(
        answered.message,
        code=code,
        http_status=answered.http_status,
        request_id=answered.request_id,
    )


def not_sent(code: Code, message: str) -> NotSent:
    """Return the error of a request of which nothing left this machine."""
    return NotSent(message, code=code)


def nothing_happened(code: Code, answered: Answered) -> ProviderError:
    """Return the error of a question or a download: it may be repeated."""
    return ProviderError(
        answered.message,
        code=code,
        http_status=answered.http_status,
        request_id=answered.request_id,
    )
