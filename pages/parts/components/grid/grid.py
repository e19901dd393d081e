"""The contact sheet: many jobs as frames of film, one component, one trigger."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NotRequired, TypedDict, cast

import streamlit as st

from pages.parts import clicks
from pages.parts.components.sources import labels_for, script, sheet

FOLDER = Path(__file__).parent
LABELS = ("open", "rerun", "form", "download", "delete", "menu", "video", "grid")

_mount = st.components.v2.component(
    "proofsheet_grid",
    css=sheet(FOLDER, "grid.css"),
    js=script(FOLDER, "menu.js", "card.js", "grid.js"),
)


class Card(TypedDict):
    """One job. Give the same URLs on a rerun and nothing is loaded again."""

    id: str
    href: str  # the job's page, for a new tab
    kind: str  # 'image' or 'video'
    tone: str  # 'quiet', 'busy', 'good', 'decide', 'bad'
    stage_label: str
    title: str
    meta: Sequence[str]  # short facts, most important first
    thumb_url: str | None
    preview_url: NotRequired[str | None]  # shown blurred while there is no thumbnail
    status: NotRequired[str]
    duration: NotRequired[str | None]  # of a video, as text
    results: NotRequired[int]
    progress: NotRequired[float | None]  # 0 to 1 while it runs; None = unknown
    own: NotRequired[bool]  # False hides 'delete'
    download_url: NotRequired[str | None]  # None hides 'download'


class GridAction(TypedDict):
    """What a person wants of a card. It comes from the browser: check rights again."""

    act: Literal["open", "rerun", "form", "delete"]
    id: str


def grid(
    *,
    key: str,
    labels: Mapping[str, str],
    cards: Sequence[Mapping[str, Any]],
    min_width: int = 216,
) -> GridAction | None:
    """Show `cards` in their order and return what was just asked of one, once.

    `min_width` is that of a column in pixels; a phone shows two columns whatever it is. No
    cards: nothing is shown.
    """
    _mount(
        key=key,
        data={
            "labels": labels_for("grid", LABELS, labels),
            "cards": [dict(card) for card in cards],
            "min_width": min_width,
        },
        on_action_change=clicks.keeper(key, lambda: st.session_state[key].action),
    )
    return cast("GridAction | None", clicks.taken(key))
