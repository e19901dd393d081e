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
SUBJECT = "id"  # of a query: what the page is about; with another one it is another page
BANNERS = "banners"  # the fragment over every page

Query = Mapping[str, Sequence[str]]


def looks_again(*fragments: str) -> Callable[[], None]:
    """Return what a listener does with a push: rerun its fragments, if nothing needs more.

    A browser that has yet to read the next page still listens on the one before: its push asks
    for that page, whose fragments are gone, and leads to the one that is shown instead.
    """
    listens_on, _ = _shown()

    def changed() -> None:
        shown = _shown()
        if _place(*shown) != _place(listens_on, _asked()):
            st.session_state[GOING] = (*shown, time.monotonic())
        elif not st.session_state.get(WHOLE):
            st.rerun(fragments)

    return changed


def _shown() -> tuple[str, Query]:
    """Return the page that was begun last, and its query."""
    page, query = st.session_state.get(SHOWN, ("", {}))
    return page, query


def _asked() -> Query:
    """Return the query of the page that the browser shows."""
    return {name: st.query_params.get_all(name) for name in st.query_params}


def _place(page: str, query: Query) -> tuple[str, Sequence[str]]:
    """Return what tells one page from another: filters do not."""
    return page, query.get(SUBJECT, [])


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
    to = (page, {name: [text] for name, text in query.items()})
    st.session_state[GOING] = (*to, time.monotonic())
    st.session_state[WHOLE] = True
    st.switch_page(f"{page}.py", query_params=query)


@contextmanager
def whole_page(page: str) -> Iterator[None]:
    """Frame a run of the whole page: until its end, whatever cuts it short begins it anew."""
    st.session_state[WHOLE] = True
    here = (page, _asked())
    *going, at = st.session_state.get(GOING, (*here, 0.0))
    if _place(*going) != _place(*here) and time.monotonic() - at < GOING_S:
        to, query = going  # a push has brought the old page back
        st.switch_page(f"{to}.py", query_params=query)
    st.session_state[SHOWN] = here
    yield
    for name in (WHOLE, GOING):
        st.session_state.pop(name, None)
    clicks.forget()
