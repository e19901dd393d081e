"""Everything that is not ours to decide: time, the network, the provider, and people."""

from core.models import Dialect
from tests.model import state as s
from tests.model.rules import Rules
from tests.model.state import Attempt, State, Worker
from tests.model.sweeping import Moves


def time_passes(state: State, rules: Rules) -> Moves:
    """The lease ends by the database's clock; then the send deadline and the settle time.

    The worker's monotonic deadline was noted before its claim, so it passes before the
    lease ends, as far as two clocks agree; within the settle time they do.
    """
    job = state.job
    if job.leased and job.phase == s.VALID:
        yield "lease_ends", state._replace(job=job._replace(phase=s.OVER))
    elif job.leased and job.phase == s.OVER and job.stage == s.SUBMITTING:
        settled = state._replace(job=job._replace(phase=s.SETTLED))
        tied = rules.deadline_is_noted_before_the_claim
        yield "settle_time_ends", _holder_is_late(settled) if tied else settled
    if not rules.deadline_is_noted_before_the_claim:
        yield "deadline_passes", _holder_is_late(state)


def _holder_is_late(state: State) -> State:
    return state._replace(workers=tuple(_late(worker) for worker in state.workers))


def _late(worker: Worker) -> Worker:
    may_send = worker.at in {s.CLAIMED, s.INTENDED}
    return worker._replace(late=True) if may_send and worker.current else worker


def power_fails(state: State, rules: Rules) -> Moves:
    """Every worker dies, and a permit that was torn up may be back: it is of another boot."""
    permits = {it.permit for it in state.attempts if it.outcome in {s.OPEN, s.UNKNOWN}}
    if not permits & {s.VALID_PERMIT, s.NO_PERMIT}:
        return
    after = s.NO_PERMIT if rules.permit_is_of_this_boot else s.VALID_PERMIT
    attempts = tuple(
        it if it.permit == s.REVOKED_PERMIT else it._replace(permit=after) for it in state.attempts
    )
    nobody = (Worker(),) * len(state.workers)
    yield "power_cut", state._replace(workers=nobody, attempts=attempts)


# --- the provider -------------------------------------------------------------------------


def requests_arrive(state: State, rules: Rules) -> Moves:
    """A request arrives, at any time after it was sent, or never."""
    for number, attempt in enumerate(state.attempts):
        if attempt.request != s.ON_ITS_WAY:
            continue
        yield "not_taken", s.with_attempt(state, number, attempt._replace(request=s.DEAD))
        first = s.NOTHING if rules.is_edit else _begins(rules)
        billed = attempt._replace(request=s.BILLED, at_provider=first)
        yield "billed", s.with_attempt(state, number, billed)
        if rules.is_edit:
            useless = attempt._replace(request=s.USELESS)
            yield "billed_useless", s.with_attempt(state, number, useless)


def _begins(rules: Rules) -> str:
    return s.QUEUED if rules.cancels else s.RUNNING


def videos_are_made(state: State) -> Moves:
    """A task goes on by itself. It is never finished soon after it was seen queued."""
    for number, attempt in enumerate(state.attempts):
        if attempt.at_provider == s.QUEUED:
            yield "begun", s.with_attempt(state, number, attempt._replace(at_provider=s.RUNNING))
        elif attempt.at_provider == s.RUNNING:
            done = s.with_attempt(state, number, attempt._replace(at_provider=s.FINISHED))
            yield "made", done._replace(workers=tuple(map(_too_late_to_cancel, done.workers)))
            broken = attempt._replace(at_provider=s.BROKEN)
            yield "not_made", s.with_attempt(state, number, broken)


def _too_late_to_cancel(worker: Worker) -> Worker:
    return worker._replace(late=True) if worker.at == s.CANCELLING else worker


def callbacks_come(state: State, rules: Rules) -> Moves:
    """A callback names a task: before our reply, after it, twice, or forged.

    A provider may call back, and a forger too, about what was turned away long ago.
    """
    worked_on = sum(attempt.request == s.WORKED_ON for attempt in state.attempts)
    for number, attempt in enumerate(state.attempts):
        if attempt.task or attempt.candidate:
            continue  # a second one changes nothing
        if attempt.at_provider:
            named = attempt._replace(candidate=s.OWN)
            yield "callback", _heard(state, number, named, rules)
        elif attempt.request == s.DEAD and worked_on < rules.late_callbacks:
            named = attempt._replace(
                candidate=s.OWN, request=s.WORKED_ON, at_provider=_begins(rules)
            )
            yield "late_callback", _heard(state, number, named, rules)
        if rules.late_callbacks or attempt.outcome not in s.TURNED_AWAY:
            forged = attempt._replace(candidate=s.ANOTHERS)
            yield "forged_callback", _heard(state, number, forged, rules)


def _heard(state: State, number: int, named: Attempt, rules: Rules) -> State:
    state = s.with_attempt(state, number, named)
    return s.doubted(state) if rules.late_callbacks_are_heard else state


def neighbour_goes_on(state: State) -> Moves:
    """Somebody else's equal job: its attempt is opened, billed and recorded."""
    following = {s.ABSENT: s.UNDER_WAY, s.UNDER_WAY: s.LISTED, s.LISTED: s.KNOWN}
    if state.neighbour in following:
        yield "neighbour", state._replace(neighbour=following[state.neighbour])


# --- people -------------------------------------------------------------------------------


def people_decide(state: State, rules: Rules) -> Moves:
    """`core.decisions`, and the limit of 24 hours."""
    job = state.job
    if job.stage == s.UNCERTAIN:
        yield from _uncertain(state, rules)
    elif job.stage == s.READY and not job.leased:
        yield "cancel", s.moved(state, s.CANCELLED)
        yield "expire", s.moved(state, s.EXPIRED)
    elif job.stage in {s.GENERATING, s.STORING} and rules.dialect is Dialect.MINIMAX_V1:
        yield "stop_waiting", s.moved(state, s.ABANDONED)
    elif job.stage == s.GENERATING and rules.cancels and not job.cancel_asked:
        yield "ask_to_cancel", state._replace(job=job._replace(cancel_asked=True))


def _uncertain(state: State, rules: Rules) -> Moves:
    yield "give_up", s.moved(state, s.ABANDONED)
    mine = s.live(state)
    if mine is None:
        yield "send_again", s.back_in_line(state, rules)  # nothing was taken to consent to
        return
    attempt = state.attempts[mine]
    if attempt.outcome != s.ACCEPTED and state.job.consents < rules.consents:
        superseded = s.with_attempt(state, mine, attempt._replace(outcome=s.SUPERSEDED))
        to_one = rules.consent_is_to_one_request
        again = s.back_in_line(superseded, rules) if to_one else s.moved(superseded, s.READY)
        consents = again.job.consents + rules.consent_is_recorded
        yield "send_again", again._replace(job=again.job._replace(consents=consents))
