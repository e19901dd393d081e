"""Real worker processes, for tests that kill them."""

import dataclasses
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from core.settings import Settings

ROOT = Path(__file__).parents[2]


def environment_of(settings: Settings) -> Mapping[str, str]:
    """Return the environment that a process reads these settings from."""
    values = {
        field.name.upper(): _text(getattr(settings, field.name))
        for field in dataclasses.fields(settings)
    }
    return {**os.environ, **values}


def _text(value: object) -> str:
    return ",".join(sorted(value)) if isinstance(value, frozenset) else str(value)


@contextmanager
def worker(settings: Settings, log: Path, **changes: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a worker; its log is appended to a file. Leaving kills it if it still runs."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "workers"],
            cwd=ROOT,
            env={**environment_of(settings), **changes},
            stdout=output,
            stderr=output,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
