"""A paid video that is cut or cannot be played is fetched anew: how often, and how far apart.

A hiccup of the provider's delivery lasts minutes, so the tries after which a video is given up
lie minutes apart, and one that never came whole is asked for later still. Every try begins with
a fresh link: what limits the pauses is only how long the provider keeps the video.
"""

from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from core import clock, events, expiry, rechecks
from core.models import Attempt, Dialect, Job
from workers.backoff import jittered

CUT: Final = "download_cut"
BROKEN: Final = "download_broken"
COUNTED: Final = (CUT, BROKEN)
TRIES: Final = 3  # of the job, and as many again of a late result; counted by the log
PAUSES_S: Final = (60.0, 900.0, 3600.0, 6 * 3600.0, 24 * 3600.0)  # after the first try, the second…
SHORTEST_S: Final = 1.0


def tries(session: Session, job_id: UUID) -> int:
    """Return how many tries of a job's own brought no whole video."""
    return sum(events.count(session, job_id, "step_failed", why=why) for why in COUNTED)


def late_tries(session: Session, attempt: Attempt) -> int:
    """Return how many tries for a late result brought no whole video."""
    return rechecks.late_failures(session, attempt, *COUNTED)


def late_pause_s(session: Session, attempt: Attempt) -> float:
    """Return how long to wait after a try for a late result: its job may have tried before."""
    never_whole = session.get_one(Job, attempt.job_id).error_code == rechecks.NEVER_WHOLE
    before = TRIES if never_whole else 0
    return pause_s(session, attempt, after=before + late_tries(session, attempt))


def pause_s(session: Session, attempt: Attempt, *, after: int) -> float:
    """Return how long to wait after so many tries: longer each time, and in time for the next."""
    pause = jittered(PAUSES_S[min(after, len(PAUSES_S)) - 1])
    if attempt.dialect != Dialect.MINIMAX_V2:  # the first API keeps its videos
        return pause
    left = attempt.created_at + expiry.V2_TASK - clock.read(session)
    return max(SHORTEST_S, min(pause, left.total_seconds() / 2))
