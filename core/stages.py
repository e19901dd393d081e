"""The life of a job. Pure: no database, no clock, no I/O.

ready ──▶ submitting ──▶ generating ──▶ storing ──▶ stored
  ▲ │        │ │ │ │          │            │
  │ │        │ │ │ └▶ rejected├────────────┼──▶ failed, expired
  │ │        │ │ └────────────┼──▶ storing ┼──▶ bad_result
  │ └──▶ cancelled, expired   ├──▶ cancelled (while the provider still queues it)
  │          │                └────────────┴──▶ abandoned (when it has stalled)
  └──────────┴──▶ uncertain ──▶ generating, storing, rejected, abandoned, ready (with consent)

An edit goes from submitting to storing at once: the reply holds its result.
From ready to uncertain a job goes only if its provider calls back about a request that it had
turned away, and after an older database was restored: nobody knows then what was sent since.
"""

from collections.abc import Mapping
from enum import StrEnum


class Status(StrEnum):
    """What people filter by."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    ERROR = "error"


class Stage(StrEnum):
    """What the worker acts on."""

    READY = "ready"  # may be claimed when due
    SUBMITTING = "submitting"  # a worker holds the lease and is sending
    GENERATING = "generating"  # the provider has it; due = next poll
    STORING = "storing"  # the result is known and is being copied to our bucket
    UNCERTAIN = "uncertain"  # sent, and nobody knows what came of it; a person decides
    STORED = "stored"  # every result is in our bucket
    REJECTED = "rejected"  # the provider refused the request
    FAILED = "failed"  # the provider gave up on it
    EXPIRED = "expired"  # its time ran out before it was accepted or finished
    BAD_RESULT = "bad_result"  # billed, and the answer held nothing usable
    ABANDONED = "abandoned"  # a person gave up on an uncertain or stalled job
    CANCELLED = "cancelled"  # stopped before it cost anything more


NEXT: Mapping[Stage, frozenset[Stage]] = {
    # `uncertain` if the request before turns out to have been taken, or may have been sent.
    Stage.READY: frozenset({Stage.SUBMITTING, Stage.UNCERTAIN, Stage.CANCELLED, Stage.EXPIRED}),
    Stage.SUBMITTING: frozenset(
        {Stage.READY, Stage.GENERATING, Stage.STORING, Stage.UNCERTAIN, Stage.REJECTED}
    ),
    Stage.GENERATING: frozenset(
        {Stage.STORING, Stage.FAILED, Stage.EXPIRED, Stage.CANCELLED, Stage.ABANDONED}
    ),
    Stage.STORING: frozenset(
        {Stage.STORED, Stage.BAD_RESULT, Stage.FAILED, Stage.EXPIRED, Stage.ABANDONED}
    ),
    Stage.UNCERTAIN: frozenset(
        {Stage.GENERATING, Stage.STORING, Stage.REJECTED, Stage.ABANDONED, Stage.READY}
    ),
    Stage.STORED: frozenset(),
    Stage.REJECTED: frozenset(),
    Stage.FAILED: frozenset(),
    Stage.EXPIRED: frozenset(),
    Stage.BAD_RESULT: frozenset(),
    Stage.ABANDONED: frozenset(),
    Stage.CANCELLED: frozenset(),
}

FINAL = frozenset(stage for stage, following in NEXT.items() if not following)
LIVE = frozenset(NEXT) - FINAL
# Ends at which a request of the job may still be at work, and bring a result as an extra.
ENDED_WITHOUT_IT = frozenset({Stage.ABANDONED, Stage.EXPIRED, Stage.CANCELLED, Stage.REJECTED})
READING = (Stage.GENERATING, Stage.STORING)  # their steps cost nothing

_STATUS = {
    Stage.READY: Status.QUEUED,
    Stage.SUBMITTING: Status.RUNNING,
    Stage.GENERATING: Status.RUNNING,
    Stage.STORING: Status.RUNNING,
    Stage.UNCERTAIN: Status.RUNNING,
    Stage.STORED: Status.DONE,
}


def status_of(stage: Stage) -> Status:
    """Return what people see for a stage: everything final but `stored` is an error."""
    return _STATUS.get(stage, Status.ERROR)


class Outcome(StrEnum):
    """What is known of one paid request."""

    OPEN = "open"  # written before sending; no answer recorded yet
    ACCEPTED = "accepted"  # the provider took it: it costs
    REJECTED = "rejected"  # the provider refused it for good
    NOT_SENT = "not_sent"  # nothing was taken; it cost nothing
    UNKNOWN = "unknown"  # nobody knows; it may have cost
    SUPERSEDED = "superseded"  # sent again: a person consented, or a backup had forgotten it


LIVE_OUTCOMES = frozenset({Outcome.OPEN, Outcome.ACCEPTED, Outcome.UNKNOWN})
