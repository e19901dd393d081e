"""What is made from a verified file: the copy that is sent, and a small one to look at."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from sqlalchemy.orm import Session

from core import assets
from core.errors import MediaRejected, msg
from core.media import Rendition, accept_image, accept_mask, finish_video
from core.models import Asset, AssetKind, Upload, User
from core.services import Services
from core.storage import Stored
from core.storage.keys import beside, thumb_key

FOREVER = "private, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A verified upload and what was made from it, all in the bucket."""

    kind: AssetKind
    original: tuple[Stored, assets.Picture]
    made: Mapping[AssetKind, tuple[Stored, assets.Picture]]


def image(services: Services, upload: Upload, stored: Stored, path: Path, folder: Path) -> Taken:
    """Verify a picture; store the copy that is sent and the thumbnail. Raises MediaRejected."""
    taken = accept_image(path, folder, declared_mime=upload.mime, as_png=False)
    return Taken(
        kind=AssetKind.INPUT,
        original=(stored, _original(upload, taken.facts.width, taken.facts.height)),
        made={
            AssetKind.PREPARED: _sent(services, upload, taken.prepared),
            AssetKind.THUMBNAIL: _small(services, taken.thumbnail),
        },
    )


def video(services: Services, upload: Upload, stored: Stored, path: Path, folder: Path) -> Taken:
    """Verify a video; store its poster if one can be made. Raises MediaRejected."""
    taken = finish_video(path, folder)
    picture = _original(upload, taken.facts.width, taken.facts.height)
    made = {AssetKind.POSTER: _small(services, taken.small)} if taken.small else {}
    seconds = Decimal(str(round(taken.facts.duration_s, 3))) if taken.facts.duration_s else None
    return Taken(
        kind=AssetKind.INPUT, original=(stored, replace(picture, duration_s=seconds)), made=made
    )


def drawn(services: Services, upload: Upload, stored: Stored, path: Path, folder: Path) -> Taken:
    """Verify a mask or markup by itself; whether it fits its picture is known when a job is filed.

    Raises MediaRejected.
    """
    taken = accept_mask(
        path, folder, max_bytes=services.catalog.mask_max_bytes, called=upload.purpose
    )
    return Taken(
        kind=AssetKind(upload.purpose),
        original=(stored, _original(upload, taken.facts.width, taken.facts.height)),
        made={
            AssetKind.PREPARED: _sent(services, upload, taken.prepared),
            AssetKind.THUMBNAIL: _small(services, taken.thumbnail),
        },
    )


def recorded(services: Services, asset: Asset, folder: Path) -> Path:
    """Fetch a file that has a row. Raises MediaRejected: other bytes lie in its place."""
    path = folder / "original"
    got = services.bucket.download(asset.key, path, max_bytes=asset.bytes)
    if got.sha256 != asset.sha256:
        raise MediaRejected(
            msg("The stored file is not the one that was recorded. Ask an administrator.")
        )
    return path


def _original(upload: Upload, width: int, height: int) -> assets.Picture:
    return assets.Picture(
        mime=upload.mime,
        sha256=upload.sha256,
        width=width,
        height=height,
        filename=upload.filename,
    )


def picture_of(made: Rendition) -> assets.Picture:
    """Return what a row says of a file that was made here."""
    return assets.Picture(mime=made.mime, sha256=made.sha256, width=made.width, height=made.height)


def _sent(services: Services, upload: Upload, made: Rendition) -> tuple[Stored, assets.Picture]:
    suffix = "png" if made.mime == "image/png" else "jpg"
    key = beside(upload.key, f"prepared.{suffix}")
    stored = services.bucket.put_file(key, made.path, content_type=made.mime, sha256=made.sha256)
    return stored, picture_of(made)


def _small(services: Services, made: Rendition) -> tuple[Stored, assets.Picture]:
    key = thumb_key(services.settings.environment, made.sha256)
    stored = services.bucket.put_file(
        key, made.path, content_type=made.mime, sha256=made.sha256, cache_control=FOREVER
    )
    return stored, picture_of(made)


def add(session: Session, user: User, taken: Taken) -> Asset:
    """Write the rows of a file and of what was made from it; return the file's own."""
    stored, picture = taken.original
    asset = assets.add(session, taken.kind, stored, picture, assets.Place(user_id=user.id))
    for kind, (made, made_picture) in taken.made.items():
        place = assets.Place(user_id=user.id, source_id=asset.id)
        assets.add(session, kind, made, made_picture, place)
    return asset
