"""Files of a result to objects in our bucket and rows that name them.

Keys follow from the job and the attempt, rows from their place: everything here
may be repeated.
"""

import hashlib
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from sqlalchemy.orm import Session

from core import assets, events
from core.errors import Message, NotFound
from core.media import Finished, finish_image, finish_video
from core.models import Asset, AssetKind, Job
from core.services import Services
from core.storage import Stored
from core.storage.keys import result_key, thumb_key
from workers.hands import Hands

LARGE_BYTES = 8 * 2**20  # seconds of a slow line, beside which a question is nothing
FOREVER = "private, max-age=31536000, immutable"
EXTENSIONS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "image/gif": "gif",
    "video/mp4": "mp4",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One result of an answer in the bucket, with its thumbnail or poster if there is one."""

    attempt_id: UUID
    worker: str
    result: Stored
    picture: assets.Picture
    small: Stored | None
    small_picture: assets.Picture | None
    small_kind: AssetKind
    note: Message | None  # what a person should know of it


def image(hands: Hands, job: Job, path: Path, attempt_id: UUID, position: int) -> Kept:
    """Copy an image and its thumbnail to the bucket. Raises MediaRejected: it is none."""
    with hands.spool.scratch() as folder:
        done = finish_image(path, folder, expected_mime=_asked(job))
        return _put(hands, job, path, done, attempt_id=attempt_id, position=position)


def _asked(job: Job) -> str | None:
    """Return the type of picture that a job asks for, if it does."""
    asked = job.options.get("output_format")
    return f"image/{asked}" if asked else None


def video(hands: Hands, job: Job, path: Path, attempt_id: UUID) -> Kept:
    """Copy a video and its poster to the bucket. Raises MediaRejected: it cannot be played."""
    with hands.spool.scratch() as folder:
        done = finish_video(path, folder)
        return _put(hands, job, path, done, attempt_id=attempt_id, position=0)


def _put(
    hands: Hands, job: Job, path: Path, done: Finished, *, attempt_id: UUID, position: int
) -> Kept:
    services, facts = hands.services, done.facts
    sha256 = _sha256(path)
    name = f"result-{str(attempt_id)[-8:]}-{position}.{EXTENSIONS[facts.mime]}"
    key = result_key(
        services.settings.environment,
        provider=job.provider,
        at=job.created_at,
        job_id=job.id,
        name=name,
    )
    stored = _copied_before(services, key, path, sha256) or services.bucket.put_file(
        key, path, content_type=facts.mime, sha256=sha256
    )
    return Kept(
        attempt_id=attempt_id,
        worker=hands.worker,
        result=stored,
        picture=assets.Picture(
            mime=facts.mime,
            sha256=sha256,
            width=facts.width,
            height=facts.height,
            duration_s=Decimal(str(round(facts.duration_s, 3))) if facts.duration_s else None,
            filename=f"proofsheet-{str(job.id)[-12:]}-{position + 1}.{EXTENSIONS[facts.mime]}",
        ),
        small=_put_small(services, done),
        small_picture=_small_picture(done),
        small_kind=AssetKind.POSTER if facts.mime == "video/mp4" else AssetKind.THUMBNAIL,
        note=done.note,
    )


def _copied_before(services: Services, key: str, path: Path, sha256: str) -> Stored | None:
    """Return a large file that an earlier try has copied: so each try comes further."""
    size_bytes = path.stat().st_size
    if size_bytes < LARGE_BYTES:
        return None
    try:
        found = services.bucket.stat(key)
    except NotFound:
        return None
    return found if (found.size_bytes, found.sha256) == (size_bytes, sha256) else None


def _put_small(services: Services, done: Finished) -> Stored | None:
    small = done.small
    if small is None:
        return None
    key = thumb_key(services.settings.environment, small.sha256)
    return services.bucket.put_file(
        key, small.path, content_type=small.mime, sha256=small.sha256, cache_control=FOREVER
    )


def _small_picture(done: Finished) -> assets.Picture | None:
    small = done.small
    if small is None:
        return None
    return assets.Picture(
        mime=small.mime, sha256=small.sha256, width=small.width, height=small.height
    )


def record(session: Session, job: Job, kept: Kept, position: int) -> Asset:
    """Name a kept result, and its thumbnail or poster, in the job."""
    place = assets.Place(
        user_id=job.user_id, job_id=job.id, attempt_id=kept.attempt_id, position=position
    )
    result = assets.add(session, AssetKind.RESULT, kept.result, kept.picture, place)
    if kept.small is not None and kept.small_picture is not None:
        at_result = replace(place, source_id=result.id)
        assets.add(session, kept.small_kind, kept.small, kept.small_picture, at_result)
    note, by = asdict(kept.note) if kept.note else None, kept.worker
    if kept.small is None:
        events.record(session, job.id, "thumbnail_not_made", by=by, position=position, note=note)
    elif note is not None:
        events.record(session, job.id, "result_differs", by=by, position=position, note=note)
    return result


def raw(
    services: Services, job: Job, path: Path, attempt_id: UUID
) -> tuple[Stored, assets.Picture]:
    """Copy an answer as it came to the bucket, for a complaint."""
    sha256 = _sha256(path)
    key = result_key(
        services.settings.environment,
        provider=job.provider,
        at=job.created_at,
        job_id=job.id,
        name=f"raw-{str(attempt_id)[-8:]}.bin",
    )
    kind = "application/octet-stream"
    stored = services.bucket.put_file(key, path, content_type=kind, sha256=sha256)
    return stored, assets.Picture(mime=kind, sha256=sha256, filename="answer.bin")


def record_raw(
    session: Session, job: Job, kept: tuple[Stored, assets.Picture], attempt_id: UUID
) -> None:
    """Name a kept answer in the job."""
    place = assets.Place(user_id=job.user_id, job_id=job.id, attempt_id=attempt_id)
    assets.add(session, AssetKind.RAW, *kept, place)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
