"""Our side: the real filing, the real worker with its listener, and a step that only reports."""

import sys
import tempfile
import time
from pathlib import Path

from core import jobs, runs
from core.claims import Claim
from core.logs import configure_logs
from core.models import Job
from core.services import Services
from core.stages import Stage
from tests.benchmarks.engine import claiming, ground
from tests.benchmarks.engine.queues import speech
from workers import __main__ as worker_process
from workers import steps
from workers.hands import Hands


def submit(services: Services) -> None:
    """File a job per order, as the form's button does once the request is checked."""
    user = ground.person(services)
    speech.say("ready")
    for key in speech.orders():
        before = time.monotonic_ns()
        with services.sessions.begin() as session:
            jobs.queue(session, user, ground.order(key))
        speech.submitted(key, before)


def work(services: Services) -> None:
    """Run the worker process; where it would begin a step, it reports and ends the job."""

    def report(hands: Hands, claim: Claim, *, deadline: float) -> None:
        now = time.monotonic_ns()
        with hands.services.sessions.begin() as session:
            key = session.get_one(Job, claim.job_id).client_key
            runs.ended(session, claim, Stage.REJECTED)
        speech.say("started", key, now)

    steps.take = report
    poll(services)


def poll(services: Services) -> None:
    """Run the worker process as it is."""
    speech.say("ready")
    worker_process.run(claiming.hands_of(services))


def drain(services: Services) -> None:
    """File and work off as many jobs as each order says, in batches of its second number."""
    user = ground.person(services)
    speech.say("ready")
    for wanted in speech.orders():
        count, batch = map(int, wanted.split())
        claiming.file(services, user, count)
        lane = claiming.Claiming(claiming.hands_of(services), size=batch)
        began = time.monotonic_ns()
        while taken := lane.take():
            claiming.end(services, taken)
        speech.drained(count, began)


ROLES = {"submit": submit, "work": work, "poll": poll, "drain": drain}


def main(role: str, url: str, minimax_base_url: str = "http://127.0.0.1:9") -> None:
    """Do what the referee needs this process for."""
    configure_logs()
    with tempfile.TemporaryDirectory(prefix="proofsheet-bench-") as folder:
        ROLES[role](
            ground.services_on(
                url,
                Path(folder),
                minimax_base_url=minimax_base_url,
                minimax_polls_per_minute=6000,
            )
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
