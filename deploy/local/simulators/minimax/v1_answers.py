"""What v1 says of a task. Pure."""

from typing import Any

from deploy.local.simulators.minimax.refusals import base_resp
from deploy.local.simulators.minimax.tasks import Task
from deploy.local.simulators.minimax.walk import Change, Phase

PUSHED = {Phase.PROCESSING: "processing", Phase.SUCCESS: "success", Phase.FAIL: "failed"}


def query_body(task: Task, now_is: Change) -> dict[str, Any]:
    """Return the answer to a query. Only a success has a file and a size."""
    body: dict[str, Any] = {"task_id": task.id, "status": now_is.phase.value, "file_id": ""}
    if now_is.phase is Phase.SUCCESS:
        body["file_id"] = task.file_id
        body |= {"video_width": task.clip.width, "video_height": task.clip.height}
    return {**body, "base_resp": _verdict(task, now_is.phase)}


def callback_body(task: Task, change: Change) -> dict[str, Any]:
    """Return what is pushed at a change: the query's answer with words of its own."""
    return {
        "task_id": task.id,
        "status": PUSHED[change.phase],
        "file_id": task.file_id if change.phase is Phase.SUCCESS else "",
        "base_resp": _verdict(task, change.phase),
    }


def file_body(task: Task, download_url: str | None) -> dict[str, Any]:
    """Return the answer about a file, whose id is a number here; its size is never told."""
    file = {
        "file_id": int(task.file_id),
        "bytes": 0,
        "created_at": int(task.walk.ends_at or 0),
        "filename": "output_aigc.mp4",
        "purpose": "video_generation",
    }
    link = {} if download_url is None else {"download_url": download_url}
    return {"file": {**file, **link}, "base_resp": base_resp()}


def _verdict(task: Task, phase: Phase) -> dict[str, Any]:
    return base_resp(task.walk.fail_code or 0 if phase is Phase.FAIL else 0)
