"""From a provider's answer to objects in our bucket and rows that name them.

Everything here may be repeated: keys follow from the job, rows from their
place. A job is `done` only when every result lies in the bucket.
"""

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from core import assets, attempts, claims, events, jobs, runs, transitions
from core.claims import Claim, Stale
from core.errors import (
    AppError,
    BadResult,
    DecoderFailed,
    LinkExpired,
    MediaRejected,
    ProviderError,
    StorageError,
)
from core.media import Finished, finish_image, finish_video
from core.models import Asset, AssetKind, Job
from core.providers import Ready
from core.providers.answer_file import read_answer
from core.providers.fetch import fetch
from core.providers.prices import cost
from core.services import Services
from core.stages import Stage
from core.storage import Stored
from core.storage.keys import result_key, thumb_key
from workers.backoff import backoff_s
from workers.hands import Hands
from workers.spool import Spooled

log = structlog.get_logger(__name__)

FOREVER = "private, max-age=31536000, immutable"
DOWNLOAD_S = 600.0
DOWNLOAD_TRIES = 3
EXTENSIONS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "image/gif": "gif",
    "video/mp4": "mp4",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One result in the bucket, with its thumbnail or poster where one could be made."""

    result: Stored
    picture: assets.Picture
    small: Stored | None
    small_picture: assets.Picture | None
    small_kind: AssetKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a provider said about the results it gave."""

    attempt_id: UUID
    actual: Mapping[str, Any]
    usage: Mapping[str, Any]
    request_id: str | None = None


def store_edit(hands: Hands, claim: Claim, spooled: Spooled) -> None:
    """Copy a spooled answer's images to the bucket and finish the job."""
    services = hands.services
    job = _job(services, claim.job_id)
    try:
        answer = read_answer(spooled.body, spooled.answer)
        kept = [
            _keep_image(services, job, path, spooled.attempt_id, position)
            for position, path in enumerate(answer.images)
        ]
    except (BadResult, MediaRejected) as error:
        keep_raw(hands, claim, spooled.attempt_id, error)
        return
    except (StorageError, DecoderFailed) as error:
        _again(services, claim, why="storage_unavailable", error=error)
        return
    outcome = Outcome(
        attempt_id=spooled.attempt_id,
        actual=answer.actual,
        usage=answer.usage,
        request_id=spooled.answer.request_id,
    )
    _finish(hands, claim, kept, outcome)
    hands.spool.remove(spooled.attempt_id)


def store_video(hands: Hands, claim: Claim, ready: Ready) -> None:
    """Fetch a finished video, copy it to the bucket and finish the job."""
    services = hands.services
    job = _job(services, claim.job_id)
    attempt = _attempt_id(services, claim)
    with tempfile.TemporaryDirectory(prefix="proofsheet-") as folder:
        path = Path(folder) / "result.mp4"
        try:
            fetch(
                ready.download_url,
                path,
                allowed_hosts=services.settings.download_allowed_hosts,
                max_bytes=services.settings.result_url_max_bytes,
                total_s=DOWNLOAD_S,
            )
            kept = _keep_video(services, job, path, attempt)
        except (LinkExpired, StorageError, DecoderFailed, ProviderError) as error:
            _again(services, claim, why=_code(error), error=error)
            return
        except MediaRejected as error:
            _unplayable(hands, claim, path, attempt, error)
            return
    outcome = Outcome(attempt_id=attempt, actual=ready.actual, usage=ready.usage)
    _finish(hands, claim, [kept], outcome)


def _unplayable(
    hands: Hands, claim: Claim, path: Path, attempt: UUID, error: MediaRejected
) -> None:
    """A cut download is tried again with a fresh URL before it counts as a bad result."""
    if claim.failures + 1 < DOWNLOAD_TRIES:
        _again(hands.services, claim, why="download_broken", error=error)
        return
    _keep_raw_file(hands, claim, path, attempt, code="not_a_video", message=str(error))


def _keep_image(services: Services, job: Job, path: Path, attempt_id: UUID, position: int) -> Kept:
    with tempfile.TemporaryDirectory(prefix="proofsheet-") as folder:
        done = finish_image(path, Path(folder), expected_mime=None)
        return _put(services, job, path, done, attempt_id=attempt_id, position=position)


def _keep_video(services: Services, job: Job, path: Path, attempt_id: UUID) -> Kept:
    with tempfile.TemporaryDirectory(prefix="proofsheet-") as folder:
        done = finish_video(path, Path(folder))
        return _put(services, job, path, done, attempt_id=attempt_id, position=0)


def _put(
    services: Services,
    job: Job,
    path: Path,
    done: Finished,
    *,
    attempt_id: UUID,
    position: int,
) -> Kept:
    facts = done.facts
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    name = f"result-{str(attempt_id)[-8:]}-{position}.{EXTENSIONS[facts.mime]}"
    key = result_key(
        services.settings.environment,
        provider=job.provider,
        at=job.created_at,
        job_id=job.id,
        name=name,
    )
    stored = services.bucket.put_file(key, path, content_type=facts.mime, sha256=sha256)
    return Kept(
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
    )


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


def _finish(hands: Hands, claim: Claim, kept: Sequence[Kept], outcome: Outcome) -> None:
    """Write assets, cost and `done` in one transaction."""
    services = hands.services
    with services.sessions.begin() as session:
        job = transitions.job_of(session, claims.held(session, claim))
        covers = [_record(session, job, item, outcome.attempt_id, n) for n, item in enumerate(kept)]
        assets.drop_previews(session, job.id)
        price = cost(
            services.catalog,
            model=job.model,
            options=job.options,
            usage=outcome.usage,
            on=job.created_at.date(),
        )
        job.actual = dict(outcome.actual)
        job.usage = dict(outcome.usage)
        job.request_id = outcome.request_id or job.request_id
        runs.stored(
            session,
            claim,
            cover_asset_id=covers[0].id,
            cost_usd=price.usd,
            price_version=price.price_version,
        )
        jobs.remember_result(session, job)
    log.info("job_stored", job_id=str(claim.job_id), results=len(kept))


def _record(session: Session, job: Job, kept: Kept, attempt_id: UUID, position: int) -> Asset:
    place = assets.Place(
        user_id=job.user_id, job_id=job.id, attempt_id=attempt_id, position=position
    )
    result = assets.add(session, AssetKind.RESULT, kept.result, kept.picture, place)
    if kept.small is not None and kept.small_picture is not None:
        at_result = replace(place, source_id=result.id)
        assets.add(session, kept.small_kind, kept.small, kept.small_picture, at_result)
    else:
        events.record(session, job.id, "thumbnail_not_made", by="worker", position=position)
    return result


def keep_raw(
    hands: Hands, claim: Claim, attempt_id: UUID, error: BadResult | MediaRejected
) -> None:
    """End a job whose paid answer holds nothing usable, keeping the answer itself."""
    code = error.code if isinstance(error, BadResult) else "not_an_image"
    path = hands.spool.body(attempt_id)
    _keep_raw_file(hands, claim, path, attempt_id, code=code, message=str(error))
    hands.spool.remove(attempt_id)


def _keep_raw_file(
    hands: Hands, claim: Claim, path: Path, attempt_id: UUID, *, code: str, message: str
) -> None:
    services = hands.services
    job = _job(services, claim.job_id)
    stored, sha256 = _put_raw(services, job, path, attempt_id)
    with services.sessions.begin() as session:
        claims.held(session, claim)
        assets.add(
            session,
            AssetKind.RAW,
            stored,
            assets.Picture(mime="application/octet-stream", sha256=sha256, filename="answer.bin"),
            assets.Place(user_id=job.user_id, job_id=job.id, attempt_id=attempt_id),
        )
        runs.ended(session, claim, Stage.BAD_RESULT, code=code, message=message[:2000])


def _put_raw(services: Services, job: Job, path: Path, attempt_id: UUID) -> tuple[Stored, str]:
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    key = result_key(
        services.settings.environment,
        provider=job.provider,
        at=job.created_at,
        job_id=job.id,
        name=f"raw-{str(attempt_id)[-8:]}.bin",
    )
    kind = "application/octet-stream"
    return services.bucket.put_file(key, path, content_type=kind, sha256=sha256), sha256


def _again(services: Services, claim: Claim, *, why: str, error: AppError) -> None:
    log.warning("storing_failed", job_id=str(claim.job_id), why=why, reason=str(error))
    with services.sessions.begin() as session:
        runs.retry(session, claim, due_in_s=backoff_s(claim.failures), why=why)


def _code(error: AppError) -> str:
    return error.code if isinstance(error, ProviderError) else "storage_unavailable"


def _job(services: Services, job_id: UUID) -> Job:
    with services.sessions() as session:
        return session.get_one(Job, job_id)


def _attempt_id(services: Services, claim: Claim) -> UUID:
    with services.sessions() as session:
        attempt = attempts.live(session, claim.job_id)
    if attempt is None:
        raise Stale(f"Job {claim.job_id} has no live attempt.")
    return attempt.id
