"""Everybody else's moves, made by the real engine: the sweep, rechecks, people; and time."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, text, update

from core import attempts, clock, decisions, expiry, rechecks, task_match
from core.callbacks import heard
from core.errors import AppError
from core.models import Attempt, Run
from core.providers import ListedTask
from core.stages import Outcome
from tests.model import rows
from tests.model import state as s
from tests.model.real_steps import HOUR_S, RealSteps
from tests.model.state import State
from workers import rechecks as looking
from workers import recovery, sweep


class RealWorld(RealSteps):
    """Every method takes the number of the attempt that changes, or -1, and the model's state."""

    # --- time and the provider ------------------------------------------------------------

    def lease_ends(self, _: int, before: State) -> None:
        self._set_run(lease_until=clock.now() - timedelta(seconds=HOUR_S))

    def settle_time_ends(self, _: int, before: State) -> None:
        if self.attempts:  # nothing but the newest can still be under way
            ago = timedelta(seconds=self.services.settings.settle_s + 1)
            self._set_attempt(len(self.attempts) - 1, send_deadline=clock.now() - ago)

    def _set_run(self, **values: object) -> None:
        with self.begin() as session:
            session.execute(update(Run).where(Run.job_id == self.job.id).values(values))

    def _set_attempt(self, number: int, **values: object) -> None:
        with self.begin() as session:
            session.execute(
                update(Attempt).where(Attempt.id == self.attempts[number]).values(values)
            )

    def power_cut(self, _: int, before: State) -> None:
        self.claims.clear()
        permits = self.hands.spool.permits
        for id in self.attempts:
            if not permits.is_revoked(id):
                rows.permit_of_another_boot(self.hands.spool, id)

    def callback(self, number: int, before: State) -> None:
        self._heard(number, self.task_id(number))

    late_callback = callback

    def forged_callback(self, number: int, before: State) -> None:
        self._heard(number, "another-task")

    def _heard(self, number: int, task_id: str) -> None:
        with self.begin() as session:
            heard(session, attempts.locked(session, self.attempts[number]), task_id)

    # --- the sweep ------------------------------------------------------------------------

    def freed(self, _: int, before: State) -> None:
        assert sweep.sweep(self.hands) == 1

    def lost_sight(self, _: int, before: State) -> None:
        assert sweep.sweep(self.elsewhere) == 1

    def freed_unsent(self, _: int, before: State) -> None:
        assert sweep.sweep(self.hands) == 1

    def permit_revoked(self, number: int, before: State) -> None:
        assert self.hands.spool.permits.revoke(self.attempts[number])

    def doubt_ended_unsent(self, number: int, before: State) -> None:
        assert recovery._permit_taken_up(self.hands, self.attempts[number])

    def permit_forgotten(self, number: int, before: State) -> None:
        assert not recovery._permit_taken_up(self.hands, self.attempts[number])

    def marked(self, number: int, before: State) -> None:
        recovery._mark_if_whole(self.hands, self.attempts[number])

    def turned_up(self, number: int, before: State) -> None:
        assert recovery._answer_taken_up(self.hands, self.attempts[number])

    def unspool(self, number: int, before: State) -> None:
        if self.rules.is_edit:
            assert recovery._kept_late(self.hands, self.attempts[number])
        else:
            self.note_taken_up(number, before)

    def kept_late(self, number: int, before: State) -> None:
        assert recovery._kept_late(self.hands, self.attempts[number])

    def note_taken_up(self, number: int, before: State) -> None:
        assert recovery._task_taken_up(self.hands, self.attempts[number])

    # --- rechecks -------------------------------------------------------------------------

    def found(self, number: int, before: State) -> None:
        if before.job.stage == s.SUBMITTING:
            assert sweep.sweep(self.elsewhere) == 1
        else:
            self.attached(number, before)

    def found_late(self, _: int, before: State) -> None:
        with self.begin() as session:
            attempt = self.live(session, before)
        looking._one(self.hands, attempt.id, looking.Listed(self.hands, self.attempts))

    def attached(self, number: int, before: State) -> None:
        with self.begin() as session:
            task_id = self.task_id(number)
            rechecks.attach(session, self.attempts[number], task_id=task_id, by="test")

    def candidate_dropped(self, number: int, before: State) -> None:
        looking._forget_candidate(self.hands, self.attempts[number])

    def matched(self, _: int, before: State) -> None:
        (number,) = [
            number
            for number, attempt in enumerate(before.attempts)
            if attempt.outcome in {s.UNKNOWN, s.SUPERSEDED} and not attempt.task
        ]
        assert self._match(before, number) == self.task_id(number)
        self._set_attempt(number, candidate_task_id=self.task_id(number))

    def no_match(self, _: int, before: State) -> None:
        for number, attempt in enumerate(before.attempts):
            if attempt.outcome in {s.UNKNOWN, s.SUPERSEDED} and not attempt.task:
                assert self._match(before, number) is None

    def _match(self, before: State, number: int) -> str | None:
        ids = [self.task_id(other) for other, it in enumerate(before.attempts) if it.listed]
        if before.neighbour_listed:
            ids.append(self.neighbours_task)
        _, model, asked = rows.ASKED[self.rules.dialect]
        with self.begin() as session:
            at = clock.read(session)
            listed = [
                ListedTask(task_id=id, model=model, status="running", created_at=at, **asked)
                for id in ids
            ]
            attempt = session.get_one(Attempt, self.attempts[number])
            settle_s = self.services.settings.settle_s
            return task_match.match(session, attempt, listed, settle_s=settle_s)

    @property
    def neighbours_task(self) -> str:
        """What the provider calls the task of the equal job."""
        return f"neighbour-{self.key_id}"

    def neighbour(self, _: int, before: State) -> None:
        with self.begin() as session:
            if before.neighbour == s.ABSENT:
                other = rows.filed_in(session, self.user, self.rules.dialect)
                session.execute(delete(Run).where(Run.job_id == other.id))
                session.add(self._neighbours_attempt(other.id))
            elif before.neighbour == s.LISTED:
                session.execute(
                    update(Attempt)
                    .where(Attempt.key_id == self.key_id, Attempt.job_id != self.job.id)
                    .values(outcome=Outcome.ACCEPTED, provider_task_id=self.neighbours_task)
                )

    def _neighbours_attempt(self, job_id: object) -> Attempt:
        return Attempt(
            job_id=job_id,
            n=1,
            dialect=self.rules.dialect,
            key_id=self.key_id,
            worker="another",
            lease_token=1,
            send_deadline=clock.now() + timedelta(seconds=HOUR_S),
        )

    # --- people ---------------------------------------------------------------------------

    def cancel(self, _: int, before: State) -> None:
        with self.begin() as session:
            decisions.cancel(session, self.user, self.job.id)

    def ask_to_cancel(self, _: int, before: State) -> None:
        self.cancel(_, before)

    def expire(self, _: int, before: State) -> None:
        with self.begin() as session:
            for table, column in (("jobs", "created_at"), ("attempts", "consent_at")):
                session.execute(text(f"UPDATE {table} SET {column} = {column} - interval '25 h'"))
            assert expiry.end(session, self.job.id, by="test")

    def send_again(self, _: int, before: State) -> None:
        with self.begin() as session:
            decisions.send_again(session, self.user, self.job.id)

    def give_up(self, _: int, before: State) -> None:
        with self.begin() as session:
            decisions.give_up(session, self.user, self.job.id)

    def stop_waiting(self, _: int, before: State) -> None:
        self._set_run(stage_since=clock.now() - timedelta(seconds=HOUR_S))
        with self.begin() as session:
            decisions.stop_waiting(session, self.user, self.job.id)

    def refuses(self, decision: str) -> None:
        """What the model does not offer, the engine does not do."""
        with pytest.raises(AppError):
            getattr(self, decision)(-1, State())

    def has_nothing_to_do(self) -> None:
        """Neither has the sweep, when the model says so."""
        assert sweep.sweep(self.hands) + recovery.recover(self.hands) == 0
        assert recovery.keep_late(self.hands) == 0
