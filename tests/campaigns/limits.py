"""Invariant 9: what we asked of a provider at once, by its ledger, against what it allows. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.settings import Settings

MINUTE_S = 60.0
Entry = Mapping[str, Any]
ENDS = {"finished", "cancelled"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """The most of something there ever was, and the limit that our settings name."""

    name: str
    most: int
    unit: str
    limit: int


def peaks(entries: Sequence[Entry], settings: Settings) -> Iterator[Peak]:
    """Yield what a campaign with these settings was limited by."""
    per_minute, in_flight = settings.openai_requests_per_minute, settings.minimax_v2_in_flight
    arrived = [it["arrived_at"] for it in entries if _is_paid(it)]
    tasks = [it for it in entries if it.get("dialect") == "v2" and it["event"] == "billed"]
    if arrived and per_minute:
        most = most_within(arrived, MINUTE_S)
        yield Peak(name="edits_in_60_s", most=most, unit="requests", limit=per_minute)
    if tasks and in_flight:
        most = most_at_once(tasks, entries)
        yield Peak(name="v2_in_flight", most=most, unit="tasks", limit=in_flight)


def _is_paid(entry: Entry) -> bool:
    arrived = entry["event"] == "arrived" and entry["method"] == "POST"
    return arrived and entry["provider"] == "openai"


def most_within(moments: Sequence[float], window_s: float) -> int:
    """Return how many moments fall into the fullest window of this length."""
    ordered = sorted(moments)
    most = first = 0
    for number, moment in enumerate(ordered):
        while moment - ordered[first] >= window_s:
            first += 1
        most = max(most, number - first + 1)
    return most


def most_at_once(tasks: Sequence[Entry], entries: Sequence[Entry]) -> int:
    """Return how many tasks were under way at the fullest moment; one without an end still is."""
    ends = {it["task_id"]: it["at"] for it in entries if it["event"] in ENDS}
    changes = [(it["at"], 1) for it in tasks]
    changes += [(ends[it["task_id"]], -1) for it in tasks if it["task_id"] in ends]
    most = now = 0
    for _, change in sorted(changes):  # at the same moment an end counts before a beginning
        now += change
        most = max(most, now)
    return most
