"""What moves a job on when no worker's step does: `sweep`, `recovery` and `rechecks`.

Each is one transaction under the locks of the run and the attempt, by whoever comes first.
"""

from collections.abc import Iterator

from tests.model import state as s
from tests.model.rules import Rules
from tests.model.state import Attempt, State

Moves = Iterator[tuple[str, State]]


def sweep(state: State, rules: Rules) -> Moves:
    """Take up an ended lease."""
    job = state.job
    waits = rules.copies_keep_their_lease or job.stage != s.STORING
    if not job.leased or (job.phase == s.VALID and waits):
        return
    mine = s.live(state)
    if job.stage != s.SUBMITTING:
        yield "freed", s.released(state)
        return
    if mine is None or not rules.open_is_not_freed:
        yield "freed", s.back_in_line(state, rules)
        return
    attempt = state.attempts[mine]
    if attempt.outcome == s.OPEN:
        yield from _never_left(state, mine, rules, "freed_unsent")
    # A sweep on another host does not see the permit.
    if attempt.outcome == s.OPEN and job.phase == s.OVER and rules.settle_time:
        return
    state = s.with_attempt(state, mine, s.settled(attempt, s.UNKNOWN))
    if attempt.task:
        yield "found", s.moved(state, s.GENERATING)
    else:
        yield "lost_sight", s.moved(state, s.UNCERTAIN)


# --- what lies on disk --------------------------------------------------------------------


def permits(state: State, rules: Rules) -> Moves:
    """End the doubt, raised on another host, about a request that never left this one."""
    for number, attempt in enumerate(state.attempts):
        if attempt.outcome == s.UNKNOWN:
            yield from _never_left(state, number, rules, "doubt_ended_unsent")
        elif attempt.outcome != s.OPEN and attempt.permit != s.NO_PERMIT:
            forgotten = attempt._replace(permit=s.NO_PERMIT)
            yield "permit_forgotten", s.with_attempt(state, number, forgotten)


def _never_left(state: State, number: int, rules: Rules, name: str) -> Moves:
    """Take the permit away; then record, in a commit, that the request was never sent."""
    attempt = state.attempts[number]
    if attempt.task or attempt.candidate:
        return  # it counts for more than a permit
    if attempt.permit == s.VALID_PERMIT and rules.permit_is_taken_away:
        revoked = attempt._replace(permit=s.REVOKED_PERMIT)
        yield "permit_revoked", s.with_attempt(state, number, revoked)
    elif attempt.permit != s.NO_PERMIT:
        settled = s.settled(attempt, s.NOT_SENT)
        state = s.with_attempt(state, number, settled)
        waits = state.job.stage in {s.SUBMITTING, s.UNCERTAIN} and s.live(state) is None
        yield name, s.back_in_line(state, rules) if waits else state


def recover(state: State, rules: Rules) -> Moves:
    """Take up what lies in the spool and in no worker's hands, also after a restart."""
    in_hand = state.job.leased and state.job.phase == s.VALID
    for number, attempt in enumerate(state.attempts):
        if not rules.spooled_until_stored and attempt.disk and state.job.stage == s.STORING:
            yield "unspool", s.with_attempt(state, number, attempt._replace(disk=s.NOTHING))
        if not attempt.disk or (in_hand and not attempt.task):
            continue
        if attempt.disk == s.BODY:
            yield "marked", s.with_attempt(state, number, attempt._replace(disk=s.WHOLE))
        elif rules.is_edit:
            yield from _answer_taken_up(state, number, rules)
        elif attempt.task:
            yield "unspool", s.with_attempt(state, number, attempt._replace(disk=s.NOTHING))
        else:
            read = s.with_attempt(state, number, attempt._replace(disk=s.NOTHING))
            yield from (("note_taken_up", after) for _, after in attached(read, number, s.OWN))


def _answer_taken_up(state: State, number: int, rules: Rules) -> Moves:
    attempt = state.attempts[number]
    stage = state.job.stage
    mine = number == s.live(state) or not rules.recover_knows_whose_answer
    back = stage in s.ENDED and not rules.final_is_final and not attempt.kept
    if mine and (stage in {s.SUBMITTING, s.UNCERTAIN} or back):
        state = s.with_attempt(state, number, s.settled(attempt, s.ACCEPTED))
        yield "turned_up", s.moved(state, s.STORING)
    elif not attempt.kept and is_extra(state, attempt):
        if rules.late_results_are_kept:
            late = s.settled(attempt, s.ACCEPTED)._replace(kept=True)
            yield "kept_late", s.with_attempt(state, number, late)
    elif stage in s.ENDED or attempt.kept:
        yield "unspool", s.with_attempt(state, number, attempt._replace(disk=s.NOTHING))


def is_extra(state: State, attempt: Attempt) -> bool:
    """Whether the job has gone on, or ended, without this attempt: `Recheck.is_extra`."""
    return attempt.outcome not in s.ALIVE or state.job.stage in s.WITHOUT_IT


def lies_about(state: State, attempt: Attempt) -> bool:
    """Whether we could have a late result that nobody has kept yet."""
    if attempt.kept or not is_extra(state, attempt):
        return False
    named = bool(attempt.task) or attempt.candidate == s.OWN
    return bool(attempt.disk) or (named and attempt.at_provider == s.FINISHED)


# --- tasks that turn up -------------------------------------------------------------------


def recheck(state: State, rules: Rules) -> Moves:
    """Look after every attempt that no step of its job looks after."""
    for number, attempt in enumerate(state.attempts):
        if attempt.task:
            yield from _known(state, number, rules)
        elif attempt.candidate == s.OWN:
            yield from attached(state, number, s.OWN)
        elif attempt.candidate and rules.candidate_is_asked_for:
            dropped = attempt._replace(candidate=s.NOTHING)
            yield "candidate_dropped", s.with_attempt(state, number, dropped)
        elif attempt.candidate:
            yield from attached(state, number, s.ANOTHERS)


def _known(state: State, number: int, rules: Rules) -> Moves:
    attempt = state.attempts[number]
    if state.job.stage == s.UNCERTAIN and attempt.outcome in {s.ACCEPTED, s.UNKNOWN}:
        state = s.with_attempt(state, number, s.settled(attempt, s.ACCEPTED))
        if rules.late_task_moves_its_job:
            yield "found_late", s.moved(state, s.GENERATING)
    elif rules.late_results_are_kept and lies_about(state, attempt):
        late = s.settled(attempt, s.ACCEPTED)._replace(kept=True)
        yield "kept_late", s.with_attempt(state, number, late)


def attached(state: State, number: int, task: str) -> Moves:
    """`rechecks.attach`: give the attempt its task, and an uncertain job its way on."""
    attempt = s.settled(state.attempts[number], s.ACCEPTED)
    attempt = attempt._replace(task=task)
    state = s.with_attempt(state, number, attempt)
    if state.job.stage == s.UNCERTAIN and attempt.outcome == s.ACCEPTED:
        yield "found", s.moved(state, s.GENERATING)
    else:
        yield "attached", state
