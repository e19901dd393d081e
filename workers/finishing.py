"""How a job ends once its answer is here: finished, kept as a late one, or useless.

Everything here may be repeated. A job is `done` only when every usable result lies in the
bucket. A result whose job has gone on or ended without it is kept as a late one beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from core import attempts, events, jobs, rechecks, runs
from core.claims import Claim, held
from core.errors import AppError, DecoderFailed, ProviderError, StorageError
from core.failpoints import reach
from core.models import Asset, Job
from core.providers.prices import Cost, cost
from core.services import Services
from core.stages import Stage
from workers import keeping
from workers.hands import Hands
from workers.retrying import retry

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What a provider said about the results it gave."""

    attempt_id: UUID
    actual: Mapping[str, Any]
    usage: Mapping[str, Any]
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Useless:
    """Why an answer is of no use."""

    attempt_id: UUID
    code: str
    message: str
    recheck_in_s: float | None = None  # when its provider is asked for a late result, if at all


def finish(
    session: Session,
    services: Services,
    claim: Claim,
    job: Job,
    covers: Sequence[Asset],
    delivery: Delivery,
) -> None:
    """Write cost and `done`, in the transaction of the assets."""
    price = _price(services, job, delivery)
    counted = _is_counted(session, job, delivery.attempt_id)
    job.actual = dict(delivery.actual)
    job.usage = dict(delivery.usage)
    job.request_id = delivery.request_id or job.request_id
    runs.stored(
        session,
        claim,
        cover_asset_id=covers[0].id,
        cost_usd=None if counted else price.usd,
        price_version=price.price_version,
    )
    jobs.remember_result(session, job)
    log.info("job_stored", job_id=str(job.id), results=len(covers))


def keep_late(
    session: Session, hands: Hands, job: Job, covers: Sequence[Asset], delivery: Delivery
) -> None:
    """Add a late result and what it cost; the job's status stays."""
    if _is_counted(session, job, delivery.attempt_id):
        return
    price = _price(hands.services, job, delivery)
    runs.add_cost(job, price.usd, price.price_version)
    job.cover_asset_id = job.cover_asset_id or covers[0].id
    events.record(
        session, job.id, "late_result_kept", by=hands.worker, attempt_id=delivery.attempt_id
    )
    events.show_change(session, job_id=job.id, user_id=job.user_id)
    log.info("late_result_kept", job_id=str(job.id), results=len(covers))


def _is_counted(session: Session, job: Job, attempt_id: UUID) -> bool:
    """Return whether a request's result is here already, as the job's own or a late one.

    One may be both: a request that was turned away, whose result was kept all the same, is the
    job's own again once the next one is turned away too and the provider calls back.
    """
    if events.count(session, job.id, "late_result_kept", attempt_id=attempt_id):
        return True
    live = attempts.live(session, job.id)
    return job.final_stage == Stage.STORED and live is not None and live.id == attempt_id


def _price(services: Services, job: Job, delivery: Delivery) -> Cost:
    return cost(
        services.catalog,
        model=job.model,
        options=job.options,
        usage=delivery.usage,
        on=job.created_at.date(),
    )


def keep_useless(hands: Hands, job: Job, path: Path | None, attempt_id: UUID, *, code: str) -> None:
    """Keep what came in place of a late result, if anything did, and say so in the job's log."""
    services = hands.services
    kept = keeping.raw(services, job, path, attempt_id) if path is not None else None
    reach("late_uploaded")
    with services.sessions.begin() as session:
        attempt = attempts.locked(session, attempt_id)
        if kept is not None:
            keeping.record_raw(session, job, kept, attempt_id)
        rechecks.missing(session, attempt, code=code, by=hands.worker)
        events.show_change(session, job_id=job.id, user_id=job.user_id)


def end_badly(services: Services, claim: Claim, path: Path | None, ending: Useless) -> bool:
    """End a job whose paid answer holds nothing usable, once the answer, if any, is kept."""
    job = load_job(services, claim.job_id)
    try:
        kept = keeping.raw(services, job, path, ending.attempt_id) if path is not None else None
    except StorageError as error:
        retry(services, claim, why="storage_unavailable", error=error)
        return False
    reach("raw_uploaded")
    with services.sessions.begin() as session:
        held(session, claim)
        if ending.recheck_in_s is not None:
            attempt = attempts.locked(session, ending.attempt_id)
            rechecks.later(attempt, in_s=ending.recheck_in_s)
        if kept is not None:
            keeping.record_raw(session, job, kept, ending.attempt_id)
        runs.ended(
            session, claim, Stage.BAD_RESULT, code=ending.code, message=ending.message[:2000]
        )
    return True


def why_not(error: AppError) -> str:
    """Return the code of core.refusals for what failed while a result was fetched and stored."""
    match error:
        case ProviderError():
            return error.code
        case DecoderFailed():
            return "decoder_failed"
    return "storage_unavailable"


def load_job(services: Services, job_id: UUID) -> Job:
    """Return a job as it is now."""
    with services.sessions() as session:
        return session.get_one(Job, job_id)
