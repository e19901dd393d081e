"""Files to test with, honest and hostile, made on the spot."""

import io
import struct
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream
from PIL import Image, ImageChops, ImageStat

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"


def gradient(width: int = 64, height: int = 48, mode: str = "RGB") -> Image.Image:
    """Return a picture whose every corner differs, so that turning it shows."""
    across = Image.linear_gradient("L").rotate(90).resize((width, height))
    down = Image.linear_gradient("L").resize((width, height))
    red = Image.merge("RGB", (across, down, Image.new("L", (width, height), 128)))
    if mode == "RGBA":
        red.putalpha(across)
        return red
    return red.convert(mode)


def difference(one: Image.Image, other: Image.Image) -> float:
    """Return how far two pictures are apart on average, 0 to 255."""
    assert one.size == other.size
    apart = ImageChops.difference(one.convert("RGB"), other.convert("RGB"))
    return max(ImageStat.Stat(apart).mean)


def encoded(image: Image.Image, format: str, **options: Any) -> bytes:
    """Return a picture in a format."""
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return a PNG chunk."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    width: int,
    height: int,
    *,
    depth: int = 8,
    colour: int = 2,
    rows: Iterable[bytes] = (),
    before: bytes = b"",
    after: bytes = b"",
) -> bytes:
    """Return a PNG with extra chunks before and after its pixels; each row begins with a filter."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (
        PNG_MAGIC
        + chunk(b"IHDR", header)
        + before
        + chunk(b"IDAT", deflated(rows))
        + after
        + chunk(b"IEND", b"")
    )


def deflated(parts: Iterable[bytes]) -> bytes:
    """Return a zlib stream of parts that need not fit into memory together."""
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(part) for part in parts) + packer.flush()


def zeros(size_bytes: int) -> bytes:
    """Return a zlib stream that unpacks to so many zero bytes: one block, many times."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    count = size_bytes // 2**20
    checksum = (count * 2**20 % 65521) << 16 | 1  # Adler-32 of zeros
    return b"\x78\xda" + block * count + packer.flush() + struct.pack(">I", checksum)


def segment(marker: int, data: bytes) -> bytes:
    """Return a JPEG segment."""
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def with_segments(jpeg: bytes, *segments: bytes) -> bytes:
    """Return a JPEG with segments right after its start."""
    return jpeg[:2] + b"".join(segments) + jpeg[2:]


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    """Return a WebP container."""
    body = b"WEBP" + b"".join(
        kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
        for kind, data in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


ENCODERS: Mapping[str, Mapping[str, object]] = {
    "libx264": {"preset": "ultrafast", "crf": "40"},
    "libx265": {"preset": "ultrafast", "x265-params": "bframes=0:log-level=none"},
    "libsvtav1": {"preset": "10"},
}


def write_film(
    path: Path,
    *,
    width: int = 320,
    height: int = 192,
    frames: int = 12,
    codec: str = "libx264",
    faststart: bool = True,
    sound: bool = False,
) -> Path:
    """Write an MP4 of the gradient, 24 frames a second, without pictures if `frames` is 0."""
    options = {"movflags": "faststart"} if faststart else {}
    with av.open(path, "w", format="mp4", options=options) as container:
        voice = container.add_stream("aac", rate=44_100) if sound else None
        if frames:
            _film(container, codec, width, height, frames)
        if isinstance(voice, AudioStream):
            _hum(container, voice)
    return path


def _film(container: OutputContainer, codec: str, width: int, height: int, frames: int) -> None:
    stream = container.add_stream(codec, rate=24)
    assert isinstance(stream, VideoStream)
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    stream.options = dict(ENCODERS.get(codec, {}))
    frame = av.VideoFrame(width, height, "rgb24")
    rows = frame.planes[0]
    rows.update(_padded(gradient(width, height).tobytes(), width * 3, rows.line_size))
    for index in range(frames):
        frame.pts = index
        container.mux(stream.encode(frame))
    container.mux(stream.encode())


def _padded(rows: bytes, width: int, line_size: int) -> bytes:
    """Return rows of bytes as FFmpeg holds them, each as long as it likes."""
    if width == line_size:
        return rows
    gap = bytes(line_size - width)
    return b"".join(rows[at : at + width] + gap for at in range(0, len(rows), width))


def _hum(container: OutputContainer, stream: AudioStream) -> None:
    frame = av.AudioFrame(format="fltp", layout="stereo", samples=1024)
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    frame.sample_rate, frame.pts = 44_100, 0
    container.mux(stream.encode(frame))
    container.mux(stream.encode())


def box(kind: bytes, *parts: bytes) -> bytes:
    """Return an MP4 box."""
    body = b"".join(parts)
    return struct.pack(">I", len(body) + 8) + kind + body


FTYP = box(b"ftyp", b"isom\0\0\2\0isomiso2avc1mp41")
