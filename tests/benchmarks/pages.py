"""CPU of one script run of every page with ten thousand jobs in the database."""

import json
import subprocess
import sys

from tests.benchmarks.figures import Figures
from tests.stack import ROOT, Stack

JOBS = 10_000
GOALS_MS = {
    "image_edit": 60,
    "video": 60,
    "history": 60,
    "job": 60,
    "sign_in": 60,
}


def measure(figures: Figures, stack: Stack) -> None:
    """Print the median CPU of each page, run in a process like the web's."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.page_cost", str(JOBS)],
        cwd=ROOT,
        env=dict(stack.environment()),
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        for name, goal in GOALS_MS.items():
            figures.failed(f"page.{name}.cpu", "ms", goal=goal, why="did not run")
        return
    costs = json.loads(done.stdout.splitlines()[-1])
    for name, goal in GOALS_MS.items():
        figures.measured(f"page.{name}.cpu", costs[name], "ms", goal=goal)
