"""Reruns that a push asks for, and those that it must not swallow.

A push is for one fragment. Streamlit folds it into a run of the whole page that waits, and
cuts one that is under way short; were the push narrowed to its fragment then, what a person
did at that moment would be lost, and the page left half old.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NoReturn

import streamlit as st

from pages.parts import clicks
from pages.parts.components.live import live

WHOLE = "whole-page-not-finished"
UNFINISHED = "unfinished"
GOING = "going-to"
GOING_S = 3.0  # later it is the person who went elsewhere
SHOWN = "page-shown"
BANNERS = "banners"  # the fragment over every page


def looks_again(*fragments: str) -> Callable[[], None]:
    """Return what a listener does with a push: rerun its fragments, if nothing needs more.

    A browser that has yet to read the next page still listens on the one before: its push asks
    for that page, whose fragments are gone, and leads to the one that is shown instead.
    """
    listens_on = _shown()

    def changed() -> None:
        shown = _shown()
        if shown[0] != listens_on[0]:
            st.session_state[GOING] = (*shown, time.monotonic())
        elif not st.session_state.get(WHOLE):
            st.rerun(fragments)

    return changed


def _shown() -> tuple[str, Mapping[str, Sequence[str]]]:
    """Return the page that was begun last, and its query."""
    page, query = st.session_state.get(SHOWN, ("", {}))
    return page, query


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
    """Keep a fragment and the banners up to date. Call it after the fragment, outside of it.

    A job that moves leaves the banners as they are: what they say comes as news.
    """
    live(
        key=f"{fragment}-live",
        topics=topics,
        on_change=looks_again(fragment),
        on_news=looks_again(*dict.fromkeys((fragment, BANNERS))),
        on_silence=looks_anyway(fragment),
        unfinished=unfinished(fragment),
    )


def rerun() -> NoReturn:
    """Run the whole page anew, whatever push arrives meanwhile."""
    st.session_state[WHOLE] = True
    st.rerun()


def go(page: str, **query: str) -> NoReturn:
    """Go to a page, whatever push arrives meanwhile: the browser sent it from the page before."""
    st.session_state[GOING] = (page, query, time.monotonic())
    st.session_state[WHOLE] = True
    st.switch_page(f"{page}.py", query_params=query)


@contextmanager
def whole_page(page: str) -> Iterator[None]:
    """Frame a run of the whole page: until its end, whatever cuts it short begins it anew."""
    st.session_state[WHOLE] = True
    to, query, at = st.session_state.get(GOING, (page, {}, 0.0))
    if to != page and time.monotonic() - at < GOING_S:  # a push has brought the old page back
        st.switch_page(f"{to}.py", query_params=query)
    asked = st.query_params
    st.session_state[SHOWN] = (page, {name: asked.get_all(name) for name in asked})
    yield
    for name in (WHOLE, GOING):
        st.session_state.pop(name, None)
    clicks.forget()
