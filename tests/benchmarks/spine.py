"""`make bench-spine`: the figures of the first path, measured on the real stack."""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks import browsing, cold_start, edits, idle, pages
from tests.benchmarks.figures import Figures
from tests.benchmarks.parts import chosen
from tests.stack import ROOT, running

TESTS_GOAL_S = 360
ON_THE_STACK = ("pages", "idle", "edits", "browser")
PARTS = ("cold", "tests", *ON_THE_STACK)


def main(parts: list[str]) -> int:
    """Measure everything, or only the parts named (see PARTS)."""
    figures, wanted = Figures(), chosen(parts, PARTS)
    folder = Path(tempfile.mkdtemp(prefix="proofsheet-bench-"))
    folder.chmod(0o755)
    try:
        if "cold" in wanted:
            cold_start.measure(figures, folder / "clone")
        if wanted.intersection(ON_THE_STACK):
            _on_the_stack(figures, wanted, folder / "home")
        if "tests" in wanted:
            _tests(figures)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return figures.status()


def _on_the_stack(figures: Figures, wanted: set[str], home: Path) -> None:
    with running(home) as stack:
        figures.told("stack.first_start", stack.started_in_s, "s")
        if "idle" in wanted:
            idle.measure(figures, stack)
        if "edits" in wanted:
            edits.measure(figures, stack)
        if "pages" in wanted:  # fills the tables: what follows has ten thousand jobs too
            pages.measure(figures, stack)
        if "browser" in wanted:
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
