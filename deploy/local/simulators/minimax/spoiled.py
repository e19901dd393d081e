"""Files that are not what they say: what a client must survive when it stores a result."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av

BLOCK = 16  # pixels per side of a macroblock
GREY_BLOCK = "00100111"  # intra 16x16, DC prediction, no residual: a byte per macroblock
BASELINE = 66
LEVEL = 62  # 6.2, the only kind of level that allows so many macroblocks


def without_index_end(video: bytes) -> bytes:
    """Return the file up to the middle of its moov box: the length is honest, the index is cut."""
    return video[: video.index(b"moov") + 60]


def playlist(url: str) -> bytes:
    """Return an HLS playlist whose segment is at `url`: a careless prober follows it."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-TARGETDURATION:6", "#EXTINF:6.0,", url]
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""]).encode()


def huge_frame(path: Path, side: int = 8192) -> None:
    """Write a valid MP4 of one grey frame of side x side pixels, in 0.26 MB for 8192.

    The bitstream is written by hand: encoding it would take as much memory as decoding it does.
    """
    blocks = side // BLOCK
    nals = (
        _nal(0x67, _sequence_parameters(blocks)),
        _nal(0x68, _picture_parameters()),
        _nal(0x65, _slice(blocks * blocks)),
    )
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_mux_stream("h264", rate=24, width=side, height=side)
        packet = av.Packet(b"".join(b"\0\0\0\1" + nal for nal in nals))
        packet.stream = stream
        packet.pts = packet.dts = 0
        packet.duration, packet.time_base = 1, Fraction(1, 24)
        packet.is_keyframe = True
        container.mux(packet)


def _sequence_parameters(blocks: int) -> str:
    fixed = f"{BASELINE:08b}{0xC0:08b}{LEVEL:08b}"
    ids_and_order = _ue(0) + _ue(0) + _ue(2) + _ue(1) + "0"
    return fixed + ids_and_order + _ue(blocks - 1) + _ue(blocks - 1) + "1100"


def _picture_parameters() -> str:
    return _ue(0) + _ue(0) + "00" + _ue(0) * 3 + "000" + _ue(0) * 3 + "100"


def _slice(blocks: int) -> str:
    first_block, intra_only, deblocking_off = _ue(0), _ue(7), _ue(1)
    header = first_block + intra_only + _ue(0) + "0000" + _ue(0) + "00" + _ue(0) + deblocking_off
    return header + GREY_BLOCK * blocks


def _ue(number: int) -> str:
    """Return an unsigned Exp-Golomb code, as bits."""
    bits = f"{number + 1:b}"
    return "0" * (len(bits) - 1) + bits


def _nal(header: int, bits: str) -> bytes:
    bits += "1"
    bits += "0" * (-len(bits) % 8)
    payload = int(bits, 2).to_bytes(len(bits) // 8, "big")
    return bytes([header, *_escaped(payload)])


def _escaped(payload: bytes) -> Iterator[int]:
    """Yield the payload with emulation prevention: 00 00 0x never appears inside a NAL."""
    zeros = 0
    for byte in payload:
        if zeros >= 2 and byte <= 3:
            yield 3
            zeros = 0
        yield byte
        zeros = zeros + 1 if byte == 0 else 0
