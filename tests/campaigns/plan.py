"""What a campaign does: how many jobs, kills and restarts, and the settings it shortens."""

import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["video", "edit"]

# One person files everything. Limits are lifted, so that there is much under way to kill; the
# ledger judges what was asked at once by what the settings say, lifted or not.
WIDE: Mapping[str, str] = {
    "RUNNING_PER_USER": "1000",
    "MINIMAX_V2_IN_FLIGHT": "1000",
    "OPENAI_REQUESTS_PER_MINUTE": "100000",
    "OPENAI_INPUT_IMAGES_PER_MINUTE": "100000",
}
# With these the queue has to wait for its limits, however many workers there are.
NARROW: Mapping[str, str] = {"MINIMAX_V2_IN_FLIGHT": "10", "OPENAI_REQUESTS_PER_MINUTE": "20"}
# Real settings only, and lengths are only shortened.
SHORT: Mapping[Kind, Mapping[str, str]] = {
    "video": {
        "WORKER_CONCURRENCY": "4",
        "CONNECT_TIMEOUT_S": "3",
        "MINIMAX_TIMEOUT_S": "6",
        "LEASE_MARGIN_S": "3",
        "STEP_LEASE_S": "6",
        "STORE_LEASE_S": "10",
        "SETTLE_S": "1",
        "VIDEO_POLL_S": "2",
        "MINIMAX_POLLS_PER_MINUTE": "6000",
    },
    # A killed edit is lost for good (its result came nowhere else), so few are under way at once.
    "edit": {
        "WORKER_CONCURRENCY": "1",
        "CONNECT_TIMEOUT_S": "3",
        "OPENAI_TIMEOUT_S": "12",
        "LEASE_MARGIN_S": "3",
        "STEP_LEASE_S": "6",
        "STORE_LEASE_S": "10",
        "SETTLE_S": "1",
    },
}

SIMULATOR: Mapping[Kind, str] = {"video": "minimax", "edit": "openai"}
PACE: Mapping[Kind, Mapping[str, Any]] = {
    "video": {
        "duration_s": {"median": 3},
        "spread": 0.4,
        "small_videos": True,
        "shared_clip": True,
    },
    "edit": {"fixed_s": 0.6, "tail_share": 0, "small_images": True},
}
# A creation takes its time after it was billed: kills find both sides of the bill.
REPLY_S = 0.4
LOST_SHARE = 0.03
LOSSES: Mapping[Kind, Sequence[str]] = {
    "video": ("reset_after_accept", "hang", "html_502", "html_200", "body_cut", "unframed_cut"),
    "edit": ("reset_after_accept", "hang", "html_502", "html_200", "body_cut", "unframed_cut"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One campaign. The same seed files the same jobs and draws the same aims."""

    kind: Kind
    jobs: int
    kills: int
    restarts: int  # of Postgres, immediate: as if it had crashed
    seed: int
    callbacks: bool = True
    by: signal.Signals = signal.SIGKILL  # or SIGTERM: workers are asked to leave instead
    workers: int = 12
    moving: int = 16  # jobs at a time: more than NARROW limits allow, fewer than fill two cores
    hosts: int = 3  # spool folders; a host's workers share one
    limits: bool = False  # whether the queue has to wait for them

    @property
    def simulator(self) -> str:
        """The provider's name."""
        return SIMULATOR[self.kind]

    @property
    def calls_back(self) -> bool:
        """Whether the provider is told where we are."""
        return self.callbacks and self.kind == "video"

    @property
    def settings(self) -> Mapping[str, str]:
        """The environment's share that the campaign decides."""
        return {**WIDE, **(NARROW if self.limits else {}), **SHORT[self.kind]}

    def faults(self) -> list[dict[str, Any]]:
        """Return the simulator's switches: lost replies, each kind as often as the others."""
        kinds = LOSSES[self.kind]
        lost = [
            {"name": name, "rate": LOST_SHARE / len(kinds), "seed": self.seed + number}
            for number, name in enumerate(kinds)
        ]
        slow = {"name": "delay", "args": {"seconds": REPLY_S}}
        return [*lost, slow] if self.kind == "video" else lost
