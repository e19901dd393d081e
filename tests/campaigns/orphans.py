"""How soon somebody takes up what a killed worker had in hand, by the jobs' own log."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from core.models import JobEvent
from core.services import Services
from tests.campaigns.strikes import Hit, Outage, Strike

NOT_WORKERS = {"provider", "form", None}


@dataclass(frozen=True, slots=True, kw_only=True)
class PickUp:
    """One orphaned step, taken up by another worker."""

    after_kill_s: float
    after_lease_s: float  # negative: a callback or the spool was faster than the lease's end


def pick_ups(
    services: Services, strikes: Sequence[Strike], outages: Sequence[Outage]
) -> list[PickUp]:
    """Return every orphan that somebody took up; what the dying worker still ended is none."""
    wanted = {hit.job_id for strike in strikes for hit in strike.hits}
    logs = _logs(services, wanted)
    found = [
        _picked_up(strike, hit, logs[hit.job_id], outages)
        for strike in strikes
        for hit in strike.hits
    ]
    return [each for each in found if each is not None]


def _picked_up(
    strike: Strike,
    hit: Hit,
    log: Sequence[tuple[datetime, str | None]],
    outages: Sequence[Outage],
) -> PickUp | None:
    for at, by in log:
        if at > strike.at and by not in NOT_WORKERS and not str(by).startswith(strike.prefix):
            return PickUp(
                after_kill_s=_waited_s(strike.at, at, outages),
                after_lease_s=_waited_s(hit.lease_until, at, outages),
            )
    return None


def _waited_s(since: datetime, until: datetime, outages: Sequence[Outage]) -> float:
    """Return the seconds with a database between two moments; negative if they are reversed."""
    without = (min(until, each.ended) - max(since, each.began) for each in outages)
    out_s = sum(max(0.0, gone.total_seconds()) for gone in without)
    return (until - since).total_seconds() - out_s


def _logs(
    services: Services, jobs: set[UUID]
) -> Mapping[UUID, Sequence[tuple[datetime, str | None]]]:
    logs: dict[UUID, list[tuple[datetime, str | None]]] = defaultdict(list)
    query = select(JobEvent.job_id, JobEvent.at, JobEvent.by).order_by(JobEvent.at)
    with services.sessions() as session:
        for job_id, at, by in session.execute(query):
            if job_id in jobs:
                logs[job_id].append((at, by))
    return logs
