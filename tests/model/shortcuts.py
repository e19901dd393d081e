"""What leaves out states and no behaviour."""

from typing import Final

from tests.model import state as s
from tests.model.rules import Rules
from tests.model.state import Attempt, State, Worker

_ONLY_TO_FIND_OUT: Final = frozenset({s.CLAIMED, s.LOOKING, s.COPYING})
_BEFORE_SENDING: Final = frozenset({s.INTENDED, s.HOLDS_NOT_SENT})


def shortened(state: State, rules: Rules) -> State:
    """Return the state that stands for this one."""
    if rules.skips:
        state = _without_known_notes(_without_stale_workers(state))
        state = _without_used_permits(state)
    return _without_history(_without_stale_senders(state), rules) if rules.forgets else state


def _without_stale_workers(state: State) -> State:
    """A worker that is stale is so for good; if it has nothing to note it may as well be idle."""
    for number, worker in enumerate(state.workers):
        if worker.at in _ONLY_TO_FIND_OUT and not (state.job.leased and worker.current):
            state = s.with_worker(state, number, Worker())
    return state


def _without_stale_senders(state: State) -> State:
    """A stale worker whose request is known never to leave can do nothing but find that out."""
    for number, worker in enumerate(state.workers):
        if worker.at not in _BEFORE_SENDING or (state.job.leased and worker.current):
            continue
        attempt = state.attempts[worker.attempt]
        stays = attempt.request == s.UNSENT and attempt.permit != s.VALID_PERMIT
        if stays and attempt.outcome == s.NOT_SENT:
            state = s.with_worker(state, number, Worker())
    return state


def _without_used_permits(state: State) -> State:
    """Once it is known what became of a request that nobody holds, its permit means nothing."""
    for number, attempt in enumerate(state.attempts):
        if attempt.permit == s.NO_PERMIT or attempt.outcome in {s.OPEN, s.UNKNOWN}:
            continue
        if all(worker.attempt != number for worker in state.workers):
            forgotten = attempt._replace(permit=s.NO_PERMIT)
            state = s.with_attempt(state, number, forgotten)
    return state


def _without_known_notes(state: State) -> State:
    """Once an attempt has its task, the note on disk and the candidate mean nothing."""
    for number, attempt in enumerate(state.attempts):
        if attempt.task and (attempt.disk or attempt.candidate):
            plain = attempt._replace(disk=s.NOTHING, candidate=s.NOTHING)
            state = s.with_attempt(state, number, plain)
    return state


def _without_history(state: State, rules: Rules) -> State:
    """Drop attempts that cost nothing and that nobody will speak of again.

    A busy provider turns a request away any number of times, and that changes nothing. If one
    of them may be spoken of again, it is the newest.
    """
    history = [it for it, attempt in enumerate(state.attempts) if _is_history(state, it, attempt)]
    for number in reversed(history[:-1] if rules.late_callbacks else history):
        rest = (*state.attempts[:number], *state.attempts[number + 1 :])
        workers = tuple(_renumbered(worker, number) for worker in state.workers)
        state = state._replace(attempts=rest, workers=workers)
    return state


def _is_history(state: State, number: int, attempt: Attempt) -> bool:
    if attempt.outcome not in s.TURNED_AWAY or attempt.candidate or attempt.task:
        return False
    if attempt.request not in {s.UNSENT, s.DEAD}:
        return False
    return all(worker.attempt != number for worker in state.workers)


def _renumbered(worker: Worker, gone: int) -> Worker:
    return worker._replace(attempt=worker.attempt - 1) if worker.attempt > gone else worker


def canonical(state: State) -> State:
    """Return one state for all that differ only in which worker is which."""
    workers = state.workers
    if len(workers) == 2:  # noqa: SIM102  (the common case, without a sort)
        if workers[0] <= workers[1]:
            return state
    return state._replace(workers=tuple(sorted(workers)))
