"""Which files may be uploaded: type, size and quota, before a byte is sent."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import func
from sqlalchemy.orm import Session

from core import assets, clock, uploads
from core.errors import Rejected, WrongType, msg
from core.ids import new_id
from core.intake.shown import described
from core.media import clean_filename
from core.models import AssetKind, Upload, User
from core.services import Services
from core.storage.keys import input_key

IMAGES = ("image/png", "image/jpeg", "image/webp")
VIDEOS = ("video/mp4",)
DRAWN = (AssetKind.MASK, AssetKind.MARKUP)  # over the first picture, in its size

SLOWEST_BYTES_PER_S = 50_000  # of a line that is waited for: 500 MB in three hours


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """A file as its browser describes it; nothing of it is believed yet."""

    filename: str
    content_type: str
    size_bytes: int
    sha256: str
    purpose: str  # 'input', 'mask' or 'markup'


def announce(services: Services, user: User, file: Announcement) -> dict[str, Any]:
    """Return a signed PUT for exactly this file, or the asset that already holds it.

    Raises:
        WrongType: files of its type are not taken.
        Rejected: a size or quota that cannot be taken.
    """
    _check_type_and_size(services, file)
    kind = AssetKind(file.purpose)
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
    drawn = file.purpose in DRAWN
    allowed = ("image/png",) if drawn else IMAGES + VIDEOS
    if file.content_type not in allowed:
        raise WrongType(
            msg(
                "Files of type {type} are not taken. Use PNG, JPEG, WebP or MP4.",
                type=file.content_type[:60] or "?",
            )
            if not drawn
            else msg("A mask or markup is a PNG file with transparency.")
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
    if file.purpose in DRAWN:
        return services.catalog.mask_max_bytes
    settings = services.settings
    return settings.max_video_bytes if file.content_type in VIDEOS else settings.max_image_bytes


def _check_quota(services: Services, session: Session, user: User, size: int) -> None:
    limit = services.settings.quota_bytes_per_user
    uploads.one_at_a_time(session, user.id)
    # Pending first: what is confirmed in between counts twice, never not at all.
    used = uploads.pending_bytes(session, user.id) + assets.stored_bytes(session, user.id)
    if used + size > limit:
        raise Rejected(
            msg(
                "Your files take {used} of {limit} GB, so this one finds no room. Ask the operator "
                "for more: what is in the trash still counts.",
                used=f"{used / 1e9:.1f}",
                limit=f"{limit / 1e9:.1f}",
            )
        )


def _confirmable_for(services: Services, file: Announcement) -> timedelta:
    """Return until when a PUT can have arrived: the signature limits only when it begins."""
    ttl_s = services.settings.upload_ttl_s
    return timedelta(seconds=ttl_s + file.size_bytes / SLOWEST_BYTES_PER_S)


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
        expires_at=func.now() + _confirmable_for(services, file),
    )
    session.add(upload)
    session.flush()
    return upload
