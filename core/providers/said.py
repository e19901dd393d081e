"""A provider's own words, made fit for our logs, rows and pages; and how long it says to wait."""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

LONGEST: Final = 2000  # characters
LONGEST_WAIT_S: Final = 3600.0
HIDDEN: Final = "[hidden]"
DEEPEST: Final = 32  # levels of JSON: no answer has more than a few

_SECRETS: Final = re.compile(
    r"(?i:bearer)\s+[\w.~+/=*-]+"
    r"|\b(?:sk|rk|pk|sess)-[\w*.-]{3,}"
    r"|\beyJ[\w-]{6,}(?:\.[\w-]*){0,2}"
    r"|(?<=/callback/)[\w-]+"
)
_TRY_AGAIN: Final = re.compile(r"try again in ((?:[\d.]+(?:ms|h|m|s) ?)+)", re.IGNORECASE)
_DURATION: Final = re.compile(r"([\d.]+)(ms|h|m|s)")
_UNITS_S: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def said(text: object, *, secrets: Sequence[str] = ()) -> str:
    """Return up to 2,000 characters of what a provider said, without keys and tokens.

    `secrets` are ours; they are hidden wherever they stand.
    """
    cleaned = str(text)[: 4 * LONGEST]
    for secret in filter(None, secrets):
        cleaned = cleaned.replace(secret, HIDDEN)
    cleaned = _SECRETS.sub(HIDDEN, storable_text(cleaned).strip())
    return cleaned if len(cleaned) <= LONGEST else cleaned[: LONGEST - 1] + "…"


def storable_text(text: str) -> str:
    """Return a text as Postgres takes it: without NULs and halves of surrogate pairs."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def request_id(headers: Mapping[str, str]) -> str | None:
    """Return OpenAI's name for a request, fit to be stored."""
    found = headers.get("x-request-id")
    return storable_text(found)[:200] if found else None


def storable(value: Any, *, depth: int = DEEPEST) -> Any:
    """Return a value of a provider's JSON as Postgres takes it.

    What it does not take, lies too deep, or was too long to be read (`long_strings.Span`),
    becomes None.
    """
    match value:
        case str():
            return storable_text(value)
        case float():
            return value if math.isfinite(value) else None
        case bool() | int() | None:
            return value
        case dict() if depth:
            return {
                storable_text(str(name)): storable(each, depth=depth - 1)
                for name, each in value.items()
            }
        case list() if depth:
            return [storable(each, depth=depth - 1) for each in value]
        case _:
            return None


def wait_s(headers: Mapping[str, str], message: str = "") -> float | None:
    """Return the seconds to wait before the next try: the longest time that is named, up to 1 h.

    Looked at are `retry-after-ms`, `retry-after` (seconds or a date) and "try again in 6m0s".
    """
    named = [
        _number(headers.get("retry-after-ms", "")) / 1000,
        _seconds_or_date(headers.get("retry-after", "")),
        _asked_s(message),
    ]
    longest = max(named)
    return min(longest, LONGEST_WAIT_S) if longest > 0 else None


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if 0 < value < float("inf") else 0.0


def _seconds_or_date(text: str) -> float:
    if not text or text[0].isdigit():
        return _number(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    return max(
        0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    )


def _asked_s(message: str) -> float:
    found = _TRY_AGAIN.search(message)
    return duration_s(found.group(1)) if found is not None else 0.0


def duration_s(text: str) -> float:
    """Return the seconds of '120ms', '58.891s' or '6m0s'; 0 for anything else."""
    parts = _DURATION.findall(text)
    return sum(_number(amount) * _UNITS_S[unit] for amount, unit in parts)
