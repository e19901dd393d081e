"""Section 5 of the design, as one function of a state. The numbers are the design's.

Invariants 3 (the object lies in the bucket) and 9 (rates) are not about the order of
things, and are tested on the real code.
"""

from tests.model import state as s
from tests.model.state import Attempt, State
from tests.model.sweeping import lies_about

NAMES = {
    "paid_once_per_consent": "1: billed(job) <= 1 + recorded consents; a consent covers one more",
    "no_silent_loss": "2: what was billed is attached, or its job is visibly uncertain",
    "each_task_has_its_attempt": "2: a task is attached to the attempt that paid for it",
    "stale_worker_changes_nothing": "4: a worker whose token is old changes nothing in the job",
    "one_live_attempt": "5: at most one live attempt per job",
    "final_is_absorbing": "6: a final stage is never left",
    "moves_follow_the_table": "6: a stage changes as core.stages.NEXT allows",
    "claims_have_tokens_of_their_own": "7: a claim's token is above every earlier one",
    "late_results_are_kept": "2: with faults stopped, a late result is kept beside its job",
    "every_job_gets_on": "8: with faults stopped, a job can always end or be visibly uncertain",
    "every_job_comes_to_rest": "8: with faults stopped and a fair scheduler (`circles`), it does",
}


def violated(state: State) -> str:
    """Return the name of an invariant that does not hold, or ''."""
    return (
        state.broken
        or _paid_too_often(state)
        or _two_alive(state)
        or _two_current(state)
        or _lost(state)
    )


def _paid_too_often(state: State) -> str:
    """What a provider works on after turning it away nobody can know of, until it calls back."""
    paid = sum(
        (attempt.request in s.PAID) + (attempt.request == s.BILLED_TWICE)
        for attempt in state.attempts
    )
    since = sum(
        attempt.request in s.PAID
        and (attempt.sent_after_consent or attempt.outcome != s.SUPERSEDED)
        for attempt in state.attempts
    )
    unasked = any(it.request in s.PAID and it.unasked for it in state.attempts)
    if paid > 1 + state.job.consents or since > 1 or unasked:
        return "paid_once_per_consent"
    return ""


def _two_alive(state: State) -> str:
    alive = sum(attempt.outcome in s.ALIVE for attempt in state.attempts)
    return "one_live_attempt" if alive > 1 else ""


def _two_current(state: State) -> str:
    current = sum(worker.current for worker in state.workers)
    return "claims_have_tokens_of_their_own" if current > 1 else ""


def _lost(state: State) -> str:
    for attempt in state.attempts:
        if attempt.task == s.ANOTHERS:
            return "each_task_has_its_attempt"
        if attempt.request in s.PAID and not (_attached(attempt) or _visible(state, attempt)):
            return "no_silent_loss"
    return ""


def _attached(attempt: Attempt) -> bool:
    if attempt.at_provider == s.DELETED:
        return attempt.kept
    if attempt.request == s.USELESS and attempt.outcome == s.ACCEPTED:
        return True  # the bill is known, and there is nothing to lose
    return bool(attempt.task) or bool(attempt.disk) or attempt.kept


def _visible(state: State, attempt: Attempt) -> bool:
    """Whether a person can see that this attempt may have cost something."""
    if attempt.outcome == s.SUPERSEDED:
        return True  # the consent says so
    if attempt.outcome not in {s.OPEN, s.UNKNOWN}:
        return False
    return state.job.stage in {s.SUBMITTING, s.UNCERTAIN, s.ABANDONED}


def restless(state: State) -> str:
    """Return what a state still owes when it has neither ended nor waits for a person, or ''."""
    job = state.job
    mine = s.live(state)
    if job.stage not in s.ENDED and job.stage != s.UNCERTAIN:
        return "every_job_gets_on"
    if job.stage == s.UNCERTAIN and (mine is None or state.attempts[mine].outcome == s.ACCEPTED):
        return "every_job_gets_on"  # what came is known: nobody can be asked to decide
    if any(lies_about(state, attempt) for attempt in state.attempts):
        return "late_results_are_kept"
    return ""
