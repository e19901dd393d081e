"""A form that starts filled: a job to change, a result to go on with, or what a tab has kept."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

import streamlit as st

from core import intake
from core.models import Provider, User
from core.providers.options import OPTION_NAMES
from core.services import services
from core.submissions import Wish
from pages.parts import actions, uploads
from pages.parts.components.tab_draft import tab_draft


def take_up(form: str, provider: Provider) -> None:
    """Fill a form's widgets from the draft that another page left for it, once."""
    draft: Mapping[str, Any] | None = st.session_state.pop(f"draft:{provider}", None)
    if draft is None:
        uploads.keep(form)
        uploads.keep(uploads.mask_of(form))
        uploads.keep(uploads.markup_of(form))
        return
    uploads.start_with(form, draft.get("inputs", []))
    uploads.start_with(uploads.mask_of(form), draft.get("masks", []))
    uploads.start_with(uploads.markup_of(form), draft.get("markups", []))
    st.session_state[f"{form}-drawn"] = "markup" if draft.get("markups") else "mask"
    came = {file["id"] for file in draft.get("inputs", [])}
    st.session_state[f"{form}-parent"] = (draft.get("parent"), came)
    for name in ("prompt", "model"):
        if name in draft:
            st.session_state[f"{form}-{name}"] = draft[name]
    for name, value in _options(draft, provider).items():
        st.session_state[f"{form}-{name}"] = value


def _options(draft: Mapping[str, Any], provider: Provider) -> Mapping[str, Any]:
    options = dict(draft.get("options", {}))
    if provider is Provider.HAILUO and draft.get("inputs"):
        # A picture that comes alone is to begin the video, whatever was chosen here before.
        options.setdefault("mode", "first_frame")
    return options


def parent(form: str, files: Iterable[Mapping[str, Any]]) -> UUID | None:
    """Return the job that a request with these files goes on from, while its result is there."""
    id, came = st.session_state.get(f"{form}-parent", (None, frozenset()))
    return UUID(id) if id and any(file["id"] in came for file in files) else None


def keep_in_tab(user: User, form: str, wish: Wish) -> None:
    """Have the tab keep what a form asks for, and fill the form with it in a new session."""
    key = f"{form}-tab"
    tab_draft(
        key=key,
        slot=f"{user.id}:{form}",
        field=f"{form}-prompt",
        draft={
            "prompt": wish.prompt,
            "model": wish.model,
            "options": dict(wish.options),
            "inputs": [str(id) for id in wish.input_ids],
            "masks": [str(wish.mask_id)] if wish.mask_id else [],
            "markups": [str(wish.markup_id)] if wish.markup_id else [],
        },
        on_found=lambda: bring_back(user, form, wish.provider, st.session_state[key].found),
    )


def bring_back(user: User, form: str, provider: Provider, kept: Mapping[str, Any]) -> None:
    """Fill a form with what its tab has kept. It comes from the browser: rights are checked."""
    prompt = str(kept.get("prompt", ""))
    if "inputs" not in kept:
        st.session_state[f"{form}-prompt"] = prompt
        return
    options = {name: kept["options"][name] for name in OPTION_NAMES if name in kept["options"]}
    st.session_state[f"draft:{provider}"] = {
        "prompt": prompt,
        "model": kept.get("model"),
        "options": options,
        "inputs": list(_files(user, kept["inputs"])),
        "masks": list(_files(user, kept["masks"])),
        "markups": list(_files(user, kept.get("markups", []))),
    }


def _files(user: User, ids: list[str]) -> Iterator[Mapping[str, Any]]:
    """Return a person's own files again; say of each that is gone why it is missing."""
    for id in ids:
        with actions.told():
            yield intake.adopt(services(), user, UUID(id))
