"""A task: what was asked, what became of it, and its two forms, in memory and in the ledger."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

from deploy.local.simulators.minimax.images import Picture
from deploy.local.simulators.minimax.models import Mode
from deploy.local.simulators.minimax.shapes import Clip
from deploy.local.simulators.minimax.walk import Phase, Walk

Dialect = Literal["v1", "v2"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A request that passed every check."""

    dialect: Dialect
    model: str
    mode: Mode
    prompt: str
    resolution: str
    duration_s: int
    ratio: str  # as it will be reported; v1 has no such word
    aspect: float  # width / height of the result
    callback_url: str | None
    pictures: tuple[Picture, ...]
    reference_s: int = 0  # seconds of reference video
    sound_s: int = 0  # seconds of reference audio
    options: Mapping[str, Any]  # whatever else was asked, for the ledger
    cost_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """An input image that lies in the data folder under its hash."""

    role: str
    sha256: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackOddities:
    """What is going to be wrong with this task's callbacks."""

    never: bool = False
    duplicate: bool = False
    out_of_order: bool = False
    wrong_echo: bool = False
    delay_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One accepted, billed request. Everything needed to go on after a restart."""

    dialect: Dialect
    id: str
    file_id: str  # v1 only names it, and only after success
    model: str
    mode: Mode
    prompt: str
    resolution: str
    duration_s: int
    ratio: str
    callback_url: str | None
    callback_oddities: CallbackOddities
    clip: Clip
    walk: Walk
    inputs: tuple[Input, ...]
    reference_s: int
    sound_s: int
    options: Mapping[str, Any]
    cost_usd: float
    arrived_at: float

    @property
    def key(self) -> "TaskKey":
        """Return what no other task has: the two dialects have separate ids."""
        return self.dialect, self.id

    def billed_entry(self) -> dict[str, Any]:
        """Return the ledger's line; `billed` reads it back."""
        fields = asdict(self)
        fields["task_id"] = fields.pop("id")
        fields["duration"] = fields.pop("duration_s")
        return {"at": self.walk.created_at, "event": "billed", "provider": "minimax", **fields}

    @classmethod
    def billed(cls, entry: Mapping[str, Any]) -> Self:
        """Rebuild a task from its billed line."""
        fields = {
            name: value
            for name, value in entry.items()
            if name not in {"at", "event", "provider", "task_id", "duration"}
        }
        return cls(
            **fields
            | {
                "id": entry["task_id"],
                "duration_s": entry["duration"],
                "mode": Mode(entry["mode"]),
                "callback_oddities": CallbackOddities(**entry["callback_oddities"]),
                "clip": Clip(**entry["clip"]),
                "walk": Walk(**entry["walk"]),
                "inputs": tuple(Input(**each) for each in entry["inputs"]),
            }
        )

    def event(self, name: str, *, at: float, **more: object) -> dict[str, Any]:
        """Return a later line of the ledger about this task."""
        about = {"provider": "minimax", "dialect": self.dialect, "task_id": self.id}
        return {"at": at, "event": name, **about, **more}

    def charged_usd(self, end: Phase) -> float:
        """Return what an ended task costs: only a success, by the vendor's package terms."""
        return self.cost_usd if end is Phase.SUCCESS else 0.0


TaskKey = tuple[Dialect, str]
