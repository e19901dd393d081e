"""Ten thousand videos in flight in one worker, looked at fifty times a second.

Late is how long after its due time a look reaches the provider; one that has
not come when watching ends is as late as it is overdue then. What the ten
thousand take is what the worker has more than after its first hundred looks.
"""

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psutil

from tests.benchmarks.engine import ground
from tests.benchmarks.engine.contestants import OUR_PYTHON, Process, Queue
from tests.benchmarks.figures import Figures, percentile
from tests.benchmarks.idle import cpu_s, require_life, rss_mib
from tests.servers import Databases

LOOKS_PER_S = 50
FEW, MANY = 100, 10_000
WATCHED_S = 60
REST_S = 10
LATE_GOAL_MS = 50
RSS_GOAL_MIB = 10
CONNECTIONS_GOAL = 1
# Each falls due once within the time it takes to look at all of them.
IN_FLIGHT = """
WITH a_user AS (
    INSERT INTO users (id, login_id, display_name, role)
    VALUES (gen_random_uuid(), gen_random_uuid()::text, 'Kim', 'tester') RETURNING id),
wanted AS MATERIALIZED (
    SELECT n, gen_random_uuid() AS id, a_user.id AS user_id,
           clock_timestamp() + interval '2 seconds' + random() * %(within_s)s * interval '1 second'
           AS due_at
    FROM a_user, generate_series(1, %(count)s) AS n),
made AS (
    INSERT INTO jobs (id, user_id, client_key, provider, model, prompt, options, status,
                      fingerprint, started_at)
    SELECT id, user_id, id::text, 'hailuo', 'MiniMax-H3', 'x', '{}', 'running', 'x', now()
    FROM wanted),
moving AS (
    INSERT INTO runs (job_id, user_id, provider, dialect, model, stage, stage_since, due_at)
    SELECT id, user_id, 'hailuo', 'minimax_v2', 'MiniMax-H3', 'generating',
           now() - interval '3 hours', due_at
    FROM wanted),
paid AS (
    INSERT INTO attempts (id, job_id, n, dialect, key_id, worker, lease_token, send_deadline,
                          outcome, provider_task_id)
    SELECT gen_random_uuid(), id, 1, 'minimax_v2', 'bench', 'bench', 1, now(), 'accepted', id::text
    FROM wanted)
SELECT id::text, extract(epoch FROM due_at)::float8 FROM wanted
"""


@dataclass(slots=True)
class Looks:
    """When the provider was asked for which task first, in seconds since 1970."""

    first: dict[str, float] = field(default_factory=dict)

    def follow(self, provider: Process) -> None:
        for _, task, came_ns in provider.lines():
            self.first.setdefault(task, int(came_ns) / 1e9)

    def late_ms(self, due: Mapping[str, float], *, until: float) -> list[float]:
        """Return how late each look was that was due before `until`, whether it came or not."""
        first = dict(self.first)
        return [
            1000 * (min(first.get(task, until), until) - at)
            for task, at in due.items()
            if at < until
        ]


def measure(figures: Figures) -> None:
    """Print how late looks are, and what so many tasks take."""
    with (
        ground.ground() as databases,
        _provider() as (port, looks),
        _worker(databases, port) as (worker, cursor),
    ):
        figures.told("inflight.connections_at_start", ground.others_connected(cursor), "")
        _put_in_flight(cursor, FEW)
        time.sleep(FEW / LOOKS_PER_S + REST_S)
        cursor.execute("DELETE FROM runs")  # or these come back, and more than 50/s are due
        rss, connections, cpu = rss_mib(worker), ground.others_connected(cursor), cpu_s(worker)
        due = _put_in_flight(cursor, MANY)
        most = connections
        for _ in range(WATCHED_S):
            time.sleep(1)
            most = max(most, ground.others_connected(cursor))
        used = 100 * (cpu_s(worker) - cpu) / WATCHED_S
        late_ms = looks.late_ms(due, until=time.time())
        asked = sum(task in due for task in dict(looks.first))
        grown = rss_mib(worker) - rss
        require_life("The worker", worker, most)
    figures.told("inflight.due", len(late_ms) / WATCHED_S, "/s")
    figures.told("inflight.looks", asked / WATCHED_S, "/s")
    figures.told("inflight.cpu", used, "%")
    figures.told("inflight.late.p50", percentile(late_ms, 0.5), "ms")
    figures.measured("inflight.late.p99", percentile(late_ms, 0.99), "ms", goal=LATE_GOAL_MS)
    figures.measured("inflight.rss", grown, "MiB", goal=RSS_GOAL_MIB)
    figures.measured("inflight.connections", most - connections, "more", goal=CONNECTIONS_GOAL)


@contextmanager
def _provider() -> Iterator[tuple[int, Looks]]:
    fake = Queue(name="provider", python=OUR_PYTHON, module="fake_provider", url="")
    with fake.process("serve") as process:
        looks = Looks()
        port = int(process.said[0])
        threading.Thread(target=looks.follow, args=[process], daemon=True).start()
        yield port, looks


@contextmanager
def _worker(databases: Databases, port: int) -> Iterator[tuple[psutil.Process, Any]]:
    url = ground.with_schema(databases, "inflight")
    queue = Queue(name="ours", python=OUR_PYTHON, module="ours", url=url)
    with (
        queue.process("poll", f"http://127.0.0.1:{port}") as process,
        contextlib.closing(ground.connected(url)) as connection,
        connection.cursor() as cursor,
    ):
        yield psutil.Process(process.pid), cursor


def _put_in_flight(cursor: Any, count: int) -> dict[str, float]:
    """Make tasks; return when each is due, in seconds since 1970."""
    cursor.execute(IN_FLIGHT, {"count": count, "within_s": count / LOOKS_PER_S})
    return dict(cursor.fetchall())
