"""Reruns that a push asks for, and those that it must not swallow.

A push is for one fragment. Streamlit folds it into a run of the whole page that waits, and
cuts one that is under way short; were the push narrowed to its fragment then, what a person
did at that moment would be lost, and the page left half old.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

import streamlit as st

WHOLE = "whole-page-not-finished"


def looks_again(fragment: str) -> Callable[[], None]:
    """Return what a listener does with a push: rerun one fragment, if nothing needs more."""

    def changed() -> None:
        if not st.session_state.get(WHOLE):
            st.rerun(fragment)

    return changed


def rerun() -> NoReturn:
    """Run the whole page anew, whatever push arrives meanwhile."""
    st.session_state[WHOLE] = True
    st.rerun()


@contextmanager
def whole_page() -> Iterator[None]:
    """Frame a run of the whole page: until its end, whatever cuts it short begins it anew."""
    st.session_state[WHOLE] = True
    yield
    st.session_state.pop(WHOLE, None)


def keep_whole() -> None:
    """Be the callback of a button outside fragments: with one, its click cannot be narrowed."""
