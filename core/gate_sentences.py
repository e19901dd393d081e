"""Why a gate is closed, on every page: no single request is in sight there.

`core.refusals.explain_gate` fills them in; what a code means for one request is said there.
"""

from collections.abc import Mapping
from typing import Final

from core.errors import Message, msg

SENTENCES: Final[Mapping[str, Message]] = {
    "rate_limited": msg(
        "{provider} limits how much we may send. Jobs wait and cost nothing until the wait is over."
    ),
    "slow_down": msg(
        "{provider} asks us to send more slowly. Jobs wait and cost nothing; for a quarter of an "
        "hour only half as many are sent."
    ),
    "overloaded": msg(
        "{provider} is overloaded. Jobs wait and cost nothing until it takes them again."
    ),
    "quota_exhausted": msg(
        "Our quota at {provider} is used up. Jobs wait and cost nothing until an administrator has "
        "raised the limit or added credit."
    ),
    "usage_window_full": msg(
        "The usage limit of our plan at {provider} is reached for now. Jobs wait and cost nothing "
        "until the plan allows more."
    ),
    "balance_empty": msg(
        "Our balance at {provider} is empty. Jobs wait and cost nothing until an administrator has "
        "topped the account up."
    ),
    "key_invalid": msg(
        "{provider} does not accept our API key. Jobs wait and cost nothing until an administrator "
        "has corrected {setting}: a key works only at the address of its own region."
    ),
    "account_unverified": msg(
        "{provider} wants our account verified first. Jobs wait and cost nothing until an "
        "administrator has done so."
    ),
    "wrong_address": msg(
        "{provider} knows nothing at the address we use. Jobs wait and cost nothing until an "
        "administrator has corrected {setting}."
    ),
    "key_not_allowed": msg(
        "{provider} does not let our key use this model. Its jobs wait and cost nothing until an "
        "administrator has seen to it; choose another model meanwhile."
    ),
    "organization_unverified": msg(
        "{provider} lets only verified organizations use this model. Its jobs wait and cost "
        "nothing until an administrator has verified ours; choose another model meanwhile."
    ),
    "country_not_supported": msg(
        "{provider} does not serve the country our server is in. Jobs wait and cost nothing until "
        "an administrator has seen to it."
    ),
    "model_not_available": msg(
        "{provider} does not offer this model to us, or has shut it down. Its jobs wait and cost "
        "nothing; choose another model."
    ),
    "plan_lacks_model": msg(
        "Our plan at {provider} does not include this model. Its jobs wait and cost nothing until "
        "an administrator has changed the plan; choose another model meanwhile."
    ),
}
UNFORESEEN: Final = msg(
    "{provider} takes nothing for now (code {code}). Jobs wait and cost nothing."
)
