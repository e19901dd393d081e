"""A fresh clone, a cold package cache, `make run`, and a page that somebody can sign in to."""

import os
import signal
import subprocess
import time
from pathlib import Path

from tests.benchmarks.figures import Figures
from tests.stack import ROOT, free_port, wait_for


def measure(figures: Figures, clone: Path) -> None:
    """Print the whole time, and what of it was neither download nor install."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    port = free_port()
    env = {
        **os.environ,
        "WEB_PORT": str(port),
        "UV_CACHE_DIR": str(clone / ".cache/uv"),
        "PIP_NO_CACHE_DIR": "1",
        "PROOFSHEET_HOME": str(clone / ".local"),
    }
    log = clone.with_suffix(".log")
    started = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["make", "run"], cwd=clone, env=env, stdout=output, start_new_session=True
        )
        try:
            total = wait_for(f"http://127.0.0.1:{port}/api/health", process, started)
            installed = _installed_s(clone, started)
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(60)
    figures.measured("start.cold.total", total, "s", goal=180)
    figures.told("start.cold.install", installed, "s")
    figures.measured("start.cold.ours", total - installed, "s", goal=60)


def _installed_s(clone: Path, started: float) -> float:
    """Return when the last environment was ready, in seconds after the start."""
    ready = max((clone / name).stat().st_mtime for name in (".venv/.run-ready", ".venv-s3/.ready"))
    return ready - (time.time() - (time.monotonic() - started))
