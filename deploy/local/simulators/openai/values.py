"""Single values of a request, with the provider's complaints about each kind of wrong one."""

import re
from collections.abc import Mapping
from typing import Any

from deploy.local.simulators.openai.refusals import Refused, malformed, unsupported, wrong_type

WHOLE = re.compile(r"-?\d{1,9}")


class Values:
    """The named values of one request. Without `typed`, everything came as text (multipart)."""

    def __init__(self, values: Mapping[str, Any], *, typed: bool) -> None:
        self._values = {name: value for name, value in values.items() if value is not None}
        self._typed = typed

    def has(self, name: str) -> bool:
        """Tell whether the value was sent."""
        return name in self._values

    def refuse_others(self, known: frozenset[str]) -> None:
        """Refuse names that are no parameters; `svg[model]` belongs to `svg`."""
        for name in self._values:
            if name.split("[")[0] not in known:
                raise malformed(
                    f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter"
                )

    def text(self, name: str, *, longest: int) -> str | None:
        """Return a text of 1 to `longest` characters."""
        value = self._values.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise wrong_type(name, "a string", value)
        if not value:
            raise _bounds(
                name,
                "string too short. Expected a string with minimum length 1, "
                "but got an empty string instead.",
                "string_below_min_length",
            )
        if len(value) > longest:
            raise _bounds(
                name,
                f"string too long. Expected a string with maximum length {longest}, "
                f"but got a string with length {len(value)} instead.",
                "string_above_max_length",
            )
        return value

    def required(self, name: str, *, longest: int) -> str:
        """Return a text that must be there."""
        value = self.text(name, longest=longest)
        if value is None:
            raise missing(name)
        return value

    def choice(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        """Return one of `allowed`."""
        value = self._values.get(name, default)
        if not isinstance(value, str):
            raise wrong_type(name, f"one of {', '.join(allowed)}", value)
        if value not in allowed:
            raise unsupported(name, value, allowed)
        return value

    def integer(self, name: str, least: int, most: int) -> int | None:
        """Return a whole number from `least` to `most`."""
        value = self._values.get(name)
        if value is None:
            return None
        if not self._typed and WHOLE.fullmatch(value):
            value = int(value)
        if type(value) is not int:
            raise wrong_type(name, "an integer", value)
        if value < least:
            raise _bounds(
                name,
                f"integer below minimum value. Expected a value >= {least}, "
                f"but got {value} instead.",
                "integer_below_min_value",
            )
        if value > most:
            raise _bounds(
                name,
                f"integer above maximum value. Expected a value <= {most}, "
                f"but got {value} instead.",
                "integer_above_max_value",
            )
        return value

    def flag(self, name: str) -> bool:
        """Return a switch; false if it was not sent."""
        value = self._values.get(name, False)
        if not self._typed and value in {"true", "false"}:
            return bool(value == "true")
        if not isinstance(value, bool):
            raise wrong_type(name, "a boolean", value)
        return value


def missing(name: str) -> Refused:
    """Return the error of a parameter that must be sent."""
    return malformed(
        f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter"
    )


def _bounds(name: str, problem: str, code: str) -> Refused:
    return malformed(f"Invalid '{name}': {problem}", param=name, code=code)
