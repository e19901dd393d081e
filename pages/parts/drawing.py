"""What is drawn over the first picture: a mask, or for models that take one, a markup."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import streamlit as st

from core.providers.offers import EditOffer
from pages.parts import uploads
from pages.parts.components.uploader import Chosen, PixelRule
from pages.parts.words import _

Kind = Literal["mask", "markup"]


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is drawn over the first picture, and as what it counts."""

    kind: Kind
    chosen: Chosen

    def id(self, kind: Kind) -> UUID | None:
        """Return the file that was drawn as this kind."""
        files = self.chosen.files if kind == self.kind else []
        return UUID(files[0]["id"]) if files else None


def choose(form: str, inputs: Sequence[Mapping[str, Any]], offer: EditOffer) -> Drawing:
    """Take what is drawn over the first picture."""
    if not inputs:
        return Drawing("mask", Chosen(files=[]))
    width, height = int(inputs[0]["width"] or 0), int(inputs[0]["height"] or 0)
    slots: Mapping[Kind, str] = {"mask": uploads.mask_of(form), "markup": uploads.markup_of(form)}
    held = [kind for kind, slot in slots.items() if uploads.holds(slot)]
    # A drawing decides what is paid for: one that is there is never out of sight.
    choice = offer.markup or "markup" in held
    title = _("Mask or markup (optional)") if choice else _("Mask (optional)")
    with st.expander(title, expanded=bool(held), icon=":material/gesture:"):
        kind: Kind = _kind(form) if choice else "mask"
        _explain(kind, width, height)
        rule = PixelRule(exactly=(width, height), alpha=True)
        return Drawing(kind, uploads.pictures(slots[kind], max_files=1, purpose=kind, pixels=rule))


def _kind(form: str) -> Kind:
    names: Mapping[Kind, str] = {"mask": _("Mask"), "markup": _("Markup")}
    key = f"{form}-drawn"
    if st.session_state.get(key) not in names:
        st.session_state[key] = "mask"
    chosen = st.segmented_control(
        _("What is drawn"),
        list(names),
        required=True,
        format_func=lambda kind: names[kind],
        key=key,
        label_visibility="collapsed",
        persist_state="session",
    )
    return chosen or "mask"


def _explain(kind: Kind, width: int, height: int) -> None:
    if kind == "mask":
        text = _(
            "A PNG of {width} × {height}: transparent is changed, opaque stays.",
            width=width,
            height=height,
        )
    else:
        text = _(
            "A PNG of {width} × {height}, transparent but for your lines and words: they show the "
            "model what to change.",
            width=width,
            height=height,
        )
    st.caption(text)
