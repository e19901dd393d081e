"""The real engine on a real database, with two workers that stop where a test wants."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, text

from core import attempts, callbacks, claims, failpoints, runs
from core.claims import Claim
from core.models import AssetKind, Attempt, Dialect, Job, Run, User
from core.stages import Stage
from tests.model import rows
from tests.stateful.pausing import Borders, Worker
from tests.stateful.provider import MovingTime, Provider, Request
from tests.stateful.remembered import remembered
from workers import edits, looks, rechecks, recording, sending, steps, sweep, videos
from workers.dispatch import lease_lengths
from workers.hands import Hands

CLEAN: Final = """
    DELETE FROM runs; DELETE FROM job_events; DELETE FROM generation_times;
    DELETE FROM assets; DELETE FROM attempts; DELETE FROM jobs; DELETE FROM provider_gates
"""
# Time passes for every row alike: a moment that lay ahead comes nearer.
SHIFTED: Final[Mapping[str, Sequence[str]]] = {
    "runs": ("due_at", "lease_until", "stage_since"),
    "attempts": ("created_at", "send_deadline", "recheck_at", "settled_at", "consent_at"),
    "jobs": ("created_at",),
    "provider_gates": ("closed_until",),
}
LEFT: Final = """
    SELECT (SELECT count(*) FROM runs WHERE stage <> 'uncertain')
        + (SELECT count(*) FROM attempts WHERE recheck_at IS NOT NULL
           AND (provider_task_id IS NOT NULL OR candidate_task_id IS NOT NULL))
"""
PAUSE_S: Final = 25.0  # before a video is looked at again, or a step is tried again
FIRST: Final = (Stage.READY, Stage.GENERATING, Stage.STORING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A job as its tables tell it."""

    stage: Stage
    lease: tuple[str | None, datetime | None, int]
    attempts: Sequence[Attempt]


class Bench:
    """What one example plays with. `hands` has the real services; the providers are in memory."""

    def __init__(self, hands: Hands, user: User) -> None:
        self.user = user
        self.time = MovingTime()
        sessions = hands.services.sessions
        self.providers = {str(it): Provider(it, sessions, self.time) for it in Dialect}
        services = replace(
            hands.services,
            images=self.providers[Dialect.OPENAI],
            videos=self.providers,
        )
        self.hands = replace(hands, services=services)
        self.workers = [Worker("one:1"), Worker("two:2")]
        self._locks = {worker: self.hands.spool.locks.hold(worker.name) for worker in self.workers}
        self.jobs: dict[UUID, Job] = {}
        self._tables = remembered(hands.services.engine)
        self.sql(CLEAN)

    # --- the engine's own steps -----------------------------------------------------------

    def file(self, dialect: Dialect) -> Job:
        """File a job."""
        job = rows.filed(self.hands, self.user, dialect)
        self.jobs[job.id] = job
        return job

    def claim(self, worker: Worker) -> Claim | None:
        """Claim what is due, and begin to work on it."""
        hands = replace(self.hands, worker=worker.name)
        for stage in self._found(FIRST):
            leases = lease_lengths(hands, stage)
            noted_at = self.time.now()
            with hands.services.sessions.begin() as session:
                taken = claims.claim(
                    session,
                    worker=worker.name,
                    stages=(stage,),
                    leases=leases,
                    host=hands.spool.host,
                    keys=hands.services.keys(),
                )
            for claim in taken:
                deadline = noted_at + leases[claim.dialect]
                worker.begin(claim, partial(steps.take, hands, claim, deadline=deadline))
                return claim
        return None

    def _found(self, stages: Sequence[Stage]) -> Sequence[Stage]:
        """Leave out stages in which no job is: the engine would only learn that once more."""
        there = {row.stage for row in self.rows().values()}
        return [stage for stage in stages if stage in there]

    def kill(self, worker: Worker) -> None:
        """End a worker's process; another one takes its place."""
        worker.kill()
        self._leave(worker)
        worker.name += "'"
        self._locks[worker] = self.hands.spool.locks.hold(worker.name)

    def close(self) -> None:
        """Let the locks of the workers go."""
        for worker in self.workers:
            self._leave(worker)

    def _leave(self, worker: Worker) -> None:
        self.hands.spool.locks.leave(worker.name, self._locks.pop(worker))

    def clean_up(self) -> None:
        """Do what a worker does from time to time."""
        sweep.sweep(self.hands)
        sweep.recover(self.hands)
        sweep.keep_late(self.hands)
        rechecks.recheck(self.hands)
        while rechecks.fetch_late(self.hands):
            pass

    def called_back(self, request: Request, task_id: str) -> None:
        """Have a callback come for a request."""
        with self.begin() as session:
            attempt = attempts.locked(session, request.attempt_id)
            callbacks.heard(session, attempt, task_id)
            if attempt.candidate_task_id == request.task_id and request.told_before is None:
                request.told_before = len(attempts.of_job(session, attempt.job_id)) + 1

    # --- looking ------------------------------------------------------------------------

    @property
    def requests(self) -> Sequence[Request]:
        """Return every request that ever left."""
        return [it for provider in self.providers.values() for it in provider.requests]

    def row(self, job_id: UUID) -> Row:
        """Return a job as it is now."""
        return self.rows()[job_id]

    def rows(self) -> Mapping[UUID, Row]:
        """Return every job as it is now."""
        return self._tables.read(self._read_rows)

    def _read_rows(self) -> Mapping[UUID, Row]:
        with self.hands.services.sessions() as session:
            runs_now = {run.job_id: run for run in session.scalars(select(Run))}
            made: dict[UUID, list[Attempt]] = {job_id: [] for job_id in self.jobs}
            for attempt in session.scalars(select(Attempt).order_by(Attempt.n)):
                made[attempt.job_id].append(attempt)
            return {
                job.id: _row(job, runs_now.get(job.id), made[job.id])
                for job in session.scalars(select(Job))
            }

    def is_quiet(self) -> bool:
        """Whether nothing is left to be done by itself."""
        with self.hands.services.sessions() as session:
            return not session.scalar(text(LEFT)) and not self.on_disk()

    def kept(self) -> frozenset[UUID]:
        """Return the attempts whose results are in our tables."""
        return self._tables.read(self._read_kept)

    def _read_kept(self) -> frozenset[UUID]:
        with self.hands.services.sessions() as session:
            found = session.execute(text("SELECT attempt_id FROM assets WHERE kind = 'result'"))
            return frozenset(found.scalars())

    def on_disk(self) -> frozenset[UUID]:
        """Return the attempts whose answer or task lies in the spool."""
        spool = self.hands.spool
        return frozenset([*spool.noted(), *spool.answered(), *spool.unmarked()])

    # --- time ---------------------------------------------------------------------------

    def pass_time(self, seconds: float) -> None:
        """Let time pass on every clock."""
        self.time.ahead_s += seconds
        ago = f"interval '{seconds} seconds'"
        self.sql("; ".join(_shifted(table, ago) for table in SHIFTED))
        for request in self.requests:
            request.created_at -= timedelta(seconds=seconds)

    def begin(self) -> Any:
        """Open a transaction."""
        return self.hands.services.sessions.begin()

    def sql(self, statements: str) -> None:
        """Run statements in one transaction."""
        with self.begin() as session:
            session.execute(text(statements))


def _shifted(table: str, ago: str) -> str:
    values = ", ".join(f"{name} = {name} - {ago}" for name in SHIFTED[table])
    return f"UPDATE {table} SET {values}"


def _row(job: Job, run: Run | None, made: Sequence[Attempt]) -> Row:
    return Row(
        stage=Stage(str(run.stage if run is not None else job.final_stage)),
        lease=(run.lease_owner, run.lease_until, run.lease_token) if run else (None, None, 0),
        attempts=made,
    )


# --- in the place of what is slow -----------------------------------------------------------


def quick_steps(monkeypatch: Any) -> None:
    """Stop at every border; copy results by their rows alone, which other tests do in full."""
    monkeypatch.setattr(failpoints, "_armed", Borders())
    for module in (sending, recording, steps, sweep):  # without chance, a failure can be repeated
        monkeypatch.setattr(module, "backoff_s", lambda failures: PAUSE_S * failures)
    monkeypatch.setattr(looks, "next_look_s", lambda *_, **__: PAUSE_S)
    monkeypatch.setattr(videos, "store", _store)
    monkeypatch.setattr(edits, "store", _store_edit)
    monkeypatch.setattr(videos, "store_late", _store_late)
    monkeypatch.setattr(edits, "store_late", _store_late_edit)


def _store(hands: Hands, claim: Claim, _: Any) -> None:
    failpoints.reach("uploaded")
    with hands.services.sessions.begin() as session:
        claims.held(session, claim)
        attempt = attempts.live(session, claim.job_id)
        assert attempt is not None
        cover = rows.kept(session, attempt, AssetKind.RESULT)
        runs.stored(session, claim, cover_asset_id=cover.id, cost_usd=None, price_version=None)
    failpoints.reach("stored")


def _store_edit(hands: Hands, claim: Claim, spooled: Any) -> None:
    _store(hands, claim, spooled)
    hands.spool.remove(spooled.attempt_id)


def _store_late(hands: Hands, _job_id: UUID, attempt_id: UUID, _: Any) -> None:
    with hands.services.sessions.begin() as session:
        attempt = attempts.locked(session, attempt_id)
        rows.kept(session, attempt, AssetKind.RESULT)
        attempt.recheck_at = None


def _store_late_edit(hands: Hands, spooled: Any) -> None:
    _store_late(hands, spooled.job_id, spooled.attempt_id, None)
    hands.spool.remove(spooled.attempt_id)
