"""`python -m tests.model`: every search, the large ones too, and every mutant."""

import sys
import time

from tests.model.mutants import MUTANTS
from tests.model.rules import Rules
from tests.model.search import search
from tests.model.searches import EVERY_RUN, NIGHTLY
from tests.model.story import told


def main() -> int:
    """Print one line per search; return 1 if anything is not as it has to be."""
    wrong = 0
    for name, rules in {**EVERY_RUN, **NIGHTLY}.items():
        wrong += _searched(name, rules, "")
    for name, (rules, invariant) in MUTANTS.items():
        wrong += _searched(f"mutant: {name}", rules, invariant)
    return 1 if wrong else 0


def _searched(name: str, rules: Rules, expected: str) -> bool:
    began = time.process_time()
    found = search(rules)
    seconds = time.process_time() - began
    good = found.invariant == expected and "no_room" not in found.names
    print(
        f"model {name!r} states={found.states} moves={found.moves} "
        f"violated={found.invariant or '-'} seconds={seconds:.1f} {'ok' if good else 'WRONG'}",
        flush=True,
    )
    if found.invariant:
        print(told(found), flush=True)
    return not good


if __name__ == "__main__":
    sys.exit(main())
