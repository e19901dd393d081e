import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.core.test_settings import NEEDED

ROOT = Path(__file__).parents[2]


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
    done = subprocess.run(
        [sys.executable, "-m", "workers"],
        cwd=ROOT,
        env=NEEDED | {"PATH": os.environ["PATH"], name: value},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 2
    assert name in done.stderr
    assert len(done.stderr.splitlines()) == 1
