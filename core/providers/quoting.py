"""How a message quotes what somebody typed or sent."""

from collections.abc import Iterable

LONGEST = 40


def shown(value: object) -> str:
    """Return a value in quotes, short and printable whatever it holds."""
    text = value[: LONGEST + 1] if isinstance(value, str) else value
    quoted = repr(text)
    return quoted if len(quoted) <= LONGEST + 2 else f"{quoted[:LONGEST]}…"


def listed(values: Iterable[object]) -> str:
    """Return values as a list in a sentence."""
    return ", ".join(str(value) for value in values)
