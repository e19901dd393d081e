"""The ledger says how much was asked of a provider at once."""

from dataclasses import replace

import pytest

from tests.campaigns.limits import Peak, most_within, peaks
from tests.campaigns.test_report import SETTINGS


def billed(task_id: str, at: float) -> dict:
    return {"event": "billed", "dialect": "v2", "task_id": task_id, "at": at}


def ended(task_id: str, at: float, event: str = "finished") -> dict:
    return {"event": event, "dialect": "v2", "task_id": task_id, "at": at}


def arrived(at: float, method: str = "POST") -> dict:
    return {"event": "arrived", "provider": "openai", "method": method, "arrived_at": at}


@pytest.mark.parametrize(
    ("moments", "most"),
    [([], 0), ([5], 1), ([0, 59.9], 2), ([0, 60], 1), ([100, 0, 50, 59, 61, 101], 5)],
)
def test_the_fullest_minute_may_begin_at_any_moment(moments, most):
    assert most_within(moments, 60) == most


@pytest.mark.parametrize(
    ("entries", "most"),
    [
        ([billed("a", 0), ended("a", 1), billed("b", 1)], 1),
        ([billed("a", 0), billed("b", 0.9), ended("a", 1)], 2),
        ([billed("a", 0), ended("a", 1, "cancelled"), billed("b", 2)], 1),
        ([billed("a", 0), billed("b", 100)], 2),
        ([billed("a", 0), {**billed("b", 0), "dialect": "v1"}], 1),
    ],
    ids=["one after another", "both", "cancelled", "without an end", "of the other API"],
)
def test_a_task_is_under_way_until_its_end(entries, most):
    settings = replace(SETTINGS, minimax_v2_in_flight=2)

    assert list(peaks(entries, settings)) == [
        Peak(name="v2_in_flight", most=most, unit="tasks", limit=2)
    ]


def test_an_edit_counts_when_it_arrives_whatever_it_is_answered():
    entries = [arrived(0), arrived(1), arrived(2, "GET"), arrived(70)]

    (peak,) = peaks(entries, replace(SETTINGS, openai_requests_per_minute=2))
    assert (peak.name, peak.most) == ("edits_in_60_s", 2)
