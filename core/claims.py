"""Who may act on a job: leases with fencing tokens.

Functions take the session first and never commit. A claim whose token is no
longer the row's raises `Stale`, and the caller changes nothing.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, Uuid, exists, or_, text, update
from sqlalchemy.orm import Session

from core import turns
from core.clock import now
from core.errors import Conflict
from core.lookback import Lookback
from core.models import Attempt, Run
from core.stages import LIVE_OUTCOMES, READING, Stage
from core.transitions import begin_sending
from core.usage import Key


class Stale(Conflict):
    """Somebody else holds the lease now, or the job has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to take one step, until the lease ends by the database's clock."""

    job_id: UUID
    stage: Stage  # as it was found; `ready` has already become `submitting`
    dialect: str
    model: str
    token: int
    worker: str
    failures: int
    polls: int
    due_at: datetime  # as it was found; a callback moves it meanwhile
    cancel: bool = False  # somebody asked to have it dropped at the provider
    task_id: str | None = None  # the provider's name for what is read; None while there is none


def claim(
    session: Session,
    *,
    worker: str,
    stages: Sequence[Stage],
    leases: Mapping[str, float],
    host: str,
    keys: Sequence[Key],
    limit: int = 1,
    lookback: Lookback | None = None,
) -> Sequence[Claim]:
    """Take up to `limit` due runs in `stages`.

    `ready` rows in fair order, as gates and limits of our `keys` allow (`core.turns`); they
    become `submitting` at once. The others oldest due first. SKIP LOCKED: two workers never
    take the same row. `leases` holds the seconds of a lease by dialect; `lookback` is the
    caller's memory from one claim to the next.
    """
    lookback = lookback or Lookback()
    lookback.begin()
    lease = {"worker": worker, "leases": json.dumps(dict(leases))}
    taken: Sequence[Claim] = []
    if Stage.READY in stages:
        next_up = turns.next_up(session, keys=keys, lookback=lookback, limit=limit)
        begun = begin_sending(session, next_up, keys=keys, **lease) if next_up else []
        taken = [_claim(row, worker) for row in begun]
    reading = [stage for stage in stages if stage in READING]
    if reading and len(taken) < limit:
        found = _due_for_reading(session, lease, reading, host, lookback, limit - len(taken))
        taken = [*taken, *found]
    return taken


_LIVE: Final = ", ".join(f"'{outcome}'" for outcome in sorted(LIVE_OUTCOMES))
# SKIP LOCKED: two workers never take the same row and never wait for each other.
_DUE_FOR_READING: Final = text(
    f"""
    WITH due AS MATERIALIZED (
        SELECT job_id FROM runs
        WHERE lease_owner IS NULL AND stage = ANY (:stages)
          AND due_at BETWEEN :since AND now()
          AND (spool_host IS NULL OR spool_host = :host)
        ORDER BY due_at, job_id LIMIT :limit
        FOR UPDATE SKIP LOCKED
    )
    UPDATE runs
    SET lease_owner = :worker, lease_token = lease_token + 1,
        lease_until = clock_timestamp()
            + make_interval(secs => CAST(CAST(:leases AS json) ->> dialect AS float))
    FROM due WHERE runs.job_id = due.job_id
    RETURNING runs.job_id, stage, dialect, model, lease_token, failures, polls, due_at, cancel_by,
        (SELECT provider_task_id FROM attempts
         WHERE attempts.job_id = runs.job_id AND outcome IN ({_LIVE})) AS task_id
    """  # noqa: S608  (our own constants)
).columns(job_id=Uuid)


def _due_for_reading(
    session: Session,
    lease: Mapping[str, Any],
    stages: Sequence[Stage],
    host: str,
    lookback: Lookback,
    limit: int,
) -> Sequence[Claim]:
    part = ",".join([*stages, host])
    wanted = {"stages": list(stages), "host": host, "since": lookback.since(part), "limit": limit}
    claims = [
        _claim(row, lease["worker"])
        for row in session.execute(_DUE_FOR_READING, {**wanted, **lease})
    ]
    if claims:
        lookback.seen(part, max(claim.due_at for claim in claims))
    return claims


def _claim(row: Row[Any], worker: str) -> Claim:
    return Claim(
        job_id=row.job_id,
        stage=Stage(row.stage),
        dialect=row.dialect,
        model=row.model,
        token=row.lease_token,
        worker=worker,
        failures=row.failures,
        polls=row.polls,
        due_at=row.due_at,
        cancel=row.cancel_by is not None,
        task_id=row.task_id,
    )


def end_unpaid(session: Session, owners: Sequence[str], *, unsent: Sequence[UUID] = ()) -> int:
    """End the leases of dead workers on steps that sent nothing; the sweep takes them up.

    A step with an attempt keeps its lease, because its request may have been sent, unless the
    attempt is one of `unsent`.
    """
    written = exists().where(
        Attempt.job_id == Run.job_id,
        Attempt.outcome.in_(LIVE_OUTCOMES),
        Attempt.id.not_in(unsent),
    )
    ended = session.execute(
        update(Run)
        .where(
            Run.lease_owner.in_(owners),
            or_(Run.stage != Stage.SUBMITTING, ~written),
        )
        .values(lease_until=now())
        .returning(Run.job_id)
        .execution_options(synchronize_session=False)
    )
    return len(ended.all())


def held(session: Session, claim: Claim) -> Run:
    """Return the claimed run, locked.

    Raises:
        Stale: the lease was taken over or the job has ended.
    """
    run = session.get(Run, claim.job_id, with_for_update=True, populate_existing=True)
    if run is None or run.lease_token != claim.token or run.lease_owner != claim.worker:
        raise stale(claim)
    return run


def stale(claim: Claim) -> Stale:
    """Return what a worker is told whose lease is over."""
    return Stale(f"The lease {claim.token} on job {claim.job_id} is no longer held.")


def next_step(session: Session, run: Run, claim: Claim, *, lease_s: float) -> Claim:
    """Begin the next step under a lease of its own, without letting go of the run."""
    run.lease_token = claim.token + 1
    run.lease_until = now() + timedelta(seconds=lease_s)
    session.flush()
    return replace(claim, stage=Stage(run.stage), token=claim.token + 1, failures=0, cancel=False)
