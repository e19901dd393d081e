"""A page that makes something: its form at the left, the job it filed last at the right."""

from collections.abc import Callable

import streamlit as st

from core.models import Provider
from core.submissions import Wish
from pages.parts import filing
from pages.parts.look import look
from pages.parts.viewer import viewer


def show(
    provider: Provider, form: Callable[[], Wish], *, title: str, caption: str, button: str
) -> None:
    """Show the page of one provider; `form` shows its controls and returns what they ask for."""
    look.masthead(title, caption)
    user = viewer()
    if not filing.switched_on(provider):
        return
    left, right = st.columns([2, 3], gap="large")
    with left:
        filing.file_button(user, form(), label=button)
    with right:
        filing.watch(provider)
