"""What of a person's jobs still moves, and what has just ended: for who looks elsewhere."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import clock
from core.ids import floor_id
from core.models import Job, Run
from core.stages import Stage

JUST: Final = timedelta(minutes=1)
LONGEST: Final = timedelta(days=8)  # hardly anything is under way for longer
SHOWN_OF_PROMPT: Final = 80
OWN_WISH: Final = (Stage.CANCELLED, Stage.ABANDONED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """A job that has just ended."""

    job_id: UUID
    stage: Stage
    title: str


def unfinished(session: Session, user_id: UUID) -> int:
    """Return how many of a person's jobs go on by themselves."""
    mine = select(func.count()).where(Run.user_id == user_id, Run.stage != Stage.UNCERTAIN)
    return session.scalar(mine) or 0


def latest(session: Session, user_id: UUID) -> Ending | None:
    """Return which job has ended last, if it was just now and not by the person's own wish.

    Of two that end in one moment the later stands for both.
    """
    now = clock.read(session)
    row = session.execute(
        select(Job.id, Job.final_stage, func.left(Job.prompt, SHOWN_OF_PROMPT).label("title"))
        .where(
            Job.user_id == user_id,
            Job.id >= floor_id(now - LONGEST),
            Job.completed_at > now - JUST,
            Job.final_stage.not_in(OWN_WISH),
        )
        .order_by(Job.completed_at.desc())
        .limit(1)
    ).first()
    return Ending(job_id=row.id, stage=Stage(row.final_stage), title=row.title) if row else None
