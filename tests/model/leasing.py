"""Claims and the fence: what `core.claims` and the worker's moves of `core.runs` do to a job."""

from collections.abc import Iterator
from typing import Final

from tests.model import state as s
from tests.model.rules import Rules
from tests.model.state import State, Worker

Steps = Iterator[tuple[str, State]]
NOBODY: Final = Worker()
_STEP_OF: Final = {s.READY: s.CLAIMED, s.GENERATING: s.LOOKING, s.STORING: s.COPYING}


def claim(state: State, number: int, rules: Rules) -> Steps:
    """A lease, and a token that nobody else has."""
    job = state.job
    step = _STEP_OF.get(job.stage)
    if job.leased or step is None:
        return
    if rules.claim_takes_a_new_token:
        state = _others_are_old(state, number)
    if job.stage == s.READY:
        state = s.moved(state, s.SUBMITTING)
    state = state._replace(job=state.job._replace(leased=True, phase=s.VALID))
    yield "claim", s.with_worker(state, number, Worker(at=step, current=True))


def _others_are_old(state: State, number: int) -> State:
    return state._replace(
        workers=tuple(
            worker if other == number else worker._replace(current=False)
            for other, worker in enumerate(state.workers)
        )
    )


def held(state: State, number: int) -> bool:
    """Whether a worker's token is the row's: `claims.held` without its lock."""
    return state.job.leased and state.workers[number].current


def idle(state: State, number: int) -> State:
    """The worker has forgotten everything."""
    return s.with_worker(state, number, NOBODY)


def ends(state: State, number: int, rules: Rules, name: str, to: str | None) -> Steps:
    """Record how a step ended (`to`: the stage, if it changes), or be stale and change nothing."""
    after = _recorded(state, number, rules, to)
    if after is None:
        yield "stale", idle(state, number)
    else:
        yield name, idle(after, number)


def goes_on(state: State, number: int, rules: Rules, name: str) -> Steps:
    """Record that the result is known, and copy it under a lease and a token of its own."""
    after = _recorded(state, number, rules, s.STORING)
    if after is None:
        yield "stale", idle(state, number)
        return
    after = _others_are_old(after._replace(job=after.job._replace(leased=True)), number)
    yield name, s.with_worker(after, number, Worker(at=s.COPYING, current=True))


def _recorded(state: State, number: int, rules: Rules, to: str | None) -> State | None:
    rightful = held(state, number)
    if not rightful and (rules.fence or (to and to not in s.FOLLOWING[state.job.stage])):
        return None
    if to == s.READY:
        after = s.back_in_line(state, rules)
    else:
        after = s.moved(state, to) if to else s.released(state)
    return after if rightful else after._replace(broken="stale_worker_changes_nothing")
