"""The image edit form: only what the chosen model takes is offered."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import streamlit as st

from core.models import Provider
from core.providers.capabilities import ImageCapabilities
from core.submissions import Wish
from pages.parts import drafts, filing, uploads
from pages.parts.components.uploader import PixelRule
from pages.parts.words import _

FORM = "edit"
CUSTOM = "custom"


def show() -> Wish:
    """Show the form and return what it asks for now."""
    drafts.take_up(FORM, Provider.GPT)
    inputs = uploads.pictures(FORM, max_files=16, purpose="input")
    mask = _mask(inputs)
    prompt = st.text_area(
        _("Prompt"),
        key=f"{FORM}-prompt",
        height=140,
        placeholder=_("What should change? What must stay as it is?"),
        persist_state="session",
    )
    model = filing.choose_model(Provider.GPT, key=f"{FORM}-model")
    assert model.image is not None
    return Wish(
        provider=Provider.GPT,
        model=model.id,
        prompt=prompt,
        options=_options(model.image),
        input_ids=[UUID(asset["id"]) for asset in inputs],
        mask_id=UUID(mask) if mask else None,
        client_key="",
        parent_job_id=drafts.parent(FORM),
    )


def _mask(inputs: list[Any]) -> str | None:
    """Take a mask for the first picture; it belongs to that picture's size."""
    if not inputs:
        return None
    first = inputs[0]
    with st.expander(_("Mask (optional)"), icon=":material/gesture:"):
        st.caption(
            _(
                "A PNG of {width} × {height}: transparent is changed, opaque stays.",
                width=first["width"],
                height=first["height"],
            )
        )
        size = (int(first["width"] or 0), int(first["height"] or 0))
        rule = PixelRule(exactly=size, alpha=True)
        masks = uploads.pictures(f"{FORM}-mask", max_files=1, purpose="mask", pixels=rule)
    return masks[0]["id"] if masks else None


def _options(image: ImageCapabilities) -> Mapping[str, Any]:
    options: dict[str, Any] = {"size": _size(image)}
    options["quality"] = _choice(image, "quality", _("Quality"), qualities)
    with st.expander(_("More options"), icon=":material/tune:"):
        options["background"] = _choice(image, "background", _("Background"), backgrounds)
        options["output_format"] = _choice(image, "output_format", _("Format"), formats)
        options["complexity"] = _choice(image, "complexity", _("Planning effort"), qualities)
        options["input_fidelity"] = _choice(
            image, "input_fidelity", _("Fidelity to the input"), qualities
        )
        if options["output_format"] in image.compressed_formats:
            options["output_compression"] = st.slider(
                _("Compression"), 0, 100, 100, key=f"{FORM}-compression", persist_state="session"
            )
        options["n"] = st.number_input(
            _("How many"), 1, image.n_max, key=f"{FORM}-n", persist_state="session"
        )
        if image.partials_max and options["n"] == 1:
            options |= _streaming(image)
    return {name: value for name, value in options.items() if value is not None}


def _streaming(image: ImageCapabilities) -> Mapping[str, Any]:
    wanted = st.toggle(
        _("Show previews while it works"),
        key=f"{FORM}-stream",
        help=_("Each preview costs 100 image tokens."),
        persist_state="session",
    )
    return {"stream": True, "partial_images": min(2, image.partials_max)} if wanted else {}


def _size(image: ImageCapabilities) -> str:
    choices = [*image.sizes, *([CUSTOM] if image.custom_size else [])]
    key = f"{FORM}-size"
    if st.session_state.get(key) not in choices:
        st.session_state.pop(key, None)
    chosen = st.selectbox(
        _("Size"),
        choices,
        format_func=_size_label,
        key=key,
        persist_state="session",
    )
    if chosen != CUSTOM:
        return str(chosen)
    return st.text_input(
        _("Width x height"),
        "1280x1024",
        key=f"{FORM}-custom-size",
        help=_(
            "Multiples of {multiple}, at most {limit} pixels long.",
            multiple=image.custom_size.multiple,
            limit=image.custom_size.max_edge,
        )
        if image.custom_size
        else None,
        persist_state="session",
    )


def _size_label(value: str) -> str:
    if value == "auto":
        return _("Automatic")
    return _("Other …") if value == CUSTOM else value.replace("x", " × ")


def _choice(image: ImageCapabilities, option: str, label: str, names: Any) -> str | None:
    """Offer an option's words; an option the model does not know is neither shown nor sent."""
    choices = list(image.choices(option))
    if not choices:
        return None
    key = f"{FORM}-{option}"
    if st.session_state.get(key) not in choices:
        st.session_state[key] = image.defaults.get(option, choices[0])
    return st.segmented_control(
        label,
        choices,
        required=True,
        wrap=True,
        format_func=lambda value: names().get(value, value),
        key=key,
        persist_state="session",
    )


def qualities() -> Mapping[str, str]:
    """Return the names of the steps from low to high."""
    return {
        "auto": _("Automatic"),
        "low": _("Low"),
        "medium": _("Medium"),
        "high": _("High"),
        "xhigh": _("Very high"),
        "max": _("Highest"),
    }


def backgrounds() -> Mapping[str, str]:
    """Return the names of the backgrounds."""
    return {
        "auto": _("Automatic"),
        "opaque": _("Opaque"),
        "transparent": _("Transparent"),
    }


def formats() -> Mapping[str, str]:
    """Return the names of the file formats."""
    return {"png": "PNG", "jpeg": "JPEG", "webp": "WebP"}
