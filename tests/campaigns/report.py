"""What a campaign prints, and whether it reached what was asked."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from tests.benchmarks.figures import Figures, percentile
from tests.campaigns.campaign import Outcome
from tests.campaigns.judge import REPLY_LOST, RESTARTED, UNEXPLAINED
from tests.campaigns.parts import NO_SYNC
from tests.campaigns.site import MEMORY
from tests.campaigns.strikes import SENDING, by_stage

SENDING_SHARE = 0.05
UNCERTAIN_SHARE = 0.001  # of videos, with callbacks
PICK_UP_S = 5.0  # beyond the lease
SHOWN = 20
LENGTHS = ("_timeout_s", "_lease_s", "_margin_s", "settle_s", "_poll_s", "_interval_s")
LIMITS = ("_concurrency", "_per_minute", "_in_flight", "_per_user")
SWITCHED_OFF = " ".join(NO_SYNC)


def printed(found: Outcome) -> int:
    """Print everything, the verdict last. Return the exit status."""
    for line in (*_settings(found), *_course(found)):
        print(line)
    figures = Figures()
    for each in measured(found):
        figures.measured(each.name, each.value, each.unit, goal=each.goal)
    for line in _findings(found):
        print(line)
    short = list(shortcomings(found))
    for line in short:
        print(f"short: {line}")
    print(verdict(found), flush=True)
    return 1 if short else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A figure that must not exceed its goal."""

    name: str
    value: float
    unit: str
    goal: float


def measured(found: Outcome) -> Iterator[Measured]:
    """Yield the figures of this kind of campaign: a kill -9 is measured by others than SIGTERM."""
    for peak in found.peaks:
        yield Measured(name=f"limits.{peak.name}", value=peak.most, unit=peak.unit, goal=peak.limit)
    leaving, late = found.leaving, [each.after_lease_s for each in found.picked_up]
    if leaving is not None:
        unexplained = found.judgement.uncertain_jobs - found.judgement.uncertain.get(REPLY_LOST, 0)
        for name, value, unit in (
            ("claims_after_1s", leaving.claims_after_1s, "claims"),
            ("orphaned_leases", leaving.orphaned_leases, "leases"),
            ("uncertain", unexplained, "jobs"),  # but for replies that nobody could have read
        ):
            yield Measured(name=f"sigterm.{name}", value=value, unit=unit, goal=0)
    elif late:
        after_lease = percentile(late, 0.95)
        yield Measured(
            name="orphan_pickup.p95_after_lease", value=after_lease, unit="s", goal=PICK_UP_S
        )


def verdict(found: Outcome) -> str:
    """Return the one line. What is not as usual stands at its end."""
    judgement, plan = found.judgement, found.plan
    unusual = (f" {it.name}={it.value:g}" for it in _paces(found) if it.value != it.usual)
    return (
        f"verdict: jobs={plan.jobs} kills={len(found.strikes)} "
        f"restarts={len(found.outages)} lost={len(judgement.lost)} double={len(judgement.double)} "
        f"uncertain={judgement.uncertain_jobs} seconds={found.seconds:.0f} seed={plan.seed}"
        + "".join(unusual)
    )


def shortcomings(found: Outcome) -> Iterator[str]:
    """Yield what was promised and is not so."""
    judgement, plan = found.judgement, found.plan
    for what, sentences in _wrong(found).items():
        if sentences:
            yield f"{len(sentences)} {what}"
    if judgement.uncertain.get(UNEXPLAINED):
        yield f"{judgement.uncertain[UNEXPLAINED]} uncertain jobs that nothing explains"
    if len(found.strikes) < plan.kills or len(found.outages) < plan.restarts:
        yield f"only {len(found.strikes)} kills and {len(found.outages)} restarts"
    for each in measured(found):
        if each.value > each.goal:
            yield f"{each.name} is {each.value:.4g} {each.unit}, not <={each.goal:g}"
    yield from _wrong_with_workers(found)
    yield from _aims_missed(found)


def _wrong_with_workers(found: Outcome) -> Iterator[str]:
    """Yield who ended unasked, an outage of the database included, and who did not when asked."""
    if found.deaths:
        yield f"{found.deaths} workers ended although nobody had struck them"
    if found.leaving is not None and found.leaving.still_running:
        yield f"{found.leaving.still_running} workers were asked to leave and still run"


def _aims_missed(found: Outcome) -> Iterator[str]:
    """Yield what only a kill -9 is measured by."""
    plan, strikes = found.plan, found.strikes
    if plan.by.name != "SIGKILL":
        return
    if strikes and not found.picked_up:
        yield "no orphan was measured"
    # An answer is on the disk before it is recorded, and recorded once there is a database again.
    if restarted := found.judgement.uncertain.get(RESTARTED):
        yield f"{restarted} uncertain jobs that only a restart of the database explains"
    sending = by_stage(strikes)[SENDING]
    if sending < SENDING_SHARE * len(strikes):
        yield f"{sending} of {len(strikes)} kills fell {SENDING}: fewer than {SENDING_SHARE:.0%}"
    allowed = math.ceil(UNCERTAIN_SHARE * plan.jobs)  # the least share of few jobs is one of them
    if plan.calls_back and found.judgement.uncertain_jobs > allowed:
        yield f"{found.judgement.uncertain_jobs} uncertain jobs, {allowed} allowed"


def _wrong(found: Outcome) -> dict[str, list[str]]:
    return {
        "billed results lost": list(found.judgement.lost),
        "jobs billed twice": list(found.judgement.double),
        "jobs that never came to rest": list(found.judgement.moving),
        "finished jobs whose objects are not as recorded": list(found.missing),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pace:
    """A lease, a timeout or a limit."""

    name: str
    value: float
    usual: float


def _paces(found: Outcome) -> Iterator[_Pace]:
    for each in fields(found.settings):
        if each.name.endswith((*LENGTHS, *LIMITS)) and each.name != "quota_bytes_per_user":
            usual: Any = each.default
            yield _Pace(name=each.name, value=getattr(found.settings, each.name), usual=usual)


def _settings(found: Outcome) -> Iterator[str]:
    plan = found.plan
    yield "settings (usual): " + ", ".join(
        f"{it.name}={it.value:g} ({it.usual:g})" for it in _paces(found)
    )
    memory = ", which is memory" if MEMORY in found.folder.parents else ""
    yield (
        f"durability: Postgres with {SWITCHED_OFF}; it, the spool and the ledger in "
        f"{found.folder.parent}{memory}. A kill -9 loses nothing that the kernel was given, so "
        "this judges crashes of processes, not of the machine."
    )
    yield (
        f"campaign: {plan.kind}, {plan.workers} workers on {plan.hosts} hosts, {plan.by.name}, "
        f"callbacks {'on' if plan.calls_back else 'off'}, "
        f"{found.lost_replies} replies lost"
    )


def _course(found: Outcome) -> Iterator[str]:
    strikes = found.strikes
    stages = ", ".join(f"{stage}: {count}" for stage, count in by_stage(strikes).most_common())
    steps = sum(len(strike.hits) for strike in strikes)
    yield f"kills by stage: {stages} ({steps} steps hit)"
    without = sum(outage.seconds for outage in found.outages)
    yield (
        f"Postgres: {len(found.outages)} immediate restarts, {without:.1f} s without; "
        f"workers that ended by themselves: {found.deaths}"
    )
    if found.picked_up and found.leaving is None:
        after_kill = percentile([each.after_kill_s for each in found.picked_up], 0.95)
        yield (
            f"orphans: {len(found.picked_up)} taken up, p95 {after_kill:.1f} s after the kill; "
            "outages of the database left out"
        )
    yield f"rest: {found.settled_in_s:.1f} s after the faults stopped"
    yield f"ends: {dict(found.judgement.ends)}; billed: {found.judgement.billed}"
    yield (
        f"uncertain: {dict(found.judgement.uncertain) or 'none'}; "
        f"of these never billed: {found.judgement.uncertain_unbilled}"
    )


def _findings(found: Outcome) -> Iterator[str]:
    for what, sentences in _wrong(found).items():
        for sentence in sentences[:SHOWN]:
            yield f"{what}: {sentence}"
