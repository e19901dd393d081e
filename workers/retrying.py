"""A step that only asked or copied did not come through: it is done once more, later."""

import structlog

from core import runs
from core.claims import Claim
from core.errors import AppError
from core.services import Services
from workers.backoff import LONGEST_S, RAREST_S, backoff_s

log = structlog.get_logger(__name__)

ONLY_HELP = frozenset({"link_not_allowed", "download_too_large"})  # an operator can change that


def retry(
    services: Services,
    claim: Claim,
    *,
    why: str,
    error: AppError | None = None,
    due_in_s: float | None = None,
) -> None:
    """Repeat the step later; much later where only an operator can change what is wrong.

    `why` is a code of core.refusals, for people; the worker's log has the error's own words.
    """
    reason = {"reason": str(error)} if error is not None else {}
    log.warning("step_repeated", job_id=str(claim.job_id), stage=claim.stage, why=why, **reason)
    if due_in_s is None:
        longest_s = RAREST_S if why in ONLY_HELP else LONGEST_S
        due_in_s = backoff_s(claim.failures, longest_s=longest_s)
    with services.sessions.begin() as session:
        runs.retry(session, claim, due_in_s=due_in_s, why=why)
