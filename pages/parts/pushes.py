"""Reruns that a push asks for, and those that it must not swallow.

A push is for one fragment. Streamlit folds it into a run of the whole page that waits, and
cuts one that is under way short; were the push narrowed to its fragment then, what a person
did at that moment would be lost, and the page left half old.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NoReturn

import streamlit as st

from pages.parts import clicks
from pages.parts.components.live import live

WHOLE = "whole-page-not-finished"
UNFINISHED = "unfinished"
BANNERS = "banners"  # the fragment over every page


def looks_again(*fragments: str) -> Callable[[], None]:
    """Return what a listener does with a push: rerun its fragments, if nothing needs more."""

    def changed() -> None:
        if not st.session_state.get(WHOLE):
            st.rerun(fragments)

    return changed


def shows(fragment: str, *, unfinished: int) -> None:
    """Remember, in a fragment's run, how many of the jobs it shows still move."""
    st.session_state[f"{UNFINISHED}:{fragment}"] = unfinished


def unfinished(fragment: str) -> int:
    """Return how many of the jobs a fragment has shown last still move."""
    return int(st.session_state.get(f"{UNFINISHED}:{fragment}", 0))


def looks_anyway(fragment: str) -> Callable[[], None]:
    """Return what a listener does that hears nothing: look again, until nothing moves any more.

    Then the whole page runs once, and with it the listener learns to be quiet.
    """
    again = looks_again(fragment, BANNERS)

    def silent() -> None:
        if unfinished(fragment):
            again()

    return silent


def listener(fragment: str = BANNERS, *, topics: Mapping[str, str] | None = None) -> None:
    """Keep a fragment and the banners up to date. Call it after the fragment, outside of it."""
    live(
        key=f"{fragment}-live",
        topics=topics,
        on_change=looks_again(*dict.fromkeys((fragment, BANNERS))),
        on_silence=looks_anyway(fragment),
        unfinished=unfinished(fragment),
    )


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
    clicks.forget()
