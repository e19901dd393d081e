"""One paid request each: the money. An attempt is written before anything is sent."""

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import claims, clock, events, trials
from core.claims import Claim
from core.errors import NotFound
from core.models import Attempt, Run
from core.stages import LIVE_OUTCOMES, Outcome


def token_hash(token: str) -> bytes:
    """Return what is stored of a callback's token."""
    return hashlib.sha256(token.encode()).digest()


def open_one(
    session: Session,
    claim: Claim,
    *,
    key_id: str,
    send_s: float,
    callback_token: str | None,
    estimate_usd: Decimal | None,
) -> Attempt:
    """Write the intent to send once, while the lease is held.

    The database refuses a second live attempt of the same job.
    """
    run = claims.held(session, claim)
    attempt = Attempt(
        job_id=claim.job_id,
        n=_count(session, claim.job_id) + 1,
        dialect=claim.dialect,
        key_id=key_id,
        input_images=run.input_images,
        worker=claim.worker,
        lease_token=claim.token,
        send_deadline=clock.now() + timedelta(seconds=send_s),
        callback_token_sha256=token_hash(callback_token) if callback_token else None,
        cost_estimate_usd=estimate_usd,
    )
    session.add(attempt)
    session.flush()
    events.record(
        session, claim.job_id, "sending", by=claim.worker, attempt_id=attempt.id, n=attempt.n
    )
    return attempt


def _count(session: Session, job_id: UUID) -> int:
    return session.scalar(select(func.count()).where(Attempt.job_id == job_id)) or 0


def settled(
    session: Session,
    attempt_id: UUID,
    outcome: Outcome,
    *,
    observation: str | None = None,
    http_status: int | None = None,
    request_id: str | None = None,
    task_id: str | None = None,
) -> Attempt:
    """Record what became of an attempt, also when its worker no longer holds the lease.

    What was learned is never lost: an `accepted` attempt stays accepted.
    """
    attempt = locked(session, attempt_id)
    if attempt.outcome in {Outcome.OPEN, Outcome.UNKNOWN}:
        attempt.outcome = outcome
        attempt.settled_at = func.now()
        if outcome is Outcome.ACCEPTED:
            trials.proved(session, attempt.job_id)
    attempt.observation = observation or attempt.observation
    attempt.http_status = http_status or attempt.http_status
    attempt.request_id = request_id or attempt.request_id
    attempt.provider_task_id = attempt.provider_task_id or task_id
    return attempt


def locked(session: Session, attempt_id: UUID) -> Attempt:
    """Return an attempt, locked after its job's run: run → attempt → job everywhere.

    Raises:
        NotFound: there is no such attempt.
    """
    job_id = session.scalar(select(Attempt.job_id).where(Attempt.id == attempt_id))
    session.execute(select(Run.job_id).where(Run.job_id == job_id).with_for_update())
    attempt = session.get(Attempt, attempt_id, with_for_update=True, populate_existing=True)
    if attempt is None:
        raise NotFound(f"No attempt {attempt_id}.")
    return attempt


def live(session: Session, job_id: UUID) -> Attempt | None:
    """Return the one attempt of a job that has cost or may have cost something."""
    return session.scalar(
        select(Attempt).where(Attempt.job_id == job_id, Attempt.outcome.in_(LIVE_OUTCOMES))
    )


def of_job(session: Session, job_id: UUID) -> Sequence[Attempt]:
    """Return every attempt of a job, first to last."""
    return session.scalars(
        select(Attempt).where(Attempt.job_id == job_id).order_by(Attempt.n).limit(100)
    ).all()


def of_token(session: Session, token: str) -> Attempt | None:
    """Return the attempt that a callback's token belongs to, locked as `locked` does."""
    id = session.scalar(
        select(Attempt.id).where(Attempt.callback_token_sha256 == token_hash(token))
    )
    return locked(session, id) if id is not None else None


def superseded(attempt: Attempt, *, by: UUID) -> None:
    """Record a person's consent to send again although this one may have cost."""
    attempt.outcome = Outcome.SUPERSEDED
    attempt.consent_by = by
    attempt.consent_at = func.now()
