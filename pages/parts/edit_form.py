"""The image edit form: only what the chosen model takes is offered."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import streamlit as st

from core.models import Provider
from core.providers.offers import EditOffer, edit_offer
from core.submissions import Wish
from pages.parts import drafts, drawing, filing, uploads
from pages.parts.controls import choose, option_name, switch
from pages.parts.words import _, say

FORM = "edit"
CUSTOM = "custom"
# What of the form decides what else it offers.
DECISIVE = ("background", "output_format", "n", "stream")


def show() -> filing.Filled:
    """Show the form and return what it asks for now."""
    drafts.take_up(FORM, Provider.GPT)
    inputs = uploads.pictures(FORM, max_files=16, purpose="input")
    place = st.container()  # above the prompt; what it offers depends on the model below
    prompt = st.text_area(
        _("Prompt"),
        key=f"{FORM}-prompt",
        height=140,
        placeholder=_("What should change? What must stay as it is?"),
        persist_state="session",
    )
    model = filing.choose_model(Provider.GPT, key=f"{FORM}-model")
    chosen = {name: st.session_state.get(f"{FORM}-{name}") for name in DECISIVE}
    offer = edit_offer(model, {name: value for name, value in chosen.items() if value is not None})
    with place:
        drawn = drawing.choose(FORM, inputs.files, offer)
    wish = Wish(
        provider=Provider.GPT,
        model=model.id,
        prompt=prompt,
        options=_options(offer),
        input_ids=[UUID(asset["id"]) for asset in inputs.files],
        mask_id=drawn.id("mask"),
        markup_id=drawn.id("markup"),
        client_key="",
        parent_job_id=drafts.parent(FORM, inputs.files),
    )
    return filing.Filled(form=FORM, wish=wish, unsettled=uploads.unsettled(inputs, drawn.chosen))


def _options(offer: EditOffer) -> Mapping[str, Any]:
    defaults = offer.defaults
    options: dict[str, Any] = {"size": _size(offer)}
    options["quality"] = choose(FORM, "quality", offer.qualities, defaults.get("quality"))
    with st.expander(_("More options"), icon=":material/tune:"):
        for option, choices in (
            ("background", offer.backgrounds),
            ("output_format", offer.formats),
            ("complexity", offer.complexities),
            ("input_fidelity", offer.input_fidelities),
        ):
            options[option] = choose(FORM, option, choices, defaults.get(option))
        if offer.compression:
            options["output_compression"] = _compression()
        options["n"] = _count(offer)
        if offer.streaming and switch(
            FORM, "stream", default=False, help=_("Each preview costs 100 image tokens.")
        ):
            options |= {"stream": True, "partial_images": min(2, offer.partials_max or 2)}
    return {name: value for name, value in options.items() if value is not None}


def _compression() -> int:
    return st.slider(
        option_name("output_compression"),
        0,
        100,
        100,
        key=f"{FORM}-output_compression",
        persist_state="session",
    )


def _count(offer: EditOffer) -> int:
    key = f"{FORM}-n"
    st.session_state[key] = min(int(st.session_state.get(key, 1)), offer.n_max)
    return st.number_input(
        option_name("n"),
        1,
        offer.n_max,
        key=key,
        disabled=offer.n_max == 1,
        persist_state="session",
    )


def _size(offer: EditOffer) -> str:
    labels = {choice.value: say(choice.label) for choice in offer.sizes}
    choices = [*labels, *([CUSTOM] if offer.custom_size else [])]
    key = f"{FORM}-size"
    _place(key, choices, can_be_custom=offer.custom_size is not None)
    chosen = st.selectbox(
        option_name("size"),
        choices,
        format_func=lambda value: labels.get(value, _("Other …")),
        key=key,
        persist_state="session",
    )
    if chosen != CUSTOM or offer.custom_size is None:
        return str(chosen)
    return st.text_input(
        _("Width x height"),
        "1280x1024",
        key=f"{FORM}-custom-size",
        help=_(
            "Multiples of {multiple}, at most {limit} pixels long.",
            multiple=offer.custom_size.multiple,
            limit=offer.custom_size.max_edge,
        ),
        persist_state="session",
    )


def _place(key: str, choices: Sequence[str], *, can_be_custom: bool) -> None:
    """Keep a size that a draft brought, also one that is not in the list."""
    held = st.session_state.get(key)
    if held in choices:
        return
    if held and can_be_custom:
        st.session_state[f"{FORM}-custom-size"] = held
        st.session_state[key] = CUSTOM
    else:
        st.session_state[key] = choices[0]
