"""The outermost boxes of an MP4 (ISO/IEC 14496-12, 4.2): is the whole file there?"""

import os
from collections.abc import Iterator
from typing import IO

from core.decode.refused import RefusedError

MAX_BOXES = 200_000  # a fragmented film of an hour has some ten thousand
KNOWN = frozenset({b"ftyp", b"moov", b"mdat", b"moof", b"free", b"skip", b"sidx", b"uuid", b"mfra"})


def check_whole(file: IO[bytes]) -> None:
    """Refuse a file that ends inside a box, or has no index: decoders see the first frame only."""
    end = os.fstat(file.fileno()).st_size
    kinds = set()
    for kind, last in _boxes(file, end):
        if last > end:
            raise RefusedError("video_cut")
        kinds.add(kind)
    if b"moov" not in kinds:
        raise RefusedError("video_cut" if b"mdat" in kinds else "video_unreadable")


def _boxes(file: IO[bytes], end: int) -> Iterator[tuple[bytes, int]]:
    """Yield each known box's kind and end; what follows an unknown one is nobody's business."""
    at = 0
    for _ in range(MAX_BOXES):
        file.seek(at)
        header = file.read(16)
        kind = header[4:8]
        if kind not in KNOWN:
            return
        at += _length(header, end - at)
        yield kind, at


def _length(header: bytes, rest: int) -> int:
    """Return a box's length; 0 in the file means to the end, 1 that 64 bits follow."""
    length = int.from_bytes(header[:4])
    if length == 0:
        return rest
    return max(int.from_bytes(header[8:16]) if length == 1 else length, 8)
