"""OpenAI's answers on disk: written as they arrive, read without ever holding an image.

An answer is one JSON document (`data: [{b64_json}]`) or server-sent events that end in a
`completed` one. A few megabytes of memory are enough for answers of any size.
"""

import binascii
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import structlog

from core import disk_room
from core.errors import BadResult
from core.providers import EditAnswer, EditResult
from core.providers.codes import Code
from core.providers.long_strings import FileSource, Span, Unreadable, characters, parse
from core.providers.said import storable
from core.providers.verdicts import Answered, not_sent, unsure, useless

log = structlog.get_logger(__name__)

IMAGE_BYTES: Final = 40 * 2**20  # a 4K PNG as base64, and what is said around it
RESOLVED: Final = ("size", "quality", "background", "output_format")


# --- writing ----------------------------------------------------------------------------


def room_bytes(options: Mapping[str, Any]) -> int:
    """Return how much an answer to a request with these options may have, as far as is known."""
    images = int(options.get("n") or 1) + int(options.get("partial_images") or 0)
    return IMAGE_BYTES * images


@contextmanager
def spooling(path: Path, *, size_bytes: int = 0) -> Iterator[IO[bytes]]:
    """Yield a file for an answer's bytes. Leaving makes them durable; an empty file goes.

    Room for `size_bytes` is taken first, so that no other file fills the disk meanwhile.

    Raises:
        NotSent: `path` cannot be written, or has no room; open it before anything is sent.
        OutcomeUnknown: the bytes came and could not be kept.
    """
    try:
        file, reserved = _opened(path, size_bytes)
    except OSError as error:
        raise not_sent("spool_unwritable", f"{path} cannot be written: {error}.") from error
    try:
        with file:
            try:
                yield file
            finally:
                if reserved:
                    disk_room.give_back(file)
            file.flush()
            os.fsync(file.fileno())
        _sync_folder(path.parent)
    except OSError as error:
        message = f"The answer came and could not be written to {path}: {error}."
        raise unsure("answer_not_saved", Answered(message=message)) from error
    finally:
        _remove_if_empty(path)


def _opened(path: Path, size_bytes: int) -> tuple[IO[bytes], bool]:
    """Return a new file, and whether it has room of its own."""
    file = path.open("wb")
    try:
        return file, size_bytes > 0 and disk_room.reserve(file, size_bytes)
    except OSError:
        file.close()
        path.unlink()
        raise


def _sync_folder(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _remove_if_empty(path: Path) -> None:
    if path.is_file() and not path.stat().st_size:  # never a device
        path.unlink()


# --- reading ----------------------------------------------------------------------------

Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What a whole answer says, its images still in the file.

    `final` is None if a stream ended without its `completed` event, or if the answer is an
    error in spite of its status; `error` is then the provider's error object, if it sent one.
    """

    final: Item | None
    items: Sequence[Item] = ()  # each holds an image as `b64_json`: a Span, a short text, or not
    error: Item | None = None


def scan(path: Path, *, streamed: bool) -> Scan:
    """Return what a spooled answer says.

    Raises:
        Unreadable: it is cut, or not what it should be.
    """
    with path.open("rb") as file:
        source = FileSource(file)
        if streamed:
            return _scan_events(source)
        return _scan_document(parse(source, 0, source.size))


def _scan_document(document: Any) -> Scan:
    if not isinstance(document, dict):
        raise Unreadable("It is not a JSON object.")
    data = document.get("data")
    items = [item for item in data if isinstance(item, dict)] if isinstance(data, list) else []
    error = document.get("error")
    if error and not items:
        return Scan(final=None, error=_as_object(error))
    return Scan(final=document, items=items)


def _as_object(error: Any) -> Item:
    return error if isinstance(error, dict) else {"message": str(error)}


def _scan_events(source: FileSource) -> Scan:
    final: Item | None = None
    error: Item | None = None
    for event in _events(source):
        kind = str(event.get("type", ""))
        if event.get("error"):
            error = _as_object(event["error"])
        elif kind.endswith(".completed"):
            final = event
    items = [final] if final else []
    return Scan(final=final, items=items, error=error)


def _events(source: FileSource) -> Iterator[Item]:
    """Yield the JSON object of every `data:` line; others (`[DONE]`, a cut one) say nothing."""
    at = 0
    while at < source.size:
        end = source.find(b"\n", at, source.size)
        end = source.size if end < 0 else end
        if source[at : at + 5] == b"data:":
            try:
                event = parse(source, at + 5, end)
            except Unreadable:
                event = None
            if isinstance(event, dict):
                yield event
        at = end + 1


def read_answer(path: Path, answer: EditAnswer) -> EditResult:
    """Write a spooled answer's images beside it, as `{name}-{index}.{type}`; return them.

    May be repeated, also after a crash in the middle.

    Raises:
        BadResult: it holds no image. The answer itself stays where it is.
    """
    try:
        found = scan(path, streamed=answer.streamed)
    except Unreadable as error:
        raise _bad("empty_result", f"OpenAI's answer cannot be read: {error}", answer) from error
    if found.final is None:
        raise _bad("empty_result", "OpenAI's stream ended without its image.", answer)
    images, problems = _write_images(path, found.items)
    if not images:
        code: Code = "not_an_image" if "not_an_image" in problems else "empty_result"
        raise _bad(code, f"OpenAI's answer has {len(found.items)} items and no image.", answer)
    final = found.final
    return EditResult(
        images=images,
        actual=storable({name: final[name] for name in RESOLVED if final.get(name) is not None}),
        usage=storable(_usage(final)),
        unusable=len(problems),
    )


def answer_left_behind(path: Path) -> EditAnswer | None:
    """Return the facts of a whole answer that nobody marked, or None if it is cut.

    Only the body of an answer with status 200 is ever written. Its headers are gone with the
    process that had them.
    """
    with path.open("rb") as file:
        streamed = not file.read(64).lstrip().startswith(b"{")
    try:
        whole = scan(path, streamed=streamed).final is not None
    except Unreadable:
        whole = False
    if not whole:
        return None
    return EditAnswer(http_status=200, request_id=None, streamed=streamed, rate_limits={})


def _usage(final: Item) -> Mapping[str, Any]:
    """Return what was used; an SVG's author model counts apart."""
    usage = final.get("usage")
    found = dict(usage) if isinstance(usage, dict) else {}
    svg = final.get("svg_usage")
    return {**found, "svg_usage": svg} if isinstance(svg, dict) else found


def _bad(code: Code, message: str, answer: EditAnswer) -> BadResult:
    return useless(
        code,
        Answered(message=message, http_status=answer.http_status, request_id=answer.request_id),
    )


class _NoImage(Exception):
    """An item holds none; `args[0]` is our code for why."""


def _write_images(path: Path, items: Sequence[Item]) -> tuple[list[Path], list[str]]:
    """Return the images that could be written, and why the others could not."""
    images, problems = [], []
    with path.open("rb") as file:
        source = FileSource(file)
        for index, item in enumerate(items):
            try:
                images.append(_write_image(source, item.get("b64_json"), path, index))
            except _NoImage as problem:
                problems.append(str(problem))
                log.warning("answer_item_unusable", spool=path.name, index=index, why=str(problem))
    return images, problems


def _write_image(source: FileSource, value: object, path: Path, index: int) -> Path:
    """Decode one image to a file that appears whole or not at all.

    Its name until then is nobody else's: another worker may be reading the same answer.
    """
    fresh = path.with_name(f"{path.name}-{index}.{secrets.token_hex(4)}.part")
    try:
        with fresh.open("wb") as file:
            for piece in _decoded(_texts(source, value)):
                file.write(piece)
        with fresh.open("rb") as file:
            kind = _image_kind(file.read(16))
        return fresh.replace(path.with_name(f"{path.name}-{index}.{kind}"))
    finally:
        fresh.unlink(missing_ok=True)


def _texts(source: FileSource, value: object) -> Iterator[bytes]:
    match value:
        case Span():
            yield from _readable(source, value)
        case str() if value:
            yield value.encode()
        case _:
            raise _NoImage("empty_result")


def _readable(source: FileSource, span: Span) -> Iterator[bytes]:
    try:
        yield from characters(source, span)
    except Unreadable as error:
        raise _NoImage("not_an_image") from error


def _decoded(texts: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the bytes behind base64 that comes in pieces of any length."""
    rest = b""
    try:
        for text in texts:
            whole = rest + text
            cut = len(whole) // 4 * 4
            rest = whole[cut:]
            yield binascii.a2b_base64(whole[:cut], strict_mode=True)
        yield binascii.a2b_base64(rest, strict_mode=True)
    except binascii.Error as error:
        raise _NoImage("not_an_image") from error


def _image_kind(head: bytes) -> str:
    """Return an image's file extension by its first bytes."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head.startswith(b"\xff\xd8\xff"):
        return "jpg"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "webp"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    raise _NoImage("not_an_image")
