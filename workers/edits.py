"""Image edits: send one and keep its answer, then copy what it holds to the bucket."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sqlalchemy.orm import Session

from core import assets, attempts, events, runs
from core.claims import Claim, held
from core.errors import BadResult, DecoderFailed, MediaRejected, ProviderError, StorageError
from core.failpoints import reach
from core.models import Asset, Attempt, Job
from core.providers import EditAnswer, EditResult, SendLimits
from core.providers.answer_file import answer_left_behind, read_answer
from core.stages import Outcome
from core.storage import Stored
from core.transitions import job_of
from workers import finishing, keeping, previews, recording, requests
from workers.hands import Hands
from workers.keeping import Kept
from workers.retrying import retry
from workers.spool import Spooled


def send(
    hands: Hands, claim: Claim, attempt: Attempt, files: requests.Files, limits: SendLimits
) -> None:
    """Send an edit whose intent is written, keep its answer on the disk, and store it."""
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
            recording.not_done(hands, claim, attempt, error)
            return
        reach("answered")
        spooled = spool.complete(attempt.id, claim.job_id, answer)
    reach("noted")

    def settle(session: Session) -> Attempt:
        recording.heard(session, services, claim, answer.rate_limits)
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

    storing = recording.recorded(services, claim, settle, move)
    reach("recorded")
    store(hands, storing, spooled)


def _as_answered(body: Path, error: BadResult) -> EditAnswer:
    found = answer_left_behind(body)
    return EditAnswer(
        http_status=error.http_status or 200,
        request_id=error.request_id,
        streamed=found.streamed if found else False,
        rate_limits={},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _KeptEdit:
    """The usable images of an answer; the answer itself too if some were not."""

    images: Sequence[Kept]
    unusable: int
    raw: tuple[Stored, assets.Picture] | None
    delivery: finishing.Delivery


def store(hands: Hands, claim: Claim, spooled: Spooled) -> None:
    """Copy a spooled answer's images to the bucket and finish the job."""
    services = hands.services
    job = finishing.load_job(services, claim.job_id)
    try:
        edit = _keep(hands, job, spooled)
    except (BadResult, MediaRejected) as error:
        ending = finishing.Useless(
            attempt_id=spooled.attempt_id, code=_useless_code(error), message=str(error)
        )
        if not finishing.end_badly(services, claim, spooled.body, ending):
            return
    except (StorageError, DecoderFailed) as error:
        retry(services, claim, why=finishing.why_not(error), error=error)
        return
    else:
        reach("uploaded")
        with services.sessions.begin() as session:
            finished = job_of(session, held(session, claim))
            covers = _record(session, hands, finished, edit)
            finishing.finish(session, services, claim, finished, covers, edit.delivery)
        reach("stored")
    hands.spool.remove(spooled.attempt_id)


def store_late(hands: Hands, spooled: Spooled) -> None:
    """Keep an answer whose job has gone on or ended without it."""
    services = hands.services
    job = finishing.load_job(services, spooled.job_id)
    try:
        edit = _keep(hands, job, spooled)
    except (BadResult, MediaRejected) as error:
        finishing.keep_useless(
            hands, job, spooled.body, spooled.attempt_id, code=_useless_code(error)
        )
    else:
        reach("late_uploaded")
        with services.sessions.begin() as session:
            attempts.locked(session, spooled.attempt_id)  # and its run, which may store another
            at = session.get_one(Job, job.id, with_for_update=True)
            covers = _record(session, hands, at, edit)
            finishing.keep_late(session, hands, at, covers, edit.delivery)
    hands.spool.remove(spooled.attempt_id)


def _keep(hands: Hands, job: Job, spooled: Spooled) -> _KeptEdit:
    """Copy what is usable to the bucket.

    Raises:
        BadResult, MediaRejected: nothing is.
    """
    answer = read_answer(spooled.body, spooled.answer)
    reach("fetched")
    images, first_problem = _usable(hands, job, answer, spooled.attempt_id)
    if first_problem is not None and not images:
        raise first_problem
    unusable = answer.unusable + len(answer.images) - len(images)
    return _KeptEdit(
        images=images,
        unusable=unusable,
        raw=keeping.raw(hands.services, job, spooled.body, spooled.attempt_id)
        if unusable
        else None,
        delivery=finishing.Delivery(
            attempt_id=spooled.attempt_id,
            actual=answer.actual,
            usage=answer.usage,
            request_id=spooled.answer.request_id,
        ),
    )


def _useless_code(error: BadResult | MediaRejected) -> str:
    return error.code if isinstance(error, BadResult) else "not_an_image"


def _usable(
    hands: Hands, job: Job, answer: EditResult, attempt_id: UUID
) -> tuple[Sequence[Kept], MediaRejected | None]:
    images, problem = [], None
    for position, path in enumerate(answer.images):
        try:
            images.append(keeping.image(hands, job, path, attempt_id, position))
        except MediaRejected as error:
            problem = problem or error
    return images, problem


def _record(session: Session, hands: Hands, job: Job, edit: _KeptEdit) -> Sequence[Asset]:
    if edit.raw is not None:
        keeping.record_raw(session, job, edit.raw, edit.delivery.attempt_id)
        events.record(session, job.id, "result_unusable", by=hands.worker, count=edit.unusable)
    return [keeping.record(session, job, kept, n) for n, kept in enumerate(edit.images)]
