"""Asking the provider about attempts that no step of their job looks after. Asking is free."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy.exc import IntegrityError

from core import attempts, rechecks, task_match
from core.database import is_outage
from core.errors import AppError, ProviderError
from core.models import Attempt, Dialect
from core.providers import LIST_PAGE, Broken, ListedTask, Pending, Ready
from core.rechecks import Recheck
from core.services import Services
from core.stages import Stage
from workers import refetching, videos
from workers.hands import Hands

log = structlog.get_logger(__name__)

AT_ONCE = 20
HELD_S = 120.0  # nobody else looks meanwhile; longer than any single question


def recheck(hands: Hands) -> int:
    """Ask about the attempts that are due, as the polls per minute allow. Return how many.

    These go before polls, which are many and may wait: what is asked here is taken from the
    same budget, and there is never more of it than that.
    """
    return _pass(hands, late=False, limit=AT_ONCE, held_s=HELD_S)


def fetch_late(hands: Hands) -> int:
    """Fetch one late result that is due. Return how many there were.

    It may take minutes, so it is not done where a callback's question would have to wait.
    """
    held_s = hands.services.settings.store_lease_s + HELD_S
    return _pass(hands, late=True, limit=1, held_s=held_s)


class NotNow(Exception):
    """No question may be asked for the moment: as many were as the polls per minute allow."""


def _take_turn(hands: Hands) -> None:
    """Count one question. Raises NotNow."""
    if hands.looks.pace.in_debt():
        raise NotNow
    hands.looks.pace.take(1)


def _pass(hands: Hands, *, late: bool, limit: int, held_s: float) -> int:
    """Look after what is due. Return how much it was, or 0 if the rest has to wait."""
    if hands.looks.pace.in_debt():
        return 0
    with hands.services.sessions.begin() as session:
        due = rechecks.take(session, late=late, limit=limit, for_s=held_s)
    listed = Listed(hands, due)
    waiting = [attempt_id for attempt_id in due if not _had_its_turn(hands, attempt_id, listed)]
    if not waiting:
        return len(due)
    with hands.services.sessions.begin() as session:
        rechecks.put_back(session, waiting)
    return 0


def _had_its_turn(hands: Hands, attempt_id: UUID, listed: "Listed") -> bool:
    try:
        _one(hands, attempt_id, listed)
    except NotNow:
        return False
    except AppError as error:
        log.warning("recheck_failed", attempt_id=str(attempt_id), reason=str(error))
        _failed(hands, attempt_id, error)
    except Exception as error:
        if is_outage(error):
            raise
        # Every other question waits behind this one: it stays postponed, and the pass goes on.
        log.exception("recheck_failed", attempt_id=str(attempt_id))
    return True


def _one(hands: Hands, attempt_id: UUID, listed: "Listed") -> None:
    with hands.services.sessions() as session:
        found = rechecks.load(session, attempt_id)
    task_id = found.attempt.provider_task_id
    if task_id is None:
        _look_for_task(hands, found, listed)
    elif found.is_extra:
        _fetch_late(hands, found, task_id)
    elif found.stage is Stage.UNCERTAIN:  # its worker had lost the lease when it noted the task
        with hands.services.sessions.begin() as session:
            rechecks.attach(session, attempt_id, task_id=task_id, by=hands.worker)
    else:
        _nothing_to_do(hands.services, attempt_id)


# --- the task of a lost reply -----------------------------------------------------------


def _look_for_task(hands: Hands, found: Recheck, listed: "Listed") -> None:
    services, attempt = hands.services, found.attempt
    task_id = _named_by_callback(hands, found) or _from_list(services, attempt, listed)
    if task_id is None:
        _later(hands, attempt.id)
        return
    try:
        with services.sessions.begin() as session:
            rechecks.attach(session, attempt.id, task_id=task_id, by=hands.worker)
    except IntegrityError:
        log.warning("task_belongs_elsewhere", attempt_id=str(attempt.id), task_id=task_id)
        _forget_candidate(hands, attempt.id)
        return
    log.info("task_found", job_id=str(attempt.job_id), task_id=task_id)


def _named_by_callback(hands: Hands, found: Recheck) -> str | None:
    """Return the task a callback named, if the provider knows it and it fits.

    Raises:
        ProviderError: it could not be asked.
    """
    attempt, task_id = found.attempt, found.attempt.candidate_task_id
    if task_id is None:
        return None
    _take_turn(hands)
    if _is_its_task(hands, found, task_id):
        return task_id
    log.warning("callback_named_another_task", attempt_id=str(attempt.id), task_id=task_id)
    _forget_candidate(hands, attempt.id)  # the next callback may name another
    return None


def _is_its_task(hands: Hands, found: Recheck, task_id: str) -> bool:
    """Ask the provider. That it knows the task is all that the first API can tell."""
    try:
        if found.attempt.dialect != Dialect.MINIMAX_V2:
            hands.progress(found.attempt.dialect, task_id)
            return True
        described = hands.services.listing.describe(task_id)
    except ProviderError as error:
        if error.code == "task_not_found":
            return False
        raise
    settle_s = hands.services.settings.settle_s
    return task_match.fits(found.attempt, found.job, described, settle_s=settle_s)


def _from_list(services: Services, attempt: Attempt, listed: "Listed") -> str | None:
    """Return the one task in the provider's list that can only be this attempt's.

    Raises:
        ProviderError: the list could not be read in full, so nothing follows from it.
    """
    if not task_match.is_listed(attempt):
        return None
    tasks = listed.tasks()
    with services.sessions() as session:
        again = session.get_one(Attempt, attempt.id)
        return task_match.match(session, again, tasks, settle_s=services.settings.settle_s)


class Listed:
    """The provider's list: read once for all attempts of a pass, when the first one needs it."""

    def __init__(self, hands: Hands, attempt_ids: Sequence[UUID]) -> None:
        self._hands = hands
        self._attempt_ids = attempt_ids
        self._found: Sequence[ListedTask] | ProviderError | None = None

    def tasks(self) -> Sequence[ListedTask]:
        """Return every task that one of the attempts may own.

        Raises:
            ProviderError: the list could not be read in full; it is not asked for once more.
        """
        if self._found is None:
            try:
                self._found = self._read()
            except ProviderError as error:
                self._found = error
        if isinstance(self._found, ProviderError):
            raise self._found
        return self._found

    def _read(self) -> Sequence[ListedTask]:
        services = self._hands.services
        with services.sessions() as session:
            since = rechecks.oldest(session, self._attempt_ids, dialect=Dialect.MINIMAX_V2)
        _take_turn(self._hands)
        found = services.listing.list_tasks(since=since - task_match.SKEW - timedelta(seconds=1))
        self._hands.looks.pace.take(len(found) // LIST_PAGE)  # the pages after the first
        return found


# --- a late result ----------------------------------------------------------------------


def _fetch_late(hands: Hands, found: Recheck, task_id: str) -> None:
    services, attempt = hands.services, found.attempt
    _take_turn(hands)
    progress = hands.progress(attempt.dialect, task_id)
    match progress:
        case Pending():
            _later(hands, attempt.id)
        case Ready():
            videos.store_late(hands, attempt.job_id, attempt.id, progress)
        case Broken():
            with services.sessions.begin() as session:
                ended = attempts.locked(session, attempt.id)
                rechecks.missing(session, ended, code=progress.code, by=hands.worker)


# --- when to look again -----------------------------------------------------------------


def _later(hands: Hands, attempt_id: UUID) -> None:
    with hands.services.sessions.begin() as session:
        attempt = attempts.locked(session, attempt_id)
        rechecks.ever_more_rarely(session, attempt, by=hands.worker)


def _failed(hands: Hands, attempt_id: UUID, error: AppError) -> None:
    """Look again later; of a late result the log says why it did not come yet."""
    with hands.services.sessions.begin() as session:
        attempt = attempts.locked(session, attempt_id)
        least_s = rechecks.SOONEST_S
        if attempt.provider_task_id is not None:
            why = videos.why_not(error)
            rechecks.not_fetched(session, attempt, why=why, by=hands.worker)
            if why in refetching.COUNTED:
                least_s = refetching.late_pause_s(session, attempt)
        rechecks.ever_more_rarely(session, attempt, by=hands.worker, least_s=least_s)


def _nothing_to_do(services: Services, attempt_id: UUID) -> None:
    with services.sessions.begin() as session:
        attempts.locked(session, attempt_id).recheck_at = None


def _forget_candidate(hands: Hands, attempt_id: UUID) -> None:
    with hands.services.sessions.begin() as session:
        attempt = attempts.locked(session, attempt_id)
        attempt.candidate_task_id = None
        rechecks.ever_more_rarely(session, attempt, by=hands.worker)
