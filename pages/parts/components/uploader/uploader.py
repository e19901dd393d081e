"""Uploads straight to the bucket: checked, hashed and sent by the browser.

Streamlit carries only the list of what was confirmed; no byte of a file passes
through the web process.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NotRequired, TypedDict, cast

import streamlit as st

from pages.parts.components.sources import labels_for, script, sheet

FOLDER = Path(__file__).parent
LABELS = (
    # the zone
    "drop", "drop_more", "choose", "limits", "limits_many", "list",
    # one file
    "remove", "replace", "move", "moved", "cancel", "retry", "choose_other",
    # its way: {percent}, {speed}, {remaining}, figures whose units are the label's
    "waiting", "checking", "hashing", "sending", "confirming", "retrying", "added",
    # why it is not taken: {name}, {type}, {types}, {size}, {limit}, {width}, {height}
    "bad_type", "not_what_it_says", "empty", "too_large", "unreadable", "too_many", "same_file",
    "too_small_side", "too_large_side", "too_many_pixels", "other_size", "no_alpha",
    # what went wrong
    "offline", "storage_refused", "permission_expired", "wrong_clock",
)  # fmt: skip

_mount = st.components.v2.component(
    "proofsheet_uploader",
    css=sheet(FOLDER, "uploader.css"),
    js=script(FOLDER, "sha256.js", "sniff.js", "transfer.js", "frame.js", "uploader.js"),
)


class UploadedAsset(TypedDict):
    """A confirmed file, as `POST {api_base}/storage/confirm` describes it."""

    id: str
    mime: str
    width: int | None
    height: int | None
    bytes: int
    filename: str
    sha256: str
    thumbnail_url: str | None
    prepared_url: NotRequired[str | None]
    duration_s: NotRequired[float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What the list shows: the confirmed files in order, and whether that is all of it."""

    files: Sequence[UploadedAsset]
    coming: bool = False  # one is on its way; the file it replaces still stands in for it
    refused: bool = False  # one was refused or did not arrive, and has not been removed


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelRule:
    """What a picture's size must be, in pixels; None means it may be anything."""

    min_side: int | None = None
    max_side: int | None = None
    max_pixels: int | None = None
    exactly: tuple[int, int] | None = None  # a mask's: the first input's width and height
    alpha: bool = False  # it must have transparency, as a mask must


ANY_SIZE = PixelRule()


def uploader(  # noqa: PLR0913  (what a form wants of its files; all are keywords)
    *,
    key: str,
    labels: Mapping[str, str],
    accept: Sequence[str],
    max_bytes: Mapping[str, int],
    multiple: bool,
    max_files: int,
    purpose: Literal["input", "mask", "markup"],
    files: Sequence[Mapping[str, Any]],
    reset: int,
    api_base: str,
    pixels: PixelRule = ANY_SIZE,
    stalled_s: float = 60,
) -> Chosen:
    """Return the confirmed files in their order, and whether others are on the screen.

    `files` is what the list starts with; raise `reset` to start again with other
    `files`. In between the browser owns the list, so a late rerun takes nothing back.
    `accept` holds MIME types and `max_bytes` a limit for each. `pixels` is checked for
    pictures before a byte is sent. The server checks all of it again.
    A file that has not moved for `stalled_s` is sent anew.
    """
    start = [dict(file) for file in files]
    result = _mount(
        key=key,
        data={
            "labels": labels_for("uploader", LABELS, labels),
            "accept": list(accept),
            "max_bytes": dict(max_bytes),
            "multiple": multiple,
            "max_files": max_files if multiple else 1,
            "purpose": purpose,
            "files": start,
            "reset": reset,
            "api_base": api_base,
            "pixels": asdict(pixels),
            "stalled_s": stalled_s,
        },
        on_assets_change=_rerun_only,
    )
    state = result.assets
    if not state or state["reset"] != reset:
        return Chosen(files=cast("list[UploadedAsset]", start))
    return Chosen(
        files=cast("list[UploadedAsset]", state["items"]),
        coming=bool(state["coming"]),
        refused=bool(state["refused"]),
    )


def _rerun_only() -> None:
    """A state needs a callback to exist; the page reads the value it returns."""
