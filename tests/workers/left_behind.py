"""What a worker leaves behind that dies between two steps, made step by step."""

from datetime import timedelta

from sqlalchemy import text, update

from core import attempts, claims, clock, decisions
from core.details import load
from core.models import Attempt, Dialect, Job, Run, User
from core.providers import SendLimits
from core.services import Services
from core.stages import Stage
from workers import requests as asking
from workers import sweep
from workers.hands import Hands

V1 = ("MiniMax-Hailuo-02", {"mode": "text", "resolution": "768P", "duration": 6})
V2 = ("MiniMax-H3", {"mode": "text", "resolution": "768P", "duration": 5, "ratio": "16:9"})


def claimed(hands: Hands, stage: Stage = Stage.READY) -> claims.Claim:
    services = hands.services
    with services.sessions.begin() as session:
        (claim,) = claims.claim(
            session,
            worker="dead",
            stages=(stage,),
            leases={str(dialect): 60.0 for dialect in Dialect},
            host=hands.spool.host,
            keys=services.keys(),
        )
    return claim


def intended(services: Services, claim: claims.Claim, *, send_s: float = 30) -> Attempt:
    with services.sessions.begin() as session:
        return attempts.open_one(
            session,
            claim,
            key_id=services.key_id(claim.dialect),
            send_s=send_s,
            callback_token=None,
            estimate_usd=None,
        )


def die(services: Services, job: Job, *, ago_s: float = 60) -> None:
    """Let the lease of a job have ended, as if its worker had been killed."""
    with services.sessions.begin() as session:
        session.execute(
            update(Run)
            .where(Run.job_id == job.id)
            .values(lease_until=clock.now() - timedelta(seconds=ago_s))
        )


def answered(services: Services, hands: Hands, job: Job) -> Attempt:
    """Have a worker send a job and die with the answer whole on its disk; return the attempt."""
    attempt = intended(services, claimed(hands))
    spooled_answer(services, hands, attempt, job)
    die(services, job)
    return attempt


def unanswered(services: Services, hands: Hands, job: Job) -> Attempt:
    """Have a worker send a job and die, and long after it the sweep; return the attempt."""
    attempt = intended(services, claimed(hands), send_s=-services.settings.settle_s - 1)
    die(services, job)
    sweep.sweep(hands)
    return attempt


def wait_s(services: Services, job: Job) -> float:
    """Return how long a job would wait, to ten seconds, and let it be due now instead."""
    with services.sessions.begin() as session:
        run = session.get_one(Run, job.id)
        waits = run.due_at - clock.read(session)
        run.due_at = clock.now()
    return round(waits.total_seconds(), -1)


def forget(services: Services, attempt: Attempt) -> None:
    """Bring the database back as it was before an attempt, and its job's claim."""
    with services.sessions.begin() as session:
        for table, column in (("job_events", "attempt_id"), ("attempts", "id")):
            statement = f"DELETE FROM {table} WHERE {column} = :id"
            session.execute(text(statement), {"id": attempt.id})
        values = {"stage": Stage.READY, "lease_owner": None, "lease_until": None}
        session.execute(update(Run).where(Run.job_id == attempt.job_id).values(values))
        session.execute(update(Job).where(Job.id == attempt.job_id).values(status="queued"))


def given_up(services: Services, user: User, job: Job) -> None:
    with services.sessions.begin() as session:
        decisions.give_up(session, user, job.id)


def sent_again(services: Services, user: User, job: Job) -> None:
    with services.sessions.begin() as session:
        decisions.send_again(session, user, job.id)


def stage_of(services, user, job) -> Stage:
    return detail_of(services, user, job).stage


def detail_of(services, user, job):
    with services.sessions() as session:
        return load(session, user, job.id, team_reads=True)


def spooled_answer(services, hands, attempt, job) -> None:
    """Have a real answer in the spool, complete and marked, that no database knows."""
    task = asking.load(services, job.id)
    files = asking.fetch(services, task, services.settings.spool_dir)
    answer = services.images.edit(
        asking.edit_request(files, client_id=attempt.id, safety_identifier="u"),
        limits=SendLimits(connect_s=5, total_s=10),
        spool=hands.spool.body(attempt.id),
        on_partial=lambda _i, _b: None,
    )
    hands.spool.complete(attempt.id, job.id, answer)


def limits():
    return SendLimits(connect_s=5, total_s=10)


def video_request(services, job):
    task = asking.load(services, job.id)
    return asking.video_request(
        asking.Files(task=task, images=[], mask=None, markup=None), callback_url=None
    )
