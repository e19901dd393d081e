"""Server-sent events with lines of many megabytes: found as they arrive, never held.

A library's line iterator joins its pending line at every chunk, which is quadratic. The bytes
are being written to a file anyway, so it is enough to know where in it each line lies.
"""

from collections.abc import Iterator

from core.providers.long_strings import Span


class LineSpans:
    """Where the lines of a growing file lie. Each byte is looked at once."""

    def __init__(self) -> None:
        self._size = 0
        self._start = 0  # of the line that has no end yet

    def feed(self, chunk: bytes) -> Iterator[Span]:
        """Yield every line that `chunk`, the file's next bytes, completes; without its `\\n`."""
        base, at = self._size, 0
        self._size += len(chunk)
        while (end := chunk.find(b"\n", at)) >= 0:
            span, self._start = Span(self._start, base + end), base + end + 1
            at = end + 1
            yield span
