"""One click, one deed: none is lost to a push, and a double click files one job.

A push may cut short the run that a click has caused, and Streamlit gives a click to one run
only. What was clicked is therefore kept by the callback, which runs before the page does,
until a run comes as far as the button.

What is kept must never do the deed to something else: a key names the job that it is about,
and a run of the whole page that comes to its end forgets what it had no button for.
"""

import time
from collections.abc import Callable, Hashable
from typing import Any
from uuid import uuid4

import streamlit as st

KEPT = "clicked:"
SAME_CLICK_S = 3.0
# A run that is cut short is begun anew at once; what is older was meant for another page.
KEPT_S = 10.0


def keeper(name: str, value: Callable[[], Any] = lambda: True) -> Callable[[], None]:
    """Return a callback that keeps what was clicked until `taken` asks for it."""

    def keep() -> None:
        st.session_state[f"{KEPT}{name}"] = (value(), time.monotonic())

    return keep


def taken(name: str) -> Any:
    """Return what was clicked, once; None if nothing was."""
    value, at = st.session_state.pop(f"{KEPT}{name}", (None, 0.0))
    return value if time.monotonic() - at < KEPT_S else None


def forget() -> None:
    """Drop what was clicked and not taken: it was for something that is no longer shown."""
    for name in [name for name in st.session_state if str(name).startswith(KEPT)]:
        del st.session_state[name]


def button(label: str, *, key: str, **options: Any) -> bool:
    """Show a button for a fragment that pushes rerun; return whether it was clicked.

    `key` names what the deed is done to: a job's id is part of it.
    """
    st.button(label, key=key, on_click=keeper(key), **options)
    return bool(taken(key))


def click_key(form: str, wish: Hashable) -> str:
    """Return the key for a click on a form's button.

    The same wish within three seconds is the same click; later it is a wish to
    run it again.
    """
    slot = f"click:{form}"
    last_wish, last_key, at = st.session_state.get(slot, (None, "", 0.0))
    now = time.monotonic()
    key = last_key if last_wish == hash(wish) and now - at < SAME_CLICK_S else uuid4().hex
    st.session_state[slot] = (hash(wish), key, now)
    return str(key)
