"""Who is next, when not everybody may go. Pure: no database, no clock.

People take turns: whoever has least under way comes first, then who waits longest. In a
full window nobody overtakes the one at its head, so that an edit with many input images
gets its minute too.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

NO_LIMIT: Final = 1_000_000_000
KeyName = tuple[str, str]  # dialect and key id


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A job that is due. A person's jobs are given in the order of their own queue."""

    job_id: UUID
    key: KeyName
    model: str
    user_id: UUID
    images: int
    due_at: datetime


@dataclass(slots=True, kw_only=True)
class Room:
    """What still fits behind one key, or one model of it, and how much that is in all."""

    requests: int = NO_LIMIT
    per_minute: int = NO_LIMIT
    images: int = NO_LIMIT
    window: int = NO_LIMIT  # images per minute
    tasks: int = NO_LIMIT
    at_once: int = NO_LIMIT
    held: bool = False  # somebody stands at the head and does not fit yet

    @property
    def empty(self) -> bool:
        """Return whether nothing fits, however small."""
        return self.requests < 1 or self.tasks < 1

    def fits(self, images: int) -> bool:
        """Return whether a job fits now. One larger than the window fits into an unused one."""
        alone = self.images >= self.window
        return not self.held and not self.empty and (images <= self.images or alone)

    def take(self, images: int) -> None:
        """Count a job in."""
        self.requests -= 1
        self.tasks -= 1
        self.images -= images


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """What fits behind each key and each of its models, and who has how much under way."""

    keys: Mapping[KeyName, Room]
    models: Mapping[tuple[KeyName, str], Room]
    running: Mapping[tuple[KeyName, UUID], int]
    per_user: Mapping[KeyName, int]  # how much one person may have under way at once


def chosen(waiting: Iterable[Waiting], rooms: Rooms, *, limit: int) -> Sequence[Waiting]:
    """Return up to `limit` jobs that may go now, first who goes first."""
    taken: list[Waiting] = []
    started = Counter(rooms.running)
    for job in _in_turn(waiting, rooms):
        if len(taken) == limit:
            break
        who = (job.key, job.user_id)
        scopes = _scopes(job, rooms)
        if started[who] >= rooms.per_user[job.key]:
            continue
        if all(room.fits(job.images) for room in scopes):
            for room in scopes:
                room.take(job.images)
            started[who] += 1
            taken.append(job)
        else:
            for room in scopes:
                room.held = room.held or not room.fits(job.images)
    return taken


def _in_turn(waiting: Iterable[Waiting], rooms: Rooms) -> Iterator[Waiting]:
    """Yield jobs by how much their person has under way before them, then by age."""
    places: defaultdict[tuple[KeyName, UUID], int] = defaultdict(int, rooms.running)
    turns = []
    for job in waiting:
        who = (job.key, job.user_id)
        turns.append((places[who], job.due_at, job.job_id, job))
        places[who] += 1
    for *_, job in sorted(turns, key=lambda turn: turn[:3]):
        yield job


def _scopes(job: Waiting, rooms: Rooms) -> Sequence[Room]:
    own = rooms.models.get((job.key, job.model))
    return [rooms.keys[job.key], *([own] if own is not None else [])]
