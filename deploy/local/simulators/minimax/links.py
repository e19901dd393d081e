"""Download links: signed, dead after a while, good across a restart."""

import hmac
import secrets
import time
from pathlib import Path
from urllib.parse import urlencode

from deploy.local.simulators.minimax.tasks import Task, TaskKey

PREFIX = "/inference_output/video/"


class DeadLink(Exception):
    """The link's time has passed, or nobody here signed it."""


class Links:
    """Signs and checks links with a key that lies in the data folder."""

    def __init__(self, key_file: Path) -> None:
        self.base_url = ""  # where this server is reached, for links that nobody asked for
        if not key_file.exists():
            key_file.write_bytes(secrets.token_bytes(32))
        self._key = key_file.read_bytes()

    def signed(self, task: Task, base_url: str, *, expires_at: float) -> str:
        """Return the link to a task's video, good until `expires_at` (Unix time)."""
        day = time.strftime("%Y-%m-%d", time.gmtime(task.walk.created_at))
        path = f"{PREFIX}{day}/{task.dialect}-{task.id}/output.mp4"
        expires = f"{expires_at:.3f}"
        query = urlencode({"expires": expires, "sig": self._signature(path, expires)})
        return f"{base_url}{path}?{query}"

    def opened(self, path: str, query: dict[str, str], *, now: float) -> TaskKey:
        """Return whose video a link is for. Raises DeadLink."""
        expires = query.get("expires", "")
        signature = self._signature(path, expires)
        if not hmac.compare_digest(signature.encode(), query.get("sig", "").encode()):
            raise DeadLink("The request signature does not match.")
        if float(expires) <= now:
            raise DeadLink("Request has expired.")
        dialect, _, id = path.split("/")[-2].partition("-")
        return ("v1" if dialect == "v1" else "v2"), id

    def _signature(self, path: str, expires: str) -> str:
        return hmac.new(self._key, f"{path}?{expires}".encode(), "sha256").hexdigest()[:32]
