"""`make bench-spine`: the figures of the first path, measured on the real stack."""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks import browsing, cold_start, edits, idle, pages
from tests.benchmarks.figures import Figures
from tests.stack import ROOT, running

TESTS_GOAL_S = 360


def main(parts: list[str]) -> int:
    """Measure everything, or only the parts named: cold tests pages idle edits browser."""
    figures = Figures()
    chosen = set(parts) or {"cold", "tests", "pages", "idle", "edits", "browser"}
    folder = Path(tempfile.mkdtemp(prefix="proofsheet-bench-"))
    folder.chmod(0o755)
    try:
        if "cold" in chosen:
            cold_start.measure(figures, folder / "clone")
        if chosen & {"pages", "idle", "edits", "browser"}:
            _on_the_stack(figures, chosen, folder / "home")
        if "tests" in chosen:
            _tests(figures)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return figures.status()


def _on_the_stack(figures: Figures, chosen: set[str], home: Path) -> None:
    with running(home) as stack:
        figures.told("stack.first_start", stack.started_in_s, "s")
        if "idle" in chosen:
            idle.measure(figures, stack)
        if "edits" in chosen:
            edits.measure(figures, stack)
        if "pages" in chosen:  # fills the tables: what follows has ten thousand jobs too
            pages.measure(figures, stack)
        if "browser" in chosen:
            browsing.measure(figures, stack)
    with running(home) as stack:
        figures.measured("start.second", stack.started_in_s, "s", goal=8)


def _tests(figures: Figures) -> None:
    started = time.monotonic()
    done = subprocess.run(["make", "test"], cwd=ROOT, check=False, stdout=subprocess.DEVNULL)
    took = time.monotonic() - started
    if done.returncode:
        figures.failed("tests.wall", "s", goal=TESTS_GOAL_S, why="make test failed")
    else:
        figures.measured("tests.wall", took, "s", goal=TESTS_GOAL_S)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
