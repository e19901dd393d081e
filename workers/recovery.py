"""What lies on this host's disk and in nobody's hands: answers, tasks, and permits to send."""

from collections.abc import Callable
from functools import partial
from itertools import takewhile
from uuid import UUID

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core import assets, attempts, clock, rechecks, restore, runs
from core.database import is_outage
from core.errors import AppError, NotFound
from core.models import Attempt, Job, Run
from core.providers.answer_file import answer_left_behind
from core.stages import Outcome, Stage
from workers import edits
from workers.hands import Hands

log = structlog.get_logger(__name__)


def recover(hands: Hands) -> int:
    """Take up what lies in this host's spool and in no worker's hands. Return how much."""
    for attempt_id in hands.spool.unmarked():
        _alone(hands, attempt_id, partial(_mark_if_whole, hands, attempt_id))
    freed = sum(
        _alone(hands, attempt_id, partial(_permit_taken_up, hands, attempt_id))
        for attempt_id in hands.spool.permits.all()
    )
    tasks = sum(
        _alone(hands, attempt_id, partial(_task_taken_up, hands, attempt_id))
        for attempt_id in hands.spool.noted()
    )
    answers = sum(
        _alone(hands, attempt_id, partial(_answer_taken_up, hands, attempt_id))
        for attempt_id in hands.spool.answered()
    )
    return freed + tasks + answers


def _alone(hands: Hands, attempt_id: UUID, take_up: Callable[[], bool]) -> bool:
    """Take up one thing; what fails with it holds up no other."""
    try:
        return _remembered(hands, attempt_id, take_up)
    except AppError as error:  # the bucket is away, say: the next pass tries again
        log.warning("not_taken_up", attempt_id=str(attempt_id), reason=str(error))
    except Exception as error:
        if is_outage(error):
            raise
        # Every other paid answer waits behind this one: log it, and go on.
        log.exception("not_taken_up", attempt_id=str(attempt_id))
    return False


class AttemptUnknown(NotFound):
    """The database has no such attempt: it was restored to a moment before it."""


def _remembered(hands: Hands, attempt_id: UUID, take_up: Callable[[], bool]) -> bool:
    """Take up one thing, also if the database has forgotten its request; not if its job as well.

    The job may be about to be sent again, or wait for a person: what is paid for lies here.
    """
    try:
        return take_up()
    except AttemptUnknown:
        if not _written_again(hands, attempt_id):
            hands.spool.put_by(attempt_id)
            log.warning("spooled_by_a_stranger", attempt_id=str(attempt_id), kept_in="strangers")
            return False
    return take_up()


def _written_again(hands: Hands, attempt_id: UUID) -> bool:
    job_id = hands.spool.job_of(attempt_id)
    if job_id is None:  # only a body without a mark
        return False
    with hands.services.sessions.begin() as session:
        job = session.get(Job, job_id)
        if job is None:
            return False
        dialect = hands.services.catalog.model(job.model).dialect
        known = restore.remembered(session, attempt_id, job_id, dialect=dialect, by=hands.worker)
    if known:
        log.warning("forgotten_request_recovered", job_id=str(job_id), attempt_id=str(attempt_id))
    return known


def take_up_forgotten(hands: Hands, job_id: UUID) -> bool:
    """Take up what lies here of a request of this job that the database has forgotten, if any does.

    Return whether any does: then nothing may be sent for it.
    """
    found = hands.spool.of_job(job_id)
    if not found:
        return False
    with hands.services.sessions() as session:
        forgotten = [id for id in found if session.get(Attempt, id) is None]
    if forgotten:
        recover(hands)
    return bool(forgotten)


def _attempt(session: Session, attempt_id: UUID) -> Attempt:
    """Return an attempt, locked. Raises AttemptUnknown."""
    try:
        return attempts.locked(session, attempt_id)
    except NotFound as error:
        raise AttemptUnknown(error.message) from error


def _mark_if_whole(hands: Hands, attempt_id: UUID) -> bool:
    """Look into a body whose worker died while, or just after, it arrived.

    One that has not arrived in full is left to a worker that lives: it may have been paused for
    longer than its lease, and the rest is on its way.
    """
    with hands.services.sessions() as session:
        attempt = session.get(Attempt, attempt_id)  # not locked: it may just be arriving
        if attempt is None:
            return _nobodys(hands, attempt_id)
        if _in_hand(session, session.get(Run, attempt.job_id), attempt):
            return False
    may_arrive = hands.spool.locks.is_held(attempt.worker)  # asked first: it may end meanwhile
    answer = answer_left_behind(hands.spool.body(attempt_id))
    if answer is None:
        if not may_arrive:
            hands.spool.set_aside(attempt_id)
        return False
    hands.spool.complete(attempt_id, attempt.job_id, answer)
    return True


def _nobodys(hands: Hands, attempt_id: UUID) -> bool:
    """Leave a body to its sender for as long as it may be at it: a mark will say whose it is.

    Raises:
        AttemptUnknown: nobody is.
    """
    settings = hands.services.settings
    if hands.spool.quiet_for_s(attempt_id) > settings.openai_timeout_s + settings.settle_s:
        raise AttemptUnknown(f"No attempt {attempt_id}.")
    return False


def _permit_taken_up(hands: Hands, attempt_id: UUID) -> bool:
    """End the doubt about a request that never left, and forget a permit that nobody needs.

    One that is contradicted stays as long as the doubt: what a callback named may prove to be
    somebody else's.
    """
    permits = hands.spool.permits
    with hands.services.sessions.begin() as session:
        attempt = session.get(Attempt, attempt_id)
        if attempt is None:
            return False  # its intent is just being written, or never was: see `Spool.tidy`
        if attempt.outcome == Outcome.OPEN:
            return False  # its worker may be at it; else the sweep will be
        attempt = attempts.locked(session, attempt_id)
        doubted = attempt.outcome == Outcome.UNKNOWN
        in_doubt = doubted and attempt.observation in rechecks.ENDED_BY_PROOF
        if in_doubt and is_contradicted(hands, attempt):
            return False
        never_left = in_doubt and hands.spool.permits.revoke(attempt_id)
        if never_left:
            settled = attempts.settled(
                session, attempt_id, Outcome.NOT_SENT, observation=attempts.WORKER_LOST
            )
            rechecks.after_settling(session, settled, by=hands.worker)
            log.info("request_never_left", job_id=str(attempt.job_id))
    if not never_left:  # or the next pass does: what is not committed must not be forgotten
        permits.drop(attempt_id)
    return never_left


def _in_hand(session: Session, run: Run | None, attempt: Attempt) -> bool:
    """Return whether the worker that sent this attempt may still be at it."""
    if run is None or run.lease_until is None:
        return False
    return run.lease_until > clock.read(session) and run.lease_token >= attempt.lease_token


def _task_taken_up(hands: Hands, attempt_id: UUID) -> bool:
    """Record a task whose worker died, or lost the database, before it could."""
    noted = hands.spool.task(attempt_id)
    if noted is None:
        return False
    try:
        with hands.services.sessions.begin() as session:
            run = session.get(Run, noted.job_id, with_for_update=True)
            attempt = _attempt(session, attempt_id)
            if attempt.provider_task_id is None:
                if _in_hand(session, run, attempt):
                    return False
                task_id = noted.taken.task_id
                rechecks.attach(session, attempt_id, task_id=task_id, by=hands.worker)
    except IntegrityError:  # what became of the request, nobody knows: the sweep says so
        log.warning("task_belongs_elsewhere", attempt_id=str(attempt_id))
    else:
        log.info("task_recovered", job_id=str(noted.job_id))
    hands.spool.forget_task(attempt_id)
    return True


def _answer_taken_up(hands: Hands, attempt_id: UUID) -> bool:
    """Give a whole answer to the job that waits for it."""
    spooled = hands.spool.get(attempt_id)
    if spooled is None:
        return False
    with hands.services.sessions.begin() as session:
        run = session.get(Run, spooled.job_id, with_for_update=True)
        attempt = _attempt(session, attempt_id)
        if run is None or _is_late(run, attempt) or _in_hand(session, run, attempt):
            return False
        if Stage(run.stage) not in {Stage.SUBMITTING, Stage.UNCERTAIN}:
            return False  # storing is claimed like any other step
        attempts.settled(
            session,
            attempt_id,
            Outcome.ACCEPTED,
            http_status=spooled.answer.http_status,
            request_id=spooled.answer.request_id,
        )
        runs.turned_up(session, run, host=hands.spool.host, by=hands.worker)
        log.info("answer_recovered", job_id=str(spooled.job_id))
    return True


def _is_late(run: Run | None, attempt: Attempt) -> bool:
    """Return whether a job has gone on, or ended, without this answer."""
    return run is None or attempt.outcome == Outcome.SUPERSEDED


def keep_late(hands: Hands, *, until: Callable[[], bool] = lambda: False) -> int:
    """Keep the whole answers on this host's disk that no job waits for. Return how many.

    Apart from `recover`: a bucket that hangs takes minutes for each, and no orphan may wait. No
    other is begun once `until` says so.
    """
    return sum(
        _alone(hands, attempt_id, partial(_kept_late, hands, attempt_id))
        for attempt_id in takewhile(lambda _: not until(), hands.spool.answered())
    )


def _kept_late(hands: Hands, attempt_id: UUID) -> bool:
    """Keep one, unless another worker of this host is at it: no lease says so."""
    with hands.spool.keeping(attempt_id) as spooled:
        if spooled is None:
            return False
        with hands.services.sessions.begin() as session:
            run = session.get(Run, spooled.job_id, with_for_update=True)
            attempt = _attempt(session, attempt_id)
            if not _is_late(run, attempt) or _in_hand(session, run, attempt):
                return False
            attempts.settled(session, attempt_id, Outcome.ACCEPTED)
            kept = assets.hold_answer(session, attempt_id)
        if kept:
            hands.spool.remove(attempt_id)
        else:
            edits.store_late(hands, spooled)
    return True


def is_contradicted(hands: Hands, attempt: Attempt) -> bool:
    """Return whether anything says that a request has left, in spite of its permit."""
    named = attempt.provider_task_id or attempt.candidate_task_id
    return named is not None or hands.spool.is_answered(attempt.id)
