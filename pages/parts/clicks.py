"""One click, one job: the key that a double click or a repeated rerun shares."""

import time
from collections.abc import Hashable
from uuid import uuid4

import streamlit as st

SAME_CLICK_S = 3.0


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
