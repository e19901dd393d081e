"""How much a picture carries besides pixels, before a library unpacks it.

A PNG of one pixel can hold gigabytes of compressed text, a JPEG thousands of
metadata segments. Only lengths are believed, and only up to a sum.
"""

import os
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import IO

from core.decode.limits import MAX_NOTES_BYTES, MIB
from core.decode.refused import RefusedError
from core.sniff import JPEG, PNG, WEBP

MAX_PARTS = 200_000  # a 50 MB PNG in chunks of 8 kB has 6,400

Sizes = Iterator[int]


def check_notes(file: IO[bytes], mime: str) -> None:
    """Refuse a file whose metadata, unpacked, is larger than MAX_NOTES_BYTES."""
    total = 0
    for parts, size in enumerate(_WALKS.get(mime, _none)(file), start=1):
        total += size
        if total > MAX_NOTES_BYTES or parts > MAX_PARTS:
            raise RefusedError("too_much_text", limit_mb=MAX_NOTES_BYTES // MIB)


def _none(_: IO[bytes]) -> Sizes:
    return iter(())


def _png(file: IO[bytes]) -> Sizes:
    file.seek(8)
    while len(header := file.read(8)) == 8:
        size, kind = int.from_bytes(header[:4]), header[4:]
        start, there = file.tell(), _there(file, size)
        yield _unpacked(kind, file.read(there)) if kind in _PACKED else _ancillary(kind, there)
        file.seek(start + size + 4)


_PACKED = frozenset({b"zTXt", b"iTXt", b"iCCP"})


def _ancillary(kind: bytes, size: int) -> int:
    """Critical chunks begin with a capital; animation frames are pixels too."""
    return 0 if kind[:1].isupper() or kind == b"fdAT" else size


def _there(file: IO[bytes], size: int) -> int:
    """Return how much of a part is in the file: a length beyond its end is damage, not text."""
    return min(size, os.fstat(file.fileno()).st_size - file.tell())


def _unpacked(kind: bytes, chunk: bytes) -> int:
    """Return what a chunk's text or profile takes, counting no further than the limit."""
    return max(len(chunk), _inflated(_packed(kind, chunk)))


def _packed(kind: bytes, chunk: bytes) -> bytes:
    """Return the compressed part: after the keyword, and in iTXt after two languages."""
    rest = chunk.partition(b"\0")[2]
    if kind != b"iTXt":
        return rest[1:]
    return rest[2:].split(b"\0", 2)[-1] if rest[:1] == b"\1" else b""


def _inflated(data: bytes) -> int:
    try:
        return len(zlib.decompressobj().decompress(data, MAX_NOTES_BYTES + 1))
    except zlib.error:
        return 0


def _jpeg(file: IO[bytes]) -> Sizes:
    """Walk the segments before the first scan, which is where metadata is read from."""
    file.seek(2)
    while len(marker := file.read(2)) == 2 and marker[0] == 0xFF and marker[1] != _SCAN:
        if marker[1] == 0xFF:  # a fill byte
            file.seek(-1, 1)
            yield 1
            continue
        size = int.from_bytes(file.read(2))
        yield size if marker[1] in _JPEG_NOTES else 0
        file.seek(max(size - 2, 0), 1)


_SCAN = 0xDA
_JPEG_NOTES = frozenset({0xFE, *range(0xE0, 0xF0)})  # comments and application segments


def _webp(file: IO[bytes]) -> Sizes:
    file.seek(12)
    while len(header := file.read(8)) == 8:
        size = int.from_bytes(header[4:], "little")
        yield 0 if header[:4] in _WEBP_PIXELS else _there(file, size)
        file.seek(size + size % 2, 1)


_WEBP_PIXELS = frozenset({b"VP8 ", b"VP8L", b"ALPH", b"ANMF"})

_WALKS: Mapping[str, Callable[[IO[bytes]], Sizes]] = {PNG: _png, JPEG: _jpeg, WEBP: _webp}
