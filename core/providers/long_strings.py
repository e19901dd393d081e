"""JSON whose long strings stay where they are: images of many megabytes are never parsed.

Everything but strings longer than `LONG` bytes is parsed as usual; each of those becomes a
`Span`, the place of its characters in the source.
"""

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, Final, Protocol

LONG: Final = 16 * 1024  # bytes
MOST_REST: Final = 16 * 1024 * 1024  # bytes of JSON that are no long string
LONGEST_ESCAPE: Final = 6  # \u002b
BLOCK: Final = 768 * 1024  # characters of a long string at a time


class Unreadable(Exception):
    """The source is not one whole JSON document."""


@dataclass(frozen=True, slots=True)
class Span:
    """Where a long string's characters lie, still with their escapes."""

    start: int
    end: int


class Source(Protocol):
    """Bytes in memory, or a file that is read in pieces."""

    def find(self, sub: bytes, start: int, end: int, /) -> int: ...
    def __getitem__(self, span: slice, /) -> bytes | bytearray: ...


class FileSource:
    """A file as bytes, one block of it in memory at a time."""

    def __init__(self, file: IO[bytes], block: int = 1024 * 1024) -> None:
        self._file = file
        self._block = block
        self._at = 0
        self._held = b""
        self.size = file.seek(0, 2)

    def find(self, sub: bytes, start: int, end: int, /) -> int:
        """Return where the one byte `sub` is first found in [start, end), or -1."""
        while start < end:
            if not self._at <= start < self._at + len(self._held):
                self._load(start)
            found = self._held.find(sub, start - self._at, end - self._at)
            if found >= 0:
                return self._at + found
            start = self._at + len(self._held)
        return -1

    def __getitem__(self, span: slice, /) -> bytes:
        """Return the bytes of a span with a start and an end."""
        if self._at <= span.start and span.stop <= self._at + len(self._held):
            return self._held[span.start - self._at : span.stop - self._at]
        self._file.seek(span.start)
        return self._file.read(max(0, span.stop - span.start))

    def _load(self, at: int) -> None:
        self._held = b""  # let go of the old block first
        self._file.seek(at)
        self._at, self._held = at, self._file.read(self._block)
        if not self._held:
            raise Unreadable(f"The file ends at byte {at}.")


def parse(source: Source, start: int, end: int, *, long: int = LONG) -> Any:
    """Return the JSON document source[start:end], its long strings as `Span`s.

    Raises:
        Unreadable: it is not JSON, it is cut, or too much of it is not a long string.
    """
    mark = f"{secrets.token_hex(16)}:"  # no string of the document begins with it
    short = bytearray()
    copied = start
    for string in _long_strings(source, start, end, long):
        _copy(source, copied, string.start, short)
        short += f"{mark}{string.start}:{string.end}".encode()
        copied = string.end
    _copy(source, copied, end, short)
    try:
        return json.loads(short, object_hook=lambda found: _with_spans(found, mark))
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"It is not JSON: {error}") from error


def _copy(source: Source, start: int, end: int, short: bytearray) -> None:
    if len(short) + end - start > MOST_REST:
        raise Unreadable(f"More than {MOST_REST} bytes of it are not images.")
    short += source[start:end]


def _with_spans(found: dict[str, Any], mark: str) -> dict[str, Any]:
    for name, value in found.items():
        if isinstance(value, str) and value.startswith(mark):
            start, end = value.removeprefix(mark).split(":")
            found[name] = Span(int(start), int(end))
    return found


def _long_strings(source: Source, start: int, end: int, long: int) -> Iterator[Span]:
    while (opening := source.find(b'"', start, end)) >= 0:
        closing = _closing(source, opening + 1, end)
        if closing - opening > long:
            yield Span(opening + 1, closing)
        start = closing + 1


def _closing(source: Source, start: int, end: int) -> int:
    """Return where a string that begins at `start` is closed. Raises Unreadable."""
    at = start
    while (quote := source.find(b'"', at, end)) >= 0:
        if not _is_escaped(source, quote, start):
            return quote
        at = quote + 1
    raise Unreadable("A string has no end.")


def _is_escaped(source: Source, quote: int, start: int) -> bool:
    """Return whether an odd number of backslashes stands before the quote."""
    at = quote
    while at > start and source[at - 1 : at] == b"\\":
        at -= 1
    return (quote - at) % 2 == 1


def characters(source: Source, span: Span, *, block: int = BLOCK) -> Iterator[bytes]:
    """Yield a long string's ASCII characters in blocks, without escapes (`\\/`, `\\u002b`).

    Raises:
        Unreadable: an escape is broken, or what it stands for is not ASCII.
    """
    at = span.start
    while at < span.end:
        piece = bytes(source[at : min(at + block, span.end)])
        text, used = _unescaped(piece)
        yield text
        at += used


def _unescaped(piece: bytes) -> tuple[bytes, int]:
    """Return a piece's text and how much of it was used: its end may cut an escape in two."""
    if b"\\" not in piece:
        return piece, len(piece)
    for used in range(len(piece), max(0, len(piece) - LONGEST_ESCAPE), -1):
        try:
            return json.loads(b'"' + piece[:used] + b'"').encode("ascii"), used
        except ValueError:
            continue
    raise Unreadable("A string has a broken escape.")
