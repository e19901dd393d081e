"""Server-sent events with lines of many megabytes, split as they arrive.

A library's line iterator joins its pending line at every chunk, which is quadratic.
"""

from collections.abc import Iterator
from typing import Final

LONGEST_LINE: Final = 256 * 1024 * 1024  # bytes; the largest image is some 50 MB in base64


class LineTooLong(Exception):
    """A line has more bytes than any image could need."""


class LineSplitter:
    """Turns chunks of any size into lines without their ends. A line costs its own bytes once."""

    def __init__(self, longest: int = LONGEST_LINE) -> None:
        self._pending = bytearray()
        self._seen = 0  # so many bytes of it hold no line end
        self._longest = longest

    def feed(self, chunk: bytes) -> Iterator[bytearray]:
        """Yield every line that `chunk` completes.

        Raises:
            LineTooLong: the pending line has no end in sight.
        """
        self._pending += chunk
        while (end := self._pending.find(b"\n", self._seen)) >= 0:
            yield self._cut(end)
        self._seen = len(self._pending)
        if self._seen > self._longest:
            raise LineTooLong(f"A line has more than {self._longest} bytes.")

    def _cut(self, end: int) -> bytearray:
        """Take the first line out. The small rest is copied, never the line."""
        line, self._pending = self._pending, self._pending[end + 1 :]
        self._seen = 0
        del line[end - 1 if line[end - 1 : end] == b"\r" else end :]
        return line
