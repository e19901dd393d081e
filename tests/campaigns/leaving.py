"""What SIGTERM promises, by the jobs' own log: claiming stops, and no lease is left behind."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from core.attempts import WORKER_LOST
from core.models import JobEvent, Run
from core.services import Services
from core.stages import Stage
from tests.campaigns.strikes import Outage, Strike

STOPS_WITHIN_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What a job's log says of a claim that began, or of a lease that somebody else ended."""

    job_id: UUID
    at: datetime
    claimed_by: str = ""
    left_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """How the workers that were asked to leave left."""

    claims_after_1s: int
    orphaned_leases: int
    still_running: int


def left(
    services: Services,
    dismissals: Sequence[Strike],
    outages: Sequence[Outage],
    *,
    longest_s: float,
    still_running: int,
) -> Leaving:
    """Look it up. A lease is at most `longest_s` old when the sweep ends it."""
    lines = _lines(services)
    return Leaving(
        claims_after_1s=claims_after_1s(lines, dismissals),
        orphaned_leases=orphans(lines, dismissals, outages, longest_s=longest_s)
        + _still_held(services, dismissals),
        still_running=still_running,
    )


def claims_after_1s(lines: Sequence[Line], dismissals: Sequence[Strike]) -> int:
    """Count the jobs that a worker began to send although it was asked to leave a second ago."""
    return sum(
        line.claimed_by.startswith(dismissal.prefix)
        and line.at > dismissal.at + timedelta(seconds=STOPS_WITHIN_S)
        for line in lines
        for dismissal in dismissals
    )


def orphans(
    lines: Sequence[Line],
    dismissals: Sequence[Strike],
    outages: Sequence[Outage],
    *,
    longest_s: float,
) -> int:
    """Count the leases that ended without their workers, who had been asked to leave.

    Any worker loses a step that it cannot write down: leases under an outage are left out.
    """
    longest = timedelta(seconds=longest_s)
    return sum(
        line.left_by.startswith(dismissal.prefix) and line.at > dismissal.at
        for line in lines
        if not any(it.began <= line.at and it.ended >= line.at - longest for it in outages)
        for dismissal in dismissals
    )


def _still_held(services: Services, dismissals: Sequence[Strike]) -> int:
    with services.sessions() as session:
        owners = list(session.scalars(select(Run.lease_owner).where(Run.lease_owner.is_not(None))))
    return sum(owner.startswith(it.prefix) for owner in owners if owner for it in dismissals)


def _lines(services: Services) -> Sequence[Line]:
    query = select(
        JobEvent.job_id,
        JobEvent.at,
        JobEvent.kind,
        JobEvent.from_stage,
        JobEvent.to_stage,
        JobEvent.by,
        JobEvent.detail,
    ).order_by(JobEvent.at, JobEvent.id)
    logs: Mapping[UUID, list[Any]] = defaultdict(list)
    with services.sessions() as session:
        for event in session.execute(query):
            logs[event.job_id].append(event)
    return [line for log in logs.values() for line in _of_job(log)]


def _of_job(log: Sequence[Any]) -> Iterator[Line]:
    sender = ""
    for event in log:
        if event.to_stage == Stage.SUBMITTING:
            sender = str(event.by)
            yield Line(job_id=event.job_id, at=event.at, claimed_by=sender)
        elif event.kind == "lease_ended":
            yield Line(job_id=event.job_id, at=event.at, left_by=event.detail["worker"])
        elif event.from_stage == Stage.SUBMITTING and event.detail.get("why") == WORKER_LOST:
            yield Line(job_id=event.job_id, at=event.at, left_by=sender)
