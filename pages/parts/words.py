"""The language of this browser tab, and the one function every visible text goes through."""

import streamlit as st

from core.errors import Message
from core.translations import LOCALES, PSEUDO, best_locale, translate

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
