"""What v2 says of a task. Pure."""

from typing import Any

from deploy.local.simulators.minimax.refusals import V2_MESSAGES
from deploy.local.simulators.minimax.tasks import Task
from deploy.local.simulators.minimax.walk import Change, Phase

STATUSES = {
    Phase.PREPARING: "queued",
    Phase.QUEUEING: "queued",
    Phase.PROCESSING: "running",
    Phase.SUCCESS: "succeeded",
    Phase.FAIL: "failed",
    Phase.CANCELLED: "cancelled",
}
PIXELS_PER_TOKEN = 1700  # fits the one documented sample: 5 s of 2K are 260,390 tokens
TOKENS_PER_IMAGE = 13_500


def task_body(task: Task, now_is: Change, url: str | None) -> dict[str, Any]:
    """Return a task as queries, lists and callbacks show it; `url` only counts after success."""
    body: dict[str, Any] = {
        "id": task.id,
        "model": task.model,
        "status": STATUSES[now_is.phase],
        "created_at": int(task.walk.created_at),
        "updated_at": int(now_is.at),
        "resolution": task.resolution,
        "duration": task.duration_s,
        "usage": usage(task) if now_is.phase is Phase.SUCCESS else {},
        "ratio": task.ratio,
        "task_type": "generation",
        "modality": "video",
    }
    if now_is.phase is Phase.SUCCESS:
        body["content"] = {} if url is None else {"url": url}
    if now_is.phase is Phase.FAIL:
        code = task.walk.fail_code or 1000
        message = V2_MESSAGES.get(code, "unknown error")
        body["error"] = {"code": str(code), "message": message}
    return body


def usage(task: Task) -> dict[str, int]:
    """Return what a finished task is billed by."""
    frames = 24 * task.duration_s
    pixels = task.clip.width * task.clip.height
    prompt_tokens = TOKENS_PER_IMAGE * len(task.inputs) + len(task.prompt) // 4
    completion_tokens = frames * pixels // PIXELS_PER_TOKEN
    found = {
        "total_seconds": task.duration_s + task.reference_s,
        "input_seconds": task.reference_s,
        "output_seconds": task.duration_s,
        "input_image_count": len(task.inputs),
        "total_tokens": prompt_tokens + completion_tokens,
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
    }
    return found | ({"input_audio_seconds": task.sound_s} if task.sound_s else {})
