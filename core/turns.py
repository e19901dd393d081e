"""Whose turn it is among the jobs that wait to be sent: gates, limits and fair order.

The turns of one key are given out by one worker at a time, under the lock of its gate:
what is counted here cannot change until the claim is committed.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, Text, Uuid, column, text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Session

from core import gates, trials, usage
from core.fair_order import NO_LIMIT, KeyName, Room, Rooms, Waiting, chosen
from core.gates import Gate
from core.lookback import Lookback
from core.stages import Stage
from core.usage import InHand, Key, Sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """What may be sent now. `shut` are the models of each key that take nothing."""

    rooms: Rooms
    shut: Mapping[KeyName, Sequence[str]]
    on_trial: frozenset[KeyName]  # closed, and one job may try


def next_up(
    session: Session, *, keys: Sequence[Key], lookback: Lookback, limit: int
) -> Sequence[UUID]:
    """Return the jobs that may be sent now, first who goes first; their keys' gates are locked.

    Nothing is locked where nothing is due.
    """
    due = _keys_with_something_due(session, keys, lookback) if keys else []
    if not due:
        return []
    gates.lock(session, due)
    turns = standing(session, due)
    room = [key for key in due if not turns.rooms.keys[key.name].empty]
    if not room:
        return []
    waiting = _first_of_each_person(session, room, turns, lookback, limit=limit)
    taken = chosen(waiting, turns.rooms, limit=limit)
    for job in taken:
        if job.key in turns.on_trial:
            trials.begun(session, job.key, job.job_id)
    return [job.job_id for job in taken]


# --- what is due ------------------------------------------------------------------------

# One short look into the index for each person, however long anybody's queue is.
_OLDEST: Final = text(
    f"""
    SELECT part.dialect, min(own.due_at) <= clock_timestamp() AS due,
           least(min(own.due_at), clock_timestamp()) AS first,
           EXISTS (
               SELECT FROM provider_gates
               WHERE dialect = part.dialect AND key_id = part.key_id AND model = ''
           ) AS has_gate
    FROM unnest(
        CAST(:dialects AS text[]), CAST(:key_ids AS text[]), CAST(:since AS timestamptz[])
    ) AS part (dialect, key_id, since)
    CROSS JOIN users
    CROSS JOIN LATERAL (
        SELECT due_at FROM runs
        WHERE stage = '{Stage.READY}' AND dialect = part.dialect AND user_id = users.id
          AND due_at >= part.since
        ORDER BY due_at, job_id LIMIT 1
    ) AS own
    GROUP BY part.dialect, part.key_id
    """  # noqa: S608  (our own constants)
)
_FIRST: Final = text(
    f"""
    SELECT own.job_id, part.dialect, own.model, users.id, own.input_images, own.due_at
    FROM unnest(CAST(:dialects AS text[]), CAST(:since AS timestamptz[])) AS part (dialect, since)
    CROSS JOIN users
    CROSS JOIN LATERAL (
        SELECT job_id, model, input_images, due_at FROM runs
        WHERE stage = '{Stage.READY}' AND dialect = part.dialect AND user_id = users.id
          AND due_at >= part.since AND due_at <= clock_timestamp()
          AND model <> ALL (CAST(:shut AS text[]))
        ORDER BY due_at, job_id LIMIT :per_person
    ) AS own
    """  # noqa: S608  (our own constants)
).columns(
    column("job_id", Uuid),
    column("dialect", Text),
    column("model", Text),
    column("user_id", Uuid),
    column("images", BigInteger),
    column("due_at", TIMESTAMP(timezone=True)),
)


def _keys_with_something_due(
    session: Session, keys: Sequence[Key], lookback: Lookback
) -> Sequence[Key]:
    rows = session.execute(_OLDEST, _parts(keys, lookback)).all()
    for row in rows:
        lookback.seen(row.dialect, row.first)
    due = {row.dialect for row in rows if row.due}
    new = {row.dialect for row in rows if row.due and not row.has_gate}
    if new:
        gates.made(session, [key for key in keys if key.dialect in new])
    return [key for key in keys if key.dialect in due]


def _first_of_each_person(
    session: Session, keys: Sequence[Key], turns: Turns, lookback: Lookback, *, limit: int
) -> Sequence[Waiting]:
    names = {key.dialect: key.name for key in keys}
    wanted = {
        "per_person": min(limit, max(turns.rooms.per_user.values())),
        "shut": [model for key in keys for model in turns.shut[key.name]],
    }
    return [
        Waiting(
            job_id=row.job_id,
            key=names[row.dialect],
            model=row.model,
            user_id=row.user_id,
            images=row.images,
            due_at=row.due_at,
        )
        for row in session.execute(_FIRST, {**_parts(keys, lookback), **wanted})
    ]


def _parts(keys: Sequence[Key], lookback: Lookback) -> dict[str, Any]:
    return {
        **usage.named(keys),
        "since": [lookback.since(key.dialect) for key in keys],
    }


# --- what fits --------------------------------------------------------------------------


# One question: three would be three round trips under the lock.
_STANDING: Final = text(
    f"""
    SELECT (SELECT json_agg(sent) FROM ({usage.SENT}) AS sent) AS sent,
           (SELECT json_agg(busy) FROM ({usage.IN_HAND}) AS busy) AS busy,
           (SELECT json_agg(gate) FROM ({gates.STANDING}) AS gate) AS gates
    """  # noqa: S608  (our own constants)
)


def standing(session: Session, keys: Sequence[Key]) -> Turns:
    """Return what may be sent now."""
    found = session.execute(_STANDING, usage.named(keys)).one()
    sent = usage.sent(found.sent or [])
    busy = usage.in_hand(found.busy or [])
    now = gates.standing(found.gates or [])
    whole = {gate.key: gate for gate in now if not gate.model}
    models = {(gate.key, gate.model): _room_of_model(gate, sent) for gate in now if gate.model}
    return Turns(
        rooms=Rooms(
            keys={key.name: _room_of_key(key, whole.get(key.name), sent, busy) for key in keys},
            models=models,
            running=Counter({(each.key, each.user_id): each.running for each in busy}),
            per_user={key.name: key.per_user or NO_LIMIT for key in keys},
        ),
        shut={
            key.name: [
                model for (name, model), room in models.items() if name == key.name and room.empty
            ]
            for key in keys
        },
        on_trial=frozenset(gate.key for gate in now if gate.on_trial and not gate.model),
    )


def _room_of_key(key: Key, gate: Gate | None, sent: Sequence[Sent], busy: Sequence[InHand]) -> Room:
    mine = [each for each in sent if each.key == key.name]
    limits = key.limits
    room = _room(gate, limits.requests_per_minute, limits.input_images_per_minute, mine)
    room.at_once = limits.in_flight or NO_LIMIT
    tasks = room.at_once - sum(each.tasks for each in busy if each.key == key.name)
    room.tasks = min(room.tasks, tasks)
    return room


def _room_of_model(gate: Gate, sent: Sequence[Sent]) -> Room:
    mine = [each for each in sent if (each.key, each.model) == (gate.key, gate.model)]
    limits = gate.limits
    return _room(
        gate, limits.get("requests_per_minute"), limits.get("input_images_per_minute"), mine
    )


def _room(
    gate: Gate | None, requests: int | None, images: int | None, sent: Sequence[Sent]
) -> Room:
    """Return what fits by rate, and by what the provider has told this gate."""
    slow = gate.slow_requests_per_minute if gate is not None else None
    per_minute = min(requests or NO_LIMIT, slow or NO_LIMIT)
    window = images or NO_LIMIT
    room = Room(
        requests=per_minute - sum(each.requests for each in sent),
        per_minute=per_minute,
        images=window - sum(each.images for each in sent),
        window=window,
    )
    if gate is not None and gate.closed:
        room.tasks = 1 if gate.on_trial else 0
    return room
