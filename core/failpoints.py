"""Places where a test kills the process: every border between a commit and a side effect.

Unarmed, `reach` is one look into an empty dictionary. `FAILPOINTS=noted` arms one for a
process that a test starts; production refuses to start with it (`core.settings`).
"""

import os
import signal
from collections.abc import Mapping
from typing import Final

POINTS: Final[Mapping[str, str]] = {
    "claimed": "the lease is ours; nothing else has happened",
    "intended": "the attempt is committed; nothing is sent",
    "leaving": "the permit is torn up; no byte has left",
    "revoked": "the permit of a dead worker's request is taken away; the database does not know",
    "answered": "the reply has come; nothing is written down",
    "refused": "it was not taken, or nobody knows; nothing is written down",
    "noted": "the answer is marked, or the task noted, on disk; the database knows nothing",
    "recorded": "attempt and stage are committed; the result is not stored",
    "looked": "the provider says it is finished; nothing is written down",
    "cancelled_there": "the provider has dropped the task; nothing is written down",
    "fetched": "the result is on this disk; the bucket has nothing",
    "uploaded": "the bucket has every file; the database knows none",
    "raw_uploaded": "the bucket has a useless answer as it came; the database does not know",
    "late_uploaded": "the bucket has a late result; the database does not know",
    "stored": "the job is done; the spool still holds the answer",
}

_armed: set[str] = set()


def arm(names: frozenset[str]) -> None:
    """Have this process die by SIGKILL at these points."""
    _armed.update(names)


def reach(name: str) -> None:
    """Die here if this point is armed."""
    if name in _armed:
        os.kill(os.getpid(), signal.SIGKILL)
