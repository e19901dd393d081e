"""A file that has arrived in the bucket: verified, prepared, and made an input."""

import tempfile
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import structlog

from core import assets, uploads
from core.errors import Conflict, MediaRejected, NotFound, OtherBytes, Rejected, msg
from core.intake import preparing
from core.intake.permits import DRAWN, VIDEOS
from core.intake.preparing import Taken
from core.intake.shown import described
from core.intake.turns import Turns
from core.media import HEAD_BYTES, sniff
from core.models import Upload, UploadState, User
from core.services import Services
from core.storage import Stored

log = structlog.get_logger(__name__)

OTHER_BYTES: Final = msg("What arrived is not the file that was chosen. Upload it again.")

# Across processes the database still lets one win; here fifty clicks decode once.
_TURNS: Final = Turns()


def confirm(services: Services, user: User, upload_id: UUID) -> dict[str, Any]:
    """Verify an upload's bytes and make it an asset; return how the form shows it.

    Raises:
        NotFound, Gone: foreign, missing, refused before, or too late.
        Rejected: the bytes are not there, or not what was announced.
    """
    with _TURNS.of((user.id, upload_id)):
        return _confirmed(services, user, upload_id)


def _confirmed(services: Services, user: User, upload_id: UUID) -> dict[str, Any]:
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


def _verified(services: Services, upload: Upload) -> Taken:
    stored = _arrived(services, upload)
    head = services.bucket.read_head(upload.key, HEAD_BYTES)
    if sniff(head) != upload.mime:
        raise MediaRejected(
            msg("The file is not what its name says: it is no {type}.", type=upload.mime)
        )
    with tempfile.TemporaryDirectory(prefix="proofsheet-") as name:
        folder = Path(name)
        path = folder / "original"
        got = services.bucket.download(upload.key, path, max_bytes=upload.bytes)
        if got.sha256 != upload.sha256:  # not every store keeps a checksum to compare with
            raise OtherBytes(OTHER_BYTES)
        if upload.purpose in DRAWN:
            return preparing.drawn(services, upload, stored, path, folder)
        if upload.mime in VIDEOS:
            return preparing.video(services, upload, stored, path, folder)
        return preparing.image(services, upload, stored, path, folder)


def _arrived(services: Services, upload: Upload) -> Stored:
    try:
        stored = services.bucket.stat(upload.key)
    except NotFound as error:
        raise Rejected(msg("The file has not arrived. Upload it again.")) from error
    wrong_sum = stored.sha256 is not None and stored.sha256 != upload.sha256
    if stored.size_bytes != upload.bytes or wrong_sum:
        raise OtherBytes(OTHER_BYTES)
    return stored


def _recorded(services: Services, user: User, upload: Upload, taken: Taken) -> dict[str, Any]:
    """Write the rows; of fifty confirmations at once, one writes and all return the same."""
    try:
        with services.sessions.begin() as session:
            asset = preparing.add(session, user, taken)
            uploads.confirmed(session, upload.id, asset_id=asset.id)
            session.flush()
            return described(services, session, asset)
    except Conflict:
        with services.sessions() as session:
            done = uploads.confirmable(session, user.id, upload.id)
            if done.asset_id is None:
                raise
            return described(services, session, assets.get(session, done.asset_id))
