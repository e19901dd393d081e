"""Uncertain jobs as a person decides about them: what is doubted, and what each choice may cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.decisions import may_be_found
from core.models import Attempt, Job, Run
from core.spending import Charge, charges, late_endings
from core.stages import LIVE_OUTCOMES, Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Undecided:
    """One uncertain job; `why` is a code of core.refusals."""

    id: UUID
    user_id: UUID
    provider: str
    why: str | None
    estimate_usd: Decimal | None
    attempts: Sequence[Attempt]
    doubtful: int  # how many requests may have cost: those that were sent again before, too

    @property
    def checked(self) -> Attempt | None:
        """Return the request that its provider can be asked about, if that can help."""
        return self._live if self._live is not None and may_be_found(self._live) else None

    @property
    def may_call_back(self) -> bool:
        """Return whether its provider was asked to tell by itself what becomes of it."""
        return self._live is not None and self._live.callback_token_sha256 is not None

    @property
    def _live(self) -> Attempt | None:
        """Return the request in doubt."""
        return next((it for it in self.attempts if it.outcome in LIVE_OUTCOMES), None)


def of_job(job: Job, run: Run, attempts: Sequence[Attempt], charges: Sequence[Charge]) -> Undecided:
    """Return what is to be decided about a job that was read already."""
    return Undecided(
        id=job.id,
        user_id=job.user_id,
        provider=job.provider,
        why=run.waiting_for,
        estimate_usd=job.estimate_usd,
        attempts=attempts,
        doubtful=charges.count(Charge.PERHAPS),
    )


def of_jobs(session: Session, ids: Sequence[UUID]) -> Mapping[UUID, Undecided]:
    """Return what is to be decided about some jobs; those that have moved on are left out."""
    found = select(Job, Run).join(Run, Run.job_id == Job.id)
    rows = session.execute(found.where(Job.id.in_(ids), Run.stage == Stage.UNCERTAIN)).all()
    tried: dict[UUID, list[Attempt]] = {job.id: [] for job, _ in rows}
    made = select(Attempt).where(Attempt.job_id.in_(tried)).order_by(Attempt.n)
    for attempt in session.scalars(made):
        tried[attempt.job_id].append(attempt)
    late = late_endings(events.of_late_results(session, list(tried)))
    return {
        job.id: of_job(job, run, tried[job.id], charges(Stage(run.stage), tried[job.id], late))
        for job, run in rows
    }
