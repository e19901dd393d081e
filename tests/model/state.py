"""One job as the model sees it: its rows, its workers, and what is true at the provider.

Words are plain strings and tuples, because hundreds of thousands are kept and compared.
Stages, outcomes and the moves between stages are those of `core.stages`.
"""

from typing import Final, NamedTuple

from core.stages import ENDED_WITHOUT_IT, FINAL, LIVE_OUTCOMES, NEXT, Outcome, Stage
from tests.model.rules import Rules

FOLLOWING: Final = {
    stage.value: frozenset(to.value for to in following) for stage, following in NEXT.items()
}
ENDED: Final = frozenset(stage.value for stage in FINAL)
WITHOUT_IT: Final = frozenset(stage.value for stage in ENDED_WITHOUT_IT)
ALIVE: Final = frozenset(outcome.value for outcome in LIVE_OUTCOMES)
TURNED_AWAY: Final = frozenset({Outcome.REJECTED.value, Outcome.NOT_SENT.value})

READY: Final = Stage.READY.value
SUBMITTING: Final = Stage.SUBMITTING.value
GENERATING: Final = Stage.GENERATING.value
STORING: Final = Stage.STORING.value
UNCERTAIN: Final = Stage.UNCERTAIN.value
STORED: Final = Stage.STORED.value
REJECTED_STAGE: Final = Stage.REJECTED.value
FAILED: Final = Stage.FAILED.value
EXPIRED: Final = Stage.EXPIRED.value
BAD_RESULT: Final = Stage.BAD_RESULT.value
ABANDONED: Final = Stage.ABANDONED.value
CANCELLED: Final = Stage.CANCELLED.value

OPEN: Final = Outcome.OPEN.value
ACCEPTED: Final = Outcome.ACCEPTED.value
REJECTED: Final = Outcome.REJECTED.value
NOT_SENT: Final = Outcome.NOT_SENT.value
UNKNOWN: Final = Outcome.UNKNOWN.value
SUPERSEDED: Final = Outcome.SUPERSEDED.value

# Where a worker is between two of its commits and calls.
IDLE: Final = "idle"
CLAIMED: Final = "claimed"  # nothing written, nothing sent
INTENDED: Final = "intended"  # the attempt is committed, nothing is sent
WAITING: Final = "waiting"  # the request has left
HOLDS_ANSWER: Final = "holds the answer"
HOLDS_REFUSAL: Final = "holds a refusal"
HOLDS_NOT_SENT: Final = "knows that nothing was taken"
HOLDS_NOTHING: Final = "knows nothing"
SPOOLED: Final = "has it on disk"  # the mark of an edit's body, or a video's task id
UNMARKED: Final = "has noted a useless answer"  # of a mutant
LOOKING: Final = "looking"  # asks how the video stands
CANCELLING: Final = "cancelling"  # has seen it queued and is about to DELETE it
COPYING: Final = "copying"  # to our bucket

# What became of a request, whatever we know of it.
UNSENT: Final = "unsent"
ON_ITS_WAY: Final = "on its way"
BILLED: Final = "billed"
BILLED_TWICE: Final = "billed twice"
USELESS: Final = "billed, useless"
WORKED_ON: Final = "worked on"  # and billed, although it was turned away: a callback has told
DEAD: Final = "dead"  # lost, refused, turned away or cancelled in time: it costs nothing
PAID: Final = frozenset({BILLED, BILLED_TWICE, USELESS})

# How a video stands at its provider.
QUEUED: Final = "queued"
RUNNING: Final = "running"
FINISHED: Final = "finished"
BROKEN: Final = "broken"
DELETED: Final = "deleted"

# Whose task an attempt names.
OWN: Final = "own"
ANOTHERS: Final = "another's"

# What lies in the spool.
BODY: Final = "body"  # whole, not yet marked
WHOLE: Final = "whole"  # the marked answer of an edit, or the noted task of a video

# The permit of a request, on the disk of its worker's host.
VALID_PERMIT: Final = "valid"
NO_PERMIT: Final = "none"  # torn up by the sender, or forgotten
REVOKED_PERMIT: Final = "revoked"

# A job like ours of somebody else, for the list match.
ABSENT: Final = "absent"
UNDER_WAY: Final = "under way"  # its attempt is open
LISTED: Final = "listed"  # its task exists, its reply has not been recorded
KNOWN: Final = "known"

NOTHING: Final = ""  # no task, no candidate, nothing on disk
VALID, OVER, SETTLED = 0, 1, 2  # a lease; its end; the send deadline and the settle time too


class Job(NamedTuple):
    """The rows of `jobs` and `runs`."""

    stage: str = READY
    leased: bool = False
    phase: int = VALID
    consents: int = 0
    cancel_asked: bool = False


class Attempt(NamedTuple):
    """A row of `attempts`, what lies on disk, and the truth about its request."""

    outcome: str = OPEN
    task: str = NOTHING  # provider_task_id
    candidate: str = NOTHING  # candidate_task_id
    listed: bool = False  # in the list that was read and is not yet judged
    disk: str = NOTHING
    permit: str = VALID_PERMIT
    kept: bool = False  # its result's rows are committed
    request: str = UNSENT
    sent_after_consent: bool = False
    unasked: bool = False  # meant to leave although another is known to be worked on
    at_provider: str = NOTHING


class Worker(NamedTuple):
    """One thread with one claim. Threads of a process share the lease owner's name."""

    at: str = IDLE
    attempt: int = -1
    current: bool = False  # its token is the row's
    late: bool = False  # its own monotonic deadline has passed


class State(NamedTuple):
    """Everything."""

    job: Job = Job()
    attempts: tuple[Attempt, ...] = ()
    workers: tuple[Worker, ...] = ()
    list_read: bool = False
    neighbour: str = ABSENT
    neighbour_listed: bool = False
    broken: str = ""  # the invariant that the last move itself violated


def with_attempt(state: State, number: int, attempt: Attempt) -> State:
    """Return the state with one attempt changed."""
    attempts = state.attempts
    return state._replace(attempts=(*attempts[:number], attempt, *attempts[number + 1 :]))


def with_worker(state: State, number: int, worker: Worker) -> State:
    """Return the state with one worker changed."""
    workers = state.workers
    return state._replace(workers=(*workers[:number], worker, *workers[number + 1 :]))


def live(state: State) -> int | None:
    """Return the number of the attempt that has cost or may have cost something."""
    for number, attempt in enumerate(state.attempts):
        if attempt.outcome in ALIVE:
            return number
    return None


def settled(attempt: Attempt, outcome: str) -> Attempt:
    """What was learned is never lost: `attempts.settled`."""
    return attempt._replace(outcome=outcome) if attempt.outcome in {OPEN, UNKNOWN} else attempt


def moved(state: State, to: str) -> State:
    """Change the stage and let go of the lease, as `core.transitions` and `core.runs` do."""
    job = state.job
    broken = "" if to in FOLLOWING[job.stage] else _off_the_table(job.stage)
    return state._replace(
        job=job._replace(stage=to, leased=False, phase=VALID), broken=broken or state.broken
    )


def back_in_line(state: State, rules: Rules) -> State:
    """Have the job be sent once more, unless a request before it is at work after all."""
    state = moved(state, READY)
    return doubted(state) if rules.callbacks_are_remembered else state


def doubted(state: State) -> State:
    """Doubt that a request was turned away about which a callback has come."""
    for number in reversed(range(len(state.attempts))):
        attempt = state.attempts[number]
        named = attempt.candidate or attempt.task
        if attempt.outcome in TURNED_AWAY and named and live(state) is None:
            state = with_attempt(state, number, attempt._replace(outcome=UNKNOWN))
            return moved(state, UNCERTAIN) if state.job.stage in {READY, SUBMITTING} else state
    return state


def released(state: State) -> State:
    """Let go of the lease and nothing else."""
    return state._replace(job=state.job._replace(leased=False, phase=VALID))


def _off_the_table(source: str) -> str:
    return "final_is_absorbing" if source in ENDED else "moves_follow_the_table"
