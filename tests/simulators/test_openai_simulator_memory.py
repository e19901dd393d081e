"""Large uploads go through the disk, not through memory."""

import os
import threading
from collections.abc import Iterator
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any, Self

from PIL import Image

from tests.simulators.conftest import MODEL, process

psutil: Any = import_module("psutil")  # it ships no types
MB = 1024 * 1024


class Peak:
    """The most memory a process held while this was open, looked at every 5 ms."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.mb = 0.0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.005):
            self.mb = max(self.mb, self._process.memory_info().rss / MB)


def form(image: bytes, count: int) -> Iterator[bytes]:
    """Yield a multipart body of many images without ever holding two of them."""
    for name, value in (("prompt", "large"), ("model", MODEL)):
        yield f'--B\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
    for _ in range(count):
        yield (
            b'--B\r\nContent-Disposition: form-data; name="image[]"; filename="a.png"\r\n'
            b"Content-Type: image/png\r\n\r\n"
        )
        yield image
        yield b"\r\n"
    yield b"--B--\r\n"


def test_300_mb_of_images_leave_memory_small(tmp_path: Path) -> None:
    file = BytesIO()
    Image.frombytes("RGB", (2560, 2560), os.urandom(2560 * 2560 * 3)).save(
        file, "PNG", compress_level=0
    )
    assert len(file.getvalue()) * 16 > 300 * MB
    with process(tmp_path) as (running, simulator):
        simulator.edit()
        before_mb = psutil.Process(running.pid).memory_info().rss / MB
        with Peak(running.pid) as peak:
            reply = simulator.http.post(
                f"{simulator.url}/v1/images/edits",
                data=form(file.getvalue(), 16),
                headers={
                    "Authorization": "Bearer sk",
                    "Content-Type": "multipart/form-data; boundary=B",
                },
                timeout=60,
            )
        assert reply.status_code == 200, reply.text
        assert peak.mb - before_mb < 120
        [billed] = [entry for entry in simulator.entries("billed") if entry["prompt"] == "large"]
        assert len(billed["input_sha256"]) == 16
