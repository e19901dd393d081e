"""What a provider's callback changes: it names a candidate and makes the job due now.

A provider that turned a request away, and calls back about it all the same, contradicts itself:
nobody knows then whether the request costs.
"""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from core import attempts, events, rechecks, runs
from core.models import Attempt, JobEvent, Run
from core.providers import task_id_of
from core.stages import Outcome, Stage

BY: Final = "provider"
AT_WORK: Final = frozenset({"preparing", "queueing", "queued", "processing", "running"})


def candidate(body: Mapping[str, Any]) -> str | None:
    """Return the task id a callback names (v1: task_id; v2: task.id), if it is one."""
    task = body.get("task")
    return task_id_of(task.get("id") if isinstance(task, Mapping) else body.get("task_id"))


def at_work(body: Mapping[str, Any]) -> bool:
    """Return whether a callback only tells that the provider has begun: no reason to look."""
    task = body.get("task")
    status = task.get("status") if isinstance(task, Mapping) else body.get("status")
    return isinstance(status, str) and status.lower() in AT_WORK


def told_of_end(session: Session, attempt: Attempt) -> bool:
    """Return whether a callback has said that the task of an attempt is done."""
    of_it = (JobEvent.job_id == attempt.job_id) & (JobEvent.attempt_id == attempt.id)
    told = exists().where(of_it, events.TELLS_OF_AN_END)
    # Mostly none has come at all: then nothing stands between a paid answer and its record.
    return attempt.candidate_task_id is not None and bool(session.scalar(select(told)))


def heard(
    session: Session, attempt: Attempt, task_id: str | None, *, at_work: bool = False
) -> None:
    """Note the candidate and let a worker look now. The body itself proves nothing.

    `attempt` is locked, and its job's run before it: see `core.attempts.locked`.
    """
    if task_id is not None and attempt.candidate_task_id is None:
        attempt.candidate_task_id = task_id
    run = session.get(Run, attempt.job_id, with_for_update=True)
    doubted = attempts.doubted(session, attempt.job_id)
    # Whoever has claimed it has sent nothing yet, and will find its lease gone.
    if doubted and run is not None and Stage(run.stage) in {Stage.READY, Stage.SUBMITTING}:
        runs.lost_sight(session, run, by=BY, why=attempts.CALLED_BACK)
    if attempt.outcome != Outcome.ACCEPTED or run is None:
        rechecks.after_settling(session, attempt)
    elif Stage(run.stage) is Stage.GENERATING and not at_work:
        runs.due_now(session, run)
    events.record(
        session,
        attempt.job_id,
        "callback_came",
        by=BY,
        attempt_id=attempt.id,
        at_work=at_work,
    )
