"""Whatever may happen, as rules that hypothesis chooses from."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from core import decisions
from core.errors import AppError
from core.models import Dialect, User
from core.providers import paid_send
from core.stages import Outcome, Stage
from core.usage import TASK_MAY_RUN_S
from tests.stateful.bench import Bench, Host
from tests.stateful.pausing import IDLE, Worker
from tests.stateful.promises import Watched
from tests.stateful.provider import (
    BILLED,
    CUT,
    FAILED,
    FINISHED,
    ON_ITS_WAY,
    QUEUED,
    RUNNING,
    TURNED_AWAY,
    USELESS,
    WORKED_ON,
)
from workers import recording, recovery, sending, videos
from workers.hands import Hands

MOST_JOBS = 3
IN_FLIGHT = 2  # of the second API, by our settings
SELDOM = st.sampled_from([False, False, False, True])
# Round numbers, like every deadline of these tests: the seconds that an example really takes, on
# a machine that is busy, decide nothing, so that hypothesis sees the same example twice.
MOMENTS = st.sampled_from([10.0, 40.0, 90.0, 140.0, 700.0, 2000.0])
BORDERS = st.integers(1, 3)
WHICH = st.integers(0, 9)
SWEPT = st.sampled_from([None, None, 0, 1])  # by which host, if any
FLAWS = st.sampled_from([None, None, None, USELESS, CUT])
FATES = [BILLED, BILLED, BILLED, TURNED_AWAY, WORKED_ON]


def settings_for(
    examples: int, *, steps: int = 25, phases: Sequence[Phase] = tuple(Phase), **more: Any
) -> settings:
    """Return how hypothesis goes through so many examples."""
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=phases,
        **more,
    )


class PaidCalls(RuleBasedStateMachine):
    """A few jobs, workers on two hosts, a provider, a bucket, people, and time."""

    def __init__(self, hands: Hands, user: User, monkeypatch: Any) -> None:
        super().__init__()
        for path in hands.services.settings.spool_dir.glob("*/*-*-*"):
            path.unlink()
        self.bench = Bench(hands, user)
        self.watched = Watched(self.bench)
        for module in (sending, paid_send):
            monkeypatch.setattr(module, "elapsed", self.bench.time)
        monkeypatch.setattr(recording, "time", self.bench.time)
        monkeypatch.setattr(videos, "fetch", self.bench.downloads.fetch)

    def _some(self, *, busy: bool) -> Sequence[Worker]:
        return [it for it in self.bench.workers if (it.at != IDLE) is busy]

    def _worker(self, which: int, *, busy: bool) -> Worker:
        fitting = self._some(busy=busy)
        return fitting[which % len(fitting)]

    # --- workers --------------------------------------------------------------------------

    @initialize(dialects=st.lists(st.sampled_from(Dialect), min_size=1, max_size=MOST_JOBS))
    def file(self, dialects):
        for dialect in dialects:
            self.bench.file(dialect)

    @precondition(lambda self: self._some(busy=False))
    @rule(which=WHICH)
    def claim(self, which):
        before = self.bench.rows()
        claim = self.bench.claim(self._worker(which, busy=False))
        if claim is not None:
            assert claim.token > before[claim.job_id].lease[2], "7: a token was used twice"
        if claim is not None and claim.stage is Stage.READY:
            self._few_are_in_flight()

    def _few_are_in_flight(self) -> None:
        at_work = self.bench.providers[Dialect.MINIMAX_V2].at_work(within_s=TASK_MAY_RUN_S)
        about_to_send = [
            id
            for id, row in self.bench.rows().items()
            if row.stage is Stage.SUBMITTING
            and self.bench.jobs[id].model == "MiniMax-H3"
            and not any(it.id in at_work for it in row.attempts if it.outcome == Outcome.OPEN)
        ]
        assert len(at_work) + len(about_to_send) <= IN_FLIGHT, "9: too many in flight"

    @precondition(lambda self: self._some(busy=True))
    @rule(
        which=WHICH,
        borders=BORDERS,
        away=SELDOM,
        lost=SELDOM,
        refused=SELDOM,
        unreachable=SELDOM,
    )
    def go_on(self, which, borders, away, **words):
        self.bench.bucket.is_away = away
        worker = self._worker(which, busy=True)
        for _ in range(borders):
            if worker.at != IDLE:
                self._go_to_next_border(worker, words)

    def _go_to_next_border(self, worker: Worker, words: Mapping[str, bool]) -> None:
        job_id = worker.claim.job_id
        before = self.bench.row(job_id)
        worker.go(**words)
        holds = before.lease[0] == worker.name and before.lease[2] >= worker.claim.token
        if not holds and before.stage is not Stage.UNCERTAIN:
            after = self.bench.row(job_id)
            assert (after.stage, after.lease) == (before.stage, before.lease), "4: stale"

    @precondition(lambda self: self._some(busy=True))
    @rule(which=WHICH)
    def kill(self, which):
        self.bench.kill(self._worker(which, busy=True))

    @rule(which=WHICH, rebooted=st.booleans())
    def a_host_stops_or_starts(self, which, rebooted):
        hosts = self.bench.hosts
        if len(self.bench.up) == len(hosts):
            hosts[which % len(hosts)].stop()
        else:
            self._start_hosts(rebooted=rebooted)

    def _start_hosts(self, *, rebooted: bool = False) -> None:
        for host in self.bench.hosts:
            if not host.is_up:
                host.start(rebooted=rebooted)

    # --- what nobody decides --------------------------------------------------------------

    @rule(seconds=MOMENTS, swept=SWEPT, away=SELDOM)
    def time_passes(self, seconds, swept, away):
        self.bench.pass_time(seconds)
        self.bench.bucket.is_away = away
        if swept is not None:
            self._clean_up(self.bench.up[swept % len(self.bench.up)])

    def _clean_up(self, host: Host) -> None:
        before, unsent = self.bench.rows(), host.unsent()
        self.bench.clean_up(host)
        self.watched.a_sweep_knows(before, unsent)

    @precondition(lambda self: any(it.fate == ON_ITS_WAY for it in self.bench.requests))
    @rule(which=WHICH, fate=st.sampled_from(FATES), flaw=FLAWS)
    def arrives(self, which, fate, flaw):
        waiting = [it for it in self.bench.requests if it.fate == ON_ITS_WAY]
        arriving = waiting[which % len(waiting)]
        no_callback = fate == WORKED_ON and arriving.dialect == Dialect.OPENAI
        arriving.fate, arriving.flaw = TURNED_AWAY if no_callback else fate, flaw

    @precondition(lambda self: self._tasks())
    @rule(which=WHICH, to=st.sampled_from([RUNNING, FINISHED, FINISHED, FAILED]))
    def the_provider_goes_on(self, which, to):
        task = self._tasks()[which % len(self._tasks())]
        if task.task in {QUEUED, RUNNING}:
            just_begun = task.unfinished_until > self.bench.time.now()
            task.task = RUNNING if just_begun else to

    @precondition(lambda self: self._tasks())
    @rule(which=WHICH, another=SELDOM)
    def called_back(self, which, another):
        task = self._tasks()[which % len(self._tasks())]
        self.bench.called_back(task, "nobodys" if another else task.task_id)

    def _tasks(self):
        videos = (it for it in self.bench.requests if it.dialect != Dialect.OPENAI)
        return [it for it in videos if it.is_taken]

    # --- people ---------------------------------------------------------------------------

    @rule(
        which=WHICH,
        decide=st.sampled_from(
            [
                decisions.send_again,
                decisions.give_up,
                decisions.check,
                decisions.cancel,
                decisions.stop_waiting,
            ]
        ),
    )
    def somebody_decides(self, which, decide):
        job_id = list(self.bench.jobs)[which % len(self.bench.jobs)]
        try:
            with self.bench.begin() as session:
                decide(session, self.bench.user, job_id)
        except AppError:
            return  # it is not up to them at the moment

    # --- what has to be true --------------------------------------------------------------

    @invariant()
    def the_promises_hold(self):
        self.watched.look()

    def teardown(self):
        try:
            if sys.exc_info()[0] is None:  # else a promise is broken, and this would hide which
                self._come_to_rest()
        finally:
            self.bench.close()

    def _come_to_rest(self) -> None:
        for worker in self.bench.workers:
            if worker.at != IDLE:
                self.bench.kill(worker)
        for task in self._tasks():
            task.task = FINISHED if task.task in {QUEUED, RUNNING} else task.task
        self.bench.bucket.is_away = False
        if self.bench.something_waits():  # first all that can be done without it
            self._everything_comes_to_rest()
        self._start_hosts()
        self._everything_comes_to_rest()

    def _everything_comes_to_rest(self) -> None:
        self._work_until_nothing_is_due()
        self.watched.look()
        self.watched.everything_came_to_rest()

    def _work_until_nothing_is_due(self) -> None:
        for turn in range(12):
            if turn > 1 and self.bench.is_quiet():
                return
            self.bench.pass_time(4000)
            sweeping, *others = self.bench.up
            self._clean_up(sweeping)
            for host in others:
                recovery.recover(host.hands)
                recovery.keep_late(host.hands)
            for host in self.bench.up:
                worker = host.workers[0]
                while self.bench.claim(worker) is not None:
                    while worker.at != IDLE:
                        self._to_next_border(worker)

    def _to_next_border(self, worker: Worker) -> None:
        """Go on, with a provider that has done everything it was asked for."""
        for request in self.bench.requests:
            if request.fate == ON_ITS_WAY:
                request.fate, request.task = BILLED, FINISHED
        worker.go()
