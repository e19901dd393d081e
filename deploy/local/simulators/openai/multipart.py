"""Multipart bodies, part by part as they arrive: a file goes to disk, never into memory whole."""

import hashlib
from collections.abc import Iterable
from contextlib import ExitStack
from email.message import Message
from tempfile import SpooledTemporaryFile
from typing import IO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from deploy.local.simulators.http import KEPT_IN_MEMORY
from deploy.local.simulators.openai.refusals import malformed

MB = 1024 * 1024
FILE_LIMIT = 50 * MB
TEXT_LIMIT = 4 * MB  # of one text field
PARTS_LIMIT = 100


def spooled(kept: ExitStack) -> IO[bytes]:
    """Return an empty file that lives as long as `kept`, on disk once it is large."""
    file = SpooledTemporaryFile(max_size=KEPT_IN_MEMORY)  # noqa: SIM115 - `kept` closes it
    return kept.enter_context(file)


class Part:
    """One part while it arrives: its headers, then its bytes into a spooled file."""

    def __init__(self, kept: ExitStack) -> None:
        self.headers = Message()
        self.header = (b"", b"")
        self.file = spooled(kept)
        self.digest = hashlib.sha256()
        self.size = 0
        self.name = ""
        self.is_file = False

    def begin(self) -> None:
        """Understand the headers, which are complete now."""
        disposition = self.headers.get("Content-Disposition", "")
        _, options = parse_options_header(disposition)
        self.name = options.get(b"name", b"").decode(errors="replace")
        self.is_file = b"filename" in options

    def write(self, data: bytes) -> None:
        """Take more of the content. What is over the limit is counted, not kept."""
        self.size += len(data)
        if self.size <= (FILE_LIMIT if self.is_file else TEXT_LIMIT):
            self.file.write(data)
            self.digest.update(data)

    def text(self) -> str:
        """Return the content as text. Raises Refused if it is not UTF-8."""
        self.file.seek(0)
        try:
            return self.file.read().decode()
        except UnicodeDecodeError:
            raise malformed(f"'{self.name}' is not valid UTF-8.", param=self.name) from None


class Parts:
    """Collects the parts of a multipart body from the parser's calls."""

    def __init__(self, kept: ExitStack) -> None:
        self.done: list[Part] = []
        self.ended = False
        self._kept = kept
        self._part = Part(kept)

    def on_part_begin(self) -> None:
        """A part begins."""
        if len(self.done) == PARTS_LIMIT:
            raise malformed(f"The form has more than {PARTS_LIMIT} parts.")
        self._part = Part(self._kept)

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        """Take a piece of a header's name."""
        name, value = self._part.header
        self._part.header = (name + data[start:end], value)

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        """Take a piece of a header's value."""
        name, value = self._part.header
        self._part.header = (name, value + data[start:end])

    def on_header_end(self) -> None:
        """A header is complete."""
        name, value = self._part.header
        self._part.headers[name.decode(errors="replace")] = value.decode(errors="replace")
        self._part.header = (b"", b"")

    def on_headers_finished(self) -> None:
        """The content begins."""
        self._part.begin()

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        """Take a piece of the content."""
        self._part.write(data[start:end])

    def on_part_end(self) -> None:
        """A part is complete."""
        self.done.append(self._part)

    def on_end(self) -> None:
        """The last boundary was seen."""
        self.ended = True


def parts(pieces: Iterable[bytes], boundary: bytes, kept: ExitStack) -> list[Part]:
    """Read a whole body. Its files live as long as `kept`. Raises Refused."""
    found = Parts(kept)
    calls = {name: getattr(found, name) for name in dir(found) if name.startswith("on_")}
    try:
        parser = MultipartParser(boundary, calls)  # type: ignore[arg-type] # a dict of calls it is
        for piece in pieces:
            parser.write(piece)
        parser.finalize()
    except FormParserError as error:
        raise malformed(f"Could not parse multipart form: {error}") from error
    if not found.ended:
        raise malformed("Could not parse multipart form: unexpected end of the body.")
    return found.done
