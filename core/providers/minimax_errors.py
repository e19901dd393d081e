"""What MiniMax's errors mean: by its own number wherever there is one, else by HTTP status.

The number comes as `base_resp.status_code` (v1, inside HTTP 200), as `error.code`, or at the
end of a message: "invalid api key (2049)". Anything not in the tables is unknown. That nothing
was taken has to agree with the status: see `observations.agreed`.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from core.errors import ProviderError
from core.providers.codes import Code
from core.providers.observations import Never, NotTaken, Verdict, agreed, meaning
from core.providers.said import said, storable_text, wait_s
from core.providers.verdicts import Answered, error_of, nothing_happened

PROVIDER: Final = "MiniMax"
SUCCESS: Final = 0

_RATE: Final = meaning("rate_limited")
_QUOTA: Final = meaning("quota_exhausted")
_BALANCE: Final = meaning("balance_empty")
_KEY: Final = meaning("key_invalid")
_INTERNAL: Final = meaning("provider_internal")
_INVALID: Final = meaning("invalid_request")

BY_NUMBER: Final[Mapping[int, Verdict]] = {
    1000: _INTERNAL,
    1001: _INTERNAL,
    1002: _RATE,
    1004: _KEY,
    1008: _BALANCE,
    1013: _INTERNAL,
    1024: _INTERNAL,
    1026: meaning("moderation_input"),
    1027: meaning("moderation_output"),
    1028: _QUOTA,
    1030: _QUOTA,
    1033: _INTERNAL,
    1039: _RATE,
    1041: meaning("overloaded"),
    1042: meaning("invisible_characters"),
    2013: _INVALID,
    2038: meaning("account_unverified"),
    2045: meaning("slow_down"),  # "rate growth limit"
    2049: _KEY,
    2056: meaning("usage_window_full"),
    2061: meaning("plan_lacks_model"),
}
BY_STATUS: Final[Mapping[int, Verdict]] = {
    400: _INVALID,
    401: _KEY,
    402: _BALANCE,
    403: meaning("key_not_allowed"),
    408: _INTERNAL,
    409: _INTERNAL,
    413: meaning("too_large"),
    415: _INVALID,
    422: _INVALID,
    429: _RATE,
    500: _INTERNAL,
    502: _INTERNAL,
    503: _INTERNAL,
    504: _INTERNAL,
    520: _INTERNAL,
    524: _INTERNAL,
    529: meaning("overloaded"),
}
# The provider itself says that there is nothing at this address: the base URL is wrong.
NO_SUCH_ADDRESS: Final[Mapping[int, Verdict]] = {
    404: meaning("wrong_address"),
    405: meaning("wrong_address"),
}
UNFORESEEN: Final = meaning("unexpected_answer")

_NUMBER: Final = re.compile(r"[0-9]{1,9}")
_TRAILING: Final = re.compile(r"\((\d{3,6})\)\s*$")
_NO_SUCH_TASK: Final = re.compile(
    r"invalid task_id|record not found|task(?:_id)? (?:not found|does not exist)", re.IGNORECASE
)


def number_of(document: Any) -> int | None:
    """Return the provider's own number for what went wrong (0: nothing), if it gives one."""
    base = _part(document, "base_resp")
    error = _part(document, "error")
    trailing = _TRAILING.search(str(error.get("message", "")))
    named = (base.get("status_code"), error.get("code"), trailing and trailing.group(1))
    return next((int(value) for value in map(str, named) if _NUMBER.fullmatch(value)), None)


def _part(document: Any, name: str) -> Mapping[str, Any]:
    part = document.get(name) if isinstance(document, dict) else None
    return part if isinstance(part, dict) else {}


def message_of(document: Any) -> str:
    """Return the provider's sentence, or ''."""
    words = _part(document, "base_resp").get("status_msg") or _part(document, "error").get(
        "message"
    )
    return str(words or "")


def verdict(status: int, document: Any) -> Verdict | None:
    """Return what the answer to a creation means, or None for a success."""
    number = number_of(document)
    by_number = BY_NUMBER.get(number or SUCCESS)
    has_error = bool(number or _part(document, "error"))
    if status == 200:
        return by_number or (UNFORESEEN if has_error else None)
    statuses = NO_SUCH_ADDRESS if has_error and status in NO_SUCH_ADDRESS else BY_STATUS
    by_status = statuses.get(status, UNFORESEEN)
    return agreed(by_number, by_status, status) if by_number else by_status


def answered(
    status: int, headers: Mapping[str, str], document: Any, *, secrets: tuple[str, ...]
) -> Answered:
    """Return what the provider said, fit to be shown and stored."""
    words = said(message_of(document) or "nothing that could be read", secrets=secrets)
    number = number_of(document)
    code = f" (code {number})" if number and f"({number})" not in words else ""
    return Answered(
        message=f"MiniMax answered {status}: {words}{code}",
        http_status=status,
        request_id=trace_of(headers, document),
        wait_s=wait_s(headers, words),
    )


def trace_of(headers: Mapping[str, str], document: Any) -> str | None:
    """Return what MiniMax's support can find this call by."""
    named = document.get("request_id") if isinstance(document, dict) else None
    found = headers.get("trace-id") or named
    return storable_text(str(found)[:200]) if found else None


def creation_error(
    status: int, headers: Mapping[str, str], document: Any, *, secrets: tuple[str, ...]
) -> ProviderError | None:
    """Return the error of an answer to a creation, or None for a success."""
    found = verdict(status, document)
    if found is None:
        return None
    return error_of(found, answered(status, headers, document, secrets=secrets))


def reading_error(
    status: int, headers: Mapping[str, str], document: Any, *, secrets: tuple[str, ...]
) -> ProviderError | None:
    """Return the error of an answer to a question, or None for a success: try again later."""
    if not isinstance(document, dict):
        return nothing_happened(
            "check_failed", answered(status, headers, document, secrets=secrets)
        )
    found = verdict(status, document)
    if found is None:
        return None
    said_so = answered(status, headers, document, secrets=secrets)
    if _NO_SUCH_TASK.search(message_of(document)):
        return nothing_happened("task_not_found", said_so)
    return nothing_happened(_code_of_reading(found), said_so)


def _code_of_reading(found: Verdict) -> Code:
    """Return why a question got no answer: what is true of a request is not true of its task."""
    if not isinstance(found, NotTaken):
        return "check_failed"
    return "check_limited" if found.wait_s is not None else "check_refused"


def broken_code(number: int | None) -> Code:
    """Return our code for a task the provider gave up on."""
    found = BY_NUMBER.get(number) if number is not None else None
    return found.code if isinstance(found, Never) else "generation_failed"
