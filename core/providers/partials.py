"""Previews out of a streamed answer while it arrives. They may fail; the answer may not."""

import binascii
from collections.abc import Callable, Mapping
from typing import Any, Final

import structlog

from core.providers.long_strings import Span, Unreadable, characters, parse
from core.providers.sse import LineSplitter, LineTooLong

log = structlog.get_logger(__name__)

PREFIX: Final = b"data:"


class Partials:
    """Gives each partial image to `on_partial(index, image_bytes)` as soon as it is whole."""

    def __init__(self, on_partial: Callable[[int, bytes], None]) -> None:
        self._on_partial = on_partial
        self._lines = LineSplitter()
        self._broken = False

    def feed(self, piece: bytes) -> None:
        """Take the next bytes of the stream. Never raises: a preview costs no answer."""
        if self._broken:
            return
        try:
            for line in self._lines.feed(piece):
                if line.startswith(PREFIX):
                    self._show(line)
        except LineTooLong as error:
            self._broken = True
            log.warning("previews_given_up", reason=str(error))

    def _show(self, line: bytearray) -> None:
        try:
            event = parse(line, len(PREFIX), len(line))
            if isinstance(event, dict) and str(event.get("type")).endswith(".partial_image"):
                self._on_partial(int(event["partial_image_index"]), _image(event, line))
        except Exception as error:  # noqa: BLE001 - whatever a preview's taker does, the paid answer goes on
            log.warning("preview_lost", reason=f"{type(error).__name__}: {error}"[:300])


def _image(event: Mapping[str, Any], line: bytearray) -> bytes:
    """Return a preview's bytes. Raises Unreadable, binascii.Error."""
    match event.get("b64_json"):
        case Span() as span:
            text = b"".join(characters(line, span))
        case str() as short:
            text = short.encode()
        case _:
            raise Unreadable("The event has no image.")
    return binascii.a2b_base64(text, strict_mode=True)
