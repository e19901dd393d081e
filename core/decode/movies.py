"""Decode the first frame of a hostile MP4, or refuse it.

FFmpeg gets a file object and one format, never a name: it would follow a
playlist to any host, and nothing it could open by itself is allowed.
"""

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from core.decode import limits
from core.decode.boxes import check_whole
from core.decode.pictures import reading, type_of
from core.decode.refused import RefusedError
from core.decode.writing import small_or_note, small_size
from core.sniff import HEAD_BYTES, MP4

OPTIONS = {
    # Else merely opening a film decodes a frame of any size (895 MB seen).
    "max_pixels": str(limits.MAX_VIDEO_PIXELS),
    "protocol_whitelist": "none",
    "threads": "1",
}
MICROSECONDS = 1_000_000  # FFmpeg's unit for a container's duration
UPRIGHT = {
    90: Image.Transpose.ROTATE_90,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_270,
}

Answer = Mapping[str, Any]
Note = tuple[str, Mapping[str, str | int]]


def finish(*, path: str, small: str | None) -> Answer:
    """Prove that an MP4 plays, and write a poster from its first frame.

    Instead of a poster the answer may hold a "note": a code and its values.
    """
    with Path(path).open("rb") as file, reading("video_unreadable"):
        type_of(file.read(HEAD_BYTES), declared=None, accepted=frozenset({MP4}))
        check_whole(file)
        file.seek(0)
        limits.allow(limits.MAX_VIDEO_PIXELS)
        with av.open(
            file, "r", format="mp4", options=OPTIONS, metadata_errors="ignore"
        ) as container:
            answer, frame = _decoded(container)
    return answer if frame is None else {**answer, **small_or_note(lambda: _poster(frame), small)}


def _decoded(container: InputContainer) -> tuple[Answer, VideoFrame | None]:
    if not container.streams.video:
        raise RefusedError("video_without_picture")
    stream = container.streams.video[0]
    facts = _facts(container, stream)
    note = _why_no_poster(stream)
    if note:
        return {"facts": facts, "note": note}, None
    try:
        frame = _first_frame(container, stream)
    except MemoryError:
        return {"facts": facts, "note": ("poster_failed", {})}, None
    return {"facts": {**facts, **_shown_size(frame)}}, frame


def _facts(container: InputContainer, stream: VideoStream) -> Answer:
    context = _context(stream)
    return {
        "mime": MP4,
        "width": context.width if context else 0,
        "height": context.height if context else 0,
        "duration_s": _duration_s(container, stream),
        "fps": float(stream.average_rate) if stream.average_rate else None,
        "has_audio": bool(container.streams.audio),
        "codec": context.codec.canonical_name if context else "unknown",
    }


def _duration_s(container: InputContainer, stream: VideoStream) -> float | None:
    """Return how long the film is; its picture track tells where the whole does not."""
    if container.duration:
        seconds = Fraction(container.duration, MICROSECONDS)
    elif stream.duration and stream.time_base:
        seconds = stream.duration * stream.time_base
    else:
        return None
    return round(float(seconds), 3) if seconds > 0 else None


def _why_no_poster(stream: VideoStream) -> Note | None:
    context = _context(stream)
    if context is None:
        return "poster_no_decoder", {"codec": "unknown"}
    if context.width * context.height <= limits.MAX_VIDEO_PIXELS:
        return None
    megapixels = limits.MAX_VIDEO_PIXELS // 1_000_000
    size = {"width": context.width, "height": context.height}
    return "poster_too_large", {**size, "limit_megapixels": megapixels}


def _context(stream: VideoStream) -> VideoCodecContext | None:
    """Return the decoder; PyAV has none for codecs it does not know."""
    return stream.codec_context


def _first_frame(container: InputContainer, stream: VideoStream) -> VideoFrame:
    """Decode plainly: asking for key frames only makes the decoder wait for the second."""
    stream.thread_type = "NONE"
    stream.codec_context.thread_count = 1
    for frame in container.decode(stream):
        return frame
    raise RefusedError("video_unreadable")


def _shown_size(frame: VideoFrame) -> Mapping[str, int]:
    if frame.rotation % 180:
        return {"width": frame.height, "height": frame.width}
    return {"width": frame.width, "height": frame.height}


def _poster(frame: VideoFrame) -> Image.Image:
    """Return a small upright picture of a frame; scaling is FFmpeg's, before conversion."""
    width, height = small_size(frame.width, frame.height)
    small = frame.reformat(width=width, height=height, format="rgb24", interpolation="AREA")
    rows = small.planes[0]  # each padded to `line_size` bytes
    image = Image.frombytes("RGB", (width, height), bytes(rows), "raw", "RGB", rows.line_size, 1)
    turn = UPRIGHT.get(frame.rotation % 360)  # counter-clockwise, as Pillow turns
    return image.transpose(turn) if turn else image
