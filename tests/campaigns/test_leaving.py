"""What the campaigns count when workers are asked to leave."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from tests.campaigns.leaving import Line, claims_after_1s, orphans
from tests.campaigns.strikes import Outage, Strike

AT = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
DISMISSED = [Strike(at=AT, prefix="here:7:")]


def line(after_s: float, **who: str) -> Line:
    return Line(job_id=UUID(int=1), at=AT + timedelta(seconds=after_s), **who)


@pytest.mark.parametrize(
    ("after_s", "by", "count"), [(-5, 7, 0), (0.9, 7, 0), (1.1, 7, 1), (1.1, 77, 0)]
)
def test_a_claim_counts_a_second_after_its_worker_was_asked_to_leave(after_s, by, count):
    claim = line(after_s, claimed_by=f"here:{by}:abc")

    assert claims_after_1s([claim], DISMISSED) == count


@pytest.mark.parametrize(
    ("after_s", "by", "count"), [(-1, 7, 0), (9, 7, 1), (9, 77, 0), (40, 7, 0), (55, 7, 1)]
)
def test_a_lease_that_a_dismissed_worker_left_is_an_orphan_but_for_an_outage(after_s, by, count):
    began = AT + timedelta(seconds=30)
    outage = Outage(began=began, ended=began + timedelta(seconds=2))
    ended = line(after_s, left_by=f"here:{by}:abc")

    assert orphans([ended], DISMISSED, [outage], longest_s=20) == count
