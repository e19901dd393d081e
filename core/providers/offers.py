"""What a form may offer for a model. Everything offered here passes `checks`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from core.errors import Message, Rejected, msg
from core.providers.capabilities import (
    PICTURES_BY_MODE,
    Model,
    PictureLimits,
    SizeRules,
)
from core.providers.edit_checks import Edit
from core.providers.edit_checks import as_sent as edit_as_sent
from core.providers.options import MODE_LABELS
from core.providers.sizes import AUTO, read_size
from core.providers.video_checks import Video, mode_problem
from core.providers.video_checks import as_sent as video_as_sent

SQUARE: Final = msg("{size} square")
LANDSCAPE: Final = msg("{size} landscape")
PORTRAIT: Final = msg("{size} portrait")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A value to send and how the form shows it."""

    value: str
    label: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class EditOffer:
    """The controls of the edit form. An empty list or False: do not show that control.

    `defaults` are complete options that may be sent as they are.
    """

    qualities: Sequence[str]
    sizes: Sequence[Choice]
    custom_size: SizeRules | None
    backgrounds: Sequence[str]
    formats: Sequence[str]
    compression: bool  # 0 to 100
    complexities: Sequence[str]
    input_fidelities: Sequence[str]
    moderations: Sequence[str]
    n_max: int
    streaming: bool
    partials_max: int
    inputs_max: int
    mask: bool
    mask_max_bytes: int
    markup: bool
    pictures: PictureLimits
    prompt_max_chars: int
    defaults: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoOffer:
    """The controls of the video form for one mode. Empty or False: do not show that control.

    `defaults` are complete options that may be sent as they are.
    """

    mode: str
    pictures_needed: int
    resolutions: Sequence[str]  # smallest first
    durations_by_resolution: Mapping[str, Sequence[int]]
    ratios: Sequence[str]
    expansion_modes: Sequence[str]
    prompt_optimizer: bool
    fast_pretreatment: bool
    aigc_watermark: bool
    camera_commands: Sequence[str]
    camera_commands_together: int
    pictures: PictureLimits
    prompt_required: bool
    prompt_max_chars: int
    defaults: Mapping[str, Any]


def edit_offer(model: Model, chosen: Mapping[str, Any] | None = None) -> EditOffer:
    """Return what the edit form shows for a model, given what is `chosen` in it already.

    Transparency hides JPEG and JPEG hides transparency; several results hide the live
    previews and these hide several results; compression is there for WebP and JPEG only.
    """
    image = model.image
    if image is None:
        raise Rejected(
            msg("{model} makes no image edits. Choose another model.", model=model.label)
        )
    chosen = chosen or {}
    blank = Edit(
        model=model.label, image=image, prompt="", options={}, inputs=(), mask=None, markup=None
    )
    defaults = edit_as_sent(blank)
    format = chosen.get("output_format", defaults["output_format"])
    transparent = chosen.get("background", defaults["background"]) == "transparent"
    streams = bool(chosen.get("stream", False))
    return EditOffer(
        qualities=image.qualities,
        sizes=[Choice(value=size, label=size_label(size)) for size in image.sizes],
        custom_size=image.custom_size,
        backgrounds=_without(image.backgrounds, "transparent", when=format == "jpeg"),
        formats=_without(image.formats, "jpeg", when=transparent),
        compression=format in image.compressed_formats,
        complexities=image.complexities,
        input_fidelities=image.input_fidelities,
        moderations=image.moderations,
        n_max=1 if streams else image.n_max,
        streaming=image.partials_max > 0 and chosen.get("n", 1) == 1,
        partials_max=image.partials_max if streams else 0,
        inputs_max=image.inputs_max,
        mask=image.mask,
        mask_max_bytes=image.mask_max_bytes,
        markup=image.markup,
        pictures=image.pictures,
        prompt_max_chars=image.prompt_max_chars,
        defaults=defaults,
    )


def _without(values: Sequence[str], value: str, *, when: bool) -> Sequence[str]:
    return [each for each in values if not (when and each == value)]


def size_label(size: str) -> Message:
    """Return how a form shows a size."""
    pixels = read_size(size)
    if size == AUTO or pixels is None:
        return msg("Automatic")
    width, height = pixels
    shape = SQUARE if width == height else LANDSCAPE if width > height else PORTRAIT
    return Message(shape.text, {"size": f"{width}×{height}"})


def video_modes(model: Model) -> Sequence[Choice]:
    """Return the modes of a model, always in the same order."""
    modes = model.video.modes if model.video else {}
    return [Choice(value=mode, label=MODE_LABELS[mode]) for mode in modes]


def video_offer(model: Model, mode: str) -> VideoOffer:
    """Return what the video form shows for a model in a mode.

    Raises:
        Rejected: the model does not have this mode, or makes no videos.
    """
    video = model.video
    if video is None:
        raise Rejected(msg("{model} makes no videos. Choose another model.", model=model.label))
    if mode not in video.modes:
        raise Rejected(mode_problem(model.label, video, mode))
    offered = video.modes[mode]
    blank = Video(model=model.label, video=video, prompt="", options={"mode": mode}, inputs=())
    defaults = video_as_sent(blank)
    return VideoOffer(
        mode=mode,
        pictures_needed=PICTURES_BY_MODE[mode],
        resolutions=list(offered.durations),
        durations_by_resolution=offered.durations,
        ratios=offered.ratios,
        expansion_modes=video.expansion_modes,
        prompt_optimizer="prompt_optimizer" in defaults,
        fast_pretreatment="fast_pretreatment" in defaults,
        aigc_watermark="aigc_watermark" in defaults,
        camera_commands=video.camera_commands,
        camera_commands_together=video.camera_commands_together,
        pictures=video.pictures,
        prompt_required=offered.prompt_required,
        prompt_max_chars=video.prompt_max_chars,
        defaults=defaults,
    )
