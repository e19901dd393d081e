"""The free steps of a worker: asking, cancelling, copying. They may be repeated.

Here a stale worker goes away even when a mutant has no fence: what the fence is for
shows in the paid step.
"""

from tests.model import state as s
from tests.model.leasing import Steps, ends, goes_on, held, idle
from tests.model.rules import Rules
from tests.model.state import State


def from_looking(state: State, number: int, rules: Rules) -> Steps:
    """Ask how the video stands, and record it."""
    if not held(state, number):
        yield "stale", idle(state, number)
        return
    yield from ends(state, number, rules, "looked", None)
    mine = s.live(state)
    stands = state.attempts[mine].at_provider if mine is not None else s.NOTHING
    if stands == s.FINISHED:
        yield from goes_on(state, number, rules, "finished")
    elif stands == s.BROKEN:
        yield from ends(state, number, rules, "ended_failed", s.FAILED)
        yield from ends(state, number, rules, "ended_expired", s.EXPIRED)
    elif stands == s.DEAD:
        yield from ends(state, number, rules, "ended_cancelled", s.CANCELLED)
    if state.job.cancel_asked and stands == s.QUEUED:
        cancelling = state.workers[number]._replace(at=s.CANCELLING)
        yield "saw_it_queued", s.with_worker(state, number, cancelling)
    elif state.job.cancel_asked:
        refused = state._replace(job=state.job._replace(cancel_asked=False))
        yield from ends(refused, number, rules, "not_cancelled", None)


def from_cancelling(state: State, number: int, rules: Rules) -> Steps:
    """DELETE what was seen queued: free then, but it deletes a finished video for good."""
    worker = state.workers[number]
    yield from ends(state, number, rules, "retry", None)
    mine = s.live(state)
    if mine is None or (worker.late and rules.delete_has_a_deadline):
        return
    attempt = state.attempts[mine]
    if attempt.at_provider == s.QUEUED:
        attempt = attempt._replace(at_provider=s.DEAD, request=s.DEAD)
    elif attempt.at_provider == s.FINISHED:
        attempt = attempt._replace(at_provider=s.DELETED)
    state = s.with_attempt(state, mine, attempt)
    yield "delete_task", s.with_worker(state, number, worker._replace(at=s.LOOKING, late=False))


def from_copying(state: State, number: int, rules: Rules) -> Steps:
    """Copy the result to our bucket, and end the job in the transaction of its rows."""
    if not held(state, number):
        yield "stale", idle(state, number)
        return
    yield from ends(state, number, rules, "retry", None)
    mine = s.live(state)
    if mine is None:
        return
    attempt = state.attempts[mine]
    kept = s.with_attempt(state, mine, attempt._replace(kept=True))
    if rules.is_edit and attempt.disk != s.WHOLE:
        yield from ends(state, number, rules, "answer_lost", s.BAD_RESULT)
    elif attempt.request == s.USELESS:
        yield from ends(kept, number, rules, "ended_bad_result", s.BAD_RESULT)
    elif rules.is_edit:
        yield from ends(kept, number, rules, "stored", s.STORED)
    elif attempt.at_provider == s.FINISHED:
        yield from ends(kept, number, rules, "stored", s.STORED)
        # After three cut downloads what came is kept as it is.
        yield from ends(kept, number, rules, "ended_bad_result", s.BAD_RESULT)
