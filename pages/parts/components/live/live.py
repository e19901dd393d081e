"""A page's ear: it hears from the server that something changed, and says so to Python.

Mount it outside fragments: inside one it stays dead after a restart of the server.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypedDict

import streamlit as st

from pages.parts.components.sources import labels_for, script, sheet

FOLDER = Path(__file__).parent
SWITCH_LABELS = ("on", "off", "blocked")

_ear = st.components.v2.component(
    "proofsheet_live",
    js=script(FOLDER, "title.js", "notify.js", "live.js"),
)
_switch = st.components.v2.component(
    "proofsheet_notification_switch",
    css=sheet(FOLDER, "switch.css"),
    js=script(FOLDER, "notify.js", "switch.js"),
)


class Notice(TypedDict):
    """What the browser shows while the tab is hidden. `id` is shown once per browser."""

    id: str
    title: str
    body: str


def live(
    *,
    key: str,
    on_change: Callable[[], None],
    on_silence: Callable[[], None],
    url: str = "/api/live",
    topics: Mapping[str, str] | None = None,
    title: str | None = None,
    unfinished: int = 0,
    notify: Notice | None = None,
) -> None:
    """Call `on_change` (a callback: it may rerun a fragment) when the server says so.

    The server speaks JSON: `{"hello": true}` after connecting and `{name: value, …}`
    for a change. With `topics`, a change counts only if each named value is equal or
    absent. At most two calls a second; after a reconnect there is always one.
    While no connection can be had and something is `unfinished`, `on_silence` (likewise a
    callback) is called every five seconds instead, and never otherwise. A callback that
    reruns nothing lets the whole page run, which tells this listener anew what is unfinished.
    `title` names the tab, with `unfinished` in front of it when there are any.
    `notify` is shown by the browser if its user has switched notifications on.
    """
    _ear(
        key=key,
        data={
            "url": url,
            "topics": dict(topics or {}),
            "title": title,
            "unfinished": unfinished,
            "notify": notify,
        },
        height="content",
        on_changed_change=on_change,
        on_silent_change=on_silence,
    )


def notification_switch(*, key: str, labels: Mapping[str, str]) -> None:
    """Offer to tell when a job is done. The browser asks its user, and remembers."""
    _switch(key=key, data={"labels": labels_for("notification_switch", SWITCH_LABELS, labels)})
