"""What a worker takes while there is nothing to do."""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil

from tests.benchmarks.engine import ground
from tests.benchmarks.engine.contestants import OUR_PYTHON
from tests.benchmarks.figures import Figures
from tests.benchmarks.idle import cpu_s, require_life, rss_mib
from tests.stack import ROOT

SETTLE_S = 10
WINDOW_S = 60
CPU_GOAL_PERCENT = 0.2
RSS_GOAL_MIB = 120
CONNECTIONS_GOAL = 5


def measure(figures: Figures) -> None:
    """Print CPU over a minute, memory and connections of `python -m workers` alone."""
    with ground.ground() as databases:
        url = ground.with_schema(databases, "resting")
        with _worker(url) as worker, closing(ground.connected(url)) as connection:
            time.sleep(SETTLE_S)
            before = cpu_s(worker)
            time.sleep(WINDOW_S)
            share = 100 * (cpu_s(worker) - before) / WINDOW_S
            rss = rss_mib(worker)
            with connection.cursor() as cursor:
                connections = ground.others_connected(cursor)
            require_life("The worker", worker, connections)
    figures.measured("worker.idle.cpu", share, "%", goal=CPU_GOAL_PERCENT)
    figures.measured("worker.idle.rss", rss, "MiB", goal=RSS_GOAL_MIB)
    figures.measured("worker.idle.connections", connections, "", goal=CONNECTIONS_GOAL)


@contextmanager
def _worker(url: str) -> Iterator[psutil.Process]:
    with tempfile.TemporaryDirectory(prefix="proofsheet-bench-") as folder:
        settings = {
            "DATABASE_URL": url,
            "S3_BUCKET": "none",
            "S3_ACCESS_KEY_ID": "none",
            "S3_SECRET_ACCESS_KEY": "none",
            "AUTH_CREDENTIALS": str(Path(folder) / "credentials.yaml"),
            "AUTH_COOKIE_KEY": "k" * 32,
            "SPOOL_DIR": str(Path(folder) / "spool"),
            "OPENAI_API_KEY": "sk-bench",
            "MINIMAX_API_KEY": "mm-bench",
        }
        process = subprocess.Popen(
            [OUR_PYTHON, "-m", "workers"],
            cwd=ROOT,
            env={**os.environ, **settings},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait(30)
