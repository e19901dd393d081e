"""Videos: send one and note its task, then fetch what it has become and copy it to the bucket."""

from pathlib import Path
from uuid import UUID

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core import attempts, callbacks, rechecks, runs
from core.claims import Claim, Stale, held
from core.errors import AppError, DecoderFailed, MediaRejected, ProviderError, StorageError
from core.failpoints import reach
from core.models import Attempt, Job, Run
from core.providers import Accepted, Ready, SendLimits
from core.providers.fetch import fetch
from core.providers.verdicts import Answered, unsure
from core.services import Services
from core.stages import Outcome, Stage
from core.transitions import job_of
from workers import finishing, keeping, recording, refetching, requests
from workers.hands import Hands
from workers.refetching import BROKEN, CUT
from workers.retrying import retry

log = structlog.get_logger(__name__)

DOWNLOAD_SHARE = 0.6  # of the lease; the rest is for looking into the file and storing it


def send(
    hands: Hands,
    claim: Claim,
    attempt: Attempt,
    files: requests.Files,
    limits: SendLimits,
    token: str | None,
) -> None:
    """Send a video whose intent is written, and note the task that it has become."""
    services = hands.services
    base = services.settings.public_base_url
    callback = f"{base}/api/hailuo/callback/{token}" if token else None
    request = requests.video_request(files, callback_url=callback)
    try:
        taken = services.videos[claim.dialect].submit(request, limits=limits)
    except ProviderError as error:
        recording.not_done(hands, claim, attempt, error)
        return
    reach("answered")
    _note(hands, claim, attempt, taken)
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

    def move(session: Session, settled: Attempt) -> None:
        ended = callbacks.told_of_end(session, settled)  # no other is to come
        runs.accepted(session, claim, task_id=taken.task_id, poll_in_s=0 if ended else poll_in_s)

    try:
        recording.recorded(services, claim, settle, move)
        reach("recorded")
    except IntegrityError:
        _belongs_elsewhere(hands, claim, attempt, taken)
    finally:
        # Without a database the note stays, and `recovery.recover` reads it.
        _forget_if_known(hands, attempt)


def _note(hands: Hands, claim: Claim, attempt: Attempt, taken: Accepted) -> None:
    """Have the task on the disk before the database may fail; with a full disk, in the log."""
    try:
        hands.spool.note_task(attempt.id, claim.job_id, taken)
    except OSError as error:
        told = {"attempt_id": str(attempt.id), "task_id": taken.task_id}
        log.exception("task_not_noted", job_id=str(claim.job_id), **told, reason=str(error))


def _belongs_elsewhere(hands: Hands, claim: Claim, attempt: Attempt, taken: Accepted) -> None:
    """The answer names a task that another request has: what became of ours, nobody knows."""
    message = f"The answer names the task {taken.task_id}, which another request has."
    said = Answered(message=message, http_status=taken.http_status, request_id=taken.request_id)
    hands.spool.forget_task(attempt.id)
    recording.not_done(hands, claim, attempt, unsure("answer_unreadable", said))


def _forget_if_known(hands: Hands, attempt: Attempt) -> None:
    with hands.services.sessions() as session:
        known = session.get(Attempt, attempt.id)
    if known is not None and known.provider_task_id is not None:
        hands.spool.forget_task(attempt.id)


def store(hands: Hands, claim: Claim, ready: Ready) -> None:
    """Fetch a finished video, copy it to the bucket and finish the job."""
    services = hands.services
    job = finishing.load_job(services, claim.job_id)
    attempt_id = _attempt_id(services, claim)
    with hands.spool.scratch() as folder:
        path = folder / "result.mp4"
        try:
            _fetch(services, ready, path)
            reach("fetched")
            kept = keeping.video(hands, job, path, attempt_id)
        except (StorageError, DecoderFailed, ProviderError) as error:
            why = finishing.why_not(error)
            if why == CUT:
                _not_whole(hands, claim, None, attempt_id, why=CUT, error=error)
            else:
                retry(services, claim, why=why, error=error)
            return
        except MediaRejected as error:
            _not_whole(hands, claim, path, attempt_id, why=BROKEN, error=error)
            return
    reach("uploaded")
    delivery = finishing.Delivery(attempt_id=attempt_id, actual=ready.actual, usage=ready.usage)
    with services.sessions.begin() as session:
        finished = job_of(session, held(session, claim))
        cover = keeping.record(session, finished, kept, 0)
        finishing.finish(session, services, claim, finished, [cover], delivery)


def store_late(hands: Hands, job_id: UUID, attempt_id: UUID, ready: Ready) -> None:
    """Keep a video whose job has gone on or ended without it; after a few tries, what came of it.

    Raises:
        StorageError, DecoderFailed, ProviderError, MediaRejected: it is not kept yet.
    """
    services = hands.services
    job = finishing.load_job(services, job_id)
    with hands.spool.scratch() as folder:
        path = folder / "result.mp4"
        try:
            _fetch(services, ready, path)
            kept = keeping.video(hands, job, path, attempt_id)
        except (ProviderError, MediaRejected) as error:
            if not _was_last_try(services, attempt_id, why=why_not(error)):
                raise
            useless = path if isinstance(error, MediaRejected) else None
            code = rechecks.NEVER_WHOLE if useless is None else "not_a_video"
            finishing.keep_useless(hands, job, useless, attempt_id, code=code)
            return
    reach("late_uploaded")
    delivery = finishing.Delivery(attempt_id=attempt_id, actual=ready.actual, usage=ready.usage)
    with services.sessions.begin() as session:
        # Before the job: the order of every lock. A callback may have put it in doubt once more.
        attempt = attempts.settled(session, attempt_id, Outcome.ACCEPTED)
        at = session.get_one(Job, job_id, with_for_update=True)
        cover = keeping.record(session, at, kept, 0)
        finishing.keep_late(session, hands, at, [cover], delivery)
        run = session.get(Run, job_id)  # locked with the attempt
        if run is not None and Stage(run.stage) is Stage.UNCERTAIN:
            rechecks.later(attempt, in_s=0)  # it became so meanwhile: the task is its way on
        else:
            attempt.recheck_at = None


def why_not(error: AppError) -> str:
    """Return the code of core.refusals for why a video could not be fetched and stored."""
    return BROKEN if isinstance(error, MediaRejected) else finishing.why_not(error)


def _was_last_try(services: Services, attempt_id: UUID, *, why: str) -> bool:
    """Return whether a late video that is cut or cannot be played was fetched often enough."""
    if why not in refetching.COUNTED:
        return False
    with services.sessions() as session:
        attempt = session.get_one(Attempt, attempt_id)
        return refetching.late_tries(session, attempt) + 1 >= refetching.TRIES


def _fetch(services: Services, ready: Ready, path: Path) -> None:
    settings = services.settings
    fetch(
        ready.download_url,
        path,
        allowed_hosts=settings.download_allowed_hosts,
        max_bytes=settings.result_url_max_bytes,
        total_s=settings.store_lease_s * DOWNLOAD_SHARE,
    )


def _not_whole(
    hands: Hands, claim: Claim, path: Path | None, attempt_id: UUID, *, why: str, error: AppError
) -> None:
    """Fetch a video anew that is cut or cannot be played; after a few tries, end its job."""
    with hands.services.sessions() as session:
        tries = refetching.tries(session, claim.job_id) + 1
        attempt = session.get_one(Attempt, attempt_id)
        pause_s = refetching.pause_s(session, attempt, after=tries)
    if tries < refetching.TRIES:
        retry(hands.services, claim, why=why, error=error, due_in_s=pause_s)
        return
    if why == BROKEN:
        ending = finishing.Useless(attempt_id=attempt_id, code="not_a_video", message=str(error))
    else:  # the provider still has it: what comes whole after all is kept as a late result
        ending = finishing.Useless(
            attempt_id=attempt_id,
            code=rechecks.NEVER_WHOLE,
            message=str(error),
            recheck_in_s=pause_s,
        )
    finishing.end_badly(hands.services, claim, path, ending)


def _attempt_id(services: Services, claim: Claim) -> UUID:
    with services.sessions() as session:
        attempt = attempts.live(session, claim.job_id)
    if attempt is None:
        raise Stale(f"Job {claim.job_id} has no live attempt.")
    return attempt.id
