"""The random walk has teeth: an engine without one of its guards does not get through it."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from hypothesis import Phase
from hypothesis import strategies as st
from hypothesis.stateful import initialize, run_state_machine_as_test

from core import claims, decisions, runs
from core.errors import Conflict, NotSent, OutcomeUnknown, ProviderError, StorageError
from core.models import Dialect, Job, Run
from core.stages import Outcome, Stage
from tests.stateful.machine import PaidCalls, settings_for
from tests.stateful.pausing import IDLE, Worker
from tests.stateful.provider import BILLED, CUT, FINISHED, QUEUED, USELESS
from workers import edits, finishing, keeping, recording, recovery, sweep, videos
from workers.locks import WorkerLocks
from workers.permits import Permits
from workers.spool import Spool

EXAMPLES = 40  # at most; of these starts about every second leads to the breach
STEPS = 8
VIDEOS = st.sampled_from([Dialect.MINIMAX_V1, Dialect.MINIMAX_V2])


class Alone(PaidCalls):
    """One job that has come to where the guard matters. Nobody decides and nobody calls back."""

    # The rules of the machine, which are not walked here.
    called_back = somebody_decides = a_host_stops_or_starts = None  # type: ignore[assignment]

    def begun(self, dialect: Dialect) -> Worker:
        """File a job; return the worker that has claimed it."""
        self.bench.file(dialect)
        worker = self.bench.workers[0]
        self.bench.claim(worker)
        return worker

    def on(
        self, worker: Worker, *, until: str, lost: bool = False, flaw: str | None = None
    ) -> None:
        """Let a worker go on to a border; what it sends is taken."""
        while worker.at not in {until, IDLE}:
            for request in self.bench.requests:
                request.fate, request.task, request.flaw = BILLED, QUEUED, flaw
            worker.go(lost=lost)

    def comes_to(self, border: str, dialect: Dialect, *, flaw: str | None = None) -> Worker:
        """File a job; return the worker that has come to a border with it, if in several steps."""
        worker = self.begun(dialect)
        while worker.at != border:
            for request in self.bench.requests:
                request.flaw = flaw
            if worker.at != IDLE:
                self._to_next_border(worker)
            else:
                self.bench.pass_time(1000)
                self.bench.claim(worker)
        return worker

    def taken_over(self) -> None:
        """Let another worker of the host take a job over whose worker sleeps."""
        self.bench.pass_time(2000)
        self._clean_up(self.bench.hosts[0])
        self.bench.claim(self.bench.workers[1])

    def wakes(self, worker: Worker) -> None:
        """Let a worker go on to its next border that has slept for too long."""
        self._go_to_next_border(worker, {})

    def consented(self) -> None:
        """Have somebody consent to another request."""
        (job_id,) = self.bench.jobs
        with self.bench.begin() as session:
            decisions.send_again(session, self.bench.user, job_id)


class WithTwoWorkers(Alone):
    """A worker slept at some border, and another has taken its job over."""

    @initialize(dialect=st.sampled_from(Dialect), borders=st.integers(0, 2))
    def file(self, dialect, borders):
        sleeping = self.begun(dialect)
        for _ in range(borders):
            self._to_next_border(sleeping)
        self.taken_over()


class WithTwoThatSend(Alone):
    """The same with a consent: each of them has sent a request, and the first is answered."""

    @initialize(dialect=st.sampled_from(Dialect))
    def file(self, dialect):
        sleeping = self.begun(dialect)
        self.on(sleeping, until="sent")
        self.bench.pass_time(2000)
        self._clean_up(self.bench.hosts[0])
        self.consented()
        self.bench.claim(self.bench.workers[1])
        self.on(sleeping, until="noted")
        self.wakes(sleeping)


class WithTwoEdits(Alone):
    """A worker slept when an edit's result was in the bucket; another has taken its job over."""

    @initialize()
    def file(self):
        sleeping = self.comes_to("uploaded", Dialect.OPENAI)
        self.taken_over()
        self.wakes(sleeping)


class WithTwoVideos(Alone):
    """The same with a video."""

    @initialize(dialect=VIDEOS)
    def file(self, dialect):
        sleeping = self.comes_to("uploaded", dialect)
        self.taken_over()
        self.wakes(sleeping)


class WithTwoThatGiveUp(Alone):
    """The same where what came is useless, and kept for a complaint."""

    @initialize(dialect=st.sampled_from(Dialect))
    def file(self, dialect):
        sleeping = self.comes_to("raw_uploaded", dialect, flaw=USELESS)
        self.taken_over()
        self.wakes(sleeping)


class AfterALostReply(Alone):
    """A request was taken, and its reply was lost."""

    @initialize(dialect=st.sampled_from(Dialect))
    def file(self, dialect):
        self.on(self.begun(dialect), until=IDLE, lost=True)


class AfterAKilledSender(Alone):
    """A request was taken, and its worker was killed before the answer came."""

    @initialize(dialect=st.sampled_from(Dialect))
    def file(self, dialect):
        sender = self.begun(dialect)
        self.on(sender, until="sent")
        for request in self.bench.requests:
            request.fate = BILLED
        self.bench.kill(sender)


class OnAStoppedHost(Alone):
    """The same, and its host is down; another host looks after what is left."""

    @initialize(dialect=st.sampled_from(Dialect))
    def file(self, dialect):
        self.on(self.begun(dialect), until="sent")
        for request in self.bench.requests:
            request.fate = BILLED
        self.bench.hosts[0].stop()
        self.bench.pass_time(2000)
        self._clean_up(self.bench.hosts[1])


class AfterASecondRequest(Alone):
    """A reply was lost, a second request has brought the result, and now the first calls back."""

    @initialize(dialect=VIDEOS)
    def file(self, dialect):
        worker = self.begun(dialect)
        self.on(worker, until=IDLE, lost=True)
        (job_id,), (first,) = self.bench.jobs, self.bench.requests
        self.consented()
        while self.bench.row(job_id).stage is not Stage.STORED:
            self.bench.pass_time(40)
            self.bench.claim(worker)
            while worker.at != IDLE:
                self._to_next_border(worker)
        first.task = FINISHED
        self.bench.called_back(first, first.task_id)


class WithAPausedSender(Alone):
    """An edit's answer has come in half when its worker is paused, for longer than its lease."""

    @initialize()
    def file(self):
        self.on(self.begun(Dialect.OPENAI), until="arriving")
        self.bench.pass_time(2000)
        self._clean_up(self.bench.hosts[0])


class WithALateEdit(Alone):
    """An edit's answer has come when its job was given up already."""

    @initialize()
    def file(self):
        sleeping = self.begun(Dialect.OPENAI)
        self.on(sleeping, until="sent")
        self.bench.pass_time(2000)
        self._clean_up(self.bench.hosts[0])
        (job_id,) = self.bench.jobs
        with self.bench.begin() as session:
            decisions.give_up(session, self.bench.user, job_id)
        self.on(sleeping, until="noted")
        self.wakes(sleeping)


class WithAnAnswer(Alone):
    """An answer is in the spool, and its job is to be stored from there."""

    @initialize()
    def file(self):
        self.on(self.begun(Dialect.OPENAI), until="recorded")


class WithAnAnswerElsewhere(Alone):
    """The same, and the host that has it is down."""

    @initialize()
    def file(self):
        self.on(self.begun(Dialect.OPENAI), until="recorded")
        self.bench.hosts[0].stop()


class WithoutABucket(Alone):
    """A useless answer is in the spool, and cannot be kept for a complaint now."""

    @initialize()
    def file(self):
        worker = self.begun(Dialect.OPENAI)
        self.on(worker, until="recorded", flaw=USELESS)
        self.bench.bucket.is_away = True
        self.on(worker, until=IDLE, flaw=USELESS)


class WithACutVideo(Alone):
    """A video does not arrive whole however often its job tries."""

    @initialize(dialect=VIDEOS)
    def file(self, dialect):
        self.on(self.begun(dialect), until=IDLE, flaw=CUT)


def without_fence(*where: ModuleType) -> Callable[[Any], None]:
    """A worker that is stale does not notice in its moves, nor before them in these modules."""

    def held(session: Any, claim: claims.Claim) -> Run:
        run = session.get(Run, claim.job_id, with_for_update=True, populate_existing=True)
        if run is None:
            raise claims.stale(claim)
        return run

    def maim(monkeypatch: Any) -> None:
        for module in (runs, *where):
            monkeypatch.setattr(module, "held", held)

    return maim


def unknown_is_not_sent(monkeypatch: Any) -> None:
    """A request without an answer is sent again."""
    real = recording._outcome

    def outcome(error: ProviderError) -> Outcome:
        return Outcome.NOT_SENT if isinstance(error, OutcomeUnknown) else real(error)

    monkeypatch.setattr(recording, "_outcome", outcome)
    move_on = recording._move_on

    def as_not_sent(
        session: Any, services: Any, claim: Any, attempt: Any, error: ProviderError
    ) -> None:
        if isinstance(error, OutcomeUnknown):
            error = NotSent(str(error), code="unreachable")
        move_on(session, services, claim, attempt, error)

    monkeypatch.setattr(recording, "_move_on", as_not_sent)


def in_memory_alone(monkeypatch: Any) -> None:
    """An answer does not stay on the disk, so nobody finds it once its worker is gone."""
    real = Spool.complete

    def complete(self: Spool, attempt_id: Any, job_id: Any, answer: Any) -> Any:
        spooled = real(self, attempt_id, job_id, answer)
        self.remove(attempt_id)
        return spooled

    monkeypatch.setattr(Spool, "complete", complete)


def permits_are_kept(monkeypatch: Any) -> None:
    """A request leaves, and its permit stays."""
    monkeypatch.setattr(Permits, "tear_up", lambda _self, _attempt_id: None)


def nobody_is_paused(monkeypatch: Any) -> None:
    """Whoever's lease is over is taken for dead."""
    monkeypatch.setattr(WorkerLocks, "is_held", lambda _self, _worker: False)


def permits_are_not_looked_for(monkeypatch: Any) -> None:
    """A request without a permit on this host was never sent, says the sweep."""
    real = Permits.revoke

    def revoke(self: Permits, attempt_id: Any) -> bool:
        return real(self, attempt_id) or not self.is_valid(attempt_id)

    monkeypatch.setattr(Permits, "revoke", revoke)


def each_host_for_itself(monkeypatch: Any) -> None:
    """A host looks only after what its own workers have left."""
    real = sweep._orphan

    def orphan(hands: Any, session: Any, job_id: Any) -> bool:
        owner = session.get_one(Run, job_id).lease_owner
        ours = owner.partition(":")[0] == hands.worker.partition(":")[0]
        return ours and real(hands, session, job_id)

    monkeypatch.setattr(sweep, "_orphan", orphan)


def answers_are_everywhere(monkeypatch: Any) -> None:
    """A job does not say on which host its answer lies."""
    real = runs.answered

    def answered(session: Any, claim: claims.Claim, **about: Any) -> claims.Claim:
        storing = real(session, claim, **about)
        session.get_one(Run, claim.job_id).spool_host = None
        return storing

    monkeypatch.setattr(runs, "answered", answered)


def late_is_shown(monkeypatch: Any) -> None:
    """A late result takes the place of the job's own."""
    real = finishing.keep_late

    def keep_late(session: Any, services: Any, job: Job, covers: Any, delivery: Any) -> None:
        real(session, services, job, covers, delivery)
        job.cover_asset_id = covers[0].id

    monkeypatch.setattr(finishing, "keep_late", keep_late)


def late_is_left(monkeypatch: Any) -> None:
    """A late answer stays on the disk that it came to."""
    monkeypatch.setattr(recovery, "keep_late", lambda _hands: 0)


def late_is_free(monkeypatch: Any) -> None:
    """What a late result costs is not counted."""
    real = finishing.keep_late

    def keep_late(session: Any, services: Any, job: Job, covers: Any, delivery: Any) -> None:
        before = job.cost_usd
        real(session, services, job, covers, delivery)
        job.cost_usd = before

    monkeypatch.setattr(finishing, "keep_late", keep_late)


def useless_is_dropped(monkeypatch: Any) -> None:
    """A useless answer is not waited with until the bucket takes it."""
    real = keeping.raw

    def raw(*about: Any) -> Any:
        with contextlib.suppress(StorageError):
            return real(*about)

    monkeypatch.setattr(keeping, "raw", raw)


def cut_is_lost(monkeypatch: Any) -> None:
    """A video that was never whole is asked for no more."""
    real = finishing.end_badly

    def end_badly(services: Any, claim: Any, path: Any, ending: finishing.Useless) -> bool:
        return real(services, claim, path, replace(ending, recheck_in_s=None))

    monkeypatch.setattr(finishing, "end_badly", end_badly)


STALE = "^4: stale|cannot become"  # or the table of moves is in the way
Mutant = tuple[Callable[[Any], None], type[PaidCalls], str]
MUTANTS: Mapping[str, Mutant] = {
    "no fence for a move": (without_fence(), WithTwoWorkers, STALE),
    "no fence for what came of a request": (without_fence(recording), WithTwoThatSend, STALE),
    "no fence for an edit's result": (without_fence(edits), WithTwoEdits, STALE),
    "no fence for a video": (without_fence(videos), WithTwoVideos, STALE),
    "no fence for a bad end": (without_fence(finishing), WithTwoThatGiveUp, STALE),
    "unknown is treated as not sent": (unknown_is_not_sent, AfterALostReply, "^1:|^2:"),
    "a permit stays when its request leaves": (permits_are_kept, AfterAKilledSender, "^1:|^2:"),
    "a paused worker is taken for dead": (nobody_is_paused, WithAPausedSender, "^2: the answer"),
    "an answer in memory alone": (in_memory_alone, WithAnAnswer, "^2:"),
    "a permit elsewhere is none": (permits_are_not_looked_for, OnAStoppedHost, "^1: .* permit"),
    "a host looks after its own alone": (each_host_for_itself, OnAStoppedHost, "^8: nobody"),
    "an answer is where it is not": (answers_are_everywhere, WithAnAnswerElsewhere, "^2: .* up"),
    "a late result replaces the own": (late_is_shown, AfterASecondRequest, "^3: another"),
    "a late answer is left": (late_is_left, WithALateEdit, "^8: what has come"),
    "a late result is free": (late_is_free, AfterASecondRequest, "^a result costs once"),
    "a useless answer is dropped": (useless_is_dropped, WithoutABucket, "^2: .* is lost"),
    "a cut video is given up": (cut_is_lost, WithACutVideo, "^2: .* not kept"),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_an_engine_without_a_guard_breaks_a_promise(hands, kim, monkeypatch, name):
    maim, walk, promise = MUTANTS[name]
    maim(monkeypatch)

    with pytest.raises((AssertionError, Conflict), match=promise):
        run_state_machine_as_test(  # any callable does, though its type says a class
            lambda: walk(hands, kim, monkeypatch),  # type: ignore[arg-type]
            settings=settings_for(EXAMPLES, steps=STEPS, phases=[Phase.generate], derandomize=True),
        )
