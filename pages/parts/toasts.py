"""Words that pass over the page, also when it is run anew at once: a run cut short shows none."""

import streamlit as st

SLOT = "toasts"
WRONG = ":material/error:"


def after(text: str, *, icon: str | None = None) -> None:
    """Say something at the end of the run that follows."""
    st.session_state[SLOT] = [*st.session_state.get(SLOT, []), (text, icon)]


def show() -> None:
    """Say what was kept for this run, once."""
    for text, icon in st.session_state.pop(SLOT, []):
        st.toast(text, icon=icon, duration="long")
