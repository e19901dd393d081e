"""Reading a request's fields: the right JSON type, or a refusal that names the field."""

import unicodedata
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from deploy.local.simulators.minimax.refusals import Refused, invalid

INVISIBLE_SHARE = 0.1  # of all characters; above it the provider answers 1042


class Parameters:
    """The fields of one JSON object. A field that is null counts as not given."""

    def __init__(self, body: object, name: str = "request body") -> None:
        if not isinstance(body, dict):
            raise invalid(f"{name} must be a JSON object")
        self._fields: dict[str, Any] = body

    def __contains__(self, field: str) -> bool:
        return self._fields.get(field) is not None

    def any(self, field: str) -> Any:
        """Return the value whatever its type, or None."""
        return self._fields.get(field)

    def text(self, field: str) -> str | None:
        """Return a string, or None."""
        value = self._fields.get(field)
        if value is not None and not isinstance(value, str):
            raise invalid(f"{field} must be a string")
        return value

    def required_text(self, field: str) -> str:
        """Return a string that is not blank."""
        value = self.text(field)
        if value is None or not value.strip():
            raise invalid(f"{field} is required")
        return value

    def whole(self, field: str) -> int | None:
        """Return a whole number, or None; true is not a number."""
        value = self._fields.get(field)
        if value is not None and type(value) is not int:
            raise invalid(f"{field} must be an integer")
        return value

    def flag(self, field: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self._fields.get(field, default)
        if type(value) is not bool:
            raise invalid(f"{field} must be a boolean")
        return value

    def array(self, field: str) -> list[Any]:
        """Return a list that is not empty."""
        value = self._fields.get(field)
        if not isinstance(value, list) or not value:
            raise invalid(f"{field} must be a non-empty array")
        return value

    def callback_url(self) -> str | None:
        """Return `callback_url`, an absolute http(s) URL, or None."""
        url = self.text("callback_url")
        if not url:
            return None
        if not is_web_url(url):
            raise invalid("callback_url must be an http or https URL")
        return url


def one_of(field: str, value: object, allowed: Iterable[object]) -> None:
    """Refuse a value that is not on the list."""
    choices = list(allowed)
    if value not in choices:
        listed = ", ".join(map(str, choices))
        raise invalid(f"{field} {value!r} is not supported, expected one of: {listed}")


def is_web_url(url: str) -> bool:
    """Tell whether this is an absolute http(s) URL."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def readable(prompt: str, *, at_most: int) -> str:
    """Return the prompt. Refuse it when it is too long or mostly invisible (code 1042)."""
    if len(prompt) > at_most:
        raise invalid(f"prompt has {len(prompt)} characters, at most {at_most} are allowed")
    invisible = sum(unicodedata.category(each) in {"Cc", "Cf", "Cs"} for each in prompt)
    line_breaks = sum(prompt.count(each) for each in "\n\r\t")
    if invisible - line_breaks > INVISIBLE_SHARE * len(prompt):
        raise Refused(1042)
    return prompt
