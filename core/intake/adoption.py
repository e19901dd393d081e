"""A result that becomes an input."""

import tempfile
from pathlib import Path
from typing import Any
from uuid import UUID

from core import assets, clock, jobs
from core.errors import Gone, MediaRejected, NotFound, msg
from core.ids import new_id
from core.intake import preparing
from core.intake.permits import DRAWN, IMAGES
from core.intake.preparing import Taken
from core.intake.shown import described
from core.models import Asset, AssetKind, Upload, User
from core.services import Services
from core.storage.keys import input_key


def adopt(services: Services, user: User, asset_id: UUID) -> dict[str, Any]:
    """Make a result (or another job's input or mask) usable; return how the form shows it.

    It is verified and prepared like an upload; the original object is shared. A mask stays
    a mask and a markup a markup; everything else becomes an input.

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
        same = assets.same_file(session, user.id, source.sha256, _becomes(source))
        if same is not None:
            return described(services, session, same)
        if source.expired_at is not None:
            raise Gone(
                msg("This file has expired, so it cannot be used again. Upload it once more.")
            )
    taken = _adopted(services, source)
    with services.sessions.begin() as session:
        return described(services, session, preparing.add(session, user, taken))


def _becomes(source: Asset) -> AssetKind:
    return AssetKind(source.kind) if source.kind in DRAWN else AssetKind.INPUT


def _adopted(services: Services, source: Asset) -> Taken:
    if source.mime not in IMAGES:
        raise MediaRejected(msg("Only a picture can be used as an input."))
    with tempfile.TemporaryDirectory(prefix="proofsheet-") as name:
        path = preparing.recorded(services, source, Path(name))
        with services.sessions() as session:
            at = clock.read(session)
        key = input_key(services.settings.environment, at=at, upload_id=new_id(), name="original")
        shared = Upload(
            key=key,
            mime=source.mime,
            sha256=source.sha256,
            filename=source.filename or "result",
            purpose=_becomes(source),
        )
        stored = services.bucket.stat(source.key)
        if shared.purpose in DRAWN:
            return preparing.drawn(services, shared, stored, path, Path(name))
        return preparing.image(services, shared, stored, path, Path(name))
