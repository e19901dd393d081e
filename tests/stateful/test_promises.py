"""Whatever happens in whatever order, the promises of the design hold on the real SQL."""

import os

import pytest
from hypothesis.stateful import run_state_machine_as_test

from tests.stateful.machine import PaidCalls, settings_for

EXAMPLES = int(os.environ.get("STATEFUL_EXAMPLES", "200"))
PROCESSES = int(os.environ.get("STATEFUL_PROCESSES", "1"))
EACH = -(-EXAMPLES // PROCESSES)  # rounded up


@pytest.mark.parametrize("process", range(PROCESSES))
def test_the_promises_hold_whatever_happens(hands, kim, monkeypatch, process):
    run_state_machine_as_test(  # any callable does, though its type says a class
        lambda: PaidCalls(hands, kim, monkeypatch),  # type: ignore[arg-type]
        # Not from the test's name, as CI would have it: each process draws walks of its own.
        settings=settings_for(EACH, print_blob=True, derandomize=False),
    )
