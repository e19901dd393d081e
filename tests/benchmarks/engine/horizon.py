"""Claims while somebody's idle transaction keeps ten thousand dead rows from being cleared."""

import tempfile
import time
from pathlib import Path
from statistics import median

from core.services import Services
from tests.benchmarks.engine import claiming, ground
from tests.benchmarks.figures import Figures
from tests.servers import Databases

DEAD = 10_000
CLAIMS = 300
WARM_UP = 20
GOAL = 1.2
# Jobs that were filed, claimed and ended: each leaves its run's versions behind.
ENDED = f"""
WITH made AS (
    INSERT INTO jobs (id, user_id, client_key, provider, model, prompt, options, status,
                      fingerprint, final_stage)
    SELECT gen_random_uuid(), users.id, 'dead-' || n, 'gpt', 'gpt-image-2', 'x', '{{}}', 'error',
           'x', 'rejected'
    FROM users, generate_series(1, {DEAD}) AS n
    RETURNING id, user_id)
INSERT INTO runs (job_id, user_id, provider, dialect, model, stage, due_at)
SELECT id, user_id, 'gpt', 'openai', 'gpt-image-2', 'ready', now() - interval '1 hour' FROM made
"""


def measure(figures: Figures) -> None:
    """Print a claim's p50 with a pinned horizon against the same without, in turn."""
    with ground.ground() as databases, tempfile.TemporaryDirectory() as folder:
        free = _Side(databases, "free", Path(folder))
        pinned = _Side(databases, "pinned", Path(folder))
        with ground.connected(pinned.url) as holder, holder.cursor() as cursor:
            cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("SELECT count(*) FROM users")
            pinned.leave_dead_rows()
            for _ in range(WARM_UP + CLAIMS):
                free.claim_one()
                pinned.claim_one()
            cursor.execute("ROLLBACK")
        for side in (free, pinned):
            figures.told(f"claim.{side.name}.p50", side.p50_ms, "ms")
            side.close()
    figures.measured("claim.pinned_vs_free.p50", pinned.p50_ms / free.p50_ms, "ratio", goal=GOAL)


class _Side:
    def __init__(self, databases: Databases, name: str, folder: Path) -> None:
        self.name = name
        self.url = ground.with_schema(databases, f"horizon_{name}")
        self._services: Services = ground.services_on(self.url, folder)
        self._user = ground.person(self._services)
        self._lane = claiming.Claiming(claiming.hands_of(self._services), size=1)
        self._took_ms: list[float] = []

    @property
    def p50_ms(self) -> float:
        """The median claim."""
        return median(self._took_ms[WARM_UP:])

    def leave_dead_rows(self) -> None:
        with ground.connected(self.url) as connection, connection.cursor() as cursor:
            cursor.execute(ENDED)
            cursor.execute("DELETE FROM runs")

    def claim_one(self) -> None:
        claiming.file(self._services, self._user)
        began = time.perf_counter()
        taken = self._lane.take()
        self._took_ms.append(1000 * (time.perf_counter() - began))
        assert len(taken) == 1, taken
        claiming.end(self._services, taken)

    def close(self) -> None:
        self._services.engine.dispose()
