"""Which task in the provider's list belongs to a request whose reply was lost."""

from typing import Any

import pytest

from core import attempts, clock, task_match
from core.providers import ListedTask
from core.stages import Outcome
from tests.core.conftest import claimed, filed

ASKED: dict[str, Any] = {"resolution": "768P", "duration": 5, "ratio": "16:9"}


def lost(sessions, user, *, key_id: str):
    """Return the attempt of a request whose reply was lost, sent with one of our keys."""
    filed(
        sessions,
        user,
        provider="hailuo",
        dialect="minimax_v2",
        model="MiniMax-H3",
        options={"mode": "text", **ASKED},
    )
    claim = claimed(sessions)
    with sessions.begin() as session:
        made = attempts.open_one(
            session, claim, key_id=key_id, send_s=30, callback_token=None, estimate_usd=None
        )
        return attempts.settled(session, made.id, Outcome.UNKNOWN)


def matched(sessions, attempt) -> str | None:
    """Return which of the listed tasks is the attempt's: there is one."""
    with sessions() as session:
        task = ListedTask(
            task_id="77",
            model="MiniMax-H3",
            status="running",
            created_at=clock.read(session),
            **ASKED,
        )
        again = session.get_one(type(attempt), attempt.id)
        return task_match.match(session, again, [task], settle_s=10)


def test_the_one_task_that_fits_the_one_request_is_its_own(sessions, kim):
    assert matched(sessions, lost(sessions, kim, key_id="key")) == "77"


@pytest.mark.parametrize("key_id", ["key", "a new key of the same account"])
def test_a_task_that_two_requests_may_have_made_is_nobodys(sessions, kim, key_id):
    first = lost(sessions, kim, key_id="key")
    second = lost(sessions, kim, key_id=key_id)

    assert [matched(sessions, attempt) for attempt in (first, second)] == [None, None]
