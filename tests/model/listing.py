"""The list of tasks that the second API gives: `core.task_match`.

Two attempts of one job always look alike here, as if their time windows were one.
"""

from tests.model import state as s
from tests.model.rules import Rules
from tests.model.state import Attempt, State
from tests.model.sweeping import Moves, attached


def read(state: State, rules: Rules) -> Moves:
    """Read the list; what follows from it is decided in a transaction that begins later."""
    if state.list_read or not any(map(_wants_a_task, state.attempts)):
        return
    attempts = tuple(
        attempt._replace(listed=attempt.at_provider not in {s.NOTHING, s.DELETED})
        for attempt in state.attempts
    )
    listed = state.neighbour == s.LISTED
    yield "list_read", state._replace(attempts=attempts, list_read=True, neighbour_listed=listed)


def _wants_a_task(attempt: Attempt) -> bool:
    return not attempt.task and attempt.outcome in {s.UNKNOWN, s.SUPERSEDED}


def _may_have_one(attempt: Attempt) -> bool:
    return not attempt.task and attempt.outcome in {s.OPEN, s.UNKNOWN, s.SUPERSEDED}


def match(state: State, rules: Rules) -> Moves:
    """Believe it if exactly one task and exactly one attempt agree."""
    if not state.list_read:
        return
    rivals = [number for number, it in enumerate(state.attempts) if _may_have_one(it)]
    wanting = [number for number in rivals if state.attempts[number].outcome != s.OPEN]
    free = [number for number, it in enumerate(state.attempts) if _is_free(it)]
    neighbours = state.neighbour_listed and state.neighbour == s.LISTED
    under_way = state.neighbour in {s.UNDER_WAY, s.LISTED}
    state = _judged(state)
    if not wanting:
        yield "no_match", state
    elif not free and not rules.absence_proves_nothing:
        yield from _not_there_so_again(state)
    elif not rules.match_is_unique and neighbours:
        yield from attached(state, wanting[0], s.ANOTHERS)
    elif len(free) + neighbours != 1 or len(rivals) + _counted(rules, under_way) != 1:
        yield "no_match", state
    elif wanting == free:
        named = state.attempts[wanting[0]]._replace(candidate=s.OWN)
        yield "matched", s.with_attempt(state, wanting[0], named)
    else:
        yield from attached(state, wanting[0], s.ANOTHERS)


def _is_free(attempt: Attempt) -> bool:
    return attempt.listed and not attempt.task and attempt.candidate != s.OWN


def _counted(rules: Rules, under_way: bool) -> bool:
    return under_way and rules.match_counts_what_is_under_way


def _judged(state: State) -> State:
    attempts = tuple(attempt._replace(listed=False) for attempt in state.attempts)
    return state._replace(attempts=attempts, list_read=False, neighbour_listed=False)


def _not_there_so_again(state: State) -> Moves:
    mine = s.live(state)
    if mine is None or state.job.stage != s.UNCERTAIN:
        yield "no_match", state
        return
    superseded = state.attempts[mine]._replace(outcome=s.SUPERSEDED)
    yield "again_unasked", s.moved(s.with_attempt(state, mine, superseded), s.READY)
