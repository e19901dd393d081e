"""The video form: mode, model, resolution and length limited to what the catalogue allows."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import streamlit as st

from core.models import Provider
from core.providers.capabilities import PICTURES_BY_MODE, Model, VideoCapabilities, VideoMode
from core.services import services
from core.submissions import Wish
from pages.parts import drafts, filing, uploads
from pages.parts.components.uploader import PixelRule
from pages.parts.formats import today
from pages.parts.words import _

FORM = "video"
MANY = 7  # choices that still fit side by side on a phone


def show() -> Wish:
    """Show the form and return what it asks for now."""
    drafts.take_up(FORM, Provider.HAILUO)
    mode = _mode()
    pictures = _pictures(mode)
    prompt = st.text_area(
        _("Prompt"),
        key=f"{FORM}-prompt",
        height=140,
        placeholder=_("What happens? How does the camera move?"),
        persist_state="session",
    )
    model = _model(mode)
    assert model.video is not None
    _camera(model.video)
    return Wish(
        provider=Provider.HAILUO,
        model=model.id,
        prompt=prompt,
        options={"mode": mode, **_options(model.video, model.video.modes[mode])},
        input_ids=[UUID(asset["id"]) for asset in pictures],
        client_key="",
        parent_job_id=drafts.parent(FORM),
    )


def modes() -> Mapping[str, str]:
    """Return the names of the ways to make a video."""
    return {
        "text": _("From text"),
        "first_frame": _("First frame"),
        "first_last": _("First and last frame"),
        "subject": _("Subject"),
    }


def _mode() -> str:
    key = f"{FORM}-mode"
    held = st.session_state.get(f"{FORM}-kept") or st.session_state.get(f"{FORM}-start")
    default = "first_frame" if held and key not in st.session_state else "text"
    chosen = st.segmented_control(
        _("Mode"),
        list(modes()),
        default=default if key not in st.session_state else None,
        required=True,
        format_func=lambda value: modes()[value],
        key=key,
        persist_state="session",
    )
    return str(chosen)


def _pictures(mode: str) -> Sequence[Any]:
    count = PICTURES_BY_MODE[mode]
    if not count:
        return []
    if count == 2:
        st.caption(_("The first picture begins the video, the second ends it."))
    pictures = uploads.pictures(
        FORM, max_files=count, purpose="input", pixels=PixelRule(min_side=256)
    )
    return pictures[:count]


def _model(mode: str) -> Model:
    """Offer the models that make this kind of video."""
    able = [
        model.id
        for model in services().catalog.models(Provider.HAILUO, today())
        if model.video is not None and mode in model.video.modes
    ]
    return filing.choose_model(Provider.HAILUO, key=f"{FORM}-model", among=able)


def _camera(video: VideoCapabilities) -> None:
    """Offer the camera commands; a click writes one into the prompt."""
    if not video.camera_commands:
        return
    with st.expander(_("Camera"), icon=":material/videocam:"):
        st.pills(
            _("Camera commands"),
            list(video.camera_commands),
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


def _options(video: VideoCapabilities, mode: VideoMode) -> Mapping[str, Any]:
    resolution = _segments(
        "resolution", _("Resolution"), list(mode.durations), mode.default_resolution
    )
    duration = _segments(
        "duration", _("Length"), list(mode.durations[str(resolution)]), mode.default_duration
    )
    options: dict[str, Any] = {"resolution": resolution, "duration": duration}
    if mode.ratios:
        default = mode.default_ratio or mode.ratios[0]
        options["ratio"] = _segments("ratio", _("Shape"), list(mode.ratios), default)
    with st.expander(_("More options"), icon=":material/tune:"):
        if video.prompt_optimizer:
            options["prompt_optimizer"] = st.toggle(
                _("Let the provider improve the prompt"),
                value=video.prompt_optimizer_default,
                key=f"{FORM}-prompt_optimizer",
                persist_state="session",
            )
        if mode.fast_pretreatment:
            options["fast_pretreatment"] = st.toggle(
                _("Improve it faster"), key=f"{FORM}-fast_pretreatment", persist_state="session"
            )
        if video.expansion_modes:
            options["prompt_expansion_mode"] = _segments(
                "prompt_expansion_mode",
                _("Prompt expansion"),
                list(video.expansion_modes),
                video.default_expansion_mode,
            )
        if video.aigc_watermark:
            options["aigc_watermark"] = st.toggle(
                _("Watermark"), key=f"{FORM}-aigc_watermark", persist_state="session"
            )
    return options


def _segments(option: str, label: str, choices: list[Any], default: Any) -> Any:
    """Offer a few words side by side, many in a list."""
    key = f"{FORM}-{option}"
    if st.session_state.get(key) not in choices:
        st.session_state[key] = default
    if len(choices) > MANY:
        return st.selectbox(label, choices, format_func=_word, key=key, persist_state="session")
    return st.segmented_control(
        label, choices, required=True, format_func=_word, key=key, persist_state="session"
    )


def _word(value: Any) -> str:
    return _("{count} s", count=value) if isinstance(value, int) else str(value)
