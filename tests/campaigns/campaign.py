"""One campaign: file, strike and restart until all is done, let everything settle, then judge."""

import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select

from core.models import Attempt, Run
from core.settings import Settings
from core.stages import Stage
from tests.campaigns import judge, objects, tables
from tests.campaigns.filing import Filing
from tests.campaigns.judge import Disturbances, Judgement
from tests.campaigns.leaving import Leaving, left
from tests.campaigns.limits import Peak, peaks
from tests.campaigns.orphans import PickUp, pick_ups
from tests.campaigns.plan import PACE, Plan
from tests.campaigns.site import Site, running
from tests.campaigns.strikes import Outage, Strike, Striker

SPREAD_OVER = 0.95  # of the work: the last of it is done in peace, so that the wait has an end
# How much of a job's way lies behind it.
BEHIND = {Stage.READY: 0.0, Stage.SUBMITTING: 0.2, Stage.GENERATING: 0.5, Stage.STORING: 0.8}
MOMENT_S = 0.25  # strikes fall this much at random after they are due
STALLED_S = 180.0
SWEEPS_S = 5.0
SAY_S = 15.0
LATE_S = 15.0  # for what a callback named to be asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Everything that a campaign found out."""

    plan: Plan
    settings: Settings
    judgement: Judgement
    missing: Sequence[str]  # objects
    strikes: Sequence[Strike]
    picked_up: Sequence[PickUp]
    outages: Sequence[Outage]
    deaths: int  # of workers that nobody had struck
    peaks: Sequence[Peak]
    folder: Path  # where all of it lay
    leaving: Leaving | None  # if workers were asked to leave
    lost_replies: int
    settled_in_s: float
    seconds: float


def conducted(plan: Plan, *, say: Callable[[str], None] = print) -> Outcome:
    """Conduct a campaign from an empty folder to its judgement."""
    began = time.monotonic()
    with running(plan, PACE[plan.kind]) as site:
        say(f"started in {time.monotonic() - began:.1f} s")
        return Campaign(site, say=say).conducted(began)


class Campaign:
    """The course of one. It lives in the main thread, which starts all processes."""

    def __init__(self, site: Site, *, say: Callable[[str], None]) -> None:
        plan = site.plan
        self._site = site
        self._plan = plan
        self._say = say
        self._chance = random.Random(plan.seed)
        self._filing = Filing(site)
        self._striker = Striker(
            site.services, site.fleet, seed=plan.seed + 1, by_kill=plan.by.name == "SIGKILL"
        )
        self._outages: list[Outage] = []
        self._deaths = 0
        self._said_at = time.monotonic()

    def conducted(self, began: float) -> Outcome:
        """Return what was found out."""
        site = self._site
        site.control("faults", method="PUT", body=self._plan.faults())
        site.fleet.start()
        self._filing.start()
        try:
            self._disturb()
        finally:
            self._filing.stop()
        lost_replies = self._stop_faults()
        settled_in_s = self._settle()
        leaving = None if self._plan.by.name == "SIGKILL" else self._leaving()
        found, entries = tables.read(site.services), site.ledger()
        done = Disturbances(
            strikes=self._striker.strikes,
            outages=self._outages,
            settle_s=site.settings.settle_s,
            lost_replies=lost_replies,
        )
        return Outcome(
            plan=self._plan,
            settings=site.settings,
            judgement=judge.judged(entries, found, done, filed=self._plan.jobs),
            missing=objects.missing(site.services, found),
            strikes=self._striker.strikes,
            picked_up=pick_ups(site.services, self._striker.strikes, self._outages),
            outages=self._outages,
            deaths=self._deaths + len(site.fleet.died()),
            peaks=list(peaks(entries, site.settings)),
            folder=site.folder,
            leaving=leaving,
            lost_replies=len(lost_replies),
            settled_in_s=settled_in_s,
            seconds=time.monotonic() - began,
        )

    # --- the disturbances -------------------------------------------------------------

    def _disturb(self) -> None:
        """Strike and restart in step with the work, so that they fall on all of it."""
        most, seen_at = -1.0, time.monotonic()
        while not self._over():
            self._revive()
            done = self._done()
            if done > most:
                most, seen_at = done, time.monotonic()
            elif time.monotonic() - seen_at > STALLED_S:
                self._say(f"Nothing has moved for {STALLED_S:.0f} s: giving up.")
                return
            self._progress(done)
            self._do_what_is_due(min(1.0, most / SPREAD_OVER))

    def _do_what_is_due(self, share: float) -> None:
        """Do at most one thing, so that `share` of them are done."""
        if len(self._outages) < self._plan.restarts * share - 0.5:
            self._restart()
        elif len(self._striker.strikes) < self._plan.kills * share:
            threading.Event().wait(self._chance.uniform(0, MOMENT_S))
            self._striker.strike()
        else:
            threading.Event().wait(0.05)

    def _over(self) -> bool:
        struck = len(self._striker.strikes) >= self._plan.kills
        return struck and len(self._outages) >= self._plan.restarts and self._filing.done

    def _done(self) -> float:
        """Return how much of all work is done, 0 to 1."""
        moving = self._moving()
        left = sum(count * (1 - BEHIND[stage]) for stage, count in moving.items())
        return (self._filing.filed - left) / self._plan.jobs

    def _restart(self) -> None:
        began = datetime.now(UTC)
        strikes_left = len(self._striker.strikes) < self._plan.kills
        meanwhile = self._striker.strike_blindly if strikes_left else lambda: None
        self._site.database.restart_immediately(meanwhile)
        self._outages.append(Outage(began=began, ended=datetime.now(UTC)))

    def _revive(self) -> None:
        """Start what ended by itself again, as a service manager does; it is told in the end."""
        for worker in self._site.fleet.died():
            self._deaths += 1
            self._site.fleet.replace(worker)

    def _stop_faults(self) -> frozenset[str]:
        """Return the prompts of the requests whose replies were lost."""
        shown = self._site.control("faults", method="GET")["faults"]
        self._site.control("faults", method="DELETE")
        losing = (fault for fault in shown if fault["name"] != "delay")
        return frozenset(prompt for fault in losing for prompt in fault["hit"])

    # --- peace ------------------------------------------------------------------------

    def limit_s(self) -> float:
        """Return how long a job may take to rest: a lease of each step, settling, polling."""
        settings = self._site.settings
        reading_s = settings.step_lease_s + settings.store_lease_s + settings.video_poll_s
        return self._sending_s() + reading_s + SWEEPS_S

    def _sending_s(self) -> float:
        """Return the lease of a paid request."""
        settings = self._site.settings
        by_kind = {"video": settings.minimax_timeout_s, "edit": settings.openai_timeout_s}
        return by_kind[self._plan.kind] + settings.lease_margin_s

    def _settle(self) -> float:
        """Wait until every job rests. Return the seconds since nobody waited in the queue."""
        emptied = self._waited(lambda: Stage.READY not in self._moving(), at_most_s=STALLED_S)
        took_s = self._waited(lambda: not self._moving(), at_most_s=self.limit_s())
        self._waited(lambda: not self._may_still_be_found(), at_most_s=LATE_S)
        self._say(f"the queue was empty {emptied:.1f} s after the faults had stopped")
        return took_s

    def _leaving(self) -> Leaving:
        """Return how those left that were asked to, once they have had the time for it."""
        fleet, settings = self._site.fleet, self._site.settings
        self._waited(lambda: fleet.still_leaving() == 0, at_most_s=self.limit_s())
        lease_s = max(self._sending_s(), settings.step_lease_s, settings.store_lease_s)
        return left(
            self._site.services,
            self._striker.strikes,
            self._outages,
            longest_s=lease_s + SWEEPS_S,
            still_running=fleet.still_leaving(),
        )

    def _waited(self, so: Callable[[], bool], *, at_most_s: float) -> float:
        began = time.monotonic()
        while not so() and time.monotonic() - began < at_most_s:
            threading.Event().wait(0.1)
        return time.monotonic() - began

    def _moving(self) -> Mapping[Stage, int]:
        """Return how many filed jobs are neither final nor uncertain, by stage."""
        stages = select(Run.stage, func.count()).where(Run.stage != Stage.UNCERTAIN)
        with self._site.services.sessions() as session:
            rows = session.execute(stages.group_by(Run.stage)).all()
        return {Stage(stage): count for stage, count in rows}

    def _may_still_be_found(self) -> bool:
        """Return whether an uncertain job's task was named by a callback and is not asked for."""
        named = (
            select(Attempt.id)
            .join(Run, Run.job_id == Attempt.job_id)
            .where(Run.stage == Stage.UNCERTAIN, Attempt.candidate_task_id.is_not(None))
        )
        with self._site.services.sessions() as session:
            return session.scalar(named.limit(1)) is not None or bool(self._moving())

    def _progress(self, done: float) -> None:
        if time.monotonic() - self._said_at > SAY_S:
            self._said_at = time.monotonic()
            self._say(
                f"{done:.0%} done, {self._filing.filed} of {self._plan.jobs} filed, "
                f"{len(self._striker.strikes)} struck, {len(self._outages)} restarts"
            )
