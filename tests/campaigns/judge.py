"""The judgement: the provider's ledger against our tables. Pure."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.attempts import WORKER_LOST
from core.stages import Outcome, Stage, Status
from tests.campaigns.strikes import Hit, Outage, Strike
from tests.campaigns.tables import AttemptRow, JobRow, Tables

Entry = Mapping[str, Any]
VISIBLE = {Stage.UNCERTAIN, Stage.ABANDONED}  # a person sees it and decides, or has decided
KILLED, RESTARTED, REPLY_LOST, UNEXPLAINED = (
    "worker killed",
    "database restarted",
    "reply lost",
    "unexplained",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the ledger says. Each finding is a sentence."""

    lost: Sequence[str]
    double: Sequence[str]
    uncertain: Mapping[str, int]  # by why
    uncertain_unbilled: int  # of these, jobs that the provider was never asked for
    moving: Sequence[str]  # jobs that never came to rest
    billed: int
    ends: Mapping[str, int]  # how many jobs, by where they stand

    @property
    def uncertain_jobs(self) -> int:
        """How many jobs wait for a person."""
        return sum(self.uncertain.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Disturbances:
    """What the campaign did, for explaining what it left behind."""

    strikes: Sequence[Strike] = ()
    outages: Sequence[Outage] = ()
    settle_s: float = 0
    lost_replies: Collection[str] = ()  # the prompts of what the provider left unanswered


def judged(
    entries: Sequence[Entry], tables: Tables, done: Disturbances, *, filed: int
) -> Judgement:
    """Compare. `entries` are all lines of the ledger; `filed` jobs have to be in the tables."""
    billed = [entry for entry in entries if entry["event"] == "billed"]
    asked_for = {entry["prompt"] for entry in billed}
    uncertain = [job for job in tables.jobs if job.stage == Stage.UNCERTAIN]
    live = {a.job_id: a for a in tables.attempts if a.outcome == Outcome.UNKNOWN}
    return Judgement(
        lost=[*_vanished(tables, filed), *_lost(billed, tables)],
        double=list(_double(billed)),
        uncertain=Counter(_why(job, live.get(job.id), done) for job in uncertain),
        uncertain_unbilled=sum(job.prompt not in asked_for for job in uncertain),
        moving=[_rests_not(job) for job in tables.jobs if _moves(job)],
        billed=len(billed),
        ends=Counter(job.final_stage or job.stage or job.status for job in tables.jobs),
    )


def _moves(job: JobRow) -> bool:
    return job.status in {Status.QUEUED, Status.RUNNING} and job.stage != Stage.UNCERTAIN


def _rests_not(job: JobRow) -> str:
    return f"{job.prompt!r} ({job.id}) is still {job.stage}."


# --- lost -------------------------------------------------------------------------------


def _vanished(tables: Tables, filed: int) -> Iterator[str]:
    if len(tables.jobs) < filed:
        yield f"{filed} jobs were filed, and {len(tables.jobs)} are in the tables."


def _lost(billed: Sequence[Entry], tables: Tables) -> Iterator[str]:
    """A billed task needs one attempt of its own job, and its result, or a job that asks."""
    jobs = tables.by_prompt()
    kept = {(row.job_id, row.attempt_id) for row in tables.results}
    owners = _owners(tables)
    for entry in billed:
        job = jobs.get(entry["prompt"])
        if job is None:
            yield f"{_name(entry)} was billed for no job of ours."
            continue
        owner = owners.get(_name(entry))
        if owner is not None and owner.job_id != job.id:
            yield f"{_name(entry)} was billed for {job.prompt!r} and given to job {owner.job_id}."
        elif _moves(job) or {job.stage, job.final_stage} & VISIBLE:
            continue  # one that still moves is reported as such
        elif owner is None:
            yield f"{_name(entry)} belongs to no attempt, and {_stands(job)}."
        elif (job.id, owner.id) not in kept:
            yield f"{_name(entry)} has no result in the bucket, and {_stands(job)}."


def _owners(tables: Tables) -> Mapping[str, AttemptRow]:
    """Return the attempts by what the ledger calls their task: an edit's is our own id."""
    by_task = {row.task_id: row for row in tables.attempts if row.task_id is not None}
    accepted = {str(row.id): row for row in tables.attempts if row.outcome == Outcome.ACCEPTED}
    return {**accepted, **by_task}


def _name(entry: Entry) -> str:
    return str(entry.get("task_id") or entry.get("client_request_id"))


def _stands(job: JobRow) -> str:
    return f"{job.prompt!r} ({job.id}) is {job.final_stage or job.stage}"


# --- double -----------------------------------------------------------------------------


def _double(billed: Sequence[Entry]) -> Iterator[str]:
    """No job is billed more often than once: nobody consents to more in a campaign."""
    tasks: dict[str, list[str]] = defaultdict(list)
    for entry in billed:
        tasks[entry["prompt"]].append(_name(entry))
    for prompt, names in tasks.items():
        if len(names) > 1:
            yield f"{prompt!r} was billed {len(names)} times: {names}."


# --- uncertain --------------------------------------------------------------------------


def _why(job: JobRow, attempt: AttemptRow | None, done: Disturbances) -> str:
    """Return what an uncertain job's reply was lost to."""
    if attempt is None:
        return UNEXPLAINED
    if attempt.observation not in {None, WORKER_LOST}:
        return REPLY_LOST if job.prompt in done.lost_replies else UNEXPLAINED
    until = attempt.send_deadline + timedelta(seconds=done.settle_s)
    if any(_hit(strike, attempt, until, done.outages) for strike in done.strikes):
        return KILLED
    # Its worker lived, and should have written down after it what it was told: see the report.
    without = any(it.began <= until and it.ended >= attempt.created_at for it in done.outages)
    return RESTARTED if without else UNEXPLAINED


def _hit(strike: Strike, attempt: AttemptRow, until: datetime, outages: Sequence[Outage]) -> bool:
    """Whether a strike ended this very request. Of a blind one only the moment is known."""
    if not attempt.worker.startswith(strike.prefix):
        return False
    if strike.blind:
        return attempt.created_at <= strike.at and _since(strike, outages) <= until
    return any(_is_it(hit, attempt) for hit in strike.hits)


def _since(strike: Strike, outages: Sequence[Outage]) -> datetime:
    """Return when what a strike hit could last be written down: before the outage it fell into."""
    return next((it.began for it in outages if it.began <= strike.at <= it.ended), strike.at)


def _is_it(hit: Hit, attempt: AttemptRow) -> bool:
    # The commit of an attempt may still have been on its way when its worker was killed.
    if hit.attempt_id is None:
        return hit.job_id == attempt.job_id
    return hit.attempt_id == attempt.id
