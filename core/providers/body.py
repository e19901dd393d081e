"""Request bodies that know their length, stream from disk, and note whether they were ever read.

Whether the first byte was ever pulled decides between "not sent" and "nobody knows": the
library's exceptions look the same before and after it.
"""

import base64
import json
import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Any, Final, Self

from core import elapsed
from core.providers import InputFile
from core.providers.verdicts import Answered, not_sent, refused, unsure

PIECE: Final = 192 * 1024  # bytes held at a time; divisible by 3, so that base64 needs no rest


@dataclass(frozen=True, slots=True)
class Raw:
    """A file's bytes as they are."""

    file: InputFile


@dataclass(frozen=True, slots=True)
class DataUrl:
    """A file as `data:{mime};base64,...`."""

    file: InputFile


Part = bytes | Raw | DataUrl


class Body:
    """A body made of parts, read once from its start. Its files are open until it is closed.

    After `not_after` (`core.elapsed`) it gives nothing more: a process that was paused
    between connecting and sending must not pay for what somebody else has sent since.
    `before_first_byte` is called once, just before it gives anything.
    """

    def __init__(self, content_type: str, parts: Sequence[Part]) -> None:
        """Open every file.

        Raises:
            NotSent: a file is gone or has another length than declared.
        """
        self.content_type = content_type
        self.started = False
        self.not_after = float("inf")
        self.before_first_byte: Callable[[], None] = lambda: None
        self._files = ExitStack()
        with ExitStack() as opened:
            steps = [_opened(part, opened) for part in parts]
            self._files = opened.pop_all()
        self._length = sum(length for length, _ in steps)
        self._pieces = (piece for _, pieces in steps for piece in pieces())
        self._rest = b""

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        """Make it a stream in the eyes of the HTTP library, which then calls `read`."""
        return iter(lambda: self.read(PIECE), b"")

    def read(self, size: int = PIECE) -> bytes:
        """Return up to `size` of the next bytes; nothing at the end.

        Raises:
            NotSent: it is too late to begin, or `before_first_byte` said no.
            OutcomeUnknown: it is too late to go on.
        """
        self._check_time()
        if not self.started:
            self.before_first_byte()
            self._check_time()  # that may have taken time, on a slow disk or a paused machine
        self.started = True
        if not self._rest:
            self._rest = next(self._pieces, b"")
        piece, self._rest = self._rest[:size], self._rest[size:]
        return piece

    def _check_time(self) -> None:
        if elapsed.now() <= self.not_after:
            return
        message = "The time for this request was up before all of it could be sent."
        if self.started:
            raise unsure("no_answer", Answered(message=message))
        raise not_sent("too_late", message)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._files.close()


Pieces = Callable[[], Iterator[bytes]]


def _opened(part: Part, opened: ExitStack) -> tuple[int, Pieces]:
    """Return a part's length, and what yields its bytes."""
    match part:
        case bytes():
            return len(part), lambda: iter([part])
        case Raw():
            raw = _open(part.file, opened)
            return part.file.bytes, lambda: _read(raw)
        case DataUrl():
            head = f"data:{part.file.mime};base64,".encode()
            file = _open(part.file, opened)
            encoded = len(head) + 4 * -(-part.file.bytes // 3)
            return encoded, lambda: _encoded(head, file)


def _open(file: InputFile, opened: ExitStack) -> IO[bytes]:
    try:
        stream = opened.enter_context(file.path.open("rb"))
        found = os.fstat(stream.fileno()).st_size
    except OSError as error:
        raise not_sent(
            "input_unreadable", f"{file.filename} cannot be read: {error.strerror}."
        ) from error
    if found != file.bytes:
        raise not_sent(
            "input_unreadable", f"{file.filename} has {found} bytes; {file.bytes} were expected."
        )
    return stream


def _read(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(PIECE):
        yield piece


def _encoded(head: bytes, file: IO[bytes]) -> Iterator[bytes]:
    yield head
    for piece in _read(file):
        yield base64.b64encode(piece)


def multipart(fields: Sequence[tuple[str, str]], files: Sequence[tuple[str, InputFile]]) -> Body:
    """Return a form: its text fields in the given order, then its files, each named and typed.

    Raises:
        NotSent: a file is gone. Refused: a text that UTF-8 cannot hold.
    """
    boundary = f"proofsheet-{secrets.token_hex(16)}"
    line = f"--{boundary}\r\nContent-Disposition: form-data; name=".encode()
    parts: list[Part] = []
    for name, value in fields:
        parts.append(line + _quoted(name) + b"\r\n\r\n" + utf8(value) + b"\r\n")
    for name, file in files:
        filename = b"; filename=" + _quoted(file.filename)
        typed = f"\r\nContent-Type: {file.mime}\r\n\r\n".encode()
        parts += [line + _quoted(name) + filename + typed, Raw(file), b"\r\n"]
    parts.append(f"--{boundary}--\r\n".encode())
    return Body(f"multipart/form-data; boundary={boundary}", parts)


def _quoted(text: str) -> bytes:
    """Return a parameter's value as browsers write it."""
    escapes = {'"': "%22", "\r": "%0D", "\n": "%0A"}
    return b'"' + utf8(re.sub('["\r\n]', lambda found: escapes[found.group()], text)) + b'"'


def json_body(document: Mapping[str, Any]) -> Body:
    """Return JSON in which every `InputFile` has become a data URL, streamed from disk.

    Raises:
        NotSent: a file is gone. Refused: a text that UTF-8 cannot hold.
    """
    files: list[InputFile] = []
    mark = secrets.token_hex(16)  # nobody's prompt holds it

    def named(value: object) -> str:
        if not isinstance(value, InputFile):
            raise TypeError(f"{type(value).__name__} is not JSON.")
        files.append(value)
        return mark

    text = json.dumps(document, ensure_ascii=False, default=named)
    pieces = utf8(text).split(mark.encode())
    parts: list[Part] = [pieces[0]]
    for file, piece in zip(files, pieces[1:], strict=True):
        parts += [DataUrl(file), piece]
    return Body("application/json", parts)


def utf8(text: str) -> bytes:
    """Return a text's bytes. Raises Refused for half a surrogate pair: no provider takes it."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        message = f"The text has a broken character at position {error.start + 1}. Delete it."
        raise refused("invalid_request", message) from error
