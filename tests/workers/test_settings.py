import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.core.test_settings import NEEDED

ROOT = Path(__file__).parents[2]


def started(**env: str) -> subprocess.CompletedProcess[str]:
    """Start a worker and wait for its end."""
    return subprocess.run(
        [sys.executable, "-m", "workers"],
        cwd=ROOT,
        env=NEEDED | {"PATH": os.environ["PATH"]} | env,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SPOOL_DIR", "/proc/spool"),
        ("SPOOL_DIR", "/dev/null"),
        ("WORKER_CONCURRENCY", "0"),
        ("DATABASE_URL", "postgresql://proofsheet@localhost:port/proofsheet"),
    ],
)
def test_a_worker_that_must_not_start_says_why_in_one_sentence(name, value):
    done = started(**{name: value})

    assert done.returncode == 2
    assert name in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_worker_without_its_schema_says_to_migrate(empty_database_url, tmp_path):
    done = started(DATABASE_URL=empty_database_url, SPOOL_DIR=str(tmp_path))

    assert done.returncode == 2
    assert done.stderr.endswith("Run python -m core migrate first.\n")
    assert len(done.stderr.splitlines()) == 1


def test_a_worker_whose_database_is_away_may_be_started_again(tmp_path):
    nowhere = "postgresql://proofsheet@127.0.0.1:1/proofsheet"
    done = started(DATABASE_URL=nowhere, SPOOL_DIR=str(tmp_path))

    assert done.returncode == 1
    waiting, told = done.stderr.splitlines()
    assert "event=waiting_for_database" in waiting
    assert told.startswith("DATABASE_URL cannot be used: ")
