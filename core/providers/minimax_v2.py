"""MiniMax's second video API: H3 and H3-Max. HTTP statuses are real, tasks can be listed."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import structlog

from core import elapsed
from core.providers import (
    LIST_PAGE,
    Accepted,
    Broken,
    Cancelled,
    InputFile,
    ListedTask,
    Pending,
    Progress,
    Ready,
    SendLimits,
    VideoRequest,
)
from core.providers.minimax_calls import Calls, link, text
from core.providers.minimax_errors import broken_code, number_of
from core.providers.said import said, storable

log = structlog.get_logger(__name__)

PATH: Final = "/v2/video_generation"
QUERY: Final = "/v2/query/video_generation"
MOST_PAGES: Final = 100
# Of beginning to look: no video that was queued is finished by then (H3-Max takes 3 s).
DELETED_WITHIN_S: Final = 1.0
CANCELLED: Final = frozenset({"cancelled", "canceled"})
NOT_ABOUT_THE_TASK: Final = frozenset({401, 402, 403, 408, 429})
ACTUAL: Final = ("resolution", "duration", "ratio", "model")


class MiniMaxV2:
    """A client for one account. Safe to share between threads."""

    dialect = "minimax_v2"

    def __init__(self, *, base_url: str, api_key: str, ca_file: Path | None = None) -> None:
        self._calls = Calls(base_url=base_url, api_key=api_key, ca_file=ca_file)

    def submit(self, request: VideoRequest, *, limits: SendLimits) -> Accepted:
        """See `VideoProvider.submit`."""
        return self._calls.create(PATH, creation(request), limits)

    def check(self) -> None:
        """See `VideoProvider.check`."""
        self._page(1)

    def progress(self, task_id: str) -> Progress:
        """See `VideoProvider.progress`."""
        task = self._task(task_id)
        status = str(task.get("status") or "")
        match status.lower():
            case "succeeded":
                return self._ready(task)
            case "failed":
                return _broken(task)
            case "expired":
                return Broken(code="task_expired", provider_message=status)
            case cancelled if cancelled in CANCELLED:
                return Broken(code="cancelled_at_provider", provider_message=status)
            case _:
                return Pending(provider_status=said(status)[:64] or "unknown")

    def cancel(self, task_id: str) -> Cancelled:
        """End a task that still waits, which is free; return what became of it.

        Deleting a finished task deletes its result, so the task is looked at first and left
        alone unless it is queued; and it is deleted soon after that or not at all. One that
        was cancelled before was so by us: the reply was lost.

        Raises:
            ProviderError: nobody answered, or it was too late; it may be tried again.
        """
        not_after = elapsed.now() + DELETED_WITHIN_S
        status = str(self._task(task_id).get("status") or "").lower()
        if status != "queued":
            return Cancelled.IN_TIME if status in CANCELLED else Cancelled.TOO_LATE
        asked = self._calls.ask(f"{PATH}/{task_id}", method="DELETE", not_after=not_after)
        if asked.error is not None:
            if 400 <= asked.status < 500 and asked.status not in NOT_ABOUT_THE_TASK:
                return Cancelled.TOO_LATE  # it has begun meanwhile
            raise asked.error
        if asked.document.get("action") == "deleted":
            log.error("finished_task_deleted", task_id=task_id)  # it ended between our two calls
            return Cancelled.DELETED
        return Cancelled.IN_TIME

    def describe(self, task_id: str) -> ListedTask:
        """Return a task's own facts, to tell whether it is the one that was asked for.

        Raises:
            ProviderError: nothing happened; try again later.
        """
        return self._listed(self._task(task_id))

    def list_tasks(self, *, since: datetime) -> Sequence[ListedTask]:
        """Return every task created at or after `since`, newest first; at most 7 days back.

        Raises:
            ProviderError: the list could not be read in full, so nothing follows from it.
        """
        oldest = since.replace(microsecond=0)  # the provider tells whole seconds
        found: dict[str, ListedTask] = {}
        for page in range(1, MOST_PAGES + 1):
            tasks = [self._listed(item) for item in self._page(page)]
            fresh = [task for task in tasks if task.task_id not in found]
            found |= {task.task_id: task for task in fresh}
            if not fresh or fresh[-1].created_at < oldest:
                return [task for task in found.values() if task.created_at >= oldest]
        raise self._calls.incomplete(f"lists more than {MOST_PAGES * LIST_PAGE} tasks")

    def _page(self, page: int) -> Sequence[Any]:
        query = {"page_num": str(page), "page_size": str(LIST_PAGE)}
        items = self._calls.read(QUERY, query).get("items")
        if not isinstance(items, list):
            raise self._calls.incomplete("has no list of tasks")
        return items

    def _task(self, task_id: str) -> Mapping[str, Any]:
        """Return a task as the provider describes it. Raises ProviderError."""
        task = self._calls.read(f"{QUERY}/{task_id}").get("task")
        if not isinstance(task, dict):
            raise self._calls.incomplete("has no task")
        named = text(task.get("id"))
        if named and named != task_id:
            raise self._calls.incomplete(f"is about task {named[:64]!r}, not {task_id!r}")
        return task

    def _ready(self, task: Mapping[str, Any]) -> Ready:
        content, usage = task.get("content"), task.get("usage")
        url = link(content.get("url")) if isinstance(content, dict) else None
        if url is None:
            raise self._calls.incomplete("says 'succeeded' without a link")
        return Ready(
            download_url=url,
            actual=storable({name: task[name] for name in ACTUAL if task.get(name) is not None}),
            usage=storable(usage) if isinstance(usage, dict) else {},
        )

    def _listed(self, item: Any) -> ListedTask:
        """Return a listed task. Raises ProviderError: a list with holes proves nothing."""
        try:
            task = ListedTask(
                task_id=text(item["id"]),
                model=str(item["model"]),
                resolution=str(item.get("resolution") or ""),
                duration=int(item.get("duration") or 0),
                ratio=str(item.get("ratio") or ""),
                status=str(item["status"]),
                created_at=datetime.fromtimestamp(float(item["created_at"]), UTC),
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError) as error:
            raise self._calls.incomplete("lists a task that cannot be read") from error
        if not task.task_id:
            raise self._calls.incomplete("lists a task without an id")
        return task


def _broken(task: Mapping[str, Any]) -> Broken:
    error = task.get("error")
    words = said(error.get("message") or "") if isinstance(error, dict) else ""
    return Broken(
        code=broken_code(number_of(task)),
        provider_message=words or "It failed, and MiniMax does not say why.",
    )


def creation(request: VideoRequest) -> dict[str, Any]:
    """Return the request in v2's words; pictures are still files."""
    content: list[dict[str, Any]] = [{"type": "text", "text": request.prompt}]
    pictures = {
        "first_frame": request.first_frame,
        "last_frame": request.last_frame,
        "reference_image": request.subject,
    }
    content += [_picture(role, file) for role, file in pictures.items() if file is not None]
    options = {name: value for name, value in request.options.items() if value is not None}
    expansion = options.pop("prompt_expansion_mode", None)
    found: dict[str, Any] = {"model": request.model, "content": content, **options}
    if expansion is not None:
        found["extra"] = {"prompt_expansion_mode": expansion}
    if request.callback_url is not None:
        found["callback_url"] = request.callback_url
    return found


def _picture(role: str, file: InputFile) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": file}, "role": role}
