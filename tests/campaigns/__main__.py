"""python -m tests.campaigns video|edit --jobs N --kills N --restarts N: see `make help`."""

import argparse
import random
import signal
import sys

from tests.campaigns import report
from tests.campaigns.campaign import conducted
from tests.campaigns.plan import Plan


def main(arguments: list[str]) -> int:
    """Conduct one campaign; return 0 only if nothing was lost, paid twice, or missed its aim."""
    asked = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # leave nothing running behind
    return report.printed(
        conducted(
            Plan(
                kind=asked.kind,
                jobs=asked.jobs,
                kills=asked.kills,
                restarts=asked.restarts,
                seed=asked.seed if asked.seed is not None else random.randrange(10**6),
                callbacks=asked.callbacks == "on",
                limits=asked.limits == "on",
                by=signal.Signals[f"SIG{asked.signal}"],
            )
        )
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns")
    parser.add_argument("kind", choices=("video", "edit"))
    parser.add_argument("--jobs", type=int, required=True)
    parser.add_argument("--kills", type=int, required=True)
    parser.add_argument("--restarts", type=int, required=True)
    parser.add_argument("--seed", type=int, help="of the jobs and the aims; drawn if not given")
    parser.add_argument("--callbacks", choices=("on", "off"), default="on")
    parser.add_argument("--limits", choices=("on", "off"), default="off")
    parser.add_argument("--signal", choices=("KILL", "TERM"), default="KILL")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
