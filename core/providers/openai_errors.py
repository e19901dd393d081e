"""What OpenAI's errors mean: by code, else by type, else by status. Anything else is unknown.

That nothing was taken has to agree with the status: see `observations.agreed`.
"""

from collections.abc import Mapping
from typing import Any, Final

from core.errors import ProviderError
from core.providers.observations import Never, NotTaken, Verdict, agreed, meaning
from core.providers.said import request_id, said, wait_s
from core.providers.verdicts import Answered, error_of

_RATE: Final = meaning("rate_limited")
_QUOTA: Final = meaning("quota_exhausted")
_KEY: Final = meaning("key_invalid")
_INVALID: Final = meaning("invalid_request")
_UNVERIFIED: Final = meaning("organization_unverified")
_MASK: Final = meaning("mask_invalid")
_MODERATED_INPUT: Final = meaning("moderation_input")
_MODERATED_OUTPUT: Final = meaning("moderation_output")

BY_CODE: Final[Mapping[str, Verdict]] = {
    "moderation_blocked": _MODERATED_INPUT,
    "invalid_value": _INVALID,
    "unknown_parameter": _INVALID,
    "invalid_input_fidelity_model": _INVALID,
    "invalid_image_file": meaning("invalid_image"),
    "unsupported_file_mimetype": meaning("invalid_image"),
    "invalid_api_key": _KEY,
    "unsupported_model": _UNVERIFIED,
    "unsupported_country_region_territory": meaning("country_not_supported"),
    "model_not_found": meaning("model_not_available"),
    "rate_limit_exceeded": _RATE,
    "slow_down": meaning("slow_down"),
    "server_is_overloaded": meaning("overloaded"),
    "credit_balance_exhausted": _QUOTA,
    "organization_spend_limit_exceeded": _QUOTA,
    "project_spend_limit_exceeded": _QUOTA,
    "organization_usage_limit_exceeded": _QUOTA,
    "insufficient_quota": _QUOTA,
    "billing_hard_limit_reached": _QUOTA,
}
BY_TYPE: Final[Mapping[str, Verdict]] = {
    "insufficient_quota": _QUOTA,
    "requests": _RATE,
    "tokens": _RATE,
    "input-images": _RATE,
    "rate_limit_error": _RATE,
    "image_generation_user_error": _INVALID,
}
BY_STATUS: Final[Mapping[int, Verdict]] = {
    400: _INVALID,
    401: _KEY,
    402: meaning("balance_empty"),
    403: meaning("key_not_allowed"),
    408: meaning("provider_internal"),
    409: meaning("provider_internal"),
    413: meaning("too_large"),
    415: _INVALID,
    422: _INVALID,
    429: _RATE,
    500: meaning("provider_internal"),
    502: meaning("provider_internal"),
    503: meaning("provider_internal"),
    504: meaning("provider_internal"),
    520: meaning("provider_internal"),
    524: meaning("provider_internal"),
}
# The provider itself says that there is nothing at this address: the base URL is wrong.
NO_SUCH_ADDRESS: Final[Mapping[int, Verdict]] = {
    404: meaning("wrong_address"),
    405: meaning("wrong_address"),
}
UNFORESEEN: Final = meaning("unexpected_answer")


def verdict(status: int, document: Any) -> Verdict:
    """Return what an answer other than 200 means. `document` is its JSON, if it has any."""
    error = error_object(document)
    words = by_words(error)
    statuses = NO_SUCH_ADDRESS if error and status in NO_SUCH_ADDRESS else BY_STATUS
    by_status = statuses.get(status, UNFORESEEN)
    return _finer(agreed(words, by_status, status) if words else by_status, error)


def within_answer(error: Mapping[str, Any]) -> Verdict:
    """Return what an error means that comes after a 200. Only its words count.

    The request was taken, and work that may be billed has begun: whatever the words say, it is
    never sent again by itself.
    """
    found = by_words(error) or meaning("provider_internal")
    if isinstance(found, NotTaken):
        return meaning("provider_internal")
    return _finer(found, error)


def by_words(error: Mapping[str, Any]) -> Verdict | None:
    """Return the row of an error's code or type, if it has one."""
    return BY_CODE.get(str(error.get("code"))) or BY_TYPE.get(str(error.get("type")))


def error_object(document: Any) -> Mapping[str, Any]:
    """Return the `error` member of an answer; empty if it has none."""
    error = document.get("error") if isinstance(document, dict) else None
    return error if isinstance(error, dict) else {}


def _finer(found: Verdict, error: Mapping[str, Any]) -> Verdict:
    """Return a more telling row where the error's other members allow it."""
    if not isinstance(found, Never):
        return found
    message = str(error.get("message", "")).lower()
    if found.code in {"invalid_request", "invalid_image"} and _about_mask(error, message):
        return _MASK
    if found.code == "key_not_allowed" and "must be verified" in message:
        return _UNVERIFIED
    if found is _MODERATED_INPUT and _stage(error) != "input":
        return _MODERATED_OUTPUT  # or nobody says which: a result may have been made, and charged
    return found


def _about_mask(error: Mapping[str, Any], message: str) -> bool:
    return error.get("param") == "mask" or "mask image" in message


def _stage(error: Mapping[str, Any]) -> object:
    details = error.get("moderation_details")
    return details.get("moderation_stage") if isinstance(details, dict) else None


def answered(
    status: int, headers: Mapping[str, str], error: Mapping[str, Any], *, secrets: tuple[str, ...]
) -> Answered:
    """Return what the provider said, fit to be shown and stored."""
    words = said(error.get("message") or "nothing that could be read", secrets=secrets)
    return Answered(
        message=f"OpenAI answered {status}: {words}",
        http_status=status,
        request_id=request_id(headers),
        wait_s=wait_s(headers, words),
    )


def error_from(
    status: int, headers: Mapping[str, str], document: Any, *, secrets: tuple[str, ...]
) -> ProviderError:
    """Return the error of an answer other than 200."""
    error = error_object(document)
    return error_of(verdict(status, document), answered(status, headers, error, secrets=secrets))
