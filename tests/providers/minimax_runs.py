"""Whole tasks of both dialects against the simulator."""

import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from core.providers import Pending, Progress, SendLimits, VideoRequest
from core.providers.fetch import Fetched, fetch
from core.providers.minimax_v1 import MiniMaxV1
from core.providers.minimax_v2 import MiniMaxV2

DIALECTS: dict[str, Any] = {"v1": MiniMaxV1, "v2": MiniMaxV2}
REQUESTS = {
    "v1": VideoRequest(
        model="MiniMax-Hailuo-2.3",
        prompt="a paper boat",
        options={"duration": 6, "resolution": "768P", "prompt_optimizer": False},
    ),
    "v2": VideoRequest(
        model="MiniMax-H3",
        prompt="a paper boat",
        options={"duration": 4, "resolution": "768P", "ratio": "16:9"},
    ),
}


def submit(client: Any, dialect: str, total_s: float = 10) -> str:
    limits = SendLimits(connect_s=5, total_s=total_s)
    task_id: str = client.submit(REQUESTS[dialect], limits=limits).task_id
    return task_id


def settled(client: Any, task_id: str) -> Progress:
    """Return how a task ends."""
    deadline = time.monotonic() + 15
    while isinstance(found := client.progress(task_id), Pending):
        assert time.monotonic() < deadline
        threading.Event().wait(0.02)
    return found


def download(url: str, path: Path, **more: Any) -> Fetched:
    """Fetch from the simulator, as the setting DOWNLOAD_ALLOWED_HOSTS allows it."""
    limits: dict[str, Any] = {"max_bytes": 5_000_000, "total_s": 10, **more}
    return fetch(url, path, allowed_hosts={limits.pop("host", urlsplit(url).netloc)}, **limits)
