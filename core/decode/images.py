"""What can be asked of this program about pictures."""

from collections.abc import Mapping
from typing import Any

from PIL import Image

from core.decode.normal import has_alpha, orientation, plain, shown_size, upright
from core.decode.pictures import Picture, decoded, reading
from core.decode.writing import shrunk, small_or_note, write_prepared, write_small
from core.sniff import JPEG, PNG, RESULTS, WEBP

Answer = Mapping[str, Any]

UPLOADED = frozenset({PNG, JPEG, WEBP})
SMALL_MODES = frozenset({"RGB", "RGBA", "L"})  # these are shrunk before, others after conversion


def inspect(*, path: str, declared: str | None) -> Answer:
    """Decode an upload to its end."""
    with decoded(path, declared=declared, accepted=UPLOADED) as picture:
        return {"facts": _facts(picture)}


def prepare(*, path: str, prepared: str, as_png: bool) -> Answer:
    """Write the copy of a picture that is shown and sent."""
    with decoded(path, declared=None, accepted=RESULTS) as picture:
        return {"prepared": _prepared(picture, prepared, as_png=as_png)[1]}


def accept(*, path: str, declared: str | None, prepared: str, small: str, as_png: bool) -> Answer:
    """Decode an upload once for everything: facts, the copy that is sent, a thumbnail."""
    with decoded(path, declared=declared, accepted=UPLOADED) as picture:
        facts = _facts(picture)
        image, made = _prepared(picture, prepared, as_png=as_png)
        return {"facts": facts, "prepared": made, "small": write_small(shrunk(image), small)}


def finish(*, path: str, small: str | None) -> Answer:
    """Decode a provider's result to its end and write a thumbnail, or a note in its place."""
    with decoded(path, declared=None, accepted=RESULTS) as picture:
        facts = _facts(picture)  # before the picture is changed
        return {"facts": facts, **small_or_note(lambda: _small(picture.image), small)}


def _facts(picture: Picture) -> Answer:
    width, height = shown_size(picture.image)
    return {
        "mime": picture.mime,
        "width": width,
        "height": height,
        "has_alpha": has_alpha(picture.image),
        "frames": picture.frames,
    }


def _prepared(picture: Picture, path: str, *, as_png: bool) -> tuple[Image.Image, Answer]:
    with reading():
        turn = orientation(picture.image)
        image = upright(plain(picture.image), turn)
    return image, write_prepared(image, path, as_png=as_png or picture.mime != JPEG)


def _small(image: Image.Image) -> Image.Image:
    """Shrink first where that keeps colours right: everything after it costs next to nothing."""
    turn = orientation(image)
    if image.mode in SMALL_MODES and "transparency" not in image.info:
        notes = image.info
        image = shrunk(image)
        image.info = notes
        return upright(plain(image), turn)
    return upright(shrunk(plain(image)), turn)
