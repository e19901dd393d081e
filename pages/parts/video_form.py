"""The video form: mode, model, resolution and length limited to what the catalogue allows."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import streamlit as st

from core.models import Provider
from core.providers.capabilities import PICTURES_BY_MODE, Model
from core.providers.offers import VideoOffer, video_offer
from core.providers.options import MODE_LABELS
from core.services import services
from core.submissions import Wish
from pages.parts import drafts, filing, uploads
from pages.parts.components.uploader import Chosen, PixelRule
from pages.parts.controls import choose, option_name, switch
from pages.parts.formats import today
from pages.parts.words import _, say

FORM = "video"


def show() -> filing.Filled:
    """Show the form and return what it asks for now."""
    drafts.take_up(FORM, Provider.HAILUO)
    mode = _mode()
    chosen = _pictures(mode)
    files = chosen.files[: PICTURES_BY_MODE[mode]]
    prompt = st.text_area(
        _("Prompt"),
        key=f"{FORM}-prompt",
        height=140,
        placeholder=_("What happens? How does the camera move?"),
        persist_state="session",
    )
    model = _model(mode)
    offer = video_offer(model, mode)
    _camera(offer)
    wish = Wish(
        provider=Provider.HAILUO,
        model=model.id,
        prompt=prompt,
        options={"mode": mode, **_options(offer)},
        input_ids=[UUID(asset["id"]) for asset in files],
        client_key="",
        parent_job_id=drafts.parent(FORM, files),
    )
    return filing.Filled(form=FORM, wish=wish, unsettled=uploads.unsettled(chosen))


def _mode() -> str:
    key = f"{FORM}-mode"
    if st.session_state.get(key) not in MODE_LABELS:
        st.session_state[key] = "first_frame" if uploads.holds(FORM) else "text"
    chosen = st.segmented_control(
        option_name("mode"),
        list(MODE_LABELS),
        required=True,
        format_func=lambda value: say(MODE_LABELS[value]),
        key=key,
        wrap=True,
        persist_state="session",
    )
    return str(chosen)


def _pictures(mode: str) -> Chosen:
    count = PICTURES_BY_MODE[mode]
    if not count:
        return Chosen(files=[])
    if count == 2:
        st.caption(_("The first picture begins the video, the second ends it."))
    rule = PixelRule(min_side=256)
    return uploads.pictures(FORM, max_files=count, purpose="input", pixels=rule)


def _model(mode: str) -> Model:
    """Offer the models that make this kind of video."""
    able = [
        model.id
        for model in services().catalog.models(Provider.HAILUO, today())
        if model.video is not None and mode in model.video.modes
    ]
    return filing.choose_model(Provider.HAILUO, key=f"{FORM}-model", among=able)


def _camera(offer: VideoOffer) -> None:
    """Offer the camera commands; a click writes one into the prompt."""
    if not offer.camera_commands:
        return
    with st.expander(_("Camera"), icon=":material/videocam:"):
        st.pills(
            _("Camera commands"),
            list(offer.camera_commands),
            key=f"{FORM}-camera",
            label_visibility="collapsed",
            on_change=_write_command,
        )


def _write_command() -> None:
    command = st.session_state.get(f"{FORM}-camera")
    if command:
        prompt = st.session_state.get(f"{FORM}-prompt", "")
        st.session_state[f"{FORM}-prompt"] = f"{prompt} [{command}]".strip()
        st.session_state[f"{FORM}-camera"] = None


def _options(offer: VideoOffer) -> Mapping[str, Any]:
    defaults = offer.defaults
    resolution = choose(FORM, "resolution", offer.resolutions, defaults.get("resolution"))
    lengths = offer.durations_by_resolution.get(resolution, ())
    options: dict[str, Any] = {
        "resolution": resolution,
        "duration": choose(FORM, "duration", lengths, defaults.get("duration")),
        "ratio": choose(FORM, "ratio", offer.ratios, defaults.get("ratio")),
    }
    offered = {
        "prompt_optimizer": offer.prompt_optimizer,
        "fast_pretreatment": offer.fast_pretreatment,
        "aigc_watermark": offer.aigc_watermark,
    }
    with st.expander(_("More options"), icon=":material/tune:"):
        for option in (option for option, there in offered.items() if there):
            options[option] = switch(FORM, option, defaults.get(option))
        options["prompt_expansion_mode"] = choose(
            FORM,
            "prompt_expansion_mode",
            offer.expansion_modes,
            defaults.get("prompt_expansion_mode"),
        )
    return {
        name: value for name, value in options.items() if value is not None and name in defaults
    }
