"""What the ledger says of a call: when it arrived, what it cost, how it ended."""

import threading
import time
from typing import Any

import pytest
import requests

from tests.simulators.conftest import Simulator


def finished(simulator: Simulator) -> dict[str, Any]:
    """Return the one ending; it is noted right after the answer, so wait for it."""
    deadline = time.monotonic() + 5
    while not (found := simulator.entries("finished")):
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)
    return found[0]


def test_a_call_arrives_is_billed_and_finishes_under_one_id(simulator: Simulator) -> None:
    simulator.http.headers["X-Client-Request-Id"] = "job-7"
    began = time.time()
    request_id = simulator.edit().headers["x-request-id"]
    ended = finished(simulator)
    arrived, billed = simulator.entries("arrived")[0], simulator.entries("billed")[0]
    for entry in (arrived, billed, ended):
        assert (entry["request_id"], entry["client_request_id"]) == (request_id, "job-7")
    assert began <= arrived["arrived_at"] == billed["arrived_at"] <= billed["received_at"]
    assert billed["received_at"] <= billed["at"] <= ended["at"]
    assert (ended["status"], ended["delivered"]) == (200, True)


def test_a_refused_call_arrives_and_finishes_but_costs_nothing(simulator: Simulator) -> None:
    simulator.edit(n="0")
    assert finished(simulator)["status"] == 400
    assert [entry["event"] for entry in simulator.entries()] == ["arrived", "finished"]


def test_an_answer_that_was_lost_is_not_called_delivered(simulator: Simulator) -> None:
    simulator.fault("reset_after_accept")
    with pytest.raises(requests.ConnectionError):
        simulator.edit()
    ended = finished(simulator)
    assert (ended["status"], ended["delivered"]) == (None, False)
