"""What a worker does with one claim: send, look, store. No scheduler in here.

Every step is claim → call → record: no transaction is open during a call, and
each record is guarded by the claim's token. A step that finds itself stale
keeps what it learned (attempt, spool, log) and changes nothing in the job.
"""

import structlog

from core import attempts, durations, events, runs
from core.claims import Claim, Stale
from core.errors import ProviderError
from core.failpoints import reach
from core.models import Attempt, Dialect
from core.providers import Broken, Cancelled, Pending, Ready
from core.providers.answer_file import answer_left_behind
from core.services import Services
from core.stages import Stage
from workers import edits, videos
from workers.hands import Hands
from workers.retrying import retry
from workers.sending import submit
from workers.spool import Spooled

log = structlog.get_logger(__name__)

CANCEL_AGAIN_S = 5.0  # the longest until a task that was to be cancelled is looked at again
ENDED_THERE = {"task_expired": Stage.EXPIRED, "cancelled_at_provider": Stage.CANCELLED}
# The same of a task that had finished: it was paid for.
ENDED_FINISHED = {
    "task_expired": (Stage.EXPIRED, "result_expired"),
    "cancelled_at_provider": (Stage.FAILED, "result_deleted"),
}


def take(hands: Hands, claim: Claim, *, deadline: float) -> None:
    """Do the step a claim is for. `deadline` (`core.elapsed`) was noted before the claim."""
    try:
        if claim.stage is Stage.READY:
            submit(hands, claim, deadline=deadline)
        elif claim.stage is Stage.GENERATING:
            look(hands, claim)
        else:
            store(hands, claim)
    except Stale as error:
        log.warning("step_was_stale", job_id=str(claim.job_id), reason=str(error))


# --- looking ----------------------------------------------------------------------------


def look(hands: Hands, claim: Claim) -> None:
    """Ask the provider how a video stands. Asking is free."""
    services = hands.services
    task_id = _task_id(claim)
    try:
        if claim.cancel:
            if not _cancel(services, claim, task_id):
                return
            hands.looks.pace.take(1)  # the claim's own turn was for the first question
        progress = hands.progress(claim.dialect, task_id)
    except ProviderError as error:
        retry(services, claim, why=error.code, error=error)
        return
    match progress:
        case Pending():
            with services.sessions.begin() as session:
                poll_in_s = hands.looks.next_s(session, claim.job_id)
                if claim.cancel:
                    poll_in_s = min(poll_in_s, CANCEL_AGAIN_S)
                runs.looked(
                    session,
                    claim,
                    provider_status=progress.provider_status,
                    poll_in_s=poll_in_s,
                )
        case Broken():
            _end(services, claim, progress)
        case Ready():
            reach("looked")
            with services.sessions.begin() as session:
                durations.record(session, claim.job_id)
                storing = runs.finished(session, claim, lease_s=services.settings.store_lease_s)
            videos.store(hands, storing, progress)


def _cancel(services: Services, claim: Claim, task_id: str) -> bool:
    """Have a task dropped that still waits. Return whether to look what became of it."""
    try:
        found = services.listing.cancel(task_id)
    except ProviderError as error:  # the next look tries again, if it still waits then
        log.info("not_cancelled_yet", job_id=str(claim.job_id), reason=str(error))
        return True
    reach("cancelled_there")
    if found is Cancelled.IN_TIME:
        return True
    with services.sessions.begin() as session:
        if found is Cancelled.TOO_LATE:
            runs.not_cancelled(session, claim)
        else:
            events.record(session, claim.job_id, "result_deleted", by=claim.worker)
            runs.ended(session, claim, Stage.FAILED, code="result_deleted")
    return False


def _end(services: Services, claim: Claim, broken: Broken) -> None:
    """End a job whose task the provider gave up on."""
    stage, code = ENDED_THERE.get(broken.code, Stage.FAILED), broken.code
    if claim.stage is Stage.STORING:
        stage, code = ENDED_FINISHED.get(broken.code, (stage, code))
    with services.sessions.begin() as session:
        runs.ended(session, claim, stage, code=code, message=broken.provider_message)


def _task_id(claim: Claim) -> str:
    if claim.task_id is None:
        raise Stale(f"Job {claim.job_id} has no task to ask for.")
    return claim.task_id


# --- storing ----------------------------------------------------------------------------


def store(hands: Hands, claim: Claim) -> None:
    """Copy a known result to our bucket, again if need be: reading is free."""
    if claim.dialect == Dialect.OPENAI:
        _store_edit(hands, claim)
        return
    services = hands.services
    try:
        task_id = _task_id(claim)
        hands.looks.pace.take(1)
        progress = hands.progress(claim.dialect, task_id)
    except ProviderError as error:
        retry(services, claim, why=error.code, error=error)
        return
    match progress:
        case Ready():
            videos.store(hands, claim, progress)
        case Broken():
            _end(services, claim, progress)
        case Pending():
            retry(services, claim, why="result_not_ready")


def _store_edit(hands: Hands, claim: Claim) -> None:
    services = hands.services
    with services.sessions() as session:
        attempt = attempts.live(session, claim.job_id)
    spooled = _spooled(hands, attempt) if attempt else None
    if spooled is not None:
        edits.store(hands, claim, spooled)
        return
    # Claims come only to the spool that had it: the file is gone from this very folder.
    with services.sessions.begin() as session:
        runs.ended(session, claim, Stage.BAD_RESULT, code="answer_lost")


def _spooled(hands: Hands, attempt: Attempt) -> Spooled | None:
    """Return an attempt's answer from this host's disk; where its mark is damaged, by its body."""
    marked = hands.spool.get(attempt.id)
    body = hands.spool.body(attempt.id)
    if marked is not None or not body.exists():
        return marked
    answer = answer_left_behind(body)
    return hands.spool.complete(attempt.id, attempt.job_id, answer) if answer else None
