"""Our own stable words for what a provider's answer means; `core.refusals` explains each."""

from typing import Literal

Code = Literal[
    # Nothing was sent
    "unreachable",
    "too_late",
    "input_unreadable",
    "spool_unwritable",
    # Sent, and not taken
    "rate_limited",
    "slow_down",
    "overloaded",
    "quota_exhausted",
    "usage_window_full",
    "balance_empty",
    "key_invalid",
    "account_unverified",
    "wrong_address",
    # Refused for good
    "key_not_allowed",
    "organization_unverified",
    "country_not_supported",
    "model_not_available",
    "plan_lacks_model",
    "moderation_input",
    "moderation_output",
    "invisible_characters",
    "invalid_request",
    "invalid_image",
    "mask_invalid",
    "too_large",
    # Nobody knows
    "no_answer",
    "answer_cut",
    "answer_unreadable",
    "answer_not_saved",
    "provider_internal",
    "unexpected_answer",
    "no_task_id",
    # Billed, and useless
    "empty_result",
    "not_an_image",
    # The provider gave up on a task it had taken
    "generation_failed",
    "task_expired",
    "cancelled_at_provider",
    # Only asked or fetched: nothing happened
    "check_failed",
    "check_limited",
    "check_refused",
    "check_incomplete",
    "task_not_found",
    "link_expired",
    "link_not_allowed",
    "download_failed",
    "download_cut",
    "download_too_large",
]
