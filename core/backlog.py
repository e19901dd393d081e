"""What of the jobs under way has lain for too long, and what an operator does about it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from core import absence, clock, expiry, heartbeats
from core.models import Run, Spool, User, Worker
from core.stages import Stage
from core.storage.doctor import Check

STORED_WITHIN: Final = timedelta(hours=1)  # a bucket that is away for a moment is no news
TAKEN_UP_WITHIN: Final = timedelta(minutes=5)  # workers look for ended leases every few seconds
DECIDED_WITHIN: Final = timedelta(days=1)


def examined(session: Session) -> Iterator[Check]:
    """Yield what was found, one line each; what lies for too long says what to do."""
    now = clock.read(session)
    yield _workers(session)
    answers = [_answers(row, now) for row in _spooled(session)]
    yield from answers or [Check(name="paid answers", ok=True, detail="none waits to be stored")]
    yield _leases(session, now)
    yield _decisions(session, now)


def _workers(session: Session) -> Check:
    alive = heartbeats.alive(session)
    if alive:
        return Check(name="workers", ok=True, detail=", ".join(map(_busy, alive)))
    waiting = absence.unattended(session)
    if not waiting:
        return Check(name="workers", ok=True, detail="none runs, and no job waits for one")
    detail = (
        f"none was seen in the last {heartbeats.SILENT_AFTER_S} s, and jobs wait: {waiting}. "
        "Start one: systemctl start proofsheet-worker"
    )
    return Check(name="workers", ok=False, detail=detail)


def _busy(worker: Worker) -> str:
    leaving = ", takes nothing new" if worker.stopping_at is not None else ""
    return f"{worker.id} ({worker.in_hand} steps under way{leaving})"


def _spooled(session: Session) -> list[Row[Any]]:
    """Return what waits on each worker's disk to be stored, by spool."""
    why = func.aggregate_strings(Run.waiting_for.distinct(), ", ")
    query = (
        select(
            Spool.machine,
            func.count().label("answers"),
            func.min(Run.stage_since).label("since"),
            func.max(Spool.seen_at).label("seen_at"),
            func.bool_and(heartbeats.lately(Spool.seen_at)).label("is_here"),
            why.label("why"),
        )
        .select_from(Run)
        .join(Spool, Spool.name == Run.spool_host)
        .where(Run.stage == Stage.STORING)
        .group_by(Spool.name)
        .order_by(func.min(Run.stage_since))
    )
    return list(session.execute(query))


def _answers(on: Row[Any], now: datetime) -> Check:
    name, detail = (
        f"paid answers on {on.machine}",
        f"{on.answers}, the oldest since {_at(on.since)}",
    )
    if not on.is_here:
        until = max(on.since, on.seen_at) + expiry.SPOOL_UNSEEN
        detail += (
            f". No worker was seen there since {_at(on.seen_at)}: start it again before "
            f"{_at(until)}, when the first of these jobs ends as lost, and keep that disk"
        )
    elif now - on.since > STORED_WITHIN:
        detail += (
            f". They cannot be stored ({on.why or 'no reason was recorded'}): look at the bucket's "
            "lines here and at the worker's log there. They wait as long as that worker runs"
        )
    else:
        return Check(name=name, ok=True, detail=detail)
    return Check(name=name, ok=False, detail=detail)


def _leases(session: Session, now: datetime) -> Check:
    oldest = session.execute(
        select(Run.job_id, Run.lease_owner, Run.lease_until)
        .where(Run.lease_until < now)
        .order_by(Run.lease_until)
        .limit(1)
    ).first()
    if oldest is None:
        return Check(name="leases", ok=True, detail="none is overdue")
    owner, since = oldest.lease_owner, _at(oldest.lease_until)
    detail = f"{owner} is overdue with job {oldest.job_id} since {since}"
    late = now - oldest.lease_until > TAKEN_UP_WITHIN
    if late:
        detail += (
            ", and nobody has taken it up. Start a worker; where one runs, its log says why not "
            "(job_not_moved_on)"
        )
    return Check(name="leases", ok=not late, detail=detail)


def _decisions(session: Session, now: datetime) -> Check:
    found = session.execute(
        select(
            func.count().label("jobs"),
            func.min(Run.stage_since).label("since"),
            func.aggregate_strings(User.login_id.distinct(), ", ").label("whose"),
        )
        .select_from(Run)
        .join(User, User.id == Run.user_id)
        .where(Run.stage == Stage.UNCERTAIN)
    ).one()
    if not found.jobs:
        return Check(name="decisions", ok=True, detail="no job is uncertain")
    detail = (
        f"{found.jobs} uncertain, the oldest since {_at(found.since)}: each may have been billed. "
        f"{found.whose}, or an administrator, decide in the history under 'Needs a decision'"
    )
    return Check(name="decisions", ok=now - found.since <= DECIDED_WITHIN, detail=detail)


def _at(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
