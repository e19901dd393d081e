"""Sending callbacks: plain POSTs of JSON, a few at a time, none repeated."""

import json
import queue
import secrets
import threading
import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

DEADLINE_S = 3.0  # the documented limit for the answer to a challenge
ANSWER_BYTES = 64 * 1024
SENDERS = 8


def post(url: str, body: object) -> tuple[int, bytes]:
    """POST JSON; return status and beginning of the answer.

    Raises:
        OSError, HTTPException: nobody there, or no answer within 3 s.
    """
    parts = urlsplit(url)
    connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = connect(parts.hostname or "", parts.port, timeout=DEADLINE_S)
    began = time.monotonic()
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {"Content-Type": "application/json"}
        connection.request("POST", target, json.dumps(body).encode(), headers)
        answer = connection.getresponse()
        data = answer.read(ANSWER_BYTES)
    finally:
        connection.close()
    if time.monotonic() - began > DEADLINE_S:
        raise TimeoutError("The answer took too long.")
    return answer.status, data


def status_of_post(url: str, body: object) -> int | None:
    """POST JSON; return the status, or None if no answer came."""
    try:
        return post(url, body)[0]
    except (OSError, HTTPException, ValueError):
        return None


def echoes_challenge(url: str) -> bool:
    """Tell whether the receiver proves that it wants callbacks."""
    challenge = secrets.token_hex(16)
    try:
        status, data = post(url, {"challenge": challenge})
        echo = json.loads(data)
    except (OSError, HTTPException, ValueError):
        return False
    return status == 200 and isinstance(echo, dict) and echo.get("challenge") == challenge


class Senders:
    """A few threads that wait for receivers, so that nobody else has to. Started when needed."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    def put(self, work: Callable[[], object]) -> None:
        """Have `work` done soon."""
        self._waiting.put(work)
        with self._lock:
            if len(self._threads) < SENDERS:
                thread = threading.Thread(target=self._run, name="callback", daemon=True)
                self._threads.append(thread)
                thread.start()

    def close(self) -> None:
        """Begin nothing new; give what is going on a moment."""
        while not self._waiting.empty():
            self._waiting.get()
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join(timeout=0.5 / SENDERS)

    def _run(self) -> None:
        while (work := self._waiting.get()) is not None:
            work()
