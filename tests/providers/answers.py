"""OpenAI's answers as bytes, good and bad."""

import base64
import json
from typing import Any

from core.providers import EditAnswer

USAGE = {"total_tokens": 82, "input_tokens": 11, "output_tokens": 71}
RESOLVED = {"size": "8x8", "quality": "low", "background": "opaque", "output_format": "png"}


def b64(image: bytes) -> str:
    return base64.b64encode(image).decode()


def document(*images: object, **more: Any) -> dict[str, Any]:
    """Return an answer whose items hold these values as `b64_json`."""
    data = [{"b64_json": b64(i) if isinstance(i, bytes) else i} for i in images]
    return {"created": 1763800000, **RESOLVED, "data": data, "usage": USAGE, **more}


def event(kind: str, **more: Any) -> bytes:
    name = f"image_edit.{kind}"
    body = {"type": name, "created_at": 1763800001, **RESOLVED, **more}
    return f"event: {name}\ndata: {json.dumps(body)}\n\n".encode()


def partial(image: bytes, index: int = 0) -> bytes:
    return event("partial_image", b64_json=b64(image), partial_image_index=index)


def completed(image: object, **more: Any) -> bytes:
    value = b64(image) if isinstance(image, bytes) else image
    return event("completed", b64_json=value, usage=USAGE, **more)


def error_event(**error: Any) -> bytes:
    return f"event: error\ndata: {json.dumps({'type': 'error', 'error': error})}\n\n".encode()


def answer(*, streamed: bool = False) -> EditAnswer:
    return EditAnswer(
        http_status=200,
        request_id="req_1",
        streamed=streamed,
        rate_limits={},
    )
