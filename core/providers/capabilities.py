"""What one model can do, as the catalogue says it. Lengths in seconds, sides in pixels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final, Self

from core.errors import Message, msg

# How many pictures a mode sends, in this order: first frame, last frame; or the subject.
PICTURES_BY_MODE: Final[Mapping[str, int]] = {
    "text": 0,
    "first_frame": 1,
    "first_last": 2,
    "subject": 1,
}

# The options of an edit whose values are words from a list; `ImageCapabilities.choices` has them.
IMAGE_CHOICES: Final = (
    "quality",
    "background",
    "output_format",
    "complexity",
    "input_fidelity",
    "moderation",
)
RESOLUTIONS: Final = ("480P", "512P", "720P", "768P", "1080P", "2K")  # smallest first


class State(StrEnum):
    ACTIVE = "active"
    LEGACY = "legacy"  # still served; its vendor points to something newer
    DEPRECATED = "deprecated"  # its last day is known


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    """What one key may do. None where no figure is known; the provider's answers then decide."""

    requests_per_minute: int | None = None
    input_images_per_minute: int | None = None
    in_flight: int | None = None
    poll_interval_s: int | None = None  # None: nothing to poll

    def replaced_by(self, other: Self) -> Self:
        """Return these limits with what `other` says in place of them, where it says anything."""
        said = {field.name: getattr(other, field.name) for field in fields(other)}
        return replace(self, **{name: figure for name, figure in said.items() if figure})


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureLimits:
    """What a picture that is sent may be, both ends included. Aspect is width / height."""

    mimes: Sequence[str]
    max_bytes: int
    min_side: int = 1
    max_side: int | None = None
    min_aspect: Decimal | None = None
    max_aspect: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeRules:
    """The rules for a free WxH. `max_aspect` is longer / shorter edge."""

    multiple: int
    max_edge: int
    max_aspect: int
    min_pixels: int
    max_pixels: int
    experimental_above_pixels: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageCapabilities:
    """What an image model's edits take. An empty list: the option must not be sent."""

    qualities: Sequence[str]
    sizes: Sequence[str]  # all there are, or presets when `custom_size` is set
    custom_size: SizeRules | None = None
    backgrounds: Sequence[str]
    formats: Sequence[str]
    compressed_formats: Sequence[str]  # those that take output_compression
    complexities: Sequence[str] = ()
    input_fidelities: Sequence[str] = ()
    moderations: Sequence[str] = ()
    defaults: Mapping[str, str]  # by option; ours, always sent
    prompt_max_chars: int
    n_max: int
    inputs_max: int
    partials_max: int  # 0: no streaming
    mask: bool
    mask_max_bytes: int
    markup: bool = False  # no limit of its own is known: a mask's holds
    pictures: PictureLimits

    def choices(self, option: str) -> Sequence[str]:
        """Return the words an option may have. Raises KeyError for an option that has no list."""
        return {
            "quality": self.qualities,
            "background": self.backgrounds,
            "output_format": self.formats,
            "complexity": self.complexities,
            "input_fidelity": self.input_fidelities,
            "moderation": self.moderations,
        }[option]


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoMode:
    """One way to make a video: resolution × duration, and what else it takes."""

    durations: Mapping[str, Sequence[int]]  # seconds on offer, by resolution; the smallest first
    default_resolution: str
    default_duration: int
    ratios: Sequence[str] = ()  # empty: the shape follows the picture, or is fixed
    default_ratio: str | None = None
    prompt_required: bool
    fast_pretreatment: bool = False
    length_is_sent: bool = True  # False: resolution and duration are fixed and no parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoCapabilities:
    """What a video model takes, by mode."""

    modes: Mapping[str, VideoMode]  # in the order of PICTURES_BY_MODE
    prompt_max_chars: int
    prompt_optimizer: bool
    prompt_optimizer_default: bool = True
    expansion_modes: Sequence[str] = ()
    default_expansion_mode: str | None = None
    aigc_watermark: bool = False
    camera_commands: Sequence[str] = ()
    camera_commands_together: int = 3  # advised in one bracket
    invisible_share: Decimal | None = None  # of a prompt; above it the provider may refuse
    body_max_bytes: int | None = None  # of the whole request, pictures in base64
    pictures: PictureLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model. Exactly one of `image` and `video` is set."""

    id: str
    provider: str  # gpt | hailuo
    dialect: str  # openai | minimax_v1 | minimax_v2
    label: str
    description: Message
    state: State
    available_from: date | None = None
    shutdown_date: date | None = None  # the first day without it
    replacement: str | None = None
    rates: RateLimits = field(default_factory=RateLimits)
    image: ImageCapabilities | None = None
    video: VideoCapabilities | None = None

    def usable(self, on: date) -> bool:
        """Tell whether the provider takes requests for it on a day."""
        return self.has_come(on) and not self.is_shut_down(on)

    def has_come(self, on: date) -> bool:
        """Tell whether it is there yet."""
        return self.available_from is None or self.available_from <= on

    def is_shut_down(self, on: date) -> bool:
        """Tell whether it is gone."""
        return self.shutdown_date is not None and self.shutdown_date <= on

    def shutdown_warning(self, on: date) -> Message | None:
        """Return the sentence for a model whose last day is near, or None."""
        if self.shutdown_date is None or self.is_shut_down(on):
            return None
        values = {
            "model": self.label,
            "date": self.shutdown_date.isoformat(),
            "replacement": self.replacement or "?",
        }
        days = (self.shutdown_date - on).days
        if days == 1:
            return msg(
                "{model} will be shut down on {date}, tomorrow; use {replacement} instead.",
                **values,
            )
        return msg(
            "{model} will be shut down on {date}, in {days} days; use {replacement} instead.",
            days=days,
            **values,
        )
