"""The light box: one job's pictures or film, and until they come how far they are."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import streamlit as st

from pages.parts.components.sources import labels_for, script, sheet

FOLDER = Path(__file__).parent
LABELS = (
    "elapsed",
    "expected",
    "peek",
    "download",
    "fit",
    "full",
    "preview",
    "results",
    "ahead",
    "no_result",
    "late",
)

_mount = st.components.v2.component(
    "proofsheet_job_view",
    css=sheet(FOLDER, "job_view.css"),
    js=script(FOLDER, "progress.js", "lens.js", "frames.js", "job_view.js"),
)


class Shown(TypedDict):
    """One result. While it stays the same `id`, a new link does not load it again.

    `download_url` is ours and leads to a fresh link: it stands in when `url` has run out.
    """

    id: str
    mime: str
    url: str
    thumb_url: str | None  # of a video: its poster
    width: int | None
    height: int | None
    download_url: str
    late: NotRequired[bool]  # it came when its job had gone on, or ended, without it


class JobView(TypedDict):
    """What is shown of one job. Times are seconds since 1970 by the server's clock."""

    id: str
    prompt: str  # read out for the picture it made
    kind: str  # 'image' or 'video'
    stage_label: str
    sentence: str
    tone: str  # 'quiet', 'busy', 'good', 'decide', 'bad'
    running: bool
    results: Sequence[Shown]
    started_at: NotRequired[float]
    now: NotRequired[float]  # when the data was made: browsers' clocks differ
    typical_s: NotRequired[float | None]
    ahead: NotRequired[int | None]
    provider_status: NotRequired[str | None]
    preview_url: NotRequired[str | None]
    input_url: NotRequired[str | None]
    input_download_url: NotRequired[str | None]


def job_view(*, key: str, labels: Mapping[str, str], data: JobView | Mapping[str, Any]) -> None:
    """Show a job. The clock ticks in the browser; the label `ahead` holds `{count}`."""
    _mount(key=key, data={"labels": labels_for("job_view", LABELS, labels), **data})
