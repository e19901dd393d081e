"""Seeded mutants: the protocol with one sentence taken away, and what that breaks."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from tests.model.rules import Rules
from tests.model.searches import EDIT, V1, V1_LATE, V2_CANCEL, V2_LIST, V2_NEIGHBOUR

MUTANTS: Final[Mapping[str, tuple[Rules, str]]] = {
    "no fence": (replace(EDIT, fence=False), "stale_worker_changes_nothing"),
    "a claim keeps the token": (
        replace(EDIT, claim_takes_a_new_token=False),
        "claims_have_tokens_of_their_own",
    ),
    "no fence at the intent": (replace(EDIT, intent_is_fenced=False), "no_silent_loss"),
    "neither a unique index on live attempts nor a fence at the intent": (
        replace(EDIT, one_live_attempt=False, intent_is_fenced=False),
        "one_live_attempt",
    ),
    "the sweep frees a copy whose lease has not ended": (
        replace(EDIT, copies_keep_their_lease=False),
        "every_job_comes_to_rest",
    ),
    "no send deadline": (replace(EDIT, send_deadline=False), "paid_once_per_consent"),
    "the deadline is noted after the claim": (
        replace(EDIT, deadline_is_noted_before_the_claim=False),
        "paid_once_per_consent",
    ),
    "no settle time": (replace(EDIT, settle_time=False), "paid_once_per_consent"),
    "a request leaves without tearing up its permit": (
        replace(EDIT, permit_is_torn_up=False),
        "no_silent_loss",
    ),
    "the sweep looks at a permit and does not take it away": (
        replace(EDIT, permit_is_taken_away=False),
        "no_silent_loss",
    ),
    "a permit that a power cut brought back is believed": (
        replace(EDIT, permit_is_of_this_boot=False),
        "no_silent_loss",
    ),
    "the HTTP library sends again by itself": (
        replace(EDIT, sent_once=False),
        "paid_once_per_consent",
    ),
    "the consent is not recorded": (
        replace(EDIT, consent_is_recorded=False),
        "paid_once_per_consent",
    ),
    "the sweep frees a submitting job whose attempt is open": (
        replace(EDIT, open_is_not_freed=False),
        "no_silent_loss",
    ),
    "unknown is treated as not sent": (
        replace(EDIT, unknown_is_not_not_sent=False),
        "no_silent_loss",
    ),
    "an answer is recorded while it is in memory only": (
        replace(EDIT, answers_go_to_disk=False),
        "no_silent_loss",
    ),
    "the spool is emptied before the result is stored": (
        replace(EDIT, spooled_until_stored=False),
        "no_silent_loss",
    ),
    "a useless answer is not spooled like any other": (
        replace(EDIT, useless_answers_are_answers=False),
        "every_job_gets_on",
    ),
    "any answer on disk is taken for the live attempt's": (
        replace(EDIT, recover_knows_whose_answer=False),
        "no_silent_loss",
    ),
    "a late answer brings an abandoned job back": (
        replace(EDIT, final_is_final=False),
        "final_is_absorbing",
    ),
    "nobody keeps an edit that comes after sending again": (
        replace(EDIT, late_results_are_kept=False),
        "late_results_are_kept",
    ),
    "nobody keeps a video that comes after giving up": (
        replace(V1, callbacks=False, late_results_are_kept=False),
        "late_results_are_kept",
    ),
    "a task recorded late does not move its job": (
        replace(V1, callbacks=False, late_task_moves_its_job=False),
        "every_job_gets_on",
    ),
    "a refusal recorded late does not end the doubt": (
        replace(EDIT, late_refusal_ends_doubt=False),
        "every_job_gets_on",
    ),
    "a callback's candidate is attached without asking": (
        replace(V1, candidate_is_asked_for=False),
        "each_task_has_its_attempt",
    ),
    "not in the list, so send again": (
        replace(V2_LIST, absence_proves_nothing=False),
        "paid_once_per_consent",
    ),
    "a list match need not be unique": (
        replace(V2_NEIGHBOUR, match_is_unique=False),
        "each_task_has_its_attempt",
    ),
    "a list match counts uncertain jobs only": (
        replace(V2_NEIGHBOUR, match_counts_what_is_under_way=False),
        "each_task_has_its_attempt",
    ),
    "a callback about a request that was turned away holds nobody back": (
        replace(V1_LATE, late_callbacks_are_heard=False),
        "paid_once_per_consent",
    ),
    "nobody asks what was called back about before sending once more": (
        replace(V1_LATE, callbacks_are_remembered=False),
        "paid_once_per_consent",
    ),
    "a consent to one request is taken for one to every other": (
        replace(V1_LATE, workers=1, consent_is_to_one_request=False),
        "paid_once_per_consent",
    ),
    "a DELETE has no deadline": (
        replace(V2_CANCEL, delete_has_a_deadline=False),
        "no_silent_loss",
    ),
}
