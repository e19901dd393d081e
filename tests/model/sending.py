"""The paid step of a worker, from the claim to the record: `workers.sending`."""

from tests.model import state as s
from tests.model.leasing import Steps, ends, goes_on, held, idle
from tests.model.rules import Rules
from tests.model.state import Attempt, State


def from_claimed(state: State, number: int, rules: Rules) -> Steps:
    """Write the intent, in a commit of its own, or hand the lease back."""
    yield from ends(state, number, rules, "handed_back", s.READY)
    worker = state.workers[number]
    if worker.late and rules.send_deadline:
        return
    if rules.intent_is_fenced and not held(state, number):
        return  # the same as being stale above
    if rules.one_live_attempt and s.live(state) is not None:
        yield "index_refuses", idle(state, number)
        return
    if len(state.attempts) == rules.attempts:
        yield "no_room", state
        return
    job = state.job._replace(phase=min(state.job.phase, s.OVER))  # its send deadline begins now
    state = state._replace(job=job, attempts=(*state.attempts, _intent(state)))
    intended = worker._replace(at=s.INTENDED, attempt=len(state.attempts) - 1)
    yield "open_one", s.with_worker(state, number, intended)


def _intent(state: State) -> Attempt:
    """Write down too whether a callback had told that a request before it is at work after all."""
    told = (it for it in state.attempts if it.request == s.WORKED_ON)
    return Attempt(unasked=any(it.outcome != s.SUPERSEDED for it in told))


def from_intended(state: State, number: int, rules: Rules) -> Steps:
    """Send, or learn that not a byte left."""
    worker = state.workers[number]
    nothing_left = worker._replace(at=s.HOLDS_NOT_SENT, late=False)
    yield "not_sent", s.with_worker(state, number, nothing_left)
    if worker.late and rules.send_deadline:
        return
    attempt = state.attempts[worker.attempt]
    if rules.permit_is_torn_up:
        if attempt.permit != s.VALID_PERMIT:
            return
        attempt = attempt._replace(permit=s.NO_PERMIT)
    after_consent = attempt.outcome == s.SUPERSEDED
    attempt = attempt._replace(request=s.ON_ITS_WAY, sent_after_consent=after_consent)
    state = s.with_attempt(state, worker.attempt, attempt)
    yield "send", s.with_worker(state, number, worker._replace(at=s.WAITING, late=False))


def from_waiting(state: State, number: int, rules: Rules) -> Steps:
    """Read the reply, whatever it is, or none. An edit's body goes to the disk as it comes."""
    worker = state.workers[number]
    attempt = state.attempts[worker.attempt]
    yield "reply_lost", s.with_worker(state, number, worker._replace(at=s.HOLDS_NOTHING))
    if attempt.request in s.PAID:
        if rules.is_edit and rules.answers_go_to_disk:
            read = s.with_attempt(state, worker.attempt, attempt._replace(disk=s.BODY))
        else:
            read = state
        yield "reply", s.with_worker(read, number, worker._replace(at=s.HOLDS_ANSWER))
    if attempt.request in {s.DEAD, s.WORKED_ON}:
        yield "reply_busy", s.with_worker(state, number, worker._replace(at=s.HOLDS_NOT_SENT))
        yield "reply_refused", s.with_worker(state, number, worker._replace(at=s.HOLDS_REFUSAL))
    if attempt.request == s.BILLED and not rules.sent_once:
        twice = attempt._replace(request=s.BILLED_TWICE)
        yield "library_sends_again", s.with_attempt(state, worker.attempt, twice)


def from_answer(state: State, number: int, rules: Rules) -> Steps:
    """Mark the body as whole, or note the task, on the disk before anything else."""
    worker = state.workers[number]
    attempt = state.attempts[worker.attempt]
    if attempt.request == s.USELESS and not rules.useless_answers_are_answers:
        accepted = s.settled(attempt, s.ACCEPTED)._replace(disk=s.NOTHING)
        state = s.with_attempt(state, worker.attempt, accepted)
        yield "settled", s.with_worker(state, number, worker._replace(at=s.UNMARKED))
        return
    if rules.answers_go_to_disk and (attempt.disk or not rules.is_edit):
        state = s.with_attempt(state, worker.attempt, attempt._replace(disk=s.WHOLE))
    yield "spool", s.with_worker(state, number, worker._replace(at=s.SPOOLED))


def from_spooled(state: State, number: int, rules: Rules) -> Steps:
    """Record that it was taken: an edit is copied at once, a video is polled."""
    state = _with_settled(state, number, s.ACCEPTED)
    if rules.is_edit:
        yield from goes_on(state, number, rules, "answered")
        return
    attempt = state.workers[number].attempt
    known = state.attempts[attempt]._replace(task=s.OWN)
    yield from ends(s.with_attempt(state, attempt, known), number, rules, "accepted", s.GENERATING)


def _with_settled(state: State, number: int, outcome: str) -> State:
    """Settle the attempt, whoever holds the lease: in one commit with the move if we do."""
    attempt = state.workers[number].attempt
    return s.with_attempt(state, attempt, s.settled(state.attempts[attempt], outcome))


def _not_done(
    state: State, number: int, rules: Rules, outcome: str, move: tuple[str, str]
) -> Steps:
    state = _with_settled(state, number, outcome)
    if state.attempts[state.workers[number].attempt].task:  # a callback was faster
        move = ("accepted", s.GENERATING)
    if rules.late_refusal_ends_doubt and _nothing_is_in_doubt(state, number):
        ended = s.back_in_line(state, rules) if move[1] == s.READY else s.moved(state, move[1])
        yield "doubt_ended", idle(ended, number)
    else:
        yield from ends(state, number, rules, *move)


def _nothing_is_in_doubt(state: State, number: int) -> bool:
    """Whether the sweep doubts a request of which a stale worker knows that nobody took it."""
    outcome = state.attempts[state.workers[number].attempt].outcome
    late = state.job.stage == s.UNCERTAIN and not held(state, number)
    return late and outcome in {s.NOT_SENT, s.REJECTED} and s.live(state) is None


def from_refusal(state: State, number: int, rules: Rules) -> Steps:
    """The provider refused it for good."""
    move = ("ended_rejected", s.REJECTED_STAGE)
    yield from _not_done(state, number, rules, s.REJECTED, move)


def from_not_sent(state: State, number: int, rules: Rules) -> Steps:
    """Nothing was taken; it cost nothing."""
    yield from _not_done(state, number, rules, s.NOT_SENT, ("postponed", s.READY))


def from_nothing(state: State, number: int, rules: Rules) -> Steps:
    """Some of it left and no answer came: only a callback, the list or a person can help."""
    if rules.unknown_is_not_not_sent:
        yield from _not_done(state, number, rules, s.UNKNOWN, ("unsure", s.UNCERTAIN))
    else:
        yield from from_not_sent(state, number, rules)


def from_unmarked(state: State, number: int, rules: Rules) -> Steps:
    """A mutant's second commit: end the job, keeping a body that is not marked as whole."""
    if held(state, number):
        attempt = state.workers[number].attempt
        state = s.with_attempt(state, attempt, state.attempts[attempt]._replace(kept=True))
    yield from ends(state, number, rules, "ended_rejected", s.REJECTED_STAGE)
