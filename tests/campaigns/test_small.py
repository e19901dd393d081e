"""The kill campaigns in small: real processes, kill -9, a database that crashes, lost replies."""

from tests.campaigns import report
from tests.campaigns.campaign import Outcome, conducted
from tests.campaigns.plan import Plan
from tests.campaigns.strikes import SENDING


def test_videos_survive_kills_and_a_crash_of_the_database():
    found = conducted(
        Plan(kind="video", jobs=40, kills=15, restarts=1, seed=20261123, workers=4, hosts=2)
    )

    nothing_wrong(found)
    assert found.judgement.ends["stored"] > 20


def test_edits_survive_kills_and_a_crash_of_the_database():
    found = conducted(
        Plan(kind="edit", jobs=30, kills=10, restarts=1, seed=20261123, workers=4, hosts=2)
    )

    nothing_wrong(found)
    assert found.judgement.ends["stored"] > 10


def nothing_wrong(found: Outcome) -> None:
    print(report.verdict(found))
    judgement = found.judgement
    assert list(judgement.lost) == []
    assert list(judgement.double) == []
    assert list(judgement.moving) == []
    assert list(found.missing) == []
    assert judgement.uncertain.get("unexplained", 0) == 0
    assert (len(found.striker.strikes), len(found.outages)) == (
        found.plan.kills,
        found.plan.restarts,
    )
    assert found.striker.by_stage()[SENDING] > 0
