"""Slow, periodic and safe to repeat: what nobody needs any more."""

import structlog

from core import assets, forgetting, heartbeats, uploads
from core.errors import StorageError
from workers import sweep
from workers.hands import Hands

log = structlog.get_logger(__name__)

EVERY_S = 600


def tidy(hands: Hands) -> None:
    """End what waited too long; forget old tries, sessions, ticks, workers and lost uploads.

    Previews go too, once their job has its result.

    Once in EVERY_S seconds over all workers; whoever comes later tidies only its own disk.
    """
    hands.spool.tidy()
    with hands.services.sessions.begin() as session:
        if not heartbeats.first_to(session, "tidy", every_s=EVERY_S, worker=hands.worker):
            return
    with hands.services.sessions.begin() as session:
        forgetting.forget_old(session)
    sweep.expire(hands)
    try:
        _drop_stale_uploads(hands)
        _drop_previews(hands)
    except StorageError as error:
        log.warning("stale_objects_kept", reason=str(error))


def _drop_stale_uploads(hands: Hands) -> None:
    """Remove the objects first: a row without an object is found again, the reverse is not."""
    with hands.services.sessions.begin() as session:
        stale = uploads.stale(session)
        hands.services.bucket.delete([upload.key for upload in stale])
        for upload in stale:
            session.delete(upload)
    if stale:
        log.info("stale_uploads_dropped", uploads=len(stale))


def _drop_previews(hands: Hands) -> None:
    with hands.services.sessions.begin() as session:
        previews = assets.stale_previews(session)
        hands.services.bucket.delete([preview.key for preview in previews])
        for preview in previews:
            session.delete(preview)
    if previews:
        log.info("previews_dropped", previews=len(previews))
