"""The kill campaigns in small: real processes, kill -9, a database that crashes, lost replies.

The videos wait for a limit all the while: the provider's ledger says how many were under way.
"""

from tests.campaigns import report
from tests.campaigns.campaign import conducted
from tests.campaigns.plan import Plan


def test_videos_survive_kills_and_a_crash_of_the_database():
    found = conducted(
        Plan(
            kind="video",
            jobs=40,
            kills=15,
            restarts=1,
            seed=20261123,
            workers=4,
            hosts=2,
            limits=True,
        )
    )

    assert [(it.name, it.most) for it in found.peaks] == [("v2_in_flight", 10)]
    assert report.printed(found) == 0
    assert found.judgement.ends["stored"] > 20


def test_edits_survive_kills_and_a_crash_of_the_database():
    found = conducted(
        Plan(kind="edit", jobs=30, kills=10, restarts=1, seed=20261123, workers=4, hosts=2)
    )

    assert report.printed(found) == 0
    assert found.judgement.ends["stored"] > 10
