"""Where a waiting job stands: how many come first, why it waits, and when its turn is about.

What is told is an estimate from recent durations and from who waits now; whose turn it
really is `core.turns` decides.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import BigInteger, Uuid, column, func, select, text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Session

from core import gates, heartbeats, refusals, turns
from core.errors import Message, msg
from core.fair_order import NO_LIMIT, Room
from core.models import Dialect, ProviderGate, Run, Worker
from core.sentences import vendor, vendor_of
from core.stages import Stage
from core.usage import Key

STOPPED_UNSENT: Final = msg(
    "Our worker stopped several times before it was sent. It is tried again by itself; these "
    "tries cost nothing."
)
FAR: Final = datetime(9000, 1, 1, tzinfo=UTC)  # 'infinity' arrives as the year 9999


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place in the queue. Times are about right; None where nobody can tell."""

    ahead: int
    why: Message
    starts_at: datetime | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """One thing that a job waits for, and for how many seconds; None if nobody can tell."""

    why: Message
    for_s: float | None


def place(session: Session, run: Run, key: Key, *, typical_s: float | None, threads: int) -> Place:
    """Return where a `ready` job stands.

    `typical_s` is how long its model usually takes; `threads` how many requests one worker
    sends at once to its provider.
    """
    line = _line(session, run)
    state = turns.standing(session, [key])
    rooms = [state.rooms.keys[key.name]]
    if (key.name, run.model) in state.rooms.models:
        rooms.append(state.rooms.models[key.name, run.model])
    running = {who: n for (_, who), n in state.rooms.running.items()}
    ahead = line.ahead(running)
    spot = Spot(
        run=run,
        key=key,
        ahead=ahead,
        own_ahead=line.own_ahead,
        own_running=running.get(run.user_id, 0),
        typical_s=typical_s,
    )
    workers = heartbeats.alive(session)
    threads_in_all = threads * sum(worker.stopping_at is None for worker in workers)
    waits = [
        *_closed(session, spot, line.now),
        *_without_worker(workers),
        *spot.postponed(line.now),
        *spot.for_own(),
        *(wait for room in rooms for wait in spot.for_room(room)),
        *spot.for_thread(threads_in_all, _sending(session, run.provider)),
        spot.for_turn(),
    ]
    return _placed(ahead, waits, line.now, typical_s)


def _placed(ahead: int, waits: Sequence[Wait], now: datetime, typical_s: float | None) -> Place:
    """The first reason is the one that is told; the longest wait decides when."""
    seconds = [wait.for_s for wait in waits]
    starts_at = None
    if None not in seconds:
        starts_at = now + timedelta(seconds=max(filter(None, seconds), default=0))
    ends_at = starts_at + timedelta(seconds=typical_s) if starts_at and typical_s else None
    return Place(ahead=ahead, why=waits[0].why, starts_at=starts_at, ends_at=ends_at)


# --- who comes first --------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Everybody's due jobs at one provider, counted; `own_ahead` are the same person's."""

    now: datetime
    own: UUID
    own_due: datetime
    own_ahead: int
    others: Mapping[UUID, tuple[int, datetime]]  # how many, and the first one's due time

    def ahead(self, running: Mapping[UUID, int]) -> int:
        """Return how many jobs have their turn before this one."""
        level = running.get(self.own, 0) + self.own_ahead
        return self.own_ahead + sum(
            self._before(level - running.get(who, 0), count, first)
            for who, (count, first) in self.others.items()
        )

    def _before(self, turns_before: int, count: int, first: datetime) -> int:
        """Return how many of one other person's jobs come first."""
        tie = 1 if first < self.own_due and turns_before >= 0 else 0
        return min(count, max(0, turns_before) + tie)


_LINE: Final = text(
    f"""
    SELECT user_id, count(*) AS waiting, min(due_at) AS first,
           count(*) FILTER (WHERE (due_at, job_id) < (:due_at, :job_id)) AS before
    FROM runs
    WHERE stage = '{Stage.READY}' AND dialect = :dialect AND due_at <= clock_timestamp()
    GROUP BY user_id
    UNION ALL
    SELECT NULL, 0, clock_timestamp(), 0
    """  # noqa: S608  (our own constant)
).columns(
    column("user_id", Uuid),
    column("waiting", BigInteger),
    column("first", TIMESTAMP(timezone=True)),
    column("before", BigInteger),
)


def _line(session: Session, run: Run) -> Line:
    wanted = {"dialect": run.dialect, "due_at": run.due_at, "job_id": str(run.job_id)}
    rows = {row.user_id: row for row in session.execute(_LINE, wanted)}
    now = rows.pop(None).first
    own = rows.pop(run.user_id, None)
    return Line(
        now=now,
        own=run.user_id,
        own_due=run.due_at,
        own_ahead=own.before if own is not None else 0,
        others={who: (row.waiting, row.first) for who, row in rows.items()},
    )


# --- what it waits for ------------------------------------------------------------------


def _closed(session: Session, spot: "Spot", now: datetime) -> Iterator[Wait]:
    for gate in gates.closed(session, [spot.key]):
        if gate.model in {"", spot.run.model}:
            yield Wait(why=explained(gate), for_s=_seconds_until(gate.closed_until, now))


def _without_worker(workers: Sequence[Worker]) -> Iterator[Wait]:
    if not workers:
        why = msg("No worker is running. An administrator must start one; nothing is lost.")
        yield Wait(why=why, for_s=None)
    elif all(worker.stopping_at is not None for worker in workers):
        why = msg("Our worker is being restarted: it finishes what it holds and takes nothing new.")
        yield Wait(why=why, for_s=None)


def _sending(session: Session, provider: str) -> int:
    """Return how many requests to a provider are on their way: each keeps a thread busy."""
    busy = select(func.count()).where(Run.stage == Stage.SUBMITTING, Run.provider == provider)
    return session.scalar(busy) or 0


def explained(gate: ProviderGate) -> Message:
    """Return why a gate is closed and what opens it."""
    return refusals.explain_gate(gate.closed_code or "", provider=vendor_of(gate.dialect))


def _seconds_until(moment: datetime | None, now: datetime) -> float | None:
    return (moment - now).total_seconds() if moment is not None and moment < FAR else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A job in the queue, and what each limit means for it."""

    run: Run
    key: Key
    ahead: int
    own_ahead: int
    own_running: int
    typical_s: float | None

    def postponed(self, now: datetime) -> Iterator[Wait]:
        """Yield the wait of a request that was put back."""
        if self.run.due_at > now:
            why = STOPPED_UNSENT
            if self.run.waiting_for is not None:
                why = refusals.explain(self.run.waiting_for, provider=vendor(self.run.provider))
            yield Wait(why=why, for_s=_seconds_until(self.run.due_at, now))

    def for_own(self) -> Iterator[Wait]:
        """Yield the wait for the same person's other jobs."""
        most = self.key.per_user
        over = self.own_running + self.own_ahead + 1 - most
        if most and over > 0:
            why = msg(
                "{provider} may work on {limit} jobs of one person at once, so that everybody "
                "gets a turn; the next one starts when one of them is done.",
                provider=vendor(self.run.provider),
                limit=most,
            )
            yield Wait(why=why, for_s=self._rounds_s(over, most))

    def for_room(self, room: Room) -> Iterator[Wait]:
        """Yield the waits for a provider's limits."""
        provider = vendor(self.run.provider)
        if room.at_once < NO_LIMIT and (over := self.ahead + 1 - room.tasks) > 0:
            why = msg(
                "{provider} works on {limit} of our tasks at once, and all places are taken.",
                provider=provider,
                limit=room.at_once,
            )
            yield Wait(why=why, for_s=self._rounds_s(over, room.at_once))
        if room.per_minute < NO_LIMIT and (over := self.ahead + 1 - room.requests) > 0:
            why = msg(
                "{provider} takes {limit} of our requests per minute, and these are used up.",
                provider=provider,
                limit=room.per_minute,
            )
            yield Wait(why=why, for_s=60.0 * math.ceil(over / room.per_minute))
        pictures = self.run.input_images * (self.ahead + 1)
        if room.window < NO_LIMIT and (over := pictures - room.images) > 0:
            why = msg(
                "{provider} takes {limit} input pictures per minute, and these are used up.",
                provider=provider,
                limit=room.window,
            )
            yield Wait(why=why, for_s=60.0 * math.ceil(over / room.window))

    def for_thread(self, threads: int, busy: int) -> Iterator[Wait]:
        """Yield the wait for a worker's thread.

        An edit keeps one busy until its answer comes; a video is taken in a moment.
        """
        is_edit = self.run.dialect == Dialect.OPENAI
        over = busy + (self.ahead if is_edit else 0) + 1 - threads
        if threads and over > 0:
            why = msg("All our workers are busy; it starts when one of them is free.")
            yield Wait(why=why, for_s=self._rounds_s(over, threads) if is_edit else 0)

    def for_turn(self) -> Wait:
        """Return the last reason: others come first, or nothing is in its way."""
        if self.ahead:
            return Wait(why=msg("People take turns, and others come first."), for_s=0)
        return Wait(why=msg("It is next and starts at any moment."), for_s=0)

    def _rounds_s(self, over: int, at_once: int) -> float | None:
        """Return how long it takes until `over` more jobs are done, so many at once."""
        return self.typical_s and self.typical_s * math.ceil(over / at_once)
