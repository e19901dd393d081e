"""What a worker does with one claim: send, look, store. No scheduler in here.

Every step is claim → call → record: no transaction is open during a call, and
each record is guarded by the claim's token. A step that finds itself stale
keeps what it learned (attempt, spool, log) and changes nothing in the job.
"""

import secrets
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import structlog

from core import attempts, events, gates, runs
from core.claims import Claim, Stale
from core.errors import (
    AppError,
    BadResult,
    NotAccepted,
    NotFound,
    NotSent,
    OutcomeUnknown,
    ProviderError,
    Refused,
    StorageError,
)
from core.models import Attempt, Dialect
from core.providers import Broken, Pending, Ready, SendLimits
from core.services import HOST, Services
from core.stages import Outcome, Stage
from workers import previews, requests, results
from workers.backoff import backoff_s, jittered
from workers.hands import Hands

log = structlog.get_logger(__name__)

FIRST_POLL_S = 2.0


def send_s(services: Services, dialect: str) -> float:
    """Return how long a paid request of a dialect may take in all."""
    settings = services.settings
    return settings.openai_timeout_s if dialect == Dialect.OPENAI else settings.minimax_timeout_s


def take(hands: Hands, claim: Claim, *, deadline: float) -> None:
    """Do the step a claim is for. `deadline` is monotonic and was noted before the claim."""
    try:
        if claim.stage is Stage.READY:
            submit(hands, claim, deadline=deadline)
        elif claim.stage is Stage.GENERATING:
            look(hands, claim)
        else:
            store(hands, claim)
    except Stale as error:
        log.warning("step_was_stale", job_id=str(claim.job_id), reason=str(error))


# --- sending ----------------------------------------------------------------------------


def submit(hands: Hands, claim: Claim, *, deadline: float) -> None:
    """Send one paid request, at most once, if it still fits before the deadline."""
    services = hands.services
    total_s = send_s(services, claim.dialect)
    task = requests.load(services, claim.job_id)
    with tempfile.TemporaryDirectory(prefix="proofsheet-") as folder:
        try:
            files = requests.fetch(services, task, Path(folder))
        except AppError as error:
            _put_back(services, claim, due_in_s=backoff_s(claim.failures), why=_storage_code(error))
            return
        if time.monotonic() + total_s > deadline:
            with services.sessions.begin() as session:
                runs.handed_back(session, claim)
            return
        attempt, token = _intend(services, claim, task, total_s)
        limits = SendLimits(
            connect_s=services.settings.connect_timeout_s,
            total_s=total_s,
            # A worker that was paused since it claimed must not wake up and pay a second time.
            not_after=deadline,
        )
        if claim.dialect == Dialect.OPENAI:
            _send_edit(hands, claim, attempt, files, limits)
        else:
            _send_video(hands, claim, attempt, files, limits, token)


def _storage_code(error: AppError) -> str:
    match error:
        case StorageError():
            return "storage_unavailable"
        case NotFound():
            return "input_missing"
        case _:
            return "input_unreadable"


def _intend(
    services: Services, claim: Claim, task: requests.Task, total_s: float
) -> tuple[Attempt, str | None]:
    """Write the attempt, in a commit of its own, before anything is sent."""
    wants_callback = claim.dialect != Dialect.OPENAI and services.settings.public_base_url
    token = secrets.token_urlsafe(32) if wants_callback else None
    with services.sessions.begin() as session:
        attempt = attempts.open_one(
            session,
            claim,
            key_id=services.key_id(claim.dialect),
            send_s=total_s,
            callback_token=token,
            estimate_usd=task.job.estimate_usd,
        )
    return attempt, token


def _send_edit(
    hands: Hands,
    claim: Claim,
    attempt: Attempt,
    files: requests.Files,
    limits: SendLimits,
) -> None:
    services, spool = hands.services, hands.spool
    request = requests.edit_request(files, client_id=attempt.id)
    with previews.taking(services, claim, files.task.job) as on_partial:
        try:
            answer = services.images.edit(
                request, limits=limits, spool=spool.body(attempt.id), on_partial=on_partial
            )
        except ProviderError as error:
            _not_done(hands, claim, attempt, error)
            return
    spooled = spool.complete(attempt.id, claim.job_id, answer)
    with services.sessions.begin() as session:
        attempts.settled(
            session,
            attempt.id,
            Outcome.ACCEPTED,
            http_status=answer.http_status,
            request_id=answer.request_id,
        )
    with services.sessions.begin() as session:
        storing = runs.answered(session, claim, host=HOST, lease_s=services.settings.step_lease_s)
    results.store_edit(hands, storing, spooled)


def _send_video(
    hands: Hands,
    claim: Claim,
    attempt: Attempt,
    files: requests.Files,
    limits: SendLimits,
    token: str | None,
) -> None:
    services = hands.services
    base = services.settings.public_base_url
    callback = f"{base}/api/hailuo/callback/{token}" if token else None
    request = requests.video_request(files, callback_url=callback)
    try:
        taken = services.videos[claim.dialect].submit(request, limits=limits)
    except ProviderError as error:
        _not_done(hands, claim, attempt, error)
        return
    with services.sessions.begin() as session:
        attempts.settled(
            session,
            attempt.id,
            Outcome.ACCEPTED,
            http_status=taken.http_status,
            request_id=taken.request_id,
            task_id=taken.task_id,
        )
    with services.sessions.begin() as session:
        runs.accepted(session, claim, task_id=taken.task_id, poll_in_s=FIRST_POLL_S)


def _not_done(hands: Hands, claim: Claim, attempt: Attempt, error: ProviderError) -> None:
    """Record a request that brought no result, by what its error says may be done next."""
    services = hands.services
    outcome = _outcome(error)
    with services.sessions.begin() as session:
        attempts.settled(
            session,
            attempt.id,
            outcome,
            observation=error.code,
            http_status=error.http_status,
            request_id=error.request_id,
        )
        events.record(
            session,
            claim.job_id,
            "provider_answered",
            by=claim.worker,
            attempt_id=attempt.id,
            code=error.code,
            said=str(error)[:500],
        )
    log.info("attempt_settled", job_id=str(claim.job_id), outcome=outcome, code=error.code)
    _MOVES[type(error)](hands, claim, attempt, error)


def _outcome(error: ProviderError) -> Outcome:
    match error:
        case NotSent() | NotAccepted():
            return Outcome.NOT_SENT
        case Refused():
            return Outcome.REJECTED
        case BadResult():
            return Outcome.ACCEPTED
        case _:
            return Outcome.UNKNOWN


def _after_not_sent(hands: Hands, claim: Claim, _: Attempt, error: ProviderError) -> None:
    _put_back(hands.services, claim, due_in_s=backoff_s(claim.failures), why=error.code)


def _after_not_accepted(hands: Hands, claim: Claim, _: Attempt, error: ProviderError) -> None:
    assert isinstance(error, NotAccepted)
    with hands.services.sessions.begin() as session:
        gates.close(
            session,
            dialect=claim.dialect,
            key_id=hands.services.key_id(claim.dialect),
            model=claim.model if error.scope == "model" else "",
            code=error.code,
            for_s=error.retry_after_s,
        )
        runs.postponed(session, claim, due_in_s=error.retry_after_s or 0, why=error.code)


def _after_refused(hands: Hands, claim: Claim, _: Attempt, error: ProviderError) -> None:
    assert isinstance(error, Refused)
    services = hands.services
    with services.sessions.begin() as session:
        if error.closes_model:
            gates.close(
                session,
                dialect=claim.dialect,
                key_id=services.key_id(claim.dialect),
                model=claim.model,
                code=error.code,
                for_s=None,
            )
        job = runs.ended(session, claim, Stage.REJECTED, code=error.code, message=str(error))
        job.request_id = error.request_id


def _after_bad_result(hands: Hands, claim: Claim, attempt: Attempt, error: ProviderError) -> None:
    assert isinstance(error, BadResult)
    results.keep_raw(hands, claim, attempt.id, error)


def _after_unknown(hands: Hands, claim: Claim, _: Attempt, error: ProviderError) -> None:
    with hands.services.sessions.begin() as session:
        runs.unsure(session, claim, why=error.code)


_MOVES: dict[type[ProviderError], Callable[[Hands, Claim, Attempt, ProviderError], None]] = {
    NotSent: _after_not_sent,
    NotAccepted: _after_not_accepted,
    Refused: _after_refused,
    BadResult: _after_bad_result,
    OutcomeUnknown: _after_unknown,
}


def _put_back(services: Services, claim: Claim, *, due_in_s: float, why: str) -> None:
    with services.sessions.begin() as session:
        runs.postponed(session, claim, due_in_s=due_in_s, why=why)


# --- looking ----------------------------------------------------------------------------


def look(hands: Hands, claim: Claim) -> None:
    """Ask the provider how a video stands. Asking is free."""
    services = hands.services
    task_id = _task_id(services, claim.job_id)
    try:
        progress = services.videos[claim.dialect].progress(task_id)
    except ProviderError as error:
        _again(services, claim, why=error.code)
        return
    match progress:
        case Pending():
            with services.sessions.begin() as session:
                runs.looked(
                    session,
                    claim,
                    provider_status=progress.provider_status,
                    poll_in_s=jittered(services.settings.video_poll_s),
                )
        case Broken():
            with services.sessions.begin() as session:
                runs.ended(
                    session,
                    claim,
                    Stage.FAILED,
                    code=progress.code,
                    message=progress.provider_message,
                )
        case Ready():
            with services.sessions.begin() as session:
                storing = runs.finished(session, claim, lease_s=services.settings.step_lease_s)
            results.store_video(hands, storing, progress)


def _task_id(services: Services, job_id: UUID) -> str:
    with services.sessions() as session:
        attempt = attempts.live(session, job_id)
    if attempt is None or attempt.provider_task_id is None:
        raise Stale(f"Job {job_id} has no task to ask for.")
    return attempt.provider_task_id


def _again(services: Services, claim: Claim, *, why: str) -> None:
    with services.sessions.begin() as session:
        runs.retry(session, claim, due_in_s=backoff_s(claim.failures), why=why)


# --- storing ----------------------------------------------------------------------------


def store(hands: Hands, claim: Claim) -> None:
    """Copy a known result to our bucket, again if need be: reading is free."""
    services = hands.services
    if claim.dialect == Dialect.OPENAI:
        with services.sessions() as session:
            attempt = attempts.live(session, claim.job_id)
        spooled = hands.spool.get(attempt.id) if attempt else None
        if spooled is None:
            _again(services, claim, why="answer_not_on_this_host")
            return
        results.store_edit(hands, claim, spooled)
        return
    try:
        progress = services.videos[claim.dialect].progress(_task_id(services, claim.job_id))
    except ProviderError as error:
        _again(services, claim, why=error.code)
        return
    if isinstance(progress, Ready):
        results.store_video(hands, claim, progress)
    else:
        _again(services, claim, why="result_not_ready")
