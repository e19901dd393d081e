"""The errors that the rows of `core.providers.observations` stand for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from core.errors import (
    BadResult,
    NotAccepted,
    NotSent,
    OutcomeUnknown,
    ProviderError,
    Refused,
)
from core.providers.codes import Code
from core.providers.observations import (
    MEANS,
    GivenUp,
    Never,
    NothingHappened,
    NothingLeft,
    NotTaken,
    Row,
    Unknown,
    Useless,
)

E = TypeVar("E", bound=ProviderError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a provider said, for the people who read the error and for its support."""

    message: str  # no secrets in it
    http_status: int | None = None
    request_id: str | None = None
    wait_s: float | None = None  # how long the provider says to wait


def error_of(row: Row, answered: Answered) -> ProviderError:
    """Return the error that a row stands for."""
    if isinstance(row, NotTaken):
        return NotAccepted(
            answered.message,
            code=row.code,
            scope=row.scope,
            retry_after_s=_wait_s(row, answered),
            http_status=answered.http_status,
            request_id=answered.request_id,
        )
    if isinstance(row, Never):
        return Refused(
            answered.message,
            code=row.code,
            closes_model=row.closes_model,
            http_status=answered.http_status,
            request_id=answered.request_id,
        )
    return _PLAIN[type(row)](
        answered.message,
        code=row.code,
        http_status=answered.http_status,
        request_id=answered.request_id,
    )


_PLAIN: Final[Mapping[type[Row], type[ProviderError]]] = {
    NothingLeft: NotSent,
    Unknown: OutcomeUnknown,
    Useless: BadResult,
    GivenUp: ProviderError,
    NothingHappened: ProviderError,
}


def _wait_s(row: NotTaken, answered: Answered) -> float | None:
    if row.wait_s is None:
        return None
    return answered.wait_s or row.wait_s


def _as(kind: type[E], code: Code, answered: Answered) -> E:
    error = error_of(MEANS[code], answered)
    if not isinstance(error, kind):
        raise TypeError(f"{code} means {type(error).__name__}, not {kind.__name__}: see MEANS.")
    return error


def unsure(code: Code, answered: Answered) -> OutcomeUnknown:
    """Return the error of a request that may have been taken."""
    return _as(OutcomeUnknown, code, answered)


def not_sent(code: Code, message: str) -> NotSent:
    """Return the error of a request of which nothing left this machine."""
    return _as(NotSent, code, Answered(message=message))


def refused(code: Code, message: str) -> Refused:
    """Return the error of a request that we refuse ourselves, as the provider would."""
    return _as(Refused, code, Answered(message=message))


def useless(code: Code, answered: Answered) -> BadResult:
    """Return the error of an answer that was billed and holds nothing."""
    return _as(BadResult, code, answered)


def nothing_happened(code: Code, answered: Answered) -> ProviderError:
    """Return the error of a question or a download: it may be repeated, whatever was said."""
    return ProviderError(
        answered.message,
        code=MEANS[code].code,
        http_status=answered.http_status,
        request_id=answered.request_id,
    )
