"""One control for one option: its name, its words and its memory are the same in every form."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from core.providers.options import OPTION_NAMES, value_label
from pages.parts.words import _, say

MANY = 7  # words that still fit side by side on a phone


def option_name(option: str) -> str:
    """Return what a form and a job's page call an option."""
    return say(OPTION_NAMES[option])


def choose(form: str, option: str, choices: Sequence[Any], default: Any) -> Any:
    """Offer an option's words: a few side by side, many in a list; no words, no control."""
    if not choices:
        return None
    key = f"{form}-{option}"
    if st.session_state.get(key) not in choices:
        st.session_state[key] = default if default in choices else choices[0]
    if len(choices) > MANY:
        return st.selectbox(
            option_name(option), choices, format_func=word, key=key, persist_state="session"
        )
    return st.segmented_control(
        option_name(option),
        choices,
        required=True,
        format_func=word,
        key=key,
        wrap=True,
        persist_state="session",
    )


def switch(form: str, option: str, default: Any, *, help: str | None = None) -> bool:
    """Offer an option that is on or off."""
    key = f"{form}-{option}"
    if key not in st.session_state:
        st.session_state[key] = bool(default)
    return st.toggle(option_name(option), key=key, help=help, persist_state="session")


def word(value: Any) -> str:
    """Return how a value reads: seconds for numbers, else its name."""
    if isinstance(value, int):
        return _("{count} s", count=value)
    return say(value_label(str(value)))
