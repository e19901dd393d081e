"""What happens to a file that arrives: announced, sent to the bucket, verified, prepared.

The bytes go from the browser to the bucket. Here they are fetched once to be
decoded in the limited child process; nothing is believed that was not seen.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import func
from sqlalchemy.orm import Session

from core import assets, clock, jobs, uploads
from core.errors import Conflict, MediaRejected, NotFound, Rejected, msg
from core.ids import new_id
from core.media import (
    HEAD_BYTES,
    Rendition,
    accept_image,
    accept_mask,
    clean_filename,
    finish_video,
    sniff,
)
from core.models import Asset, AssetKind, Upload, UploadState, User
from core.services import Services
from core.storage import Stored
from core.storage.keys import input_key, thumb_key

log = structlog.get_logger(__name__)

IMAGES = ("image/png", "image/jpeg", "image/webp")
VIDEOS = ("video/mp4",)
MAX_MASK_BYTES = 4_000_000  # strictly below; the provider's documents say '< 4 MB'
FOREVER = "private, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """A file as its browser describes it; nothing of it is believed yet."""

    filename: str
    content_type: str
    size_bytes: int
    sha256: str
    purpose: str  # 'input' or 'mask'


def announce(services: Services, user: User, file: Announcement) -> dict[str, Any]:
    """Return a signed PUT for exactly this file, or the asset that already holds it.

    Raises:
        Rejected: a type, size or quota that cannot be taken.
    """
    _check_type_and_size(services, file)
    kind = AssetKind.MASK if file.purpose == "mask" else AssetKind.INPUT
    with services.sessions.begin() as session:
        same = assets.same_file(session, user.id, file.sha256, kind)
        if same is not None:
            return {"asset": described(services, session, same)}
        _check_quota(services, session, user, file.size_bytes)
        upload = _permitted(services, session, user, file)
    signed = services.bucket.allow_upload(
        upload.key,
        content_type=file.content_type,
        size_bytes=file.size_bytes,
        sha256=file.sha256,
        ttl_s=services.settings.upload_ttl_s,
    )
    return {
        "upload_id": str(upload.id),
        "method": "PUT",
        "url": signed.url,
        "headers": dict(signed.headers),
    }


def _check_type_and_size(services: Services, file: Announcement) -> None:
    allowed = ("image/png",) if file.purpose == "mask" else IMAGES + VIDEOS
    if file.content_type not in allowed:
        raise MediaRejected(
            msg(
                "Files of type {type} are not taken. Use PNG, JPEG, WebP or MP4.",
                type=file.content_type[:60] or "?",
            )
            if file.purpose != "mask"
            else msg("A mask is a PNG file with transparency.")
        )
    limit = _limit(services, file)
    if not 0 < file.size_bytes <= limit:
        raise Rejected(
            msg(
                "The file has {size} bytes; allowed are 1 to {limit}. Make it smaller.",
                size=f"{file.size_bytes:,}",
                limit=f"{limit:,}",
            )
        )


def _limit(services: Services, file: Announcement) -> int:
    if file.purpose == "mask":
        return MAX_MASK_BYTES - 1
    settings = services.settings
    return settings.max_video_bytes if file.content_type in VIDEOS else settings.max_image_bytes


def _check_quota(services: Services, session: Session, user: User, size: int) -> None:
    limit = services.settings.quota_bytes_per_user
    used = assets.stored_bytes(session, user.id) + uploads.pending_bytes(session, user.id)
    if used + size > limit:
        raise Rejected(
            msg(
                "Your files take {used} of {limit} GB. Delete some jobs first.",
                used=f"{used / 1e9:.1f}",
                limit=f"{limit / 1e9:.1f}",
            )
        )


def _permitted(services: Services, session: Session, user: User, file: Announcement) -> Upload:
    id = new_id()
    at = clock.read(session)
    upload = Upload(
        id=id,
        user_id=user.id,
        purpose=file.purpose,
        key=input_key(services.settings.environment, at=at, upload_id=id, name="original"),
        filename=clean_filename(file.filename),
        mime=file.content_type,
        bytes=file.size_bytes,
        sha256=file.sha256,
        expires_at=func.now() + timedelta(seconds=services.settings.upload_ttl_s),
    )
    session.add(upload)
    session.flush()
    return upload


def confirm(services: Services, user: User, upload_id: UUID) -> dict[str, Any]:
    """Verify an upload's bytes and make it an asset; return how the form shows it.

    Raises:
        NotFound, Gone: foreign, missing, refused before, or too late.
        Rejected: the bytes are not there, or not what was announced.
    """
    with services.sessions() as session:
        upload = uploads.confirmable(session, user.id, upload_id)
        if upload.state == UploadState.CONFIRMED and upload.asset_id is not None:
            return described(services, session, assets.get(session, upload.asset_id))
    try:
        taken = _verified(services, upload)
    except MediaRejected as error:
        _refuse(services, upload, error)
        raise
    return _recorded(services, user, upload, taken)


def _refuse(services: Services, upload: Upload, error: MediaRejected) -> None:
    log.info("upload_refused", upload_id=str(upload.id), reason=str(error))
    services.bucket.delete([upload.key])
    with services.sessions.begin() as session:
        uploads.rejected(session, upload.id, problem=str(error))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    """A verified upload and what was made from it, all in the bucket."""

    kind: AssetKind
    original: tuple[Stored, assets.Picture]
    made: Mapping[AssetKind, tuple[Stored, assets.Picture]]


def _verified(services: Services, upload: Upload) -> _Taken:
    stored = _arrived(services, upload)
    head = services.bucket.read_head(upload.key, HEAD_BYTES)
    if sniff(head) != upload.mime:
        raise MediaRejected(
            msg("The file is not what its name says: it is no {type}.", type=upload.mime)
        )
    with tempfile.TemporaryDirectory(prefix="proofsheet-") as name:
        folder = Path(name)
        path = folder / "original"
        services.bucket.download(upload.key, path, max_bytes=upload.bytes)
        if upload.purpose == "mask":
            return _mask(upload, stored, path, head)
        if upload.mime in VIDEOS:
            return _video(services, upload, stored, path, folder)
        return _image(services, upload, stored, path, folder)


def _arrived(services: Services, upload: Upload) -> Stored:
    try:
        stored = services.bucket.stat(upload.key)
    except NotFound as error:
        raise Rejected(msg("The file has not arrived. Upload it again.")) from error
    wrong_sum = stored.sha256 is not None and stored.sha256 != upload.sha256
    if stored.size_bytes != upload.bytes or wrong_sum:
        raise MediaRejected(msg("What arrived is not the file that was chosen. Upload it again."))
    return stored


def _image(services: Services, upload: Upload, stored: Stored, path: Path, folder: Path) -> _Taken:
    taken = accept_image(path, folder, declared_mime=upload.mime, as_png=False)
    suffix = "png" if taken.prepared.mime == "image/png" else "jpg"
    key = _beside(upload.key, f"prepared.{suffix}")
    prepared = services.bucket.put_file(
        key, taken.prepared.path, content_type=taken.prepared.mime, sha256=taken.prepared.sha256
    )
    return _Taken(
        kind=AssetKind.INPUT,
        original=(stored, _original(upload, taken.facts.width, taken.facts.height)),
        made={
            AssetKind.PREPARED: (prepared, _picture(taken.prepared)),
            AssetKind.THUMBNAIL: _small(services, taken.thumbnail),
        },
    )


def _video(services: Services, upload: Upload, stored: Stored, path: Path, folder: Path) -> _Taken:
    taken = finish_video(path, folder)
    picture = _original(upload, taken.facts.width, taken.facts.height)
    made = {AssetKind.POSTER: _small(services, taken.small)} if taken.small else {}
    seconds = Decimal(str(round(taken.facts.duration_s, 3))) if taken.facts.duration_s else None
    return _Taken(
        kind=AssetKind.INPUT, original=(stored, replace(picture, duration_s=seconds)), made=made
    )


def _mask(upload: Upload, stored: Stored, path: Path, head: bytes) -> _Taken:
    """Verify a mask by itself; whether it fits its picture is known when a job is filed."""
    width, height = int.from_bytes(head[16:20]), int.from_bytes(head[20:24])
    facts = accept_mask(path, width=width, height=height)
    return _Taken(
        kind=AssetKind.MASK,
        original=(stored, _original(upload, facts.width, facts.height)),
        made={},
    )


def _original(upload: Upload, width: int, height: int) -> assets.Picture:
    return assets.Picture(
        mime=upload.mime,
        sha256=upload.sha256,
        width=width,
        height=height,
        filename=upload.filename,
    )


def _picture(made: Rendition) -> assets.Picture:
    return assets.Picture(mime=made.mime, sha256=made.sha256, width=made.width, height=made.height)


def _small(services: Services, made: Rendition) -> tuple[Stored, assets.Picture]:
    key = thumb_key(services.settings.environment, made.sha256)
    stored = services.bucket.put_file(
        key, made.path, content_type=made.mime, sha256=made.sha256, cache_control=FOREVER
    )
    return stored, _picture(made)


def _beside(key: str, name: str) -> str:
    return f"{key.rsplit('/', 1)[0]}/{name}"


def _recorded(services: Services, user: User, upload: Upload, taken: _Taken) -> dict[str, Any]:
    """Write the rows; of fifty confirmations at once, one writes and all return the same."""
    try:
        with services.sessions.begin() as session:
            asset = _add(session, user, taken)
            uploads.confirmed(session, upload.id, asset_id=asset.id)
            session.flush()
            return described(services, session, asset)
    except Conflict:
        with services.sessions() as session:
            done = uploads.confirmable(session, user.id, upload.id)
            if done.asset_id is None:
                raise
            return described(services, session, assets.get(session, done.asset_id))


def _add(session: Session, user: User, taken: _Taken) -> Asset:
    stored, picture = taken.original
    asset = assets.add(session, taken.kind, stored, picture, assets.Place(user_id=user.id))
    for kind, (made, made_picture) in taken.made.items():
        place = assets.Place(user_id=user.id, source_id=asset.id)
        assets.add(session, kind, made, made_picture, place)
    return asset


def adopt(services: Services, user: User, asset_id: UUID) -> dict[str, Any]:
    """Make a result (or another job's input or mask) usable; return how the form shows it.

    It is verified and prepared like an upload; the original object is shared. A mask stays
    a mask, everything else becomes an input.

    Raises:
        NotFound: no such file, or the person may not see its job.
        MediaRejected: it is no picture.
    """
    with services.sessions() as session:
        source = assets.get(session, asset_id)
        if source.job_id is None and source.user_id != user.id:
            raise NotFound(msg("This file does not exist."))
        if source.job_id is not None:
            shared = services.settings.team_visibility == "read"
            jobs.visible(session, user, source.job_id, team_reads=shared)
        kind = AssetKind.MASK if source.kind == AssetKind.MASK else AssetKind.INPUT
        same = assets.same_file(session, user.id, source.sha256, kind)
        if same is not None:
            return described(services, session, same)
    taken = _adopted(services, source)
    with services.sessions.begin() as session:
        return described(services, session, _add(session, user, taken))


def _adopted(services: Services, source: Asset) -> _Taken:
    if source.mime not in IMAGES:
        raise MediaRejected(msg("Only a picture can be used as an input."))
    with tempfile.TemporaryDirectory(prefix="proofsheet-") as name:
        path = Path(name) / "original"
        services.bucket.download(source.key, path, max_bytes=source.bytes)
        with services.sessions() as session:
            at = clock.read(session)
        key = input_key(services.settings.environment, at=at, upload_id=new_id(), name="original")
        shared = Upload(
            key=key, mime=source.mime, sha256=source.sha256, filename=source.filename or "result"
        )
        stored = services.bucket.stat(source.key)
        if source.kind == AssetKind.MASK:
            with path.open("rb") as file:
                return _mask(shared, stored, path, file.read(HEAD_BYTES))
        return _image(services, shared, stored, path, Path(name))


def described(services: Services, session: Session, asset: Asset) -> dict[str, Any]:
    """Return how a form shows an input: the links are made now and stored nowhere."""
    item = assets.own_inputs(session, asset.user_id, [asset.id])[0]
    small = item.thumbnail
    return {
        "id": str(asset.id),
        "kind": asset.kind,
        "mime": asset.mime,
        "filename": asset.filename,
        "bytes": asset.bytes,
        "sha256": asset.sha256,
        "width": item.sent.width,
        "height": item.sent.height,
        "duration_s": float(asset.duration_s) if asset.duration_s else None,
        "thumbnail_url": services.bucket.stable_url(small.key) if small else None,
        "prepared_url": services.bucket.stable_url(item.sent.key),
    }
