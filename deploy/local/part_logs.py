"""The logs of the parts, and the one sentence that one of them ended with."""

from pathlib import Path

from core.errors import ConfigError
from deploy.local.home import FULL, Home, disk_full
from deploy.local.steps import Child, Errand
from deploy.local.stopping import how_it_ended

TAIL_BYTES = 4000


def size(log: Path) -> int:
    """Return where the next line will be."""
    return log.stat().st_size if log.exists() else 0


def since(log: Path, position: int) -> str:
    """Return what was written from `position` on, at most the last 4 kB of it."""
    with log.open("rb") as file:
        file.seek(max(position, size(log) - TAIL_BYTES))
        return file.read().decode(errors="replace")


def did_not_start(
    home: Home, step: Child | Errand, said: str, status: int | None, *, late: bool = False
) -> ConfigError:
    """Return the sentence about a part that did not come up: its own last words."""
    if FULL in said:
        return disk_full(home.path, 0)
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    reason = lines[-1] if lines else f"it said nothing ({how_it_ended(status)})"
    what = "was not ready in time" if late else "did not start"
    return ConfigError(f"{step.title} {what}: {reason} (see {home.log(step.name)})")
