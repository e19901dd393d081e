"""The uploader with its words, and the list it starts with."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import streamlit as st

from core.intake import IMAGES, VIDEOS
from core.services import services
from pages.parts.components.uploader import Chosen, PixelRule, uploader
from pages.parts.words import _


def pictures(
    form: str,
    *,
    max_files: int,
    purpose: Literal["input", "mask", "markup"],
    pixels: PixelRule | None = None,
) -> Chosen:
    """Show the uploader of one form and return what it holds."""
    drawn = purpose != "input"
    settings = services().settings
    types = ["image/png"] if drawn else [*IMAGES, *VIDEOS]
    limits = dict.fromkeys(IMAGES, settings.max_image_bytes)
    limits |= dict.fromkeys(VIDEOS, settings.max_video_bytes)
    if drawn:
        limits = {"image/png": services().catalog.mask_max_bytes}
    start: Mapping[str, Any] = st.session_state.get(_slot(form), {"files": [], "reset": 0})
    chosen = uploader(
        key=f"{form}-files",
        labels=labels(purpose),
        accept=types,
        max_bytes=limits,
        multiple=max_files > 1,
        max_files=max_files,
        purpose=purpose,
        files=start["files"],
        reset=start["reset"],
        api_base="/api",
        pixels=pixels or PixelRule(),
    )
    # Leaving the page ends the component; what it held is kept for the way back.
    st.session_state[f"{form}-kept"] = chosen.files
    return chosen


def unsettled(*chosen: Chosen) -> str | None:
    """Return why files on the screen would be missing from a request, if any would be."""
    if any(one.coming for one in chosen):
        return _("A file is still on its way. Wait for it or cancel it.")
    if any(one.refused for one in chosen):
        return _("A file was refused or did not arrive. Remove it or try it again first.")
    return None


def mask_of(form: str) -> str:
    """Return the name of the uploader that takes a form's mask."""
    return f"{form}-mask"


def markup_of(form: str) -> str:
    """Return the name of the uploader that takes a form's markup."""
    return f"{form}-markup"


def start_with(form: str, files: Sequence[Mapping[str, Any]]) -> None:
    """Let a form's uploader start again with these files."""
    reset = int(st.session_state.get(_slot(form), {"reset": 0})["reset"]) + 1
    st.session_state[_slot(form)] = {"files": list(files), "reset": reset}


def keep(form: str) -> None:
    """On the first run after coming back to a page, start with what it held."""
    kept = st.session_state.get(f"{form}-kept")
    if kept is not None and f"{form}-files" not in st.session_state:
        start_with(form, kept)


def holds(form: str) -> bool:
    """Tell whether a form's uploader has something to start with."""
    start = st.session_state.get(_slot(form)) or {}
    return bool(st.session_state.get(f"{form}-kept") or start.get("files"))


def _slot(form: str) -> str:
    return f"{form}-start"


def labels(purpose: str) -> dict[str, str]:
    """Return the texts of an uploader of inputs, of a mask, or of a markup."""
    markup = purpose == "markup"
    return {
        "drop": {
            "input": _("Drop, paste or choose pictures"),
            "mask": _("Drop a mask here"),
            "markup": _("Drop a markup here"),
        }[purpose],
        "drop_more": _("Drop or paste more"),
        "choose": _("Choose files"),
        "limits": _("{types} up to {limit}"),
        "limits_many": _("at most {count} files"),
        "list": _("Chosen files"),
        "remove": _("Remove"),
        "replace": _("Replace"),
        "move": _("Move: arrow keys or drag"),
        "moved": _("Moved to place {position} of {count}"),
        "cancel": _("Cancel"),
        "retry": _("Try again"),
        "choose_other": _("Choose another"),
        "waiting": _("Waiting"),
        "checking": _("Checking"),
        "hashing": _("Reading {percent} %"),
        "sending": _("{percent} % · {speed}/s · {remaining} left"),
        "confirming": _("Verifying"),
        "retrying": _("The connection broke. Trying again …"),
        "added": _("Files added: {count}"),
        "bad_type": _("{name} cannot be used here. Choose {types}."),
        "not_what_it_says": _("{name} is not what its ending says. Save it again as {type}."),
        "empty": _("{name} is empty."),
        "too_large": _("{name} has {size}; at most {limit} are allowed."),
        "unreadable": _("{name} cannot be read as a picture. Save it again and retry."),
        "too_many": _("Only {limit} files fit here. Remove one first."),
        "same_file": _("{name} is here already."),
        "too_small_side": _("{name} is {width} × {height}; each side needs {limit} pixels."),
        "too_large_side": _("{name} is {width} × {height}; a side may have {limit} pixels."),
        "too_many_pixels": _("{name} has too many pixels: {width} × {height}."),
        "other_size": _("The markup is {width} × {height}; it must be {limit}, like the picture.")
        if markup
        else _("The mask is {width} × {height}; it must be {limit}, like the picture."),
        "no_alpha": _(
            "{name} has no transparency. Draw on a transparent layer and save that alone."
        )
        if markup
        else _("{name} has no transparency. Erase what the model may change."),
        "offline": _("The server does not answer. Check your connection and try again."),
        "storage_refused": _("The bucket refused {name}. Try again."),
        "permission_expired": _("The permission to send {name} has run out. Try again."),
        "wrong_clock": _(
            "The bucket says that a new permission for {name} is not valid now: the clock of our "
            "server, or the bucket's, is wrong. Tell the operator."
        ),
    }
