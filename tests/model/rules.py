"""What is searched: a dialect, so many workers, and the guards of the protocol.

Each guard is one sentence of the design that prevents something. A seeded mutant is
a `Rules` without it.
"""

from dataclasses import dataclass

from core.models import Dialect


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Frozen: one per search."""

    dialect: Dialect
    workers: int = 2
    consents: int = 1  # how often a person may consent
    attempts: int = 2  # rows kept at a time; `no_room` is a move of a search that is too small
    callbacks: bool = False
    late_callbacks: int = 0  # about so many requests that had been turned away
    lists: bool = False
    neighbour: bool = False  # somebody else's equal job is under way
    cancels: bool = False  # a person may cancel a video that is still queued
    forgets: bool = True  # what has become history: see `shortcuts`
    skips: bool = True  # steps that change nothing: see `shortcuts`

    # Leases.
    fence: bool = True
    intent_is_fenced: bool = True
    claim_takes_a_new_token: bool = True
    one_live_attempt: bool = True  # the unique index
    copies_keep_their_lease: bool = True  # until it ends
    # Time.
    send_deadline: bool = True
    deadline_is_noted_before_the_claim: bool = True
    settle_time: bool = True
    delete_has_a_deadline: bool = True
    # Permits to leave.
    permit_is_torn_up: bool = True
    permit_is_taken_away: bool = True
    permit_is_of_this_boot: bool = True
    # What an observation means.
    sent_once: bool = True  # no HTTP library sends again by itself
    open_is_not_freed: bool = True
    unknown_is_not_not_sent: bool = True
    absence_proves_nothing: bool = True
    # Answers.
    match_is_unique: bool = True
    match_counts_what_is_under_way: bool = True
    candidate_is_asked_for: bool = True
    answers_go_to_disk: bool = True
    spooled_until_stored: bool = True
    useless_answers_are_answers: bool = True
    recover_knows_whose_answer: bool = True
    late_task_moves_its_job: bool = True
    late_refusal_ends_doubt: bool = True
    late_results_are_kept: bool = True
    late_callbacks_are_heard: bool = True
    callbacks_are_remembered: bool = True  # whenever a job would be sent once more
    final_is_final: bool = True
    # People.
    consent_is_recorded: bool = True
    consent_is_to_one_request: bool = True

    @property
    def is_edit(self) -> bool:
        """Whether the result comes in the reply and nowhere else."""
        return self.dialect is Dialect.OPENAI
