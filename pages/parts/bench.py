"""A page that makes something: its form at the left, the job it filed last at the right."""

from collections.abc import Callable

import streamlit as st

from core.models import Provider
from pages.parts import drafts, filing
from pages.parts.look import look
from pages.parts.viewer import viewer


def show(
    provider: Provider, form: Callable[[], filing.Filled], *, title: str, caption: str, button: str
) -> None:
    """Show the page of one provider; `form` shows its controls and returns what they ask for."""
    look.masthead(title, caption)
    user = viewer()
    if not filing.switched_on(provider):
        return
    left, right = st.columns([2, 3], gap="large")
    with left:
        filled = form()
        filing.file_button(user, filled, label=button)
        drafts.keep_in_tab(user, filled.form, filled.wish)
    with right:
        filing.watch(user, provider)
