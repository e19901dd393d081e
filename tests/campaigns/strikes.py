"""Kills of workers: where they are aimed, and what each of them hit."""

import random
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select

from core.models import Attempt, Run
from core.services import Services
from core.stages import Outcome, Stage
from tests.campaigns.fleet import Fleet, Worker
from tests.campaigns.plan import REPLY_S

# As long as fewer than this share of the kills fell between intent and record, they are aimed
# there; else at anybody.
AIMED = 0.1
SENDING = "between intent and record"
UNKNOWN = "unknown"
# What a kill counts as when it hits several steps: the most delicate of them.
ORDER = (SENDING, "claimed, not sent", "storing", "generating", "idle")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A time without a database."""

    began: datetime
    ended: datetime

    @property
    def seconds(self) -> float:
        """How long it was."""
        return (self.ended - self.began).total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A step that was under way in the worker that was struck."""

    job_id: UUID
    stage: str  # one of ORDER
    lease_until: datetime
    attempt_id: UUID | None  # the request under way


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """One worker ended (or was asked to leave), and what it had in hand."""

    at: datetime
    prefix: str  # how the worker's name began
    hits: Sequence[Hit] = ()
    blind: bool = False  # there was no database to ask what it hit

    @property
    def stage(self) -> str:
        """What it counts as."""
        if self.blind:
            return UNKNOWN
        hit = {each.stage for each in self.hits}
        return next((stage for stage in ORDER if stage in hit), ORDER[-1])


def by_stage(strikes: Sequence[Strike]) -> Counter[str]:
    """Return how many strikes count as what."""
    return Counter(strike.stage for strike in strikes)


class Striker:
    """Chooses a worker, ends it, starts another one, and looks what was hit."""

    def __init__(self, services: Services, fleet: Fleet, *, seed: int, by_kill: bool) -> None:
        self._services = services
        self._fleet = fleet
        self._chance = random.Random(seed)
        self._by_kill = by_kill
        self.strikes: list[Strike] = []

    def strike(self) -> None:
        """End one worker at a random moment."""
        aimed = by_stage(self.strikes)[SENDING] < AIMED * (len(self.strikes) + 1)
        self._end((self._about_to_send() if aimed else None) or self._anybody())

    def strike_blindly(self) -> None:
        """End one while the database cannot be asked: what it hit is not known."""
        worker = self._anybody()
        at = datetime.now(UTC)
        self._leave(worker)
        self.strikes.append(Strike(at=at, prefix=worker.prefix, blind=True))

    def _end(self, worker: Worker) -> None:
        at = datetime.now(UTC)
        before = [] if self._by_kill else self._in_hand(worker)
        self._leave(worker)
        # Nothing of a killed one runs any more: what the tables say it holds, it held.
        hits = self._in_hand(worker) if self._by_kill else before
        self.strikes.append(Strike(at=at, prefix=worker.prefix, hits=hits))

    def _leave(self, worker: Worker) -> None:
        if self._by_kill:
            self._fleet.kill(worker)
        else:
            self._fleet.dismiss(worker)
        self._fleet.replace(worker)

    def _anybody(self) -> Worker:
        return self._chance.choice(list(self._fleet.workers.values()))

    def _about_to_send(self) -> Worker | None:
        """Return a worker with a request under way, somewhere between its bill and its reply."""
        with self._services.sessions() as session:
            sending = select(Attempt.worker).where(Attempt.outcome == Outcome.OPEN)
            names = list(session.scalars(sending.order_by(Attempt.created_at.desc()).limit(20)))
        found = [worker for name in names if (worker := self._fleet.of_name(name)) is not None]
        if not found:
            return None
        threading.Event().wait(self._chance.uniform(0, REPLY_S / 2))
        return self._chance.choice(found)

    def _in_hand(self, worker: Worker) -> list[Hit]:
        query = (
            select(Run.job_id, Run.stage, Run.lease_until, Attempt.id)
            .outerjoin(Attempt, (Attempt.job_id == Run.job_id) & (Attempt.outcome == Outcome.OPEN))
            .where(Run.lease_owner.startswith(worker.prefix, autoescape=True))
        )
        with self._services.sessions() as session:
            return [
                Hit(
                    job_id=job_id,
                    stage=_named(Stage(stage), sending=attempt_id is not None),
                    lease_until=lease_until,
                    attempt_id=attempt_id,
                )
                for job_id, stage, lease_until, attempt_id in session.execute(query)
                if lease_until is not None  # it is, as long as there is an owner
            ]


def _named(stage: Stage, *, sending: bool) -> str:
    if stage is not Stage.SUBMITTING:
        return str(stage)
    return SENDING if sending else "claimed, not sent"
