"""Jobs claimed and completed in a second: told, not promised.

The product needs a few jobs per second; where more speed would make the engine
harder to read, reading wins.
"""

import itertools
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from core.models import User
from core.services import Services
from tests.benchmarks.engine import claiming, contestants, ground
from tests.benchmarks.figures import Figures
from tests.servers import Databases

ROUNDS = 3
DRAINS = {1: 300, 100: 2000}  # by batch, how many jobs
COMPARED = (  # each round by itself: the machine's speed drifts
    ("ours.batch_1", "procrastinate.batch_1"),
    ("ours.batch_1", "pgqueuer.batch_1"),
    ("ours.batch_1", "single_commits"),
    ("ours.batch_100", "pgqueuer.batch_100"),
)
COMMITS = 1000
FINISHED = (0, 100_000, 1_000_000)
CLAIMS = 200
MAKE_FINISHED = """
INSERT INTO jobs (id, user_id, client_key, provider, model, prompt, options, status,
                  fingerprint, final_stage)
SELECT gen_random_uuid(), users.id, 'finished-' || n, 'gpt', 'gpt-image-2', 'x', '{}', 'error',
       int4send(n), 'rejected'
FROM users, generate_series(%s, %s) AS n
"""


def measure(figures: Figures) -> None:
    """Print rates by batch beside the peers', and by the number of finished jobs."""
    with ground.ground() as databases, ExitStack() as stack:
        queues = contestants.queues(databases)
        processes = {queue.name: stack.enter_context(queue.process("drain")) for queue in queues}
        rates: dict[str, list[float]] = {}
        for _ in range(ROUNDS):
            rates.setdefault("single_commits", []).append(_single_commits(queues[0].url))
            for batch, jobs in DRAINS.items():
                for name, process in processes.items():
                    count, took_ns = map(int, process.ask(f"{jobs} {batch}", "drained"))
                    rates.setdefault(f"{name}.batch_{batch}", []).append(count / took_ns * 1e9)
        _tell(figures, rates)
        _by_finished_jobs(figures, databases)


def _tell(figures: Figures, rates: Mapping[str, Sequence[float]]) -> None:
    for name, each in rates.items():
        figures.told(f"rate.{name}", median(each), "/s")
    for ours, other in COMPARED:
        ratios = [mine / theirs for mine, theirs in zip(rates[ours], rates[other], strict=True)]
        figures.told(f"rate.{ours}_vs_{other}", median(ratios), "ratio")


def _single_commits(url: str) -> float:
    """Return how many one-row commits a bare connection makes in a second."""
    with ground.connected(url) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS single (n int)")
        began = time.perf_counter()
        for n in range(COMMITS):
            cursor.execute("INSERT INTO single VALUES (%s)", (n,))
        return COMMITS / (time.perf_counter() - began)


def _by_finished_jobs(figures: Figures, databases: Databases) -> None:
    url = ground.with_schema(databases, "finished")
    with tempfile.TemporaryDirectory() as folder:
        services = ground.services_on(url, Path(folder))
        user = ground.person(services)
        empty = 0.0
        for before, wanted in itertools.pairwise((0, *FINISHED)):
            _finish(url, before, wanted)
            rate = _claims_a_second(services, user)
            empty = empty or rate
            figures.told(f"rate.claims.{wanted}_finished", rate, "/s")
            figures.told(f"rate.claims.{wanted}_finished_vs_none", rate / empty, "ratio")
        services.engine.dispose()


def _finish(url: str, before: int, wanted: int) -> None:
    with ground.connected(url) as connection, connection.cursor() as cursor:
        cursor.execute(MAKE_FINISHED, (before + 1, wanted))
        cursor.execute("ANALYZE jobs")


def _claims_a_second(services: Services, user: User) -> float:
    """Return how many claims fit in a second, each of one job and by the median."""
    lane = claiming.Claiming(claiming.hands_of(services), size=1)
    claiming.file(services, user, CLAIMS)
    took = []
    for _ in range(CLAIMS):
        began = time.perf_counter()
        taken = lane.take()
        took.append(time.perf_counter() - began)
        claiming.end(services, taken)
    return 1 / median(took)
