"""A job that cost nothing says so; one that may have cost does not say that it did."""

import pytest

from core.models import Attempt
from core.spending import Spent, spent
from core.stages import Outcome, Stage


def sent(outcome: Outcome, observation: str | None = None) -> Attempt:
    return Attempt(outcome=outcome, observation=observation)


@pytest.mark.parametrize(
    ("stage", "attempts", "known"),
    [
        (Stage.CANCELLED, [], Spent.NOTHING),
        (Stage.EXPIRED, [sent(Outcome.NOT_SENT)], Spent.NOTHING),
        (Stage.REJECTED, [sent(Outcome.NOT_SENT), sent(Outcome.REJECTED)], Spent.NOTHING),
        (Stage.CANCELLED, [sent(Outcome.ACCEPTED)], Spent.NOTHING),
        (Stage.CANCELLED, [sent(Outcome.SUPERSEDED)], Spent.PERHAPS),
        (Stage.REJECTED, [sent(Outcome.SUPERSEDED), sent(Outcome.REJECTED)], Spent.PERHAPS),
        (Stage.REJECTED, [sent(Outcome.REJECTED, "moderation_output")], Spent.PERHAPS),
        (Stage.ABANDONED, [], Spent.PERHAPS),
        (Stage.FAILED, [sent(Outcome.ACCEPTED)], Spent.PERHAPS),
        (Stage.UNCERTAIN, [sent(Outcome.UNKNOWN)], Spent.PERHAPS),
        (Stage.BAD_RESULT, [sent(Outcome.ACCEPTED)], Spent.ITS_PRICE),
        (Stage.EXPIRED, [sent(Outcome.ACCEPTED)], Spent.ITS_PRICE),
        (Stage.READY, [sent(Outcome.NOT_SENT)], Spent.ITS_PRICE),
        (Stage.GENERATING, [sent(Outcome.ACCEPTED)], Spent.ITS_PRICE),
    ],
)
def test_what_is_known_of_a_cost_follows_from_what_was_sent(stage, attempts, known):
    assert spent(stage, attempts) is known
