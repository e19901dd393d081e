"""Previews out of a streamed answer while it arrives. They may fail; the answer may not."""

import binascii
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import structlog

from core.providers.long_strings import FileSource, Span, Unreadable, characters, parse
from core.providers.sse import LineSpans
from core.providers.verdicts import not_sent

log = structlog.get_logger(__name__)

PREFIX: Final = b"data:"
OnPartial = Callable[[int, bytes], None]


class Partials:
    """Gives each partial image to `on_partial(index, image_bytes)` as soon as it is whole.

    Only the image that is given is in memory; everything else is read from the spool file.
    """

    def __init__(self, spooled: FileSource, on_partial: OnPartial) -> None:
        self._spooled = spooled
        self._on_partial = on_partial
        self._lines = LineSpans()

    def feed(self, piece: bytes) -> None:
        """Take the stream's next bytes, which are in the file by now. Never raises."""
        for line in self._lines.feed(piece):
            try:
                self._show(line)
            except Exception as error:  # noqa: BLE001 - whatever a preview's taker does, the paid answer goes on
                log.warning("preview_lost", reason=f"{type(error).__name__}: {error}"[:300])

    def _show(self, line: Span) -> None:
        if self._spooled[line.start : line.start + len(PREFIX)] != PREFIX:
            return
        event = parse(self._spooled, line.start + len(PREFIX), line.end)
        if isinstance(event, dict) and str(event.get("type")).endswith(".partial_image"):
            self._on_partial(int(event["partial_image_index"]), self._image(event))

    def _image(self, event: Mapping[str, Any]) -> bytes:
        """Return a preview's bytes. Raises Unreadable, binascii.Error."""
        match event.get("b64_json"):
            case Span() as span:
                text = b"".join(characters(self._spooled, span))
            case str() as short:
                text = short.encode()
            case _:
                raise Unreadable("The event has no image.")
        return binascii.a2b_base64(text, strict_mode=True)


@contextmanager
def partials_of(spool: Path, on_partial: OnPartial) -> Iterator[Partials]:
    """Yield what finds the previews in a spool file that is about to be written.

    Raises:
        NotSent: it cannot be read.
    """
    try:
        file = spool.open("rb")
    except OSError as error:
        raise not_sent("spool_unwritable", f"{spool} cannot be read: {error}.") from error
    with file:
        yield Partials(FileSource(file), on_partial)
