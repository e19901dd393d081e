"""From a provider's answer to a finished job. Everything here may be repeated.

A job is `done` only when every usable result lies in the bucket. A result whose
job has gone on or ended without it is kept as a late one beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from core import assets, attempts, events, jobs, runs
from core.claims import Claim, Stale, held
from core.errors import (
    AppError,
    BadResult,
    DecoderFailed,
    MediaRejected,
    ProviderError,
    StorageError,
)
from core.failpoints import reach
from core.models import Asset, Job
from core.providers import EditResult, Ready
from core.providers.answer_file import read_answer
from core.providers.fetch import fetch
from core.providers.prices import cost
from core.services import Services
from core.stages import Stage
from core.storage import Stored
from core.transitions import job_of
from workers import keeping
from workers.backoff import backoff_s
from workers.hands import Hands
from workers.keeping import Kept
from workers.spool import Spooled

log = structlog.get_logger(__name__)

DOWNLOAD_SHARE = 0.6  # of the lease; the rest is for looking into the file and storing it
DOWNLOAD_TRIES = 3
BROKEN = "download_broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a provider said about the results it gave."""

    attempt_id: UUID
    actual: Mapping[str, Any]
    usage: Mapping[str, Any]
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """Why an answer is of no use."""

    attempt_id: UUID
    code: str
    message: str


# --- edits ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _KeptEdit:
    """The usable images of an answer; the answer itself too if some were not."""

    images: Sequence[Kept]
    unusable: int
    raw: tuple[Stored, assets.Picture] | None
    outcome: Outcome


def store_edit(hands: Hands, claim: Claim, spooled: Spooled) -> None:
    """Copy a spooled answer's images to the bucket and finish the job."""
    services = hands.services
    job = _job(services, claim.job_id)
    try:
        edit = _keep_edit(hands, job, spooled)
    except (BadResult, MediaRejected) as error:
        code = error.code if isinstance(error, BadResult) else "not_an_image"
        ending = Ending(attempt_id=spooled.attempt_id, code=code, message=str(error))
        if not _end_badly(services, claim, spooled.body, ending):
            return
    except (StorageError, DecoderFailed) as error:
        _again(services, claim, why="storage_unavailable", error=error)
        return
    else:
        reach("uploaded")
        with services.sessions.begin() as session:
            finished = job_of(session, held(session, claim))
            covers = _record_edit(session, finished, edit)
            _finish(session, services, claim, finished, covers, edit.outcome)
        reach("stored")
    hands.spool.remove(spooled.attempt_id)


def store_late_edit(hands: Hands, spooled: Spooled) -> None:
    """Keep an answer whose job has gone on or ended without it."""
    services = hands.services
    job = _job(services, spooled.job_id)
    try:
        edit = _keep_edit(hands, job, spooled)
    except (BadResult, MediaRejected):
        kept = keeping.raw(services, job, spooled.body, spooled.attempt_id)
        with services.sessions.begin() as session:
            keeping.record_raw(session, job, kept, spooled.attempt_id)
    else:
        with services.sessions.begin() as session:
            at = session.get_one(Job, job.id, with_for_update=True)
            covers = _record_edit(session, at, edit)
            _keep_late(session, services, at, covers, edit.outcome)
    hands.spool.remove(spooled.attempt_id)


def _keep_edit(hands: Hands, job: Job, spooled: Spooled) -> _KeptEdit:
    """Copy what is usable to the bucket.

    Raises:
        BadResult, MediaRejected: nothing is.
    """
    answer = read_answer(spooled.body, spooled.answer)
    reach("fetched")
    images, first_problem = _usable(hands, job, answer, spooled.attempt_id)
    if first_problem is not None and not images:
        raise first_problem
    unusable = answer.unusable + len(answer.images) - len(images)
    return _KeptEdit(
        images=images,
        unusable=unusable,
        raw=keeping.raw(hands.services, job, spooled.body, spooled.attempt_id)
        if unusable
        else None,
        outcome=Outcome(
            attempt_id=spooled.attempt_id,
            actual=answer.actual,
            usage=answer.usage,
            request_id=spooled.answer.request_id,
        ),
    )


def _usable(
    hands: Hands, job: Job, answer: EditResult, attempt_id: UUID
) -> tuple[Sequence[Kept], MediaRejected | None]:
    images, problem = [], None
    for position, path in enumerate(answer.images):
        try:
            images.append(keeping.image(hands, job, path, attempt_id, position))
        except MediaRejected as error:
            problem = problem or error
    return images, problem


def _record_edit(session: Session, job: Job, edit: _KeptEdit) -> Sequence[Asset]:
    attempt_id = edit.outcome.attempt_id
    if edit.raw is not None:
        keeping.record_raw(session, job, edit.raw, attempt_id)
        events.record(session, job.id, "result_unusable", by="worker", count=edit.unusable)
    return [
        keeping.record(session, job, kept, attempt_id, position)
        for position, kept in enumerate(edit.images)
    ]


# --- videos -----------------------------------------------------------------------------


def store_video(hands: Hands, claim: Claim, ready: Ready) -> None:
    """Fetch a finished video, copy it to the bucket and finish the job."""
    services = hands.services
    job = _job(services, claim.job_id)
    attempt_id = _attempt_id(services, claim)
    with hands.spool.scratch() as folder:
        path = folder / "result.mp4"
        try:
            _fetch(services, ready, path)
            reach("fetched")
            kept = keeping.video(hands, job, path, attempt_id)
        except (StorageError, DecoderFailed, ProviderError) as error:
            _again(services, claim, why=_code(error), error=error)
            return
        except MediaRejected as error:
            _unplayable(hands, claim, path, attempt_id, error)
            return
    reach("uploaded")
    outcome = Outcome(attempt_id=attempt_id, actual=ready.actual, usage=ready.usage)
    with services.sessions.begin() as session:
        finished = job_of(session, held(session, claim))
        cover = keeping.record(session, finished, kept, attempt_id, 0)
        _finish(session, services, claim, finished, [cover], outcome)


def store_late_video(hands: Hands, job_id: UUID, attempt_id: UUID, ready: Ready) -> None:
    """Keep a video whose job has gone on or ended without it.

    Raises:
        StorageError, DecoderFailed, ProviderError, MediaRejected: it is not kept yet.
    """
    services = hands.services
    job = _job(services, job_id)
    with hands.spool.scratch() as folder:
        path = folder / "result.mp4"
        _fetch(services, ready, path)
        kept = keeping.video(hands, job, path, attempt_id)
    outcome = Outcome(attempt_id=attempt_id, actual=ready.actual, usage=ready.usage)
    with services.sessions.begin() as session:
        at = session.get_one(Job, job_id, with_for_update=True)
        cover = keeping.record(session, at, kept, attempt_id, 0)
        _keep_late(session, services, at, [cover], outcome)
        attempts.locked(session, attempt_id).recheck_at = None


def _fetch(services: Services, ready: Ready, path: Path) -> None:
    settings = services.settings
    fetch(
        ready.download_url,
        path,
        allowed_hosts=settings.download_allowed_hosts,
        max_bytes=settings.result_url_max_bytes,
        total_s=settings.store_lease_s * DOWNLOAD_SHARE,
    )


def _unplayable(
    hands: Hands, claim: Claim, path: Path, attempt_id: UUID, error: MediaRejected
) -> None:
    """A file that cannot be played is fetched anew before it counts as a bad result."""
    with hands.services.sessions() as session:
        tries = events.count(session, claim.job_id, "step_failed", why=BROKEN) + 1
    if tries < DOWNLOAD_TRIES:
        _again(hands.services, claim, why=BROKEN, error=error)
    else:
        ending = Ending(attempt_id=attempt_id, code="not_a_video", message=str(error))
        _end_badly(hands.services, claim, path, ending)


# --- the end of a job -------------------------------------------------------------------


def _finish(
    session: Session,
    services: Services,
    claim: Claim,
    job: Job,
    covers: Sequence[Asset],
    outcome: Outcome,
) -> None:
    """Write cost and `done`, in the transaction of the assets."""
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
    log.info("job_stored", job_id=str(job.id), results=len(covers))


def _keep_late(
    session: Session, services: Services, job: Job, covers: Sequence[Asset], outcome: Outcome
) -> None:
    """Add a late result and what it cost; the job's status stays."""
    if events.count(session, job.id, "late_result_kept", attempt_id=outcome.attempt_id):
        return
    price = cost(
        services.catalog,
        model=job.model,
        options=job.options,
        usage=outcome.usage,
        on=job.created_at.date(),
    )
    if price.usd is not None:
        job.cost_usd = (job.cost_usd or 0) + price.usd
        job.price_version = price.price_version
    job.cover_asset_id = job.cover_asset_id or covers[0].id
    events.record(session, job.id, "late_result_kept", by="worker", attempt_id=outcome.attempt_id)
    events.show_change(session, job_id=job.id, user_id=job.user_id)
    log.info("late_result_kept", job_id=str(job.id), results=len(covers))


def _end_badly(services: Services, claim: Claim, path: Path, ending: Ending) -> bool:
    """End a job whose paid answer holds nothing usable, once the answer itself is kept."""
    job = _job(services, claim.job_id)
    try:
        kept = keeping.raw(services, job, path, ending.attempt_id)
    except StorageError as error:
        _again(services, claim, why="storage_unavailable", error=error)
        return False
    with services.sessions.begin() as session:
        held(session, claim)
        keeping.record_raw(session, job, kept, ending.attempt_id)
        runs.ended(
            session, claim, Stage.BAD_RESULT, code=ending.code, message=ending.message[:2000]
        )
    return True


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
