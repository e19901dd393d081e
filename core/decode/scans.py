"""How many passes a JPEG asks for: a file of 150 kB can ask for thousands over every pixel."""

import mmap
import re
from typing import IO

from core.decode.refused import RefusedError

MAX_SCANS = 300  # encoders write 1 to 10
# Inside a scan, a byte 0xFF is followed by 0 or by a restart marker, anywhere else by a marker.
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_SCAN, _END = b"\xff\xda", b"\xff\xd9"


def check_scans(file: IO[bytes]) -> None:
    """Refuse a JPEG whose scans are too many; what follows its end does not count."""
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        at, scans = content.find(_SCAN), 0
        while at >= 0 and (marker := _MARKER.search(content, at)) and marker[0] != _END:
            scans += marker[0] == _SCAN
            if scans > MAX_SCANS:
                raise RefusedError("too_slow")
            at = marker.end()
