"""Do one thing with one file and end, in a fork for each. `core.media.child` is the other side.

A fork's standard input holds one line of JSON: {"operation", "arguments", "output_bytes"}.
Standard output gets one: {"done": …} or {"refused": code, "values": …} when the
file is at fault, {"failed": …} when this machine is; always with
"peak_rss_bytes" and "cpu_s".
"""

import contextlib
import json
import resource
import sys
from collections.abc import Callable, Mapping
from typing import Any

from PIL import Image

from core.decode import images, limits, masks
from core.decode.refused import RefusedError
from core.decode.server import Server

MAX_REQUEST_BYTES = 64 * 1024
FILM = b"f"


def main() -> None:
    """Fork for one request after the other."""
    Image.preinit()  # every opening asks for it
    Server(once, load).serve()


def load(order: bytes) -> None:
    """Import what is needed for films only; where that fails, the fork says why."""
    if order == FILM:
        with contextlib.suppress(Exception):
            from core.decode import movies  # noqa: F401, PLC0415  (for the fork)


def once() -> None:
    """Wait for the one request, with limits already; leave if none comes."""
    limits.restrict()
    line = sys.stdin.buffer.readline(MAX_REQUEST_BYTES)
    if line:
        answer = {**_answer(json.loads(line)), **_used()}
        sys.stdout.buffer.write(json.dumps(answer).encode())
        sys.stdout.buffer.flush()


def _answer(request: Mapping[str, Any]) -> Mapping[str, Any]:
    limits.start_clock()
    limits.restrict_output(request["output_bytes"])
    try:
        return {"done": OPERATIONS[request["operation"]](**request["arguments"])}
    except RefusedError as refused:
        return {"refused": refused.code, "values": refused.shown}
    except MemoryError:
        return {"refused": "too_much_memory", "values": {}}
    except Exception as error:  # noqa: BLE001  (the parent raises it; this process has no log)
        return {"failed": f"{type(error).__name__}: {error}"}


def _used() -> Mapping[str, float]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {"peak_rss_bytes": limits.peak_rss_bytes(), "cpu_s": used.ru_utime + used.ru_stime}


def _finish_video(*, path: str, small: str | None) -> Mapping[str, Any]:
    limits.allow(limits.MAX_VIDEO_PIXELS)  # FFmpeg's own 100 MB have to fit too
    from core.decode import movies  # noqa: PLC0415  (see `load`)

    return movies.finish(path=path, small=small)


OPERATIONS: Mapping[str, Callable[..., Mapping[str, Any]]] = {
    "inspect_image": images.inspect,
    "prepare_image": images.prepare,
    "accept_image": images.accept,
    "finish_image": images.finish,
    "accept_mask": masks.accept,
    "finish_video": _finish_video,
}

if __name__ == "__main__":
    main()
