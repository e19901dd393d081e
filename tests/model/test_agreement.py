"""The model and the real engine say the same of a job after every move of a random walk."""

import os
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any, Final

import pytest
from sqlalchemy import delete

from core.models import Dialect, Run
from tests.model import rows
from tests.model import state as s
from tests.model.moves import Move, moves, start
from tests.model.real_world import RealWorld
from tests.model.rules import Rules
from tests.model.state import State
from workers.spool import Spool

POOL: Final = 500
MOST: Final = 20  # times as many, if a move is rare
WALKS: Final = int(os.environ.get("AGREEMENT_WALKS", "10"))
SEED: Final = os.environ.get("AGREEMENT_SEED", "1")
STEPS: Final = 32
WHOLE: Final[dict[str, Any]] = {"forgets": False, "skips": False, "consents": 9, "attempts": 9}
EDIT: Final = Rules(dialect=Dialect.OPENAI, **WHOLE)
V1: Final = Rules(dialect=Dialect.MINIMAX_V1, callbacks=True, late_callbacks=9, **WHOLE)
V2: Final = Rules(dialect=Dialect.MINIMAX_V2, lists=True, neighbour=True, cancels=True, **WHOLE)


def words(text: str) -> frozenset[str]:
    """Return names of moves."""
    return frozenset(text.split())


# What only the model knows of: the network, the provider, and a worker's own memory.
UNSEEN: Final = words(
    """reply_lost reply_busy reply_refused not_sent billed billed_useless not_taken begun
    made not_made saw_it_queued delete_task list_read"""
)
COMMON: Final = words(
    """claim crash power_cut stale doubt_ended send freed_unsent permit_revoked
    doubt_ended_unsent permit_forgotten handed_back open_one postponed unsure ended_rejected stored
    retry lease_ends settle_time_ends freed lost_sight send_again give_up cancel expire"""
)
EDITS: Final = COMMON | words("answered ended_bad_result marked turned_up unspool kept_late")
VIDEOS: Final = COMMON | words(
    "accepted looked finished ended_failed found found_late attached note_taken_up unspool"
)
COMPARED: Final = {
    Dialect.OPENAI: EDITS,
    Dialect.MINIMAX_V1: VIDEOS
    | words("callback forged_callback late_callback candidate_dropped stop_waiting"),
    Dialect.MINIMAX_V2: VIDEOS
    | words("ask_to_cancel not_cancelled ended_cancelled neighbour matched no_match"),
}
PERMITS: Final = words("freed_unsent permit_revoked doubt_ended_unsent permit_forgotten")
SPOOL: Final = words("marked turned_up unspool kept_late note_taken_up")
SELDOM: Final = words(
    """crash stale handed_back looked reply_lost not_sent cancel expire give_up
    stop_waiting forged_callback permit_revoked permit_forgotten"""
)
# Most of what there is to see comes after a request has left; little comes after a power cut.
WEIGHTS: Final = dict.fromkeys(SELDOM, 3) | {"send": 180, "power_cut": 1}
USUAL: Final = 18

Walk = list[Move]
Shown = tuple[str, str, str]


@pytest.mark.parametrize("rules", [EDIT, V1, V2], ids=lambda rules: rules.dialect.value)
def test_every_walk_agrees(hands, kim, tmp_path, rules):
    print(f"walks={WALKS} seed={SEED}")
    walks = telling(rules)
    names = {name for walk in walks for name, _, _ in walk}
    assert COMPARED[rules.dialect] <= names, "some move would never be compared"

    for number, walk in enumerate(walks):
        own = replace(hands, spool=Spool(tmp_path / f"spool-{number}"))
        follow(RealWorld(own, kim, rules), walk)
        with hands.services.sessions.begin() as session:
            session.execute(delete(Run))


def telling(rules: Rules) -> list[Walk]:
    """Return few random walks that show every move, each up to where it last shows something new.

    Whatever is asked for beyond that is walked to its end.
    """
    random = Random(f"{rules.dialect} {SEED}")
    pool = [(walk, shown(walk)) for walk in pool_of_walks(rules, random)]
    seen: set[Shown] = set()
    chosen: list[Walk] = []
    while pool and (len(chosen) < WALKS or COMPARED[rules.dialect] - {it[0] for it in seen}):
        best = max(range(len(pool)), key=lambda number: _worth(pool[number][1], seen))
        made, shows = pool.pop(best)
        last = max((at for at, it in enumerate(shows) if it not in seen), default=len(made))
        chosen.append(made[: last + 1])
        seen.update(shows[: last + 1])
    return chosen


def pool_of_walks(rules: Rules, random: Random) -> list[Walk]:
    """Return many walks, and as many more as it takes until some walk has each move."""
    pool: list[Walk] = []
    missing = set(COMPARED[rules.dialect])
    while len(pool) < POOL or (missing and len(pool) < MOST * POOL):
        pool.append(walk(rules, random))
        missing.difference_update(name for name, _, _ in pool[-1])
    return pool


def _worth(shows: Sequence[Shown], seen: set[Shown]) -> tuple[int, int]:
    """A move that was never made counts above one never made of such a job."""
    new = set(shows) - seen
    return len({name for name, _, _ in new} - {name for name, _, _ in seen}), len(new)


def walk(rules: Rules, random: Random) -> Walk:
    """Return random moves from the beginning."""
    here = start(rules)
    made: Walk = []
    while len(made) < STEPS:
        offered = [move for move in moves(here, rules) if may_be_made(move, rules)]
        if not offered:
            break
        move = random.choices(offered, [weight(move) for move in offered])[0]
        name, worker, there = move
        here = as_made(name, here, there)
        made.append((name, worker, here))
    return made


def shown(walk: Walk) -> list[Shown]:
    """Return each move with the job's stage and its newest attempt's outcome before it."""
    found = []
    here = start(EDIT)
    for name, _, there in walk:
        newest = here.attempts[-1].outcome if here.attempts else ""
        found.append((name, here.job.stage, newest))
        here = there
    return found


def follow(engine: RealWorld, walk: Walk) -> None:
    """Make the moves of a walk on the real engine too, and compare after each."""
    here = start(engine.rules)
    told: list[str] = []
    for name, worker, there in walk:
        told.append(name)
        if name not in UNSEEN:
            getattr(engine, name)(subject(worker, here, there), here)
            assert engine.seen() == rows.in_the_model(there), " → ".join(told)
            check_what_is_not_offered(engine, there)
        here = there


def may_be_made(move: Move, rules: Rules) -> bool:
    """A late video has to be fetched from its provider; other tests do."""
    return rules.is_edit or move[0] != "kept_late"


def weight(move: Move) -> int:
    """What ends a walk, or a worker's step, comes less often."""
    return WEIGHTS.get(move[0], USUAL)


def subject(worker: int, here: State, there: State) -> int:
    """Return whose move it is: a worker's, or an attempt's that changes, or nobody's (-1)."""
    if worker >= 0:
        return worker
    pairs = list(enumerate(zip(here.attempts, there.attempts, strict=True)))
    named = [number for number, (old, new) in pairs if new.candidate and not old.candidate]
    changed = [number for number, (old, new) in pairs if old != new]
    return next(iter(named + changed), -1)


def as_made(name: str, here: State, there: State) -> State:
    """The engine keeps a late answer and removes it from the disk in one call."""
    if name != "kept_late":
        return there
    number = subject(-1, here, there)
    return s.with_attempt(there, number, there.attempts[number]._replace(disk=s.NOTHING))


def check_what_is_not_offered(engine: RealWorld, here: State) -> None:
    """What the model does not offer, the engine does not do."""
    offered = {name for name, worker, _ in moves(here, engine.rules) if worker < 0}
    for decision in {"send_again", "give_up"} - offered:
        engine.refuses(decision)
    if here.job.stage not in {s.READY, s.GENERATING}:
        engine.refuses("cancel")
    if not offered & {"freed", "lost_sight", "found", *SPOOL, *PERMITS}:
        engine.has_nothing_to_do()
        assert engine.seen() == rows.in_the_model(here)
