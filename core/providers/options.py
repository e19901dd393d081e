"""Option values: their names for people, and the complaints that any option may earn."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from core.errors import Message, msg
from core.providers.quoting import listed, shown

OPTION_NAMES: Final[Mapping[str, Message]] = {
    "size": msg("Size"),
    "quality": msg("Quality"),
    "background": msg("Background"),
    "output_format": msg("File format"),
    "output_compression": msg("Compression"),
    "input_fidelity": msg("Input fidelity"),
    "complexity": msg("Complexity"),
    "moderation": msg("Moderation"),
    "n": msg("Number of results"),
    "stream": msg("Live previews"),
    "partial_images": msg("Number of previews"),
    "mode": msg("Mode"),
    "resolution": msg("Resolution"),
    "duration": msg("Duration"),
    "ratio": msg("Aspect ratio"),
    "prompt_optimizer": msg("Prompt optimizer"),
    "fast_pretreatment": msg("Quick prompt optimizer"),
    "prompt_expansion_mode": msg("Prompt expansion"),
    "aigc_watermark": msg("AI watermark"),
}

MODE_LABELS: Final[Mapping[str, Message]] = {
    "text": msg("Text to video"),
    "first_frame": msg("First frame"),
    "first_last": msg("First and last frame"),
    "subject": msg("Subject reference"),
}
VALUE_LABELS: Final[Mapping[str, Message]] = {
    "auto": msg("Automatic"),
    "low": msg("Low"),
    "medium": msg("Medium"),
    "high": msg("High"),
    "xhigh": msg("Very high"),
    "max": msg("Maximum"),
    "opaque": msg("Opaque"),
    "transparent": msg("Transparent"),
    "png": msg("PNG"),
    "webp": msg("WebP"),
    "jpeg": msg("JPEG"),
    "adaptive": msg("As in the picture"),
    "disabled": msg("Off"),
    "balanced": msg("Balanced"),
    "quality": msg("Thorough"),
}


def value_label(value: str) -> Message:
    """Return an option's value as a form shows it; figures like 768P or 16:9 are their own."""
    return VALUE_LABELS.get(value, Message("{value}", {"value": value}))


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that have a value; None is how a form says 'not asked'."""
    return {name: value for name, value in options.items() if value is not None}


def unknown_problems(options: Iterable[str], known: frozenset[str]) -> Iterator[Message]:
    """Yield a complaint for each option that does not exist."""
    for name in options:
        if name not in known:
            yield msg("There is no option {option}. Leave it out.", option=shown(name))


def choice_problem(
    option: str, value: object, choices: Sequence[object], *, model: str
) -> Message | None:
    """Return why a model does not take this value, or None."""
    if not choices:
        return not_taken(option, model=model)
    # `in` alone would take True for 1
    if any(type(choice) is type(value) and choice == value for choice in choices):
        return None
    return msg(
        "{option}: {model} does not offer {value}. Choose one of: {choices}.",
        option=OPTION_NAMES[option],
        model=model,
        value=shown(value),
        choices=listed(choices),
    )


def not_taken(option: str, *, model: str) -> Message:
    """Return the complaint about an option that a model does not have."""
    return msg(
        "{option}: {model} does not take this option. Leave it out.",
        option=OPTION_NAMES[option],
        model=model,
    )


def whole_problem(option: str, value: object, *, least: int, most: int) -> Message | None:
    """Return why a value is no whole number in its range, or None."""
    if type(value) is int and least <= value <= most:
        return None
    return msg(
        "{option} must be a whole number from {least} to {most}, not {value}. Change it.",
        option=OPTION_NAMES[option],
        least=least,
        most=most,
        value=shown(value),
    )


def flag_problem(option: str, value: object) -> Message | None:
    """Return why a value is no switch, or None."""
    if type(value) is bool:
        return None
    return msg(
        "{option} must be true or false, not {value}. Change it.",
        option=OPTION_NAMES[option],
        value=shown(value),
    )
