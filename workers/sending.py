"""The one step that costs money: write down the intent, and send a paid request at most once."""

import secrets
from contextlib import ExitStack
from functools import partial
from uuid import UUID

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from core import attempts, elapsed, runs
from core.claims import Claim, Stale
from core.errors import AppError, MediaRejected, NotFound, StorageError
from core.failpoints import reach
from core.ids import new_id
from core.models import Attempt, Dialect
from core.providers import SendLimits, answer_file
from core.services import Services
from core.stages import Outcome, Stage
from workers import edits, recording, recovery, requests, videos
from workers.backoff import backoff_s
from workers.hands import Hands
from workers.permits import Permits

log = structlog.get_logger(__name__)

SLOWEST_BYTES_PER_S = 500_000  # of a line that is waited for
DECODED_BYTES = 24 * 2**20  # a 4K picture, written beside the answer that it came in


def send_s(services: Services, dialect: str, *, body_bytes: int = 0) -> float:
    """Return how long a paid request of a dialect may take in all.

    MiniMax answers within seconds, once it has the frames: a slow line has time for these. To be
    cut off in the middle of them would leave an outcome that only a person could decide.
    """
    settings = services.settings
    if dialect == Dialect.OPENAI:
        return settings.openai_timeout_s
    return settings.minimax_timeout_s + body_bytes / SLOWEST_BYTES_PER_S


def submit(hands: Hands, claim: Claim, *, deadline: float) -> None:
    """Send one paid request, if it still fits before the deadline, where the lease ends.

    The settle time is left over: late replies and clocks that do not quite agree have come to
    rest when the lease ends, and the sweep need not wait any longer.
    """
    reach("claimed")
    services = hands.services
    task = requests.load(services, claim.job_id)
    with ExitStack() as stack:
        room_bytes = _room_bytes(task)
        if not stack.enter_context(hands.spool.room_for(room_bytes)):
            log.warning("spool_full", job_id=str(claim.job_id), needed_bytes=room_bytes)
            _put_back(services, claim, why="spool_unwritable")
            return
        body_bytes = _body_bytes(task)
        total_s = send_s(services, claim.dialect, body_bytes=body_bytes)
        fetch_s = body_bytes / SLOWEST_BYTES_PER_S
        claim, deadline = _in_time(services, claim, deadline, fetch_s + total_s)
        try:
            files = requests.fetch(services, task, stack.enter_context(hands.spool.scratch()))
        except AppError as error:
            _not_ready(services, claim, error)
            return
        except OSError as error:
            _unwritable(services, claim, error)
            return
        claim, deadline = _in_time(services, claim, deadline, total_s)
        _send(hands, claim, deadline, files, total_s)


def _room_bytes(task: requests.Task) -> int:
    """Return how much disk a request may need: its pictures, and its answer with all results."""
    options = task.job.options
    sent = sum(asset.bytes for asset in task.files)
    return sent + answer_file.room_bytes(options) + DECODED_BYTES * int(options.get("n") or 1)


def _body_bytes(task: requests.Task) -> int:
    """Return about how long the body of a request is: at most its pictures as base64."""
    sent = (*task.images, task.mask, task.markup)
    return sum(asset.bytes for asset in sent if asset is not None) * 4 // 3


def _in_time(
    services: Services, claim: Claim, deadline: float, needed_s: float
) -> tuple[Claim, float]:
    """Return a claim whose lease has room for what is to be done, and its deadline.

    Where large pictures take long, sending becomes a step with a lease of its own.
    """
    if elapsed.now() + needed_s <= _last(services, deadline):
        return claim, deadline
    lease_s = needed_s + services.settings.lease_margin_s
    noted_at = elapsed.now()  # before the lease begins
    with services.sessions.begin() as session:
        sending = runs.sending_delayed(session, claim, lease_s=lease_s)
    return sending, noted_at + lease_s


def _last(services: Services, deadline: float) -> float:
    """Return when nothing may be under way any more."""
    return deadline - services.settings.settle_s


def _send(
    hands: Hands, claim: Claim, deadline: float, files: requests.Files, total_s: float
) -> None:
    services = hands.services
    last = _last(services, deadline)
    if elapsed.now() + total_s > last:
        _put_back(services, claim, why="too_late")
        return
    if recovery.take_up_forgotten(hands, claim.job_id):
        _put_back(services, claim, why="answer_is_here")  # unless it has just been taken up
        return
    attempt_id = new_id()
    try:
        hands.spool.permits.write(attempt_id)
    except OSError as error:
        _unwritable(services, claim, error)
        return
    attempt, token = _intend(services, claim, files.task, total_s, attempt_id)
    reach("intended")
    limits = SendLimits(
        connect_s=services.settings.connect_timeout_s,
        total_s=total_s,
        # A worker that was paused since it claimed must not wake up and pay a second time.
        not_after=last,
        before_first_byte=partial(_leave, hands.spool.permits, attempt_id),
    )
    if claim.dialect == Dialect.OPENAI:
        edits.send(hands, claim, attempt, files, limits)
    else:
        videos.send(hands, claim, attempt, files, limits, token)
    hands.spool.permits.drop(attempt_id)  # still there if nothing left; the database knows that


def _leave(permits: Permits, attempt_id: UUID) -> None:
    permits.tear_up(attempt_id)
    reach("leaving")


def _unwritable(services: Services, claim: Claim, error: OSError) -> None:
    log.warning("spool_unwritable", job_id=str(claim.job_id), reason=str(error))
    _put_back(services, claim, why="spool_unwritable")


def _not_ready(services: Services, claim: Claim, error: AppError) -> None:
    """A picture of the job could not be fetched: wait, or end if it is gone for good."""
    log.warning("input_not_ready", job_id=str(claim.job_id), reason=str(error))
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
    services: Services, claim: Claim, task: requests.Task, total_s: float, attempt_id: UUID
) -> tuple[Attempt, str | None]:
    """Write the attempt, in a commit of its own, before anything is sent."""
    wants_callback = claim.dialect != Dialect.OPENAI and services.settings.public_base_url
    token = secrets.token_urlsafe(32) if wants_callback else None
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
        recording.recorded(
            services, claim, settle, lambda session, _: runs.handed_back(session, claim)
        )
    except NotFound:  # the commit did not come through
        with services.sessions.begin() as session:
            runs.handed_back(session, claim)
