"""A trace as a person reads it."""

from collections.abc import Iterator, Sequence
from typing import Final

from tests.model.invariants import NAMES
from tests.model.moves import moves, start
from tests.model.rules import Rules
from tests.model.search import Found
from tests.model.shortcuts import canonical
from tests.model.state import State

TOLD: Final = {
    "claim": "{w} claims it",
    "stale": "{w} finds that it is stale, and leaves the job alone",
    "handed_back": "{w} hands the lease back",
    "open_one": "{w} commits its intent to send",
    "index_refuses": "{w} is refused a second live attempt by the unique index",
    "not_sent": "{w} learns that not a byte left",
    "send": "{w} SENDS",
    "library_sends_again": "{w}'s HTTP library SENDS AGAIN",
    "reply": "{w} reads the answer",
    "reply_lost": "{w} reads no answer",
    "reply_busy": "{w} reads 'busy, nothing taken'",
    "reply_refused": "{w} reads a refusal",
    "spool": "{w} marks the answer on its disk",
    "settled": "{w} records the answer in the attempt alone",
    "answered": "{w} records the answer and goes on to copy it",
    "accepted": "{w} records the task",
    "postponed": "{w} records that nothing was taken; the job is queued again",
    "doubt_ended": "{w} is stale and knows that nothing was taken: nobody need decide",
    "unsure": "{w} records that nobody knows",
    "looked": "{w} sees that the provider is still at work",
    "saw_it_queued": "{w} sees that it is still queued, and may cancel it",
    "delete_task": "{w} DELETEs the task",
    "not_cancelled": "{w} records that it is too late to cancel",
    "finished": "{w} records that it is finished and goes on to copy it",
    "retry": "{w} could not copy or ask; later again",
    "stored": "{w} commits the result",
    "answer_lost": "{w} does not find the answer on its disk",
    "ended_rejected": "{w} ends the job: refused",
    "ended_failed": "{w} ends the job: the provider gave up",
    "ended_expired": "{w} ends the job: the provider has dropped the task",
    "ended_cancelled": "{w} ends the job: cancelled in time",
    "ended_bad_result": "{w} ends the job: nothing usable came",
    "crash": "{w} is killed",
    "power_cut": "... the power fails: every worker is gone",
    "freed_unsent": "the sweep frees it: the request never left",
    "doubt_ended_unsent": "the sweep on its host finds that the request never left",
    "permit_revoked": "the sweep takes the request's permit away",
    "permit_forgotten": "the sweep forgets a permit that nobody needs",
    "lease_ends": "... the lease ends",
    "settle_time_ends": "... the send deadline and the settle time end",
    "deadline_passes": "... the worker's own deadline passes",
    "billed": "the provider takes the request and BILLS it",
    "billed_useless": "the provider BILLS it, and its answer holds nothing",
    "not_taken": "the request is lost, refused or turned away",
    "begun": "the provider begins",
    "made": "the provider finishes the video",
    "not_made": "the provider gives up",
    "callback": "a callback names the task",
    "late_callback": "a callback names the task of a request that was turned away",
    "forged_callback": "a forged callback names another's task",
    "neighbour": "somebody else's equal job goes on",
    "cancel": "a person cancels it while it waits",
    "expire": "it has waited for a day",
    "ask_to_cancel": "a person asks to cancel it at the provider",
    "send_again": "a person has it sent again",
    "give_up": "a person gives up",
    "stop_waiting": "a person stops waiting for a video that has stalled",
    "freed": "the sweep frees it",
    "lost_sight": "the sweep makes it uncertain",
    "found": "its task is found: it goes on",
    "found_late": "its task is known since its worker came back: it goes on",
    "attached": "its task is found and noted in the attempt",
    "candidate_dropped": "the provider says that the candidate is not ours",
    "marked": "the sweep marks a whole body on disk",
    "note_taken_up": "the sweep takes the task up from the disk",
    "turned_up": "the sweep takes the answer up from the disk",
    "unspool": "the answer is removed from the disk",
    "kept_late": "a late result is kept",
    "list_read": "the provider's list is read",
    "matched": "exactly one task fits exactly one attempt",
    "no_match": "nothing follows from the list",
    "again_unasked": "it is sent again because the list does not show it",
}
FOREVER: Final = {"every_job_gets_on", "late_results_are_kept"}


def told(found: Found) -> str:
    """Return what was violated and the shortest way there, one move a line."""
    if not found.invariant:
        return f"{found.states:,} states, no violation"
    lines = [f"violated: {found.invariant} ({NAMES[found.invariant]})"]
    lines += [
        f"{number:3}. {sentence:62} {_standing(state)}"
        for number, (sentence, state) in enumerate(_retold(found.rules, found.trace), start=1)
    ]
    if found.invariant in FOREVER:
        lines.append("     ... and from here no way without a fault leads on")
    if found.circle:
        lines.append(f"     ... and from here it may go round for ever: {', '.join(found.circle)}")
    return "\n".join(lines)


def _retold(rules: Rules, trace: Sequence[State]) -> Iterator[tuple[str, State]]:
    """Walk the trace again, so that each worker keeps its name."""
    here = start(rules)
    for there in trace[1:]:
        name, worker, here = next(
            move for move in moves(here, rules) if canonical(move[2]) == there
        )
        yield TOLD[name].format(w=f"worker {worker + 1}"), here


def _standing(state: State) -> str:
    attempts = ", ".join(f"{it.outcome}/{it.request}" for it in state.attempts)
    return f"{state.job.stage}{' (leased)' if state.job.leased else ''} [{attempts}]"
