"""Who looks at this page. Account, role and disabled state are looked up at every run."""

import streamlit as st

from core import sign_in, users
from core.errors import NotSignedIn
from core.models import User
from core.services import services
from core.translations import LOCALES
from pages.parts import words


def read_cookie() -> str | None:
    """Return the session cookie of this tab's connection."""
    value = st.context.cookies.get(sign_in.COOKIE)
    return value if isinstance(value, str) else None


def signed_in() -> User | None:
    """Return who is signed in, or None."""
    ours = services()
    with ours.sessions() as session:
        try:
            return sign_in.current_user(
                session, ours.accounts, read_cookie(), cookie_key=ours.settings.auth_cookie_key
            )
        except NotSignedIn:
            return None


def viewer() -> User:
    """Return who is signed in; whoever no longer is comes to the gate of `navigation.py`.

    Every fragment asks for itself: it runs without that gate, long after the page did.
    """
    user = signed_in()
    if user is None:
        st.rerun()
    return user


def remember_language(user: User) -> None:
    """Start a tab in the language its person chose last."""
    if words.KEY not in st.session_state and user.locale in LOCALES:
        st.session_state[words.KEY] = user.locale


def chose_language(user: User) -> None:
    """Keep a choice of language for the person's next visit."""
    with services().sessions.begin() as session:
        users.speaks(session, user.id, locale=words.locale())
