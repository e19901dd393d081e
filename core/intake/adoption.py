"""A result that becomes an input."""

import tempfile
from pathlib import Path
from typing import Any
from uuid import UUID

from core import assets, clock, jobs
from core.errors import Gone, MediaRejected, NotFound, msg
from core.ids import new_id
from core.intake import preparing
from core.intake.permits import IMAGES
from core.intake.preparing import Taken
from core.intake.shown import described
from core.media import HEAD_BYTES
from core.models import Asset, AssetKind, Upload, User
from core.services import Services
from core.storage.keys import input_key


def adopt(services: Services, user: User, asset_id: UUID) -> dict[str, Any]:
    """Make a result (or another job's input or mask) usable; return how the form shows it.

    It is verified and prepared like an upload; the original object is shared. A mask stays
    a mask, everything else becomes an input.

    Raises:
        NotFound: no such file, or the person may not see its job.
        Gone: its file has expired.
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
        if source.expired_at is not None:
            raise Gone(
                msg("This file has expired, so it cannot be used again. Upload it once more.")
            )
    taken = _adopted(services, source)
    with services.sessions.begin() as session:
        return described(services, session, preparing.add(session, user, taken))


def _adopted(services: Services, source: Asset) -> Taken:
    if source.mime not in IMAGES:
        raise MediaRejected(msg("Only a picture can be used as an input."))
    with tempfile.TemporaryDirectory(prefix="proofsheet-") as name:
        path = Path(name) / "original"
        got = services.bucket.download(source.key, path, max_bytes=source.bytes)
        if got.sha256 != source.sha256:
            raise MediaRejected(
                msg("The stored file is not the one that was recorded. Ask an administrator.")
            )
        with services.sessions() as session:
            at = clock.read(session)
        key = input_key(services.settings.environment, at=at, upload_id=new_id(), name="original")
        shared = Upload(
            key=key, mime=source.mime, sha256=source.sha256, filename=source.filename or "result"
        )
        stored = services.bucket.stat(source.key)
        if source.kind == AssetKind.MASK:
            with path.open("rb") as file:
                return preparing.mask(shared, stored, path, file.read(HEAD_BYTES))
        return preparing.image(services, shared, stored, path, Path(name))
