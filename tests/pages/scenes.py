"""What the tests of pages read on one, and how far they bring a job first."""

import json

from core import attempts, runs
from core.stages import Outcome
from tests.core.conftest import claimed


def said(at) -> str:
    return "\n".join(html.proto.body for html in at.get("html"))


def sent(services, worker: str = "w1", callback_token: str | None = None):
    """Claim the next job and write down that it is being sent."""
    claim = claimed(services.sessions, worker=worker)
    with services.sessions.begin() as session:
        attempt = attempts.open_one(
            session,
            claim,
            key_id="key",
            send_s=60,
            callback_token=callback_token,
            estimate_usd=None,
        )
    return claim, attempt


def unsure(services, claim, attempt) -> None:
    with services.sessions.begin() as session:
        attempts.settled(session, attempt.id, Outcome.UNKNOWN, request_id="req_lost")
        runs.unsure(session, claim, why="answer_cut")


def view(at) -> dict:
    (found,) = (e for e in at.get("bidi_component") if "job_view" in e.proto.component_name)
    return json.loads(found.proto.json)
