"""The one step that costs money: send a paid request, at most once, and record what came."""

import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import structlog
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.orm import Session

from core import attempts, events, gates, rechecks, runs
from core.claims import Claim, Stale, held
from core.errors import (
    AppError,
    BadResult,
    MediaRejected,
    NotAccepted,
    NotFound,
    NotSent,
    OutcomeUnknown,
    ProviderError,
    Refused,
    StorageError,
)
from core.failpoints import reach
from core.ids import new_id
from core.models import Attempt, Dialect
from core.providers import Accepted, EditAnswer, SendLimits
from core.providers.answer_file import answer_left_behind
from core.providers.verdicts import Answered, unsure
from core.services import Services
from core.stages import Outcome, Stage
from workers import previews, requests, results
from workers.backoff import backoff_s
from workers.hands import Hands

log = structlog.get_logger(__name__)
T = TypeVar("T")

ROOM_PER_IMAGE = 64 * 2**20  # a 4K picture as base64, and the same decoded beside it
PATIENCE_S = 0.5  # between two tries to record an answer


def send_s(services: Services, dialect: str) -> float:
    """Return how long a paid request of a dialect may take in all."""
    settings = services.settings
    return settings.openai_timeout_s if dialect == Dialect.OPENAI else settings.minimax_timeout_s


def submit(hands: Hands, claim: Claim, *, deadline: float) -> None:
    """Send one paid request, if it still fits before the deadline, where the lease ends.

    The settle time is left over: late replies and clocks that do not quite agree have come to
    rest when the lease ends, and the sweep need not wait any longer.
    """
    reach("claimed")
    services = hands.services
    task = requests.load(services, claim.job_id)
    with ExitStack() as stack:
        if not stack.enter_context(hands.spool.room_for(_room_bytes(task))):
            _put_back(services, claim, why="spool_unwritable")
            return
        try:
            files = requests.fetch(services, task, stack.enter_context(hands.spool.scratch()))
        except AppError as error:
            _not_ready(services, claim, error)
            return
        except OSError as error:
            log.warning("spool_unwritable", job_id=str(claim.job_id), reason=str(error))
            _put_back(services, claim, why="spool_unwritable")
            return
        _send(hands, *_in_time(services, claim, deadline), files)


def _room_bytes(task: requests.Task) -> int:
    """Return how much disk a request may need: its pictures, and its answer with all results."""
    sent = sum(asset.bytes for asset in task.files)
    return sent + ROOM_PER_IMAGE * int(task.job.options.get("n") or 1)


def _in_time(services: Services, claim: Claim, deadline: float) -> tuple[Claim, float]:
    """Return a claim whose lease has room for the request, and its deadline.

    Where fetching large pictures took long, sending becomes a step with a lease of its own.
    """
    if time.monotonic() + send_s(services, claim.dialect) <= _last(services, deadline):
        return claim, deadline
    lease_s = send_s(services, claim.dialect) + services.settings.lease_margin_s
    noted_at = time.monotonic()  # before the lease begins
    with services.sessions.begin() as session:
        renewed = runs.fetched(session, claim, lease_s=lease_s)
    return renewed, noted_at + lease_s


def _last(services: Services, deadline: float) -> float:
    """Return when nothing may be under way any more."""
    return deadline - services.settings.settle_s


def _send(hands: Hands, claim: Claim, deadline: float, files: requests.Files) -> None:
    services = hands.services
    total_s, last = send_s(services, claim.dialect), _last(services, deadline)
    if time.monotonic() + total_s > last:
        _put_back(services, claim, why="too_late")
        return
    attempt, token = _intend(services, claim, files.task, total_s)
    reach("intended")
    limits = SendLimits(
        connect_s=services.settings.connect_timeout_s,
        total_s=total_s,
        # A worker that was paused since it claimed must not wake up and pay a second time.
        not_after=last,
    )
    if claim.dialect == Dialect.OPENAI:
        _send_edit(hands, claim, attempt, files, limits)
    else:
        _send_video(hands, claim, attempt, files, limits, token)


def _not_ready(services: Services, claim: Claim, error: AppError) -> None:
    """A picture of the job could not be fetched: wait, or end if it is gone for good."""
    match error:
        case NotFound():
            with services.sessions.begin() as session:
                runs.ended(session, claim, Stage.REJECTED, code="input_missing")
        case MediaRejected():  # other bytes lie in its place, and will tomorrow
            with services.sessions.begin() as session:
                runs.ended(session, claim, Stage.REJECTED, code="input_changed")
        case StorageError():
            _put_back(services, claim, why="storage_unavailable")
        case _:
            _put_back(services, claim, why="input_unreadable")


def _put_back(services: Services, claim: Claim, *, why: str) -> None:
    with services.sessions.begin() as session:
        runs.postponed(session, claim, due_in_s=backoff_s(claim.failures), why=why)


def _intend(
    services: Services, claim: Claim, task: requests.Task, total_s: float
) -> tuple[Attempt, str | None]:
    """Write the attempt, in a commit of its own, before anything is sent."""
    wants_callback = claim.dialect != Dialect.OPENAI and services.settings.public_base_url
    token = secrets.token_urlsafe(32) if wants_callback else None
    attempt_id = new_id()
    try:
        with services.sessions.begin() as session:
            attempt = attempts.open_one(
                session,
                claim,
                id=attempt_id,
                key_id=services.key_id(claim.dialect),
                send_s=total_s,
                callback_token=token,
                estimate_usd=task.job.estimate_usd,
            )
    except (OperationalError, InterfaceError) as error:
        _not_intended(services, claim, attempt_id)
        raise Stale(f"The intent of job {claim.job_id} could not be written.") from error
    return attempt, token


def _not_intended(services: Services, claim: Claim, attempt_id: UUID) -> None:
    """Hand a job back whose intent may have been committed or not: nothing was sent."""

    def settle(session: Session) -> Attempt:
        return attempts.settled(session, attempt_id, Outcome.NOT_SENT)

    try:
        _recorded(services, claim, settle, lambda session, _: runs.handed_back(session, claim))
    except NotFound:  # the commit did not come through
        with services.sessions.begin() as session:
            runs.handed_back(session, claim)


# --- edits ------------------------------------------------------------------------------


def _send_edit(
    hands: Hands, claim: Claim, attempt: Attempt, files: requests.Files, limits: SendLimits
) -> None:
    services, spool = hands.services, hands.spool
    request = requests.edit_request(
        files,
        client_id=attempt.id,
        safety_identifier=services.safety_identifier(files.task.job.user_id),
    )
    useless: str | None = None
    with previews.taking(services, claim, files.task.job) as on_partial:
        try:
            answer = services.images.edit(
                request, limits=limits, spool=spool.body(attempt.id), on_partial=on_partial
            )
        except BadResult as error:  # whole and billed: kept like any other answer
            answer, useless = _as_answered(spool.body(attempt.id), error), error.code
        except ProviderError as error:
            spool.set_aside(attempt.id)
            _not_done(hands, claim, attempt, error)
            return
        reach("answered")
        spooled = spool.complete(attempt.id, claim.job_id, answer)
    reach("noted")

    def settle(session: Session) -> Attempt:
        _heard(session, services, claim, answer.rate_limits)
        return attempts.settled(
            session,
            attempt.id,
            Outcome.ACCEPTED,
            observation=useless,
            http_status=answer.http_status,
            request_id=answer.request_id,
        )

    def move(session: Session, _: Attempt) -> Claim:
        lease_s = services.settings.store_lease_s
        return runs.answered(session, claim, host=spool.host, lease_s=lease_s)

    storing = _recorded(services, claim, settle, move)
    reach("recorded")
    results.store_edit(hands, storing, spooled)


def _as_answered(body: Path, error: BadResult) -> EditAnswer:
    found = answer_left_behind(body)
    return EditAnswer(
        http_status=error.http_status or 200,
        request_id=error.request_id,
        streamed=found.streamed if found else False,
        processing_ms=None,
        rate_limits={},
    )


# --- videos -----------------------------------------------------------------------------


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
    reach("answered")
    hands.spool.note_task(attempt.id, claim.job_id, taken)
    reach("noted")

    def settle(session: Session) -> Attempt:
        return attempts.settled(
            session,
            attempt.id,
            Outcome.ACCEPTED,
            http_status=taken.http_status,
            request_id=taken.request_id,
            task_id=taken.task_id,
        )

    poll_in_s = hands.looks.first_s(files.task.job, callback_asked=token is not None)

    def move(session: Session, _: Attempt) -> None:
        runs.accepted(session, claim, task_id=taken.task_id, poll_in_s=poll_in_s)

    try:
        _recorded(services, claim, settle, move)
        reach("recorded")
    except IntegrityError:
        _belongs_elsewhere(hands, claim, attempt, taken)
    finally:
        # Without a database the note stays, and `sweep.recover` reads it.
        _forget_if_known(hands, attempt)


def _belongs_elsewhere(hands: Hands, claim: Claim, attempt: Attempt, taken: Accepted) -> None:
    """The answer names a task that another request has: what became of ours, nobody knows."""
    message = f"The answer names the task {taken.task_id}, which another request has."
    said = Answered(message=message, http_status=taken.http_status, request_id=taken.request_id)
    hands.spool.forget_task(attempt.id)
    _not_done(hands, claim, attempt, unsure("answer_unreadable", said))


def _forget_if_known(hands: Hands, attempt: Attempt) -> None:
    with hands.services.sessions() as session:
        known = session.get_one(Attempt, attempt.id).provider_task_id is not None
    if known:
        hands.spool.forget_task(attempt.id)


# --- recording --------------------------------------------------------------------------


def _recorded(
    services: Services,
    claim: Claim,
    settle: Callable[[Session], Attempt],
    move: Callable[[Session, Attempt], T],
) -> T:
    """Settle the attempt and move its job in one commit, through an outage of the database.

    Raises:
        Stale: the job is no longer ours. What was learned is settled all the same.
    """
    return _through_outages(
        services, claim, lambda: _settled_and_moved(services, claim, settle, move)
    )


def _through_outages(services: Services, claim: Claim, act: Callable[[], T]) -> T:
    """Do what has to be written until the database takes it; also when the lease is over by then.

    Raises:
        IntegrityError: the database answers, and refuses it. DBAPIError: it is away for long.
    """
    until = time.monotonic() + services.settings.store_lease_s
    while True:
        try:
            return act()
        except IntegrityError:
            raise
        except DBAPIError as error:
            if time.monotonic() > until:
                raise
            log.warning("recording_waits", job_id=str(claim.job_id), reason=str(error.orig).strip())
            time.sleep(PATIENCE_S)  # noqa: TID251  (the row cannot be reached: that is why)


def _settled_and_moved(
    services: Services,
    claim: Claim,
    settle: Callable[[Session], Attempt],
    move: Callable[[Session, Attempt], T],
) -> T:
    try:
        with services.sessions.begin() as session:
            held(session, claim)  # first the run, then the attempt: the order of every lock
            return move(session, settle(session))
    except Stale:
        with services.sessions.begin() as session:
            rechecks.after_settling(session, settle(session))
        raise


def _heard(session: Session, services: Services, claim: Claim, headers: Mapping[str, str]) -> None:
    """Keep what an answer says about limits: the model's gate first, the key's comes last."""
    key_id = services.key_id(claim.dialect)
    gates.heard(session, dialect=claim.dialect, key_id=key_id, model=claim.model, headers=headers)


def _not_done(hands: Hands, claim: Claim, attempt: Attempt, error: ProviderError) -> None:
    """Record a request that brought no result, by what its error says may be done next."""
    reach("refused")
    services = hands.services
    outcome = _outcome(error)

    def settle(session: Session) -> Attempt:
        _heard(session, services, claim, error.rate_limits)
        events.record(
            session,
            claim.job_id,
            "provider_answered",
            by=claim.worker,
            attempt_id=attempt.id,
            code=error.code,
            said=str(error)[:500],
        )
        return attempts.settled(
            session,
            attempt.id,
            outcome,
            observation=error.code,
            http_status=error.http_status,
            request_id=error.request_id,
            candidate=error.named_task if isinstance(error, OutcomeUnknown) else None,
        )

    def move(session: Session, settled: Attempt) -> None:
        if settled.provider_task_id is not None:  # a callback was faster than the lost reply
            runs.accepted(session, claim, task_id=settled.provider_task_id, poll_in_s=0)
            return
        _MOVES[type(error)](session, services, claim, settled, error)

    _recorded(services, claim, settle, move)
    log.info("attempt_settled", job_id=str(claim.job_id), outcome=outcome, code=error.code)


def _outcome(error: ProviderError) -> Outcome:
    match error:
        case NotSent() | NotAccepted():
            return Outcome.NOT_SENT
        case Refused():
            return Outcome.REJECTED
        case _:
            return Outcome.UNKNOWN


def _after_not_sent(
    session: Session, _s: Services, claim: Claim, _: Attempt, error: ProviderError
) -> None:
    runs.postponed(session, claim, due_in_s=backoff_s(claim.failures), why=error.code)


def _after_not_accepted(
    session: Session, services: Services, claim: Claim, _: Attempt, error: ProviderError
) -> None:
    assert isinstance(error, NotAccepted)
    of = {"dialect": claim.dialect, "key_id": services.key_id(claim.dialect), "code": error.code}
    if error.scope == "key":
        gates.close_key(session, **of, for_s=error.retry_after_s)
    else:
        gates.close(session, **of, model=claim.model, for_s=error.retry_after_s)
    runs.postponed(session, claim, due_in_s=error.retry_after_s or 0, why=error.code)


def _after_refused(
    session: Session, services: Services, claim: Claim, _: Attempt, error: ProviderError
) -> None:
    assert isinstance(error, Refused)
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


def _after_unknown(
    session: Session, _: Services, claim: Claim, attempt: Attempt, error: ProviderError
) -> None:
    runs.unsure(session, claim, why=error.code)
    rechecks.after_settling(session, attempt)


_MOVES: dict[
    type[ProviderError], Callable[[Session, Services, Claim, Attempt, ProviderError], None]
] = {
    NotSent: _after_not_sent,
    NotAccepted: _after_not_accepted,
    Refused: _after_refused,
    OutcomeUnknown: _after_unknown,
}
