"""What is known of a media file after it has been decoded, or made."""

from dataclasses import dataclass
from pathlib import Path

from core.errors import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFacts:
    """A picture that decodes to its end. Width and height are as shown, after orientation."""

    mime: str
    width: int
    height: int
    has_alpha: bool
    frames: int
    duration_s: None = None  # pictures have none; named so that facts of both kinds read alike


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoFacts:
    """An MP4 whose first frame decodes. Width and height are as shown, after rotation."""

    mime: str
    width: int
    height: int
    duration_s: float | None  # None when the file does not tell, or tells what cannot be
    fps: float | None
    has_audio: bool
    codec: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskFacts:
    """A mask, upright. `transparent_share` is what the model may change, 0 to 1."""

    width: int
    height: int
    transparent_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendition:
    """A picture file made from another: 8-bit sRGB, upright, without any metadata."""

    path: Path
    mime: str
    bytes: int
    sha256: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """An upload that may be used, with the copy that is shown and sent, and a small one."""

    facts: ImageFacts
    prepared: Rendition
    thumbnail: Rendition


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedMask:
    """A mask that may be used, with the copy that is shown and sent, and a small one."""

    facts: MaskFacts
    prepared: Rendition
    thumbnail: Rendition


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A provider's result, or an uploaded video, that is what it should be.

    `small` is a thumbnail or poster; when it could not be made it is None and `note`
    says why.
    """

    facts: ImageFacts | VideoFacts
    small: Rendition | None
    note: Message | None = None
