"""Finding out by itself that a closed provider works again: a free question, then one job.

Only what nothing but help opens (money, credentials) is asked about. What a person is told
meanwhile stays true: nothing is sent but the one job, and its failure costs nothing.
"""

import structlog

from core import trials
from core.errors import ProviderError
from workers.hands import Hands

log = structlog.get_logger(__name__)

EVERY_S = 300.0


def ask(hands: Hands, *, every_s: float = EVERY_S) -> None:
    """Ask each closed provider something free; let one job through where it answers."""
    services = hands.services
    with services.sessions.begin() as session:
        closed = trials.waiting_for_help(session, services.keys(), every_s=every_s)
    for dialect, key_id in closed:
        try:
            services.provider(dialect).check()
        except ProviderError as error:
            log.info("gate_stays_closed", dialect=dialect, code=error.code, reason=str(error))
            continue
        with services.sessions.begin() as session:
            trials.allow(session, dialect=dialect, key_id=key_id)
        log.info("gate_tries_one_job", dialect=dialect)
