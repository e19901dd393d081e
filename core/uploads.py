"""Presigned uploads between the permission and the confirmation."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.errors import Conflict, Gone, NotFound, msg
from core.models import Upload, UploadState


def locked_own(session: Session, user_id: UUID, id: UUID) -> Upload:
    """Return a person's upload, locked, whatever its state. Raises NotFound."""
    upload = session.scalar(
        select(Upload).where(Upload.id == id, Upload.user_id == user_id).with_for_update()
    )
    if upload is None:
        raise NotFound(msg("This upload does not exist."))
    return upload


def confirmable(session: Session, user_id: UUID, id: UUID) -> Upload:
    """Return an upload that is confirmed already or may be now.

    Raises:
        NotFound, Gone: foreign or missing; its time has passed or it was refused.
    """
    upload = locked_own(session, user_id, id)
    expired = session.scalar(select(Upload.expires_at < func.now()).where(Upload.id == id))
    if upload.state == UploadState.REJECTED:
        raise Gone(msg("This file was refused. Choose another one."))
    if upload.state == UploadState.PENDING and expired:
        raise Gone(msg("The permission to upload has run out. Choose the file again."))
    return upload


def confirmed(session: Session, id: UUID, *, asset_id: UUID) -> Upload:
    """Record that an upload has become an asset, once.

    Raises:
        Conflict: another confirmation of the same upload was faster.
    """
    upload = session.get_one(Upload, id, with_for_update=True, populate_existing=True)
    if upload.state != UploadState.PENDING:
        raise Conflict(f"Upload {id} is {upload.state}.")
    upload.state = UploadState.CONFIRMED
    upload.asset_id = asset_id
    return upload


def rejected(session: Session, id: UUID, *, problem: str) -> None:
    """Record that an upload's bytes were not what they should be."""
    upload = session.get_one(Upload, id, with_for_update=True, populate_existing=True)
    if upload.state == UploadState.PENDING:
        upload.state = UploadState.REJECTED
        upload.problem = problem


def one_at_a_time(session: Session, user_id: UUID) -> None:
    """Let a person's announcements wait for each other until commit: they share a quota."""
    key = func.hashtextextended(f"quota:{user_id}", 0)
    session.execute(select(func.pg_advisory_xact_lock(key)))


def pending_bytes(session: Session, user_id: UUID) -> int:
    """Return the bytes a person has been permitted to send and has not confirmed."""
    return int(
        session.scalar(
            select(func.coalesce(func.sum(Upload.bytes), 0)).where(
                Upload.user_id == user_id,
                Upload.state == UploadState.PENDING,
                Upload.expires_at > func.now(),
            )
        )
        or 0
    )


def stale(session: Session, *, limit: int = 100) -> Sequence[Upload]:
    """Return uploads nobody can confirm any more, locked, for sweeping with their objects."""
    return session.scalars(
        select(Upload)
        .where(
            Upload.state != UploadState.CONFIRMED,
            Upload.expires_at < func.now() - timedelta(hours=1),
        )
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
