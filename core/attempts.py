"""One paid request each: the money. An attempt is written before anything is sent."""

import hashlib
from collections.abc import Sequence
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy import Uuid, bindparam, func, or_, select, text
from sqlalchemy.orm import Session

from core import claims, clock, trials
from core.claims import Claim
from core.errors import NotFound
from core.ids import new_id
from core.models import Attempt, Run
from core.stages import LIVE_OUTCOMES, Outcome


def token_hash(token: str) -> bytes:
    """Return what is stored of a callback's token."""
    return hashlib.sha256(token.encode()).digest()


# Codes of core.refusals: why nobody knows what became of a request.
WORKER_LOST: Final = "worker_lost"
RESTORED: Final = "restored"  # an older database is back
CALLED_BACK: Final = "called_back"  # an earlier request is at work after all

# By name: a migrated table has another order than a new one.
_COLUMNS: Final = ", ".join(column.name for column in Attempt.__table__.columns)
# The lease is proven, the attempt written and the log told in one round trip: it stands
# between every claim and its request.
_OPEN: Final = text(
    f"""
    WITH held AS (
        SELECT job_id, dialect, input_images FROM runs
        WHERE job_id = :job_id AND lease_owner = :worker AND lease_token = :token
        FOR UPDATE
    ), made AS (
        INSERT INTO attempts (id, job_id, n, dialect, key_id, input_images, worker, lease_token,
                              send_deadline, outcome, callback_token_sha256, cost_estimate_usd)
        SELECT :id, job_id, (SELECT count(*) + 1 FROM attempts WHERE job_id = held.job_id),
               dialect, :key_id, input_images, :worker, :token,
               clock_timestamp() + make_interval(secs => :send_s),
               '{Outcome.OPEN}', :callback, :estimate_usd
        FROM held
        RETURNING {_COLUMNS}
    ), logged AS (
        INSERT INTO job_events (id, job_id, attempt_id, kind, by, detail)
        SELECT :event_id, job_id, id, 'sending', worker, jsonb_build_object('n', n) FROM made
    )
    SELECT * FROM made
    """  # noqa: S608  (our own constants)
).bindparams(
    bindparam("id", type_=Uuid), bindparam("job_id", type_=Uuid), bindparam("event_id", type_=Uuid)
)
_OPENED: Final = select(Attempt).from_statement(_OPEN.columns(*Attempt.__table__.columns))


def open_one(
    session: Session,
    claim: Claim,
    *,
    id: UUID | None = None,
    key_id: str,
    send_s: float,
    callback_token: str | None,
    estimate_usd: Decimal | None,
) -> Attempt:
    """Write the intent to send once, while the lease is held.

    The database refuses a second live attempt of the same job.

    Raises:
        Stale: the lease was taken over or the job has ended.
    """
    row = {
        "id": id or new_id(),
        "job_id": claim.job_id,
        "worker": claim.worker,
        "token": claim.token,
        "key_id": key_id,
        "send_s": send_s,
        "callback": token_hash(callback_token) if callback_token else None,
        "estimate_usd": estimate_usd,
        "event_id": new_id(),
    }
    attempt: Attempt | None = session.scalar(_OPENED, row)
    if attempt is None:
        raise claims.stale(claim)
    return attempt


def settled(
    session: Session,
    attempt_id: UUID,
    outcome: Outcome,
    *,
    observation: str | None = None,
    http_status: int | None = None,
    request_id: str | None = None,
    task_id: str | None = None,
    candidate: str | None = None,
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
    if not _is_forgotten(attempt):
        attempt.observation = observation or attempt.observation
    attempt.http_status = http_status or attempt.http_status
    attempt.request_id = request_id or attempt.request_id
    attempt.provider_task_id = attempt.provider_task_id or task_id
    attempt.candidate_task_id = attempt.candidate_task_id or candidate
    return attempt


def _is_forgotten(attempt: Attempt) -> bool:
    """Return whether a restored database has sent another in its place: its reason must stay."""
    return attempt.outcome == Outcome.SUPERSEDED and attempt.consent_by is None


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


def doubted(session: Session, job_id: UUID) -> bool:
    """Doubt that a request was turned away about which its provider has called back.

    Return whether there is one. A job that has another request under way is past that: what
    the first one brings is an extra. Its run must be locked.
    """
    session.flush()
    named = or_(Attempt.candidate_task_id.is_not(None), Attempt.provider_task_id.is_not(None))
    turned_away = Attempt.outcome.in_([Outcome.NOT_SENT, Outcome.REJECTED])
    attempt = session.scalar(
        select(Attempt)
        .where(Attempt.job_id == job_id, turned_away, named)
        .order_by(Attempt.n.desc())
        .limit(1)
        .with_for_update()
    )
    if attempt is None or live(session, job_id) is not None:
        return False
    attempt.outcome = Outcome.UNKNOWN
    attempt.observation = CALLED_BACK
    attempt.recheck_at = clock.now()
    session.flush()
    return True


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
