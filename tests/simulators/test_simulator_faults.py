"""The switches: how often a fault happens, to whom, and who may set it."""

import pytest
import requests

from deploy.local.simulators.faults import Faults, UnknownFaultError
from tests.simulators.conftest import Simulator

KNOWN = {"delay": "The answer takes longer.", "reset": "The connection breaks."}


@pytest.fixture
def faults() -> Faults:
    return Faults(KNOWN)


def test_nothing_happens_unless_switched_on(faults: Faults) -> None:
    assert faults.take("delay") is None


def test_a_fault_counts_down_and_then_stops(faults: Faults) -> None:
    faults.add({"name": "delay", "times": 2, "args": {"seconds": 3}})
    assert [faults.take("delay") for _ in range(3)] == [{"seconds": 3}, {"seconds": 3}, None]
    assert faults.shown()[0]["fired"] == 2


def test_without_times_a_fault_happens_for_ever(faults: Faults) -> None:
    faults.add({"name": "delay"})
    assert all(faults.take("delay") == {} for _ in range(50))


def test_a_fault_hits_only_prompts_that_contain_its_text(faults: Faults) -> None:
    faults.add({"name": "delay", "match": "cat", "times": 1})
    assert faults.take("delay", "a dog") is None
    assert faults.take("delay", "a cat") == {}


def test_a_rate_hits_its_share_and_the_same_requests_again(faults: Faults) -> None:
    hits = []
    for _ in range(2):
        faults.replace([{"name": "delay", "rate": 0.3, "seed": 7}])
        hits.append([faults.take("delay") is not None for _ in range(1000)])
    assert hits[0] == hits[1]
    assert 250 < sum(hits[0]) < 350


def test_replace_and_clear_switch_off_what_was_on(faults: Faults) -> None:
    faults.add({"name": "delay"})
    faults.replace([{"name": "reset"}, {"name": "reset", "times": 1}])
    assert faults.take("delay") is None
    faults.clear("reset")
    assert faults.shown() == []


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ({"name": "delya"}, "There are: delay, reset"),
        ({"name": "delay", "rate": 2}, "0 to 1"),
        ({"name": "delay", "times": -1}, "whole number"),
        ({"name": "delay", "often": 1}, "A fault is an object"),
        ("delay", "object"),
    ],
)
def test_a_wrong_fault_is_refused_with_what_there_is(
    faults: Faults, wanted: object, says: str
) -> None:
    with pytest.raises(UnknownFaultError, match=says):
        faults.add(wanted)


class TestControl:
    def test_an_unknown_fault_is_a_400_that_lists_the_known_ones(
        self, simulator: Simulator
    ) -> None:
        reply = simulator.http.post(f"{simulator.url}/_control/faults", json={"name": "delya"})
        assert reply.status_code == 400
        assert "reset_after_accept" in reply.json()["error"]

    def test_faults_can_be_replaced_listed_and_cleared(self, simulator: Simulator) -> None:
        simulator.control("PUT", "faults", [{"name": "delay", "times": 3}])
        assert simulator.control("GET", "faults")["faults"][0]["times"] == 3
        assert simulator.control("DELETE", "faults")["faults"] == []

    def test_settings_are_merged_and_null_resets_them(self, simulator: Simulator) -> None:
        simulator.set(duration_s={"gpt-image-2": 9}, fixed_s=5)
        simulator.set(fixed_s=None)
        shown = simulator.control("GET", "settings")
        assert shown["duration_s"]["gpt-image-2"] == 9
        assert shown["duration_s"]["default"] == 45
        assert shown["fixed_s"] is None

    @pytest.mark.parametrize("body", [{"fixed": 5}, [], "x"])
    def test_an_unknown_setting_is_a_400(self, simulator: Simulator, body: object) -> None:
        reply = simulator.http.patch(f"{simulator.url}/_control/settings", json=body)
        assert reply.status_code == 400

    def test_an_unknown_route_is_a_404_that_lists_the_known_ones(
        self, simulator: Simulator
    ) -> None:
        reply = simulator.http.get(f"{simulator.url}/_control/nothing")
        assert (reply.status_code, "ledger" in reply.text) == (404, True)

    def test_it_answers_this_machine_only(
        self, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("deploy.local.simulators.control.LOOPBACK", ("192.0.2.",))
        reply = requests.get(f"{simulator.url}/_control/health", timeout=5)
        assert reply.status_code == 403

    def test_the_ledger_can_be_read_from_an_index_on(self, simulator: Simulator) -> None:
        simulator.edit()
        seen = simulator.control("GET", "ledger")
        simulator.edit(prompt="second")
        fresh = simulator.http.get(
            f"{simulator.url}/_control/ledger", params={"since": seen["next"]}
        ).json()["entries"]
        assert {"arrived", "billed"} <= {entry["event"] for entry in fresh}
        assert all(entry.get("prompt", "second") == "second" for entry in fresh)
