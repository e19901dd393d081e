"""When this worker looks at a video again: the plans of each kind, kept for a minute."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy.orm import Session

from core import durations
from core.models import Job
from core.polling import Limits, Schedule, next_look_s, schedule_of
from core.settings import Settings
from core.survival import Observation
from workers.pace import Pace

KEPT_S = 60.0
CROWD_KEPT_S = 5.0


@dataclass(frozen=True, slots=True)
class _Known:
    until: float
    seen: Sequence[Observation]
    schedule: Schedule


class Looks:
    """What is known of durations and of the crowd. Safe to share between threads."""

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.pace = Pace(settings.minimax_polls_per_minute, clock=clock)
        self._limits = Limits(
            polls_per_minute=settings.minimax_polls_per_minute,
            longest_pause_s=settings.video_poll_s,
        )
        self._clock = clock
        self._lock = threading.Lock()
        self._kinds: dict[str, _Known] = {}
        self._unknown = _Known(0, (), schedule_of(()))
        self._crowd = durations.Crowd(in_flight=0, workers=1)
        self._crowd_until = 0.0
        self._callbacks_arrive = False
        self._callbacks_until = 0.0

    def first_s(self, job: Job, *, callback_asked: bool) -> float:
        """Return the seconds until the first look at a video that was just taken.

        Asks no database: nothing may stand between a paid answer and its record.
        """
        with self._lock:
            known = self._kinds.get(durations.kind_of(job.model, job.options), self._unknown)
        return self._pause_s(known.schedule, age_s=0, callback_asked=callback_asked)

    def next_s(self, session: Session, job_id: UUID) -> float:
        """Return the seconds until a video that is still at work is to be looked at again."""
        found = durations.standing(session, job_id)
        if found is None:
            return self._limits.longest_pause_s
        schedule = self._schedule(session, found.kind)
        self._refresh(session)
        return self._pause_s(schedule, age_s=found.age_s, callback_asked=found.callback_asked)

    def _pause_s(self, schedule: Schedule, *, age_s: float, callback_asked: bool) -> float:
        return next_look_s(
            schedule,
            age_s=age_s,
            in_flight=self._crowd.in_flight,
            limits=self._limits,
            callback_expected=callback_asked and self._callbacks_arrive,
        )

    # One thread alone asks again what has become old. The others are not held up: they go by
    # what was known until then; where nothing was, each asks for itself.

    def _schedule(self, session: Session, kind: str) -> Schedule:
        now = self._clock()
        with self._lock:
            known = self._kinds.get(kind)
            if known is not None and now < known.until:
                return known.schedule
            if known is not None:
                self._kinds[kind] = replace(known, until=now + KEPT_S)
        seen = durations.recent(session, kind)
        same = known is not None and known.seen == seen
        schedule = known.schedule if known is not None and same else schedule_of(seen)
        with self._lock:
            self._kinds[kind] = _Known(now + KEPT_S, seen, schedule)
        return schedule

    def _refresh(self, session: Session) -> None:
        now = self._clock()
        with self._lock:
            crowd_is_old = now >= self._crowd_until
            if crowd_is_old:
                self._crowd_until = now + CROWD_KEPT_S
            callbacks_are_old = now >= self._callbacks_until
            if callbacks_are_old:
                self._callbacks_until = now + KEPT_S
        if crowd_is_old:
            self._crowd = durations.crowd(session)
            self.pace.shared_by(self._crowd.workers)
        if callbacks_are_old:
            self._callbacks_arrive = durations.callbacks_arrive(session)
