"""`make bench-engine`: the figures of the paid-call engine, as ratios within one run."""

import shutil
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.engine import (
    calling_back,
    horizon,
    inflight,
    peers,
    polling,
    rates,
    resting,
    sending,
)
from tests.benchmarks.figures import Figures
from tests.benchmarks.parts import chosen
from tests.stack import running

ON_POSTGRES = {
    "peers": peers.measure,
    "inflight": inflight.measure,
    "horizon": horizon.measure,
    "idle": resting.measure,
    "claims": rates.measure,
}
NOWHERE = {"polling": polling.measure}  # on a fake clock
ON_THE_STACK = {
    "send": sending.measure,
    "edits": sending.measure_edits,
    "callbacks": calling_back.measure,
}
PARTS = [*NOWHERE, *ON_POSTGRES, *ON_THE_STACK]


def main(parts: list[str]) -> int:
    """Measure all, or the parts named (see PARTS)."""
    figures, wanted = Figures(), chosen(parts, PARTS)
    for name, measure in {**NOWHERE, **ON_POSTGRES}.items():
        if name in wanted:
            measure(figures)
    if wanted & ON_THE_STACK.keys():
        _on_the_stack(figures, wanted)
    return figures.status()


def _on_the_stack(figures: Figures, wanted: set[str]) -> None:
    folder = Path(tempfile.mkdtemp(prefix="proofsheet-bench-"))
    folder.chmod(0o755)
    try:
        with running(folder / "home") as stack:
            for name, measure in ON_THE_STACK.items():
                if name in wanted:
                    measure(figures, stack)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
