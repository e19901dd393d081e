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
        return
    uploads.start_with(form, draft.get("inputs", []))
    uploads.start_with(uploads.mask_of(form), draft.get("masks", []))
    st.session_state[f"{form}-parent"] = draft.get("parent")
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


def parent(form: str) -> UUID | None:
    """Return the job that this form's request goes on from."""
    id = st.session_state.get(f"{form}-parent")
    return UUID(id) if id else None
