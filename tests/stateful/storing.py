"""In the place of what makes storing slow: the bucket, downloads, and the decoder."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from core.errors import MediaRejected, StorageError
from core.media import Finished, ImageFacts, VideoFacts
from core.providers.verdicts import Answered, nothing_happened
from core.storage import Stored
from tests.stateful.pausing import current
from tests.stateful.provider import CUT, USELESS, Provider
from workers.refetching import TRIES

BROKEN: Final = b"not a video"


class Bucket:
    """A bucket in memory, which remembers of its objects what can be compared."""

    def __init__(self) -> None:
        self.is_away = False
        self.objects: dict[str, tuple[int, str]] = {}

    def put_file(self, key: str, path: Path, *, content_type: str, sha256: str) -> Stored:
        """See `core.storage.Bucket`."""
        if self.is_away:
            raise StorageError("The bucket is away.")
        content = path.read_bytes()
        self.objects[key] = (len(content), hashlib.sha256(content).hexdigest())
        return Stored(
            bucket="memory",
            key=key,
            size_bytes=len(content),
            content_type=content_type,
            etag="",
            sha256=sha256,
        )


class Downloads:
    """What providers have finished, to be fetched."""

    def __init__(self, providers: Iterable[Provider]) -> None:
        self._providers = providers

    def fetch(self, url: str, path: Path, **_: Any) -> None:
        """See `core.providers.fetch`: a late result is fetched by no worker's step."""
        task_id = url.rpartition("/")[2]
        named = (provider.named(task_id) for provider in self._providers)
        (found,) = (request for request in named if request is not None)
        if found.flaw == CUT and found.cuts + found.late_cuts < TRIES:
            found.cuts += current() is not None
            found.late_cuts += current() is None
            raise nothing_happened("download_cut", Answered(message="it was cut"))
        path.write_bytes(BROKEN if found.flaw == USELESS else task_id.encode())


def finish_image(path: Path, _: Path, *, expected_mime: str | None) -> Finished:
    """See `core.media`: what was read from an answer is always an image here."""
    facts = ImageFacts(mime="image/png", width=8, height=8, has_alpha=False, frames=1)
    return Finished(facts=facts, small=None)


def finish_video(path: Path, _: Path) -> Finished:
    """See `core.media`."""
    if path.read_bytes() == BROKEN:
        raise MediaRejected("It cannot be played.")
    facts = VideoFacts(
        mime="video/mp4",
        width=8,
        height=8,
        duration_s=5,
        fps=24,
        has_audio=False,
        codec="h264",
    )
    return Finished(facts=facts, small=None)
