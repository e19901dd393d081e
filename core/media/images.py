"""Pictures, decoded and made in the limited process. All calls block; threads may share them.

Every function raises MediaRejected when the file is at fault (the message is
for the user) and DecoderFailed when this machine is (the same call may work later).
"""

import hashlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from core.errors import MediaRejected
from core.media.child import decoder
from core.media.facts import Accepted, AcceptedMask, Finished, ImageFacts, MaskFacts, Rendition
from core.media.refusals import sentence
from core.sniff import NAMES


def inspect_image(path: Path, *, declared_mime: str) -> ImageFacts:
    """Decode an uploaded PNG, JPEG or WebP to its end."""
    done = decoder.run("inspect_image", path=_whole(path), declared=declared_mime)
    return _image_facts(done["facts"])


def prepare_image(path: Path, out_dir: Path, *, as_png: bool) -> Rendition:
    """Make the copy that is shown and sent, below 50 MB.

    A JPEG stays one (quality 95, 4:4:4) unless `as_png`; everything else
    becomes PNG and keeps its transparency; of an animation, the first frame.
    """
    prepared = _new(out_dir, "prepared")
    done = decoder.run("prepare_image", path=_whole(path), prepared=_whole(prepared), as_png=as_png)
    return rendition(prepared, done["prepared"])


def accept_image(path: Path, out_dir: Path, *, declared_mime: str, as_png: bool) -> Accepted:
    """Inspect, prepare and thumbnail an upload with a single decoding."""
    prepared, small = _new(out_dir, "prepared"), _new(out_dir, "thumbnail")
    done = decoder.run(
        "accept_image",
        path=_whole(path),
        declared=declared_mime,
        prepared=_whole(prepared),
        small=_whole(small),
        as_png=as_png,
    )
    return Accepted(
        facts=_image_facts(done["facts"]),
        prepared=rendition(prepared, done["prepared"]),
        thumbnail=rendition(small, done["small"]),
    )


def accept_mask(
    path: Path,
    out_dir: Path,
    *,
    max_bytes: int,
    size: tuple[int, int] | None = None,
    called: str = "mask",
) -> AcceptedMask:
    """Check that a PNG masks some of a picture and not all; make what is sent.

    That is an 8-bit RGBA PNG of at most `max_bytes` too. `size` is the picture's, where it is
    known. A markup is checked alike and `called` so in what is said.
    """
    prepared, small = _new(out_dir, "prepared"), _new(out_dir, "thumbnail")
    done = decoder.run(
        "accept_mask",
        path=_whole(path),
        prepared=_whole(prepared),
        small=_whole(small),
        size=size,
        max_bytes=max_bytes,
        called=called,
    )
    return AcceptedMask(
        facts=_mask_facts(done["facts"]),
        prepared=rendition(prepared, done["prepared"]),
        thumbnail=rendition(small, done["small"]),
    )


def _mask_facts(facts: Mapping[str, Any]) -> MaskFacts:
    return MaskFacts(
        width=int(facts["width"]),
        height=int(facts["height"]),
        transparent_share=float(facts["transparent_share"]),
    )


def finish_image(path: Path, out_dir: Path, *, expected_mime: str | None) -> Finished:
    """Prove that a provider's result decodes to its end, and make its thumbnail.

    The file stays as it is; `facts.mime` is what it really is, and a note says
    so where something else was expected. Where a sound file gets no thumbnail,
    `small` is None and the note says that.
    """
    small = _new(out_dir, "thumbnail")
    done = decoder.finish("finish_image", path=_whole(path), small=_whole(small))
    facts = _image_facts(done["facts"])
    if "note" in done:
        return Finished(facts=facts, small=None, note=sentence(*done["note"]))
    note = None
    if expected_mime not in {None, facts.mime}:
        names = {"expected": NAMES.get(str(expected_mime), expected_mime)}
        note = sentence("result_of_other_type", {**names, "found": NAMES[facts.mime]})
    return Finished(facts=facts, small=rendition(small, done["small"]), note=note)


def preview_image(image: bytes) -> bytes:
    """Return a streamed partial picture as a small WebP."""
    with tempfile.TemporaryDirectory(prefix="proofsheet-") as folder:
        path = Path(folder) / "partial"
        path.write_bytes(image)
        done = finish_image(path, Path(folder), expected_mime=None)
        if done.small is None:
            raise MediaRejected(done.note or "There is no small picture.")
        return done.small.path.read_bytes()


def rendition(path: Path, made: Mapping[str, Any]) -> Rendition:
    """Describe a file that the limited process wrote: size and hash are measured on this side."""
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return Rendition(
        path=path,
        mime=str(made["mime"]),
        bytes=path.stat().st_size,
        sha256=sha256,
        width=int(made["width"]),
        height=int(made["height"]),
    )


def _image_facts(facts: Mapping[str, Any]) -> ImageFacts:
    return ImageFacts(
        mime=str(facts["mime"]),
        width=int(facts["width"]),
        height=int(facts["height"]),
        has_alpha=bool(facts["has_alpha"]),
        frames=int(facts["frames"]),
    )


def _new(folder: Path, name: str) -> Path:
    """Return a path of its own, so that one folder can take the renditions of many files."""
    return folder / f"{name}-{uuid4().hex[:12]}"


def _whole(path: Path) -> str:
    """The limited process has a working directory of its own."""
    return str(path.absolute())
