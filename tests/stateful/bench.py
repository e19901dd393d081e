"""The real engine on a real database, with workers on two hosts that stop where a test wants."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple, cast
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core import attempts, callbacks, claims, failpoints
from core.claims import Claim
from core.models import Asset, AssetKind, Attempt, Dialect, Job, Run, User
from core.providers.prices import cost
from core.stages import Stage
from core.storage import Bucket
from tests.model import rows
from tests.stateful import storing
from tests.stateful.pausing import IDLE, Borders, Worker
from tests.stateful.provider import MovingTime, Provider, Request
from tests.stateful.remembered import remembered
from workers import (
    keeping,
    looks,
    rechecks,
    recording,
    recovery,
    refetching,
    retrying,
    sending,
    steps,
    sweep,
)
from workers.dispatch import lease_lengths
from workers.hands import Hands
from workers.permits import Permits
from workers.spool import Spool

CLEAN: Final = """
    DELETE FROM runs; DELETE FROM job_events; DELETE FROM generation_times;
    DELETE FROM prompt_cache;
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
    SELECT (SELECT count(*) FROM runs WHERE stage <> 'uncertain'
            AND (spool_host IS NULL OR spool_host = ANY (:up)))
        + (SELECT count(*) FROM attempts WHERE recheck_at IS NOT NULL
           AND (provider_task_id IS NOT NULL OR candidate_task_id IS NOT NULL))
"""
KEPT: Final = select(
    Asset.id, Asset.attempt_id, Asset.kind, Asset.key, Asset.bytes, Asset.sha256
).where(Asset.kind.in_([AssetKind.RESULT, AssetKind.RAW]))
ANSWERED: Final = frozenset({".body", ".json", ".task"})  # files of the spool
PERMITS: Final = frozenset({".permit", ".revoked"})
WORKERS: Final[Mapping[str, int]] = {"one": 2, "two": 1}  # of each host
PAUSE_S: Final = 25.0  # before a video is looked at again, or a step is tried again
FIRST: Final = (Stage.READY, Stage.GENERATING, Stage.STORING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A job as its tables tell it."""

    stage: Stage
    lease: tuple[str | None, datetime | None, int]
    attempts: Sequence[Attempt]
    cover: UUID | None
    cost_usd: Decimal | None


class Kept(NamedTuple):
    """A file of a request, as its row says."""

    attempt_id: UUID
    kind: str
    key: str
    bytes: int
    sha256: str


class Host:
    """A machine with workers, and with a disk that outlives them."""

    def __init__(self, hands: Hands, name: str, folder: Path, workers: int) -> None:
        self.workers = [Worker(f"{name}:{number}") for number in range(1, workers + 1)]
        self.is_up = False
        self._folder = folder
        self._boots = 0
        self._locks: dict[Worker, int] = {}
        self.hands = replace(hands, spool=Spool(folder), worker=f"{name}:sweep")
        self.start()

    def start(self, *, rebooted: bool = False) -> None:
        """Let its workers live. What was permitted before a reboot proves nothing any more."""
        self.is_up = True
        self._boots += rebooted
        self.hands.spool.permits = Permits(self._folder, boot=str(self._boots + 1))
        for worker in self.workers:
            self._locks[worker] = self.hands.spool.locks.hold(worker.name)

    def stop(self) -> None:
        """End its workers; what lies on its disk stays."""
        self.is_up = False
        for worker in self.workers:
            self._end(worker)

    def kill(self, worker: Worker) -> None:
        """End a worker's process; another one takes its place."""
        self._end(worker)
        self._locks[worker] = self.hands.spool.locks.hold(worker.name)

    def _end(self, worker: Worker) -> None:
        if worker.at != IDLE:
            worker.kill()
        self._leave(worker)
        worker.name += "'"

    def close(self) -> None:
        """Let the locks of its workers go."""
        for worker in [*self._locks]:
            self._leave(worker)

    def _leave(self, worker: Worker) -> None:
        self.hands.spool.locks.leave(worker.name, self._locks.pop(worker))

    def unsent(self) -> frozenset[UUID]:
        """Return the attempts that its permits prove to be unsent."""
        return frozenset(self.hands.spool.permits.unsent())

    def has_something(self, kinds: Collection[str] = ANSWERED | PERMITS) -> bool:
        """Return whether files of these kinds lie on its disk."""
        return any(path.suffix in kinds for path in self._folder.iterdir())

    def on_disk(self) -> frozenset[UUID]:
        """Return the attempts whose answer or task lies in its spool."""
        if not self.has_something(ANSWERED):
            return frozenset()  # as at most looks, which are many
        spool = self.hands.spool
        return frozenset([*spool.noted(), *spool.answered(), *spool.unmarked()])


class Bench:
    """What one example plays with. `hands` has the real services; the providers are in memory."""

    def __init__(self, hands: Hands, user: User) -> None:
        self.user = user
        self.time = MovingTime()
        self.bucket = storing.Bucket()
        sessions = hands.services.sessions
        self.providers = {str(it): Provider(it, sessions, self.time) for it in Dialect}
        self.downloads = storing.Downloads(self.providers.values())
        self.services = replace(
            hands.services,
            images=self.providers[Dialect.OPENAI],
            videos=self.providers,
            bucket=cast(Bucket, self.bucket),  # of it, storing calls put_file alone
        )
        folder = hands.services.settings.spool_dir
        self.hosts = [
            Host(replace(hands, services=self.services), name, folder / name, workers)
            for name, workers in WORKERS.items()
        ]
        self.jobs: dict[UUID, Job] = {}
        self._tables = remembered(hands.services.engine)
        # One round trip less for each look: a transaction would be begun and ended around it.
        self._looking = hands.services.engine.execution_options(isolation_level="AUTOCOMMIT")
        self.sql(CLEAN)

    @property
    def workers(self) -> Sequence[Worker]:
        """Return those that may work: of the hosts that are up."""
        return [worker for host in self.up for worker in host.workers]

    @property
    def up(self) -> Sequence[Host]:
        """Return the hosts that are."""
        return [host for host in self.hosts if host.is_up]

    def host_of(self, worker: Worker) -> Host:
        """Return where a worker runs."""
        return next(host for host in self.hosts if worker in host.workers)

    # --- the engine's own steps -----------------------------------------------------------

    def file(self, dialect: Dialect) -> Job:
        """File a job."""
        job = rows.filed(self.hosts[0].hands, self.user, dialect)
        self.jobs[job.id] = job
        return job

    def claim(self, worker: Worker) -> Claim | None:
        """Claim what is due, and begin to work on it."""
        hands = replace(self.host_of(worker).hands, worker=worker.name)
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
        self.host_of(worker).kill(worker)

    def close(self) -> None:
        """Let the locks of the workers go."""
        for host in self.hosts:
            host.close()

    def clean_up(self, host: Host) -> None:
        """Do what a worker of a host does from time to time."""
        sweep.sweep(host.hands)
        recovery.recover(host.hands)
        recovery.keep_late(host.hands)
        rechecks.recheck(host.hands)
        while rechecks.fetch_late(host.hands):
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
        with Session(self._looking) as session:
            runs_now = {run.job_id: run for run in session.scalars(select(Run))}
            made: dict[UUID, list[Attempt]] = {job_id: [] for job_id in self.jobs}
            for attempt in session.scalars(select(Attempt).order_by(Attempt.n)):
                made[attempt.job_id].append(attempt)
            return {
                job.id: _row(job, runs_now.get(job.id), made[job.id])
                for job in session.scalars(select(Job))
            }

    def price(self, job_id: UUID) -> Decimal:
        """Return what one result of a job costs."""
        job = self.jobs[job_id]
        usage = rows.USAGE if job.model == rows.ASKED[Dialect.OPENAI][1] else {}
        catalog, on = self.services.catalog, job.created_at.date()
        found = cost(catalog, model=job.model, options=job.options, usage=usage, on=on)
        assert found.usd is not None
        return found.usd

    def is_quiet(self) -> bool:
        """Whether nothing is left to be done by itself, where hosts are up."""
        up = [host.hands.spool.host for host in self.up]
        with Session(self._looking) as session:
            left = session.scalar(text(LEFT), {"up": up})
        return not left and not any(host.on_disk() for host in self.up)

    def kept(self) -> Mapping[UUID, Kept]:
        """Return every result and every answer that is kept for a complaint, by its row's id."""
        return self._tables.read(self._read_kept)

    def _read_kept(self) -> Mapping[UUID, Kept]:
        with Session(self._looking) as session:
            return {
                row.id: Kept(row.attempt_id, row.kind, row.key, row.bytes, row.sha256)
                for row in session.execute(KEPT)
            }

    def on_disk(self) -> frozenset[UUID]:
        """Return the attempts whose answer or task lies in a spool, of a host that is down too."""
        return frozenset[UUID]().union(*(host.on_disk() for host in self.hosts))

    def something_waits(self) -> bool:
        """Whether anything of an attempt lies where nobody can reach it for now."""
        return any(host.has_something() for host in self.hosts if not host.is_up)

    def waiting(self) -> frozenset[UUID]:
        """Return those of them that nobody can reach for now."""
        down = (host for host in self.hosts if not host.is_up)
        return frozenset[UUID]().union(*(host.on_disk() for host in down))

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
        return self.services.sessions.begin()

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
        cover=job.cover_asset_id,
        cost_usd=job.cost_usd,
    )


# --- in the place of what is slow -----------------------------------------------------------


def quick_steps(monkeypatch: Any) -> None:
    """Stop at every border; store what needs no bucket, no download and no decoder."""
    monkeypatch.setattr(failpoints, "_armed", Borders())
    # Without chance, a failure can be repeated.
    for module in (sending, recording, retrying, sweep):
        monkeypatch.setattr(module, "backoff_s", lambda failures, **_: PAUSE_S * failures)
    monkeypatch.setattr(refetching, "jittered", lambda seconds: seconds)
    monkeypatch.setattr(looks, "next_look_s", lambda *_, **__: PAUSE_S)
    monkeypatch.setattr(looks, "schedule_of", lambda _: None)
    monkeypatch.setattr(keeping, "finish_image", storing.finish_image)
    monkeypatch.setattr(keeping, "finish_video", storing.finish_video)
