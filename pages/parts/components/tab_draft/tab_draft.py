"""A form's memory beyond its session: a reload ends that, the tab stays.

The browser keeps what it is given until the tab is closed, and with it what is being typed,
which the server hears of only when the field is left.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from pages.parts.components.sources import script

FOLDER = Path(__file__).parent

_mount = st.components.v2.component("proofsheet_tab_draft", js=script(FOLDER, "tab_draft.js"))


def tab_draft(
    *, key: str, slot: str, field: str, draft: Mapping[str, Any], on_found: Callable[[], None]
) -> None:
    """Keep `draft` in the tab as `slot`, its prompt as it stands in the text area `field`.

    `draft` is JSON with `prompt`, `inputs` and `masks`. Where the form is empty and the tab
    holds something, `on_found` (a callback) is called, and `st.session_state[key].found` is
    what was kept: all of it, or for a form that has files its prompt alone. It comes from
    the browser: check it.
    """
    _mount(
        key=key,
        data={"slot": slot, "field": field, "draft": dict(draft)},
        height="content",
        on_found_change=on_found,
    )
