"""A form that starts filled: a job to change, or a result to go on with."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import streamlit as st

from core.models import Provider
from pages.parts import uploads


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
    st.session_state[f"{form}-parent"] = draft.get("parent")
    for name in ("prompt", "model"):
        if name in draft:
            st.session_state[f"{form}-{name}"] = draft[name]
    for name, value in draft.get("options", {}).items():
        st.session_state[f"{form}-{name}"] = value


def parent(form: str) -> UUID | None:
    """Return the job that this form's request goes on from."""
    id = st.session_state.get(f"{form}-parent")
    return UUID(id) if id else None
