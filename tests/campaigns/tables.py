"""What our own tables say at the end of a campaign: the accused, not the witness."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from core.models import Asset, AssetKind, Attempt, Job, Run
from core.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """A job, and the stage of its run while it has one."""

    id: UUID
    prompt: str
    status: str
    final_stage: str | None
    stage: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRow:
    """A paid request."""

    id: UUID
    job_id: UUID
    outcome: str
    task_id: str | None
    worker: str
    observation: str | None
    created_at: datetime
    send_deadline: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultRow:
    """A result as it was recorded."""

    job_id: UUID
    attempt_id: UUID | None
    key: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """All of them."""

    jobs: Sequence[JobRow]
    attempts: Sequence[AttemptRow]
    results: Sequence[ResultRow]

    def by_prompt(self) -> Mapping[str, JobRow]:
        """Return the jobs by what the provider was asked: each campaign's prompts are its own."""
        return {job.prompt: job for job in self.jobs}


def read(services: Services) -> Tables:
    """Read them in one snapshot."""
    with services.sessions() as session:
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        stages = dict(session.execute(select(Run.job_id, Run.stage)).all())
        return Tables(
            jobs=[
                JobRow(
                    id=job.id,
                    prompt=job.prompt,
                    status=job.status,
                    final_stage=job.final_stage,
                    stage=stages.get(job.id),
                )
                for job in session.scalars(select(Job))
            ],
            attempts=[
                AttemptRow(
                    id=row.id,
                    job_id=row.job_id,
                    outcome=row.outcome,
                    task_id=row.provider_task_id,
                    worker=row.worker,
                    observation=row.observation,
                    created_at=row.created_at,
                    send_deadline=row.send_deadline,
                )
                for row in session.scalars(select(Attempt).order_by(Attempt.created_at))
            ],
            results=[
                ResultRow(
                    job_id=row.job_id,
                    attempt_id=row.attempt_id,
                    key=row.key,
                    bytes=row.bytes,
                    sha256=row.sha256,
                )
                for row in session.scalars(select(Asset).where(Asset.kind == AssetKind.RESULT))
                if row.job_id is not None
            ],
        )
