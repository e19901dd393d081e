"""What came of a paid request, written down: its attempt and its job in one commit."""

import time
from collections.abc import Callable, Mapping
from typing import TypeVar

import structlog
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from core import attempts, events, gates, rechecks, runs
from core.claims import Claim, Stale, held
from core.errors import NotAccepted, NotFound, NotSent, OutcomeUnknown, ProviderError, Refused
from core.failpoints import reach
from core.models import Attempt
from core.services import Services
from core.stages import Outcome, Stage
from workers.backoff import backoff_s
from workers.hands import Hands

log = structlog.get_logger(__name__)
T = TypeVar("T")

PATIENCE_S = 0.5  # between two tries to record an answer


def recorded(
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

    Not for outages alone: after a deadlock, or a statement that took too long, it goes through.

    Raises:
        IntegrityError, DataError: the database answers, and refuses it. DBAPIError: it is away
            for long.
    """
    until = time.monotonic() + services.settings.store_lease_s
    while True:
        try:
            return act()
        except (IntegrityError, DataError):
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
    except Stale as stale:
        try:
            with services.sessions.begin() as session:
                rechecks.after_settling(session, settle(session))
        except NotFound:  # an older database is back: `recovery` finds what lies here
            log.warning("attempt_forgotten", job_id=str(claim.job_id))
            raise stale from None
        raise


def heard(session: Session, services: Services, claim: Claim, headers: Mapping[str, str]) -> None:
    """Keep what an answer says about limits: the model's gate first, the key's comes last."""
    key_id = services.key_id(claim.dialect)
    gates.heard(session, dialect=claim.dialect, key_id=key_id, model=claim.model, headers=headers)


def not_done(hands: Hands, claim: Claim, attempt: Attempt, error: ProviderError) -> None:
    """Record a request that brought no result, by what its error says may be done next."""
    reach("refused")
    services = hands.services
    outcome = _outcome(error)

    def settle(session: Session) -> Attempt:
        heard(session, services, claim, error.rate_limits)
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
        _move_on(session, services, claim, settled, error)

    recorded(services, claim, settle, move)
    log.info("attempt_settled", job_id=str(claim.job_id), outcome=outcome, code=error.code)


def _outcome(error: ProviderError) -> Outcome:
    match error:
        case NotSent() | NotAccepted():
            return Outcome.NOT_SENT
        case Refused():
            return Outcome.REJECTED
        case _:
            return Outcome.UNKNOWN


def _move_on(
    session: Session, services: Services, claim: Claim, attempt: Attempt, error: ProviderError
) -> None:
    """Move the job of a request that brought no result. The attempt is settled."""
    match error:
        case NotSent():
            runs.postponed(session, claim, due_in_s=backoff_s(claim.failures), why=error.code)
        case NotAccepted():
            _close_gate(session, services, claim, error)
            runs.postponed(session, claim, due_in_s=error.retry_after_s or 0, why=error.code)
        case Refused():
            if error.closes_model:
                _close_model(session, services, claim, code=error.code, for_s=None)
            job = runs.ended(session, claim, Stage.REJECTED, code=error.code, message=str(error))
            job.request_id = error.request_id
        case _:  # whatever is not known to have been refused may have been taken
            runs.unsure(session, claim, why=error.code)
            rechecks.after_settling(session, attempt)


def _close_gate(session: Session, services: Services, claim: Claim, error: NotAccepted) -> None:
    if error.scope == "key":
        key_id = services.key_id(claim.dialect)
        of = {"dialect": claim.dialect, "key_id": key_id, "code": error.code}
        gates.close_key(session, **of, for_s=error.retry_after_s)
    else:
        _close_model(session, services, claim, code=error.code, for_s=error.retry_after_s)


def _close_model(
    session: Session, services: Services, claim: Claim, *, code: str, for_s: float | None
) -> None:
    gates.close(
        session,
        dialect=claim.dialect,
        key_id=services.key_id(claim.dialect),
        model=claim.model,
        code=code,
        for_s=for_s,
    )
