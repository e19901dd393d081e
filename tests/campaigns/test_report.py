"""A campaign that does not reach what was asked ends with `short`, whatever it misses."""

import signal
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from core.settings import Settings
from tests.campaigns import report
from tests.campaigns.campaign import Outcome
from tests.campaigns.judge import KILLED, REPLY_LOST, RESTARTED, UNEXPLAINED, Judgement
from tests.campaigns.leaving import Leaving
from tests.campaigns.limits import Peak
from tests.campaigns.orphans import PickUp
from tests.campaigns.plan import SHORT, Plan
from tests.campaigns.site import MEMORY
from tests.campaigns.strikes import SENDING, Hit, Outage, Strike

AT = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
IDLE = Strike(at=AT, prefix="here:7:")
SENT = Hit(job_id=UUID(int=1), stage=SENDING, lease_until=AT, attempt_id=None)
MID = replace(IDLE, hits=[SENT])
SETTINGS = Settings(
    database_url="",
    s3_bucket="",
    s3_access_key_id="",
    s3_secret_access_key="",
    auth_credentials=Path(),
    auth_cookie_key="",
)
FINE = Outcome(
    plan=Plan(kind="video", jobs=3000, kills=20, restarts=1, seed=1),
    settings=SETTINGS,
    judgement=Judgement(
        lost=[],
        double=[],
        uncertain={KILLED: 3},
        uncertain_unbilled=0,
        moving=[],
        billed=3000,
        ends={},
    ),
    missing=[],
    strikes=[MID, *[IDLE] * 19],
    picked_up=[PickUp(after_kill_s=9, after_lease_s=5)] * 20,
    outages=[Outage(began=AT, ended=AT)],
    deaths=0,
    peaks=[Peak(name="v2_in_flight", most=6, unit="tasks", limit=6)],
    folder=MEMORY / "proofsheet-campaign-1",
    leaving=None,
    lost_replies=90,
    settled_in_s=1,
    seconds=60,
)
LEFT = Leaving(claims_after_1s=0, orphaned_leases=0, still_running=0)
ASKED = replace(
    FINE,
    plan=replace(FINE.plan, by=signal.SIGTERM),
    leaving=LEFT,
    judgement=replace(FINE.judgement, uncertain={REPLY_LOST: 40}),
)


def judged(of: Outcome = FINE, **changes) -> Outcome:
    return replace(of, judgement=replace(of.judgement, **changes))


def leaving(**changes) -> Outcome:
    return replace(ASKED, leaving=replace(LEFT, **changes))


@pytest.mark.parametrize("found", [FINE, ASKED], ids=["killed", "asked to leave"])
def test_a_campaign_that_reached_everything_is_not_short(found, capsys):
    assert report.printed(found) == 0
    said = capsys.readouterr().out
    assert "short" not in said
    assert "figure limits.v2_in_flight 6 tasks goal <=6 ok" in said
    assert "minimax_v2_in_flight=0 (0)" in said
    assert "fsync=off" in said
    assert f"{MEMORY}, which is memory" in said


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (judged(lost=["one"]), "1 billed results lost"),
        (judged(double=["one", "two"]), "2 jobs billed twice"),
        (judged(moving=["one"]), "1 jobs that never came to rest"),
        (replace(FINE, missing=["one"]), "1 finished jobs whose objects are not as recorded"),
        (judged(uncertain={UNEXPLAINED: 1}), "1 uncertain jobs that nothing explains"),
        (
            judged(uncertain={KILLED: 2, RESTARTED: 1}),
            "1 uncertain jobs that only a restart of the database explains",
        ),
        (judged(uncertain={KILLED: 4}), "4 uncertain jobs, 3 allowed"),
        (replace(FINE, strikes=[MID]), "only 1 kills and 1 restarts"),
        (replace(FINE, outages=[]), "only 20 kills and 0 restarts"),
        (replace(FINE, strikes=[IDLE] * 20), f"0 of 20 kills fell {SENDING}: fewer than 5%"),
        (
            replace(FINE, picked_up=[PickUp(after_kill_s=9, after_lease_s=5.1)]),
            "orphan_pickup.p95_after_lease is 5.1 s, not <=5",
        ),
        (replace(FINE, picked_up=[]), "no orphan was measured"),
        (replace(FINE, strikes=[], picked_up=[]), "only 0 kills and 1 restarts"),
        (
            replace(FINE, peaks=[replace(FINE.peaks[0], most=7)]),
            "limits.v2_in_flight is 7 tasks, not <=6",
        ),
        (replace(FINE, deaths=1), "1 workers ended although nobody had struck them"),
        (leaving(still_running=1), "1 workers were asked to leave and still run"),
        (leaving(claims_after_1s=1), "sigterm.claims_after_1s is 1 claims, not <=0"),
        (leaving(orphaned_leases=2), "sigterm.orphaned_leases is 2 leases, not <=0"),
        (judged(ASKED, uncertain={KILLED: 1}), "sigterm.uncertain is 1 jobs, not <=0"),
        (judged(ASKED, uncertain={RESTARTED: 1}), "sigterm.uncertain is 1 jobs, not <=0"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_shortcoming_is_told_once_and_ends_it_short(found, says, capsys):
    assert list(report.shortcomings(found)) == [says]
    assert report.printed(found) == 1
    assert f"short: {says}" in capsys.readouterr().out


def test_the_least_share_of_few_jobs_is_one_of_them():
    few = replace(FINE, plan=replace(FINE.plan, jobs=40))

    assert list(report.shortcomings(judged(few, uncertain={KILLED: 1}))) == []
    assert len(list(report.shortcomings(judged(few, uncertain={KILLED: 2})))) == 1


def test_the_verdict_is_one_line():
    assert report.verdict(FINE) == (
        "verdict: jobs=3000 kills=20 restarts=1 lost=0 double=0 uncertain=3 seconds=60 seed=1"
    )


@pytest.mark.parametrize("kind", SHORT)
@pytest.mark.parametrize("limits", [True, False])
def test_the_verdict_ends_with_every_setting_that_is_not_as_usual(kind, limits):
    plan = replace(FINE.plan, kind=kind, limits=limits)
    changed: dict[str, Any] = {name.lower(): float(value) for name, value in plan.settings.items()}
    found = replace(FINE, plan=plan, settings=replace(SETTINGS, **changed))
    usual, added = report.verdict(FINE), report.verdict(found).removeprefix(report.verdict(FINE))
    said = dict(each.split("=") for each in added.split())

    assert report.verdict(found).startswith(usual)
    assert {name: float(value) for name, value in said.items()} == changed
