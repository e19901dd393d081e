"""The language of this browser tab, and the one function every visible text goes through."""

import streamlit as st

from core.errors import Message
from core.translations import LOCALES, PSEUDO, best_locale, counted, translate

KEY = "locale"


def locale() -> str:
    """Return the language chosen here, or the browser's."""
    chosen = st.session_state.get(KEY)
    if chosen in {*LOCALES, PSEUDO}:
        return str(chosen)
    return best_locale(st.context.locale or "")


def say(message: Message) -> str:
    """Return a message of the core in this tab's language."""
    return translate(message, locale())


def _(text: str, **values: object) -> str:
    """Return a text of the pages in this tab's language, its values filled in."""
    return say(Message(text, values))


def _n(one: str, many: str, number: int, **values: object) -> str:
    """Return the text of the pages for a number of things, its values filled in."""
    return counted(one, many, number, locale()).format(**values)
