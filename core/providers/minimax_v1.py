"""MiniMax's first video API: Hailuo 2.3, 2.3-Fast, 02 and the *-01 models.

Its errors come inside HTTP 200, its results by way of a file, and it can neither list nor
cancel tasks.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from core.providers import Accepted, Broken, Pending, Progress, Ready, SendLimits, VideoRequest
from core.providers.minimax_calls import Asked, Calls, link, text
from core.providers.minimax_errors import BY_NUMBER, broken_code, message_of, number_of
from core.providers.observations import NotTaken
from core.providers.said import said

SUCCEEDED: Final = "success"
FAILED: Final = frozenset({"fail", "failed"})  # the documents and the vendor's own client differ
ABOUT_THE_TASK: Final = frozenset({1026, 1027})


class MiniMaxV1:
    """A client for one account. Safe to share between threads."""

    dialect = "minimax_v1"

    def __init__(self, *, base_url: str, api_key: str, ca_file: Path | None = None) -> None:
        self._calls = Calls(base_url=base_url, api_key=api_key, ca_file=ca_file)

    def submit(self, request: VideoRequest, *, limits: SendLimits) -> Accepted:
        """See `VideoProvider.submit`."""
        return self._calls.create("/v1/video_generation", creation(request), limits)

    def check(self) -> None:
        """See `VideoProvider.check`."""
        self._calls.read("/v1/files/list", {"purpose": "video_generation"})

    def progress(self, task_id: str) -> Progress:
        """See `VideoProvider.progress`. A success costs a second question, for its link."""
        asked = self._calls.ask("/v1/query/video_generation", {"task_id": task_id})
        status = str(asked.document.get("status") or "")
        if _has_failed(asked, status.lower()):
            return _broken(asked.document)
        if asked.error is not None:
            raise asked.error
        self._check_task(task_id, asked.document)
        if status.lower() != SUCCEEDED:
            return Pending(provider_status=said(status)[:64] or "Unknown")
        return self._ready(asked.document)

    def _check_task(self, task_id: str, document: Mapping[str, Any]) -> None:
        """Raise if the answer is about somebody else's task."""
        named = text(document.get("task_id"))
        if named and named != task_id:
            raise self._calls.incomplete(f"is about task {named[:64]!r}, not {task_id!r}")

    def _ready(self, document: Mapping[str, Any]) -> Ready:
        file_id = text(document.get("file_id"))
        if not file_id:
            raise self._calls.incomplete("says 'Success' without a file_id")
        found = self._calls.read("/v1/files/retrieve", {"file_id": file_id})
        file = found.get("file")
        url = link(file.get("download_url")) if isinstance(file, dict) else None
        if url is None:
            raise self._calls.incomplete("has no download_url")
        return Ready(download_url=url, actual=_size(document))


def _has_failed(asked: Asked, status: str) -> bool:
    """Return whether the task has ended badly, and not just the question about it."""
    number = number_of(asked.document)
    if asked.status != 200 or isinstance(BY_NUMBER.get(number or 0), NotTaken):
        return False
    return status in FAILED or number in ABOUT_THE_TASK


def _broken(document: Mapping[str, Any]) -> Broken:
    number = number_of(document)
    words = said(message_of(document)) if number else "It failed, and MiniMax does not say why."
    return Broken(code=broken_code(number), provider_message=words)


def _size(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return width and height, which only a success has."""
    named = {"width": document.get("video_width"), "height": document.get("video_height")}
    return {name: value for name, value in named.items() if type(value) is int and value > 0}


def creation(request: VideoRequest) -> dict[str, Any]:
    """Return the request in v1's words; pictures are still files."""
    found: dict[str, Any] = {"model": request.model}
    if request.prompt:
        found["prompt"] = request.prompt
    if request.first_frame is not None:
        found["first_frame_image"] = request.first_frame
    if request.last_frame is not None:
        found["last_frame_image"] = request.last_frame
    if request.subject is not None:
        found["subject_reference"] = [{"type": "character", "image": [request.subject]}]
    found |= {name: value for name, value in request.options.items() if value is not None}
    if request.callback_url is not None:
        found["callback_url"] = request.callback_url
    return found
