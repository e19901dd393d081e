"""The sign-in page, and the language that it and every other page is shown in."""

import streamlit as st

from core.translations import LOCALES, NAMES
from pages.parts import words
from pages.parts.components.sign_in import sign_in
from pages.parts.look import look
from pages.parts.viewer import chose_language, signed_in
from pages.parts.words import _


def sign_in_labels() -> dict[str, str]:
    """Return the form's texts."""
    return {
        "title": _("Sign in"),
        "login_id": _("Name"),
        "password": _("Password"),
        "submit": _("Sign in"),
        "busy": _("Signing in …"),
        "show": _("Show password"),
        "hide": _("Hide password"),
        "caps_lock": _("Caps Lock is on."),
        "offline": _("The server does not answer. Check your connection and try again."),
        "too_many": _("Too many people sign in from here right now. Wait a minute and try again."),
    }


def language_switch() -> None:
    """Offer the languages; the choice holds for this tab and for the next visit."""
    st.segmented_control(
        _("Language"),
        LOCALES,
        default=words.locale() if words.locale() in LOCALES else None,
        format_func=lambda name: NAMES[name],
        key="language",
        label_visibility="collapsed",
        on_change=_switch,
    )


def _switch() -> None:
    if st.session_state.language:
        st.session_state[words.KEY] = st.session_state.language
    user = signed_in()
    if user is not None:
        chose_language(user)


def gate() -> None:
    """Show the sign-in page and nothing else."""
    with look.sign_in_page(
        _("Proofsheet"), _("The bench for image edits and videos: every result, cost and verdict.")
    ):
        sign_in(key="sign-in", labels=sign_in_labels(), api_base="/api", locale=words.locale())
        language_switch()
