"""Who may act on a job: leases with fencing tokens.

Functions take the session first and never commit. A claim whose token is no
longer the row's raises `Stale`, and the caller changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, case, exists, func, or_, select, update
from sqlalchemy.orm import Session

from core import turns
from core.clock import now
from core.errors import Conflict
from core.lookback import Lookback
from core.models import Attempt, Run
from core.stages import LIVE_OUTCOMES, Stage
from core.transitions import move
from core.usage import Key

READING: Final = (Stage.GENERATING, Stage.STORING)  # steps that cost nothing


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
    taken: Sequence[Claim] = []
    if Stage.READY in stages:
        next_up = turns.next_up(session, keys=keys, lookback=lookback, limit=limit)
        taken = _leased(session, _still_ready(next_up), worker, leases, keys) if next_up else []
        taken = sorted(taken, key=lambda claim: next_up.index(claim.job_id))
    reading = [stage for stage in stages if stage in READING]
    if reading and len(taken) < limit:
        part = ",".join([*reading, host])
        due = _due_for_reading(reading, host, lookback.since(part)).limit(limit - len(taken))
        found = _leased(session, due, worker, leases, keys)
        if found:
            lookback.seen(part, max(claim.due_at for claim in found))
        taken = [*taken, *found]
    return taken


def _still_ready(ids: Sequence[UUID]) -> Select[*tuple[Any, ...]]:
    return select(Run.job_id, Run.stage).where(Run.job_id.in_(ids), Run.stage == Stage.READY)


def _due_for_reading(
    stages: Sequence[Stage], host: str, since: datetime
) -> Select[*tuple[Any, ...]]:
    return (
        select(Run.job_id, Run.stage)
        .where(
            Run.lease_owner.is_(None),
            Run.stage.in_(stages),
            Run.due_at.between(since, func.now()),
            or_(Run.spool_host.is_(None), Run.spool_host == host),
        )
        .order_by(Run.due_at, Run.job_id)
    )


def _leased(
    session: Session,
    wanted: Select[*tuple[Any, ...]],
    worker: str,
    leases: Mapping[str, float],
    keys: Sequence[Key],
) -> Sequence[Claim]:
    due = (
        wanted.with_for_update(skip_locked=True)
        .cte("due")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    sent_by = case({key.dialect: key.id for key in keys}, value=Run.dialect, else_=Run.key_id)
    taken = session.execute(
        update(Run)
        .where(Run.job_id == due.c.job_id)
        .values(
            lease_owner=worker,
            lease_until=now() + _seconds(leases),
            lease_token=Run.lease_token + 1,
            key_id=case((due.c.stage == Stage.READY, sent_by), else_=Run.key_id),
        )
        .returning(Run, due.c.stage.label("found"))
        .execution_options(synchronize_session=False, populate_existing=True)
    ).all()
    claims = [_claimed(session, run, Stage(found), worker) for run, found in taken]
    session.flush()
    return claims


def _seconds(leases: Mapping[str, float]) -> ColumnElement[Any]:
    return case(
        {dialect: timedelta(seconds=length) for dialect, length in leases.items()},
        value=Run.dialect,
        else_=timedelta(seconds=min(leases.values())),
    )


def _claimed(session: Session, run: Run, found: Stage, worker: str) -> Claim:
    failures = run.failures  # a move forgets them: they are of the stage that was found
    if found is Stage.READY:
        move(session, run, Stage.SUBMITTING, by=worker)
    return Claim(
        job_id=run.job_id,
        stage=found,
        dialect=run.dialect,
        model=run.model,
        token=run.lease_token,
        worker=worker,
        failures=failures,
        polls=run.polls,
        due_at=run.due_at,
        cancel=run.cancel_by is not None,
    )


def end_unpaid(session: Session, owners: Sequence[str]) -> int:
    """End the leases of dead workers on steps that sent nothing; the sweep takes them up.

    A step with an attempt keeps its lease: its request may have been sent.
    """
    written = exists().where(Attempt.job_id == Run.job_id, Attempt.outcome.in_(LIVE_OUTCOMES))
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
        raise Stale(f"The lease {claim.token} on job {claim.job_id} is no longer held.")
    return run


def renewed(session: Session, run: Run, claim: Claim, *, lease_s: float) -> Claim:
    """Begin the next step under a lease of its own, without letting go of the run."""
    run.lease_token = claim.token + 1
    run.lease_until = now() + timedelta(seconds=lease_s)
    session.flush()
    return Claim(
        job_id=claim.job_id,
        stage=Stage(run.stage),
        dialect=claim.dialect,
        model=claim.model,
        token=claim.token + 1,
        worker=claim.worker,
        failures=0,
        polls=claim.polls,
        due_at=claim.due_at,
    )
