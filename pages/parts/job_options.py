"""A job's options as its page tells them: the words of the forms, and what only an answer has."""

from collections.abc import Mapping
from typing import Any, Final

from core.errors import Message, msg
from core.providers.options import MODE_LABELS, OPTION_NAMES
from pages.parts.controls import word
from pages.parts.formats import number
from pages.parts.words import _, say

ANSWERED: Final[Mapping[str, Message]] = {
    "model": msg("Model"),
    "width": msg("Width"),
    "height": msg("Height"),
}
NAMES: Final = {**OPTION_NAMES, **ANSWERED}


def told_name(option: str) -> str:
    """Return what an option is called; one of another release has no other name than its own."""
    return say(NAMES.get(option, Message("{name}", {"name": option})))


def told(option: str, value: Any) -> str:
    """Return a value as people read it."""
    match value:
        case None:
            return "–"
        case bool():
            return _("On") if value else _("Off")
        case int() | float() if option != "duration":
            return number(value)
        case str() if option == "mode" and value in MODE_LABELS:
            return say(MODE_LABELS[value])
    return word(value)
