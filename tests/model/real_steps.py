"""A worker's moves, made by the real engine. Each is named as in the model."""

from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import uuid4

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from core import attempts, claims, clock, runs
from core.claims import Claim, Stale
from core.errors import NotSent, OutcomeUnknown, ProviderError, Refused
from core.ids import new_id
from core.models import AssetKind, Attempt, Dialect, Run
from core.providers import Accepted, EditAnswer
from core.stages import Outcome, Stage
from core.usage import Key
from tests.model import rows
from tests.model import state as s
from tests.model.real_job import RealJob
from tests.model.state import State
from workers import recording

HOUR_S: Final = 3600.0
ERRORS: Final[Mapping[str, type[ProviderError]]] = {
    s.HOLDS_NOT_SENT: NotSent,
    s.HOLDS_REFUSAL: Refused,
    s.HOLDS_NOTHING: OutcomeUnknown,
}


class RealSteps(RealJob):
    """Every method takes the worker's number and the model's state before the move."""

    def claim(self, worker: int, _: State) -> None:
        with self.begin() as session:  # the model leaves out backoff: whatever waits is due
            session.execute(update(Run).where(Run.job_id == self.job.id).values(due_at=clock.now()))
        with self.begin() as session:
            (claim,) = claims.claim(
                session,
                worker=self.hands.worker,
                stages=(Stage.READY, Stage.GENERATING, Stage.STORING),
                leases={str(dialect): HOUR_S for dialect in Dialect},
                host=self.hands.spool.host,
                keys=[Key(dialect=self.rules.dialect, id=uuid4().hex)],  # its limits are not ours
            )
        self.took(worker, claim)

    def crash(self, worker: int, _: State) -> None:
        del self.claims[worker]

    # --- sending --------------------------------------------------------------------------

    def handed_back(self, worker: int, _: State) -> None:
        self._recorded(worker, runs.handed_back)

    def open_one(self, worker: int, _: State) -> None:
        id = new_id()
        self.hands.spool.permits.write(id)
        with self.begin() as session:
            attempt = attempts.open_one(
                session,
                self.claims[worker],
                id=id,
                key_id=self.key_id,
                send_s=HOUR_S,
                callback_token=None,
                estimate_usd=None,
            )
        self.attempts.append(attempt.id)

    def send(self, worker: int, before: State) -> None:
        self.hands.spool.permits.tear_up(self.attempts[before.workers[worker].attempt])

    def reply(self, worker: int, before: State) -> None:
        number = before.workers[worker].attempt
        if self.rules.is_edit:
            useless = before.attempts[number].request == s.USELESS
            self.hands.spool.body(self.attempts[number]).write_bytes(rows.answer(useless=useless))

    def spool(self, worker: int, before: State) -> None:
        number = before.workers[worker].attempt
        id = self.attempts[number]
        if self.rules.is_edit:
            self.hands.spool.complete(id, self.job.id, ANSWERED)
        else:
            taken = Accepted(task_id=self.task_id(number), http_status=200)
            self.hands.spool.note_task(id, self.job.id, taken)

    def answered(self, worker: int, before: State) -> None:
        def move(session: Session, claim: Claim) -> Claim:
            return runs.answered(session, claim, host=self.hands.spool.host, lease_s=HOUR_S)

        self.took(worker, self._settled(worker, before, move))

    def accepted(self, worker: int, before: State) -> None:
        if before.workers[worker].at != s.SPOOLED:  # a callback was faster than the lost reply
            self.not_done(worker, before)
            return
        task_id = self.task_id(before.workers[worker].attempt)

        def move(session: Session, claim: Claim) -> None:
            runs.accepted(session, claim, task_id=task_id, poll_in_s=0)

        self._settled(worker, before, move)

    def _settled(self, worker: int, before: State, move: Callable[[Session, Claim], Any]) -> Any:
        number = before.workers[worker].attempt
        task_id = None if self.rules.is_edit else self.task_id(number)
        claim = self.claims.pop(worker)

        def settle(session: Session) -> Attempt:
            id = self.attempts[number]
            return attempts.settled(session, id, Outcome.ACCEPTED, task_id=task_id)

        return recording.recorded(
            self.services, claim, settle, lambda session, _: move(session, claim)
        )

    def not_done(self, worker: int, before: State) -> None:
        standing = before.workers[worker]
        error = ERRORS[standing.at]("as the model has it", code="no_answer")
        attempt = self.attempt(standing.attempt)
        recording.not_done(self.hands, self.claims.pop(worker), attempt, error)

    postponed = not_done
    unsure = not_done

    def ended_rejected(self, worker: int, before: State) -> None:
        self.not_done(worker, before)

    def stale(self, worker: int, before: State) -> None:
        at = before.workers[worker].at
        steps: dict[str, Callable[[int, State], None]] = {
            s.CLAIMED: self.open_one,
            s.SPOOLED: self.answered if self.rules.is_edit else self.accepted,
            s.LOOKING: self.looked,
            s.CANCELLING: self.retry,
            s.COPYING: self.retry,
        }
        with pytest.raises(Stale):
            steps.get(at, self.not_done)(worker, before)
        self.claims.pop(worker, None)

    def doubt_ended(self, worker: int, before: State) -> None:
        self.stale(worker, before)

    # --- looking and copying --------------------------------------------------------------

    def looked(self, worker: int, _: State) -> None:
        self._recorded(worker, runs.looked, provider_status="queued", poll_in_s=0)

    def retry(self, worker: int, _: State) -> None:
        self._recorded(worker, runs.retry, due_in_s=0, why="test")

    def not_cancelled(self, worker: int, _: State) -> None:
        self._recorded(worker, runs.not_cancelled)

    def finished(self, worker: int, _: State) -> None:
        self.took(worker, self._recorded(worker, runs.finished, lease_s=HOUR_S))

    def ended_failed(self, worker: int, _: State) -> None:
        self._recorded(worker, runs.ended, Stage.FAILED)

    def ended_expired(self, worker: int, _: State) -> None:
        self._recorded(worker, runs.ended, Stage.EXPIRED)

    def ended_cancelled(self, worker: int, _: State) -> None:
        self._recorded(worker, runs.ended, Stage.CANCELLED)

    def ended_bad_result(self, worker: int, before: State) -> None:
        with self.begin() as session:
            rows.kept(session, self.live(session, before), AssetKind.RAW)
            runs.ended(session, self.claims.pop(worker), Stage.BAD_RESULT)

    def stored(self, worker: int, before: State) -> None:
        with self.begin() as session:
            cover = rows.kept(session, self.live(session, before), AssetKind.RESULT)
            claim = self.claims.pop(worker)
            runs.stored(session, claim, cover_asset_id=cover.id, cost_usd=None, price_version=None)

    def _recorded(self, worker: int, move: Callable[..., Any], *args: Any, **more: Any) -> Any:
        with self.begin() as session:
            return move(session, self.claims.pop(worker), *args, **more)


ANSWERED: Final = EditAnswer(http_status=200, request_id=None, streamed=False, rate_limits={})
