"""A video against one model: what its provider would refuse, and what will be sent."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from core.errors import Message, msg
from core.providers.capabilities import PICTURES_BY_MODE, VideoCapabilities, VideoMode
from core.providers.options import (
    MODE_LABELS,
    choice_problem,
    flag_problem,
    given,
    not_taken,
    unknown_problems,
)
from core.providers.pictures import InputFacts, picture_problems
from core.providers.prompts import prompt_problems, video_prompt_warnings
from core.providers.quoting import listed, shown

FLAGS: Final = ("prompt_optimizer", "fast_pretreatment", "aigc_watermark")
KNOWN: Final = frozenset(
    {"mode", "resolution", "duration", "ratio", "prompt_expansion_mode", *FLAGS}
)
REQUEST_FRAME_BYTES: Final = 16_384  # JSON around prompt and pictures, generously


@dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    """A video that somebody asks of a model. `options` are as given; see `as_sent`."""

    model: str  # its label, for the sentences
    video: VideoCapabilities
    prompt: str
    options: Mapping[str, Any]
    inputs: Sequence[InputFacts]  # first frame, last frame; or the subject


def asked_mode(video: VideoCapabilities, options: Mapping[str, Any], *, pictures: int) -> object:
    """Return the mode that is named, or else the model's first one for so many pictures."""
    if options.get("mode") is not None:
        return options["mode"]
    fitting = (name for name in video.modes if PICTURES_BY_MODE[name] == pictures)
    return next(fitting, next(iter(video.modes)))


def as_sent(ask: Video) -> dict[str, Any]:
    """Return the options to keep and send, explicit; only sound when there is no problem.

    `mode` is ours: it says which picture is what, and no provider gets it.
    """
    options = given(ask.options)
    name = str(asked_mode(ask.video, options, pictures=len(ask.inputs)))
    mode = ask.video.modes[name]
    sent: dict[str, Any] = {"mode": name}
    if mode.length_is_sent:
        sent["resolution"] = _resolution(mode, options)
        sent["duration"] = _duration(mode, options)
    if mode.ratios:
        sent["ratio"] = options.get("ratio", mode.default_ratio)
    if ask.video.expansion_modes:
        default = ask.video.default_expansion_mode
        sent["prompt_expansion_mode"] = options.get("prompt_expansion_mode", default)
    for flag, default_flag in _flags(ask.video, mode).items():
        sent[flag] = options.get(flag, default_flag)
    return sent


def _flags(video: VideoCapabilities, mode: VideoMode) -> dict[str, bool]:
    """Return the switches that a model has in a mode, with their defaults."""
    offered = {
        "prompt_optimizer": video.prompt_optimizer,
        "fast_pretreatment": mode.fast_pretreatment,
        "aigc_watermark": video.aigc_watermark,
    }
    defaults = {"prompt_optimizer": video.prompt_optimizer_default}
    return {flag: defaults.get(flag, False) for flag, there in offered.items() if there}


def _resolution(mode: VideoMode, options: Mapping[str, Any]) -> Any:
    return options.get("resolution", mode.default_resolution)


def _duration(mode: VideoMode, options: Mapping[str, Any]) -> Any:
    return options.get("duration", mode.default_duration)  # offered at every resolution


def video_problems(ask: Video) -> Iterator[Message]:
    """Yield everything the provider would refuse, in the order of the form."""
    options = given(ask.options)
    name = asked_mode(ask.video, options, pictures=len(ask.inputs))
    mode = ask.video.modes.get(name) if isinstance(name, str) else None
    if mode is None:
        yield mode_problem(ask.model, ask.video, name)
        return
    yield from _picture_problems(ask, str(name))
    yield from prompt_problems(
        ask.prompt, max_chars=ask.video.prompt_max_chars, required=mode.prompt_required
    )
    yield from unknown_problems(options, KNOWN)
    yield from filter(None, _length_problems(ask, mode, options))
    yield from filter(None, _value_problems(ask, mode, options))
    yield from _body_problems(ask)


def video_warnings(ask: Video, *, camera_commands: frozenset[str]) -> Iterator[Message]:
    """Yield what may disappoint although the provider takes it."""
    yield from video_prompt_warnings(ask.prompt, ask.video, model=ask.model, known=camera_commands)
    mode = asked_mode(ask.video, given(ask.options), pictures=len(ask.inputs))
    if mode == "first_last" and len(ask.inputs) == 2:
        first, last = ask.inputs
        if first.width * last.height != last.width * first.height:
            yield msg("The last frame has another shape than the first and will be cropped to it.")


def mode_problem(model: str, video: VideoCapabilities, name: object) -> Message:
    """Return why a model has no such mode."""
    if isinstance(name, str) and name in PICTURES_BY_MODE:
        return msg(
            "{model} does not offer the mode “{mode}”. Choose another mode or another model.",
            model=model,
            mode=MODE_LABELS[name],
        )
    return msg(
        "There is no mode {mode}. Choose one of: {choices}.",
        mode=shown(name),
        choices=listed(video.modes),
    )


def _picture_problems(ask: Video, mode: str) -> Iterator[Message]:
    expected, count = PICTURES_BY_MODE[mode], len(ask.inputs)
    if count != expected:
        yield msg(
            "Pictures for the mode “{mode}”: {expected} needed, {count} given. "
            "Add or remove some, or choose another mode.",
            mode=MODE_LABELS[mode],
            expected=expected,
            count=count,
        )
    yield from picture_problems(ask.inputs, ask.video.pictures, model=ask.model)


def _length_problems(
    ask: Video, mode: VideoMode, options: Mapping[str, Any]
) -> Iterator[Message | None]:
    resolution = _resolution(mode, options)
    wrong = choice_problem("resolution", resolution, list(mode.durations), model=ask.model)
    if wrong is not None:
        yield wrong
        return
    offered, duration = mode.durations[resolution], _duration(mode, options)
    if type(duration) is not int or duration not in offered:
        yield msg(
            "{model} does not make {duration} s at {resolution}. Choose one of: {choices} s.",
            model=ask.model,
            duration=duration if type(duration) is int else shown(duration),
            resolution=resolution,
            choices=listed(offered),
        )


def _value_problems(
    ask: Video, mode: VideoMode, options: Mapping[str, Any]
) -> Iterator[Message | None]:
    choices: dict[str, Sequence[str]] = {
        "ratio": mode.ratios,
        "prompt_expansion_mode": ask.video.expansion_modes,
    }
    for name, offered in choices.items():
        if name in options:
            yield choice_problem(name, options[name], offered, model=ask.model)
    flags = _flags(ask.video, mode)
    for name in FLAGS:
        if name in options:
            yield (
                flag_problem(name, options[name])
                if name in flags
                else not_taken(name, model=ask.model)
            )


def _body_problems(ask: Video) -> Iterator[Message]:
    limit = ask.video.body_max_bytes
    if limit is None:
        return
    pictures = sum(4 * -(-picture.bytes // 3) for picture in ask.inputs)  # in base64
    # Every character of the prompt may become an escape of six bytes, or twelve beyond the BMP.
    prompt = 12 * len(ask.prompt)
    if pictures + prompt + REQUEST_FRAME_BYTES > limit:
        yield msg(
            "Together the pictures make a request of {bytes} bytes; {model} takes {limit}. "
            "Make them smaller.",
            bytes=f"{pictures:,}",
            model=ask.model,
            limit=f"{limit:,}",
        )
