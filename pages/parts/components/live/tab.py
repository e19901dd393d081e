"""What a page says while another tab is in front of it: how much moves, and what has ended."""

from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

import streamlit as st

from pages.parts.components.sources import labels_for, script, sheet

FOLDER = Path(__file__).parent
SWITCH_LABELS = ("on", "off", "blocked")

_tab = st.components.v2.component(
    "proofsheet_tab", js=script(FOLDER, "title.js", "notify.js", "tab.js")
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


def tab(*, key: str, unfinished: int, ended: Notice | None, again_in_s: float | None) -> None:
    """Put `unfinished` before the tab's name, and show `ended` to who switched that on.

    The fragment around it runs once more in `again_in_s` seconds.
    """
    data = {"unfinished": unfinished, "ended": ended, "again_in_s": again_in_s}
    _tab(key=key, data=data, height="content", on_due_change=lambda: None)


def notification_switch(*, key: str, labels: Mapping[str, str]) -> None:
    """Offer to tell when a job is done. The browser asks its user, and remembers."""
    _switch(key=key, data={"labels": labels_for("notification_switch", SWITCH_LABELS, labels)})
