"""Which task in the provider's list belongs to a request whose reply was lost.

Only exactly one task for exactly one request proves anything; everything else stays a doubt.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import attempts
from core.models import Attempt, Dialect, Job
from core.providers import ListedTask
from core.stages import Outcome

SKEW: Final = timedelta(seconds=60)  # between the provider's clock and the database's
MAY_HAVE_ONE: Final = (Outcome.OPEN, Outcome.UNKNOWN, Outcome.SUPERSEDED)


def attached(session: Session, dialect: str, task_ids: Sequence[str]) -> frozenset[str]:
    """Return which tasks belong to an attempt already, or were named by a callback for one."""
    rows = session.execute(
        select(Attempt.provider_task_id, Attempt.candidate_task_id).where(
            Attempt.dialect == dialect,
            Attempt.provider_task_id.in_(task_ids) | Attempt.candidate_task_id.in_(task_ids),
        )
    )
    return frozenset(task_id for row in rows for task_id in row if task_id is not None)


def is_listed(attempt: Attempt) -> bool:
    """Return whether a provider's list can show what an attempt has become.

    Only v2 has one. After an older database was restored the list also shows tasks whose
    attempts nobody knows any more, so nothing follows from what fits.
    """
    return attempt.dialect == Dialect.MINIMAX_V2 and attempt.observation != attempts.RESTORED


def match(
    session: Session, attempt: Attempt, listed: Sequence[ListedTask], *, settle_s: float
) -> str | None:
    """Return the task of an attempt, if exactly one task and exactly one attempt agree.

    `listed` must have been read before this transaction began: every attempt
    that may own one of the tasks is then in our tables, and is a rival here.
    """
    taken = attached(session, attempt.dialect, [task.task_id for task in listed])
    job = session.get_one(Job, attempt.job_id)
    fitting = [
        task
        for task in listed
        if task.task_id not in taken and fits(attempt, job, task, settle_s=settle_s)
    ]
    if len(fitting) != 1:
        return None
    (task,) = fitting
    rivals = [
        other
        for other, other_job in _without_task(session, attempt, task.created_at, settle_s)
        if fits(other, other_job, task, settle_s=settle_s)
    ]
    return task.task_id if [rival.id for rival in rivals] == [attempt.id] else None


def fits(attempt: Attempt, job: Job, task: ListedTask, *, settle_s: float) -> bool:
    """Return whether a task may be what an attempt asked for: all that the list tells of it."""
    told = {"resolution": task.resolution, "duration": task.duration, "ratio": task.ratio}
    asked = {name: job.options.get(name) for name in told}
    same = all(
        str(asked[name]).casefold() == str(value).casefold()
        for name, value in told.items()
        if asked[name] not in {None, "adaptive"}  # the provider chose
    )
    begin, end = _window(attempt, settle_s)
    return task.model == job.model and same and begin <= task.created_at <= end


def _window(attempt: Attempt, settle_s: float) -> tuple[datetime, datetime]:
    end = attempt.send_deadline + timedelta(seconds=settle_s) + SKEW
    return attempt.created_at - SKEW, end


def _without_task(
    session: Session, attempt: Attempt, at: datetime, settle_s: float
) -> Sequence[tuple[Attempt, Job]]:
    """Return the attempts that may have made a task at a moment.

    Of every key: two of them may belong to one account, whose list shows the tasks of both.
    """
    window = timedelta(seconds=settle_s) + SKEW
    return [
        (row[0], row[1])
        for row in session.execute(
            select(Attempt, Job)
            .join(Job, Job.id == Attempt.job_id)
            .where(
                Attempt.dialect == attempt.dialect,
                Attempt.provider_task_id.is_(None),
                Attempt.outcome.in_(MAY_HAVE_ONE),
                Attempt.created_at <= at + SKEW,
                Attempt.send_deadline >= at - window,
            )
        )
    ]
