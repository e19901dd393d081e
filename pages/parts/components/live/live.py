"""A page's ear: it hears from the server that something changed, and says so to Python.

Mount it outside fragments: inside one it stays dead after a restart of the server.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import streamlit as st

from pages.parts.components.sources import script

FOLDER = Path(__file__).parent

_ear = st.components.v2.component("proofsheet_live", js=script(FOLDER, "live.js"))


def live(
    *,
    key: str,
    on_change: Callable[[], None],
    on_news: Callable[[], None],
    on_silence: Callable[[], None],
    url: str = "/api/live",
    topics: Mapping[str, str] | None = None,
    unfinished: int = 0,
) -> None:
    """Call `on_change` or `on_news` (callbacks: they may rerun a fragment) when told to.

    The server speaks JSON: `{"hello": true}` after connecting, `{"news": true}` for what
    concerns every page, and `{name: value, …}` for a change. With `topics`, a change counts
    only if each named value is equal; news and a greeting always count, as news. At most two
    calls a second: what comes in between is one call, for news if there were any.
    While no connection can be had and something is `unfinished`, `on_silence` (likewise a
    callback) is called every five seconds instead, and never otherwise. A callback that
    reruns nothing lets the whole page run, which tells this listener anew what is unfinished.
    """
    _ear(
        key=key,
        data={
            "url": url,
            "topics": dict(topics or {}),
            "unfinished": unfinished,
        },
        height="content",
        on_changed_change=on_change,
        on_news_change=on_news,
        on_silent_change=on_silence,
    )
