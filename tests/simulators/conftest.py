"""A running OpenAI simulator, and pictures to send to it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image, ImageDraw

from deploy.local.simulators.openai import server

ROOT = Path(__file__).parents[2]
MODEL = "gpt-image-2.6-flare"


@dataclass(kw_only=True)
class Simulator:
    """A simulator as a client sees it, with its control routes at hand."""

    url: str
    http: requests.Session = field(default_factory=requests.Session)

    def fault(self, name: str, **more: Any) -> None:
        """Switch one fault on."""
        args = {key: more.pop(key) for key in [*more] if key not in FAULT_FIELDS}
        self.control("POST", "faults", {"name": name, "args": args, **more})

    def set(self, **settings: Any) -> None:
        """Change settings."""
        self.control("PATCH", "settings", settings)

    def control(self, method: str, name: str, body: object = None) -> Any:
        """Call a control route that must succeed."""
        reply = self.http.request(method, f"{self.url}/_control/{name}", json=body)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def entries(self, event: str | None = None) -> list[dict[str, Any]]:
        """Return the ledger, or its entries of one event."""
        found = self.control("GET", "ledger")["entries"]
        return [entry for entry in found if event in {None, entry["event"]}]

    def edit(self, files: Any = None, key: str = "sk-test", **fields: Any) -> requests.Response:
        """Ask for an edit: multipart, one small image and a prompt unless told otherwise."""
        data = {"prompt": "make it blue", "model": MODEL, **fields}
        sent = {name: value for name, value in data.items() if value is not None}
        return self.http.post(
            f"{self.url}/v1/images/edits",
            data=sent,
            files=[("image", image_part())] if files is None else files,
            headers={"Authorization": f"Bearer {key}"},
            timeout=20,
        )


FAULT_FIELDS = {"times", "rate", "seed", "match"}


def picture(width: int = 96, height: int = 96, mode: str = "RGB", format: str = "PNG") -> bytes:
    """Return an image file with something to see in it."""
    image = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    ImageDraw.Draw(image).ellipse((width // 4, height // 4, width // 2, height // 2), fill="red")
    file = BytesIO()
    image.convert(mode).save(file, format)
    return file.getvalue()


def mask(width: int = 96, height: int = 96) -> bytes:
    """Return a mask whose middle may be painted."""
    image = Image.new("RGBA", (width, height), (0, 0, 0, 255))
    hole = (width // 4, height // 4, width * 3 // 4, height * 3 // 4)
    ImageDraw.Draw(image).rectangle(hole, fill=(0, 0, 0, 0))
    file = BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def image_part(
    data: bytes | None = None, content_type: str = "image/png"
) -> tuple[str, bytes, str]:
    """Return a named and typed part of a multipart form."""
    return ("a.png", picture() if data is None else data, content_type)


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    """A simulator of its own for each test, which answers as fast as it can."""
    running = server.serve(0, tmp_path / "openai", speed=0).start()
    with requests.Session() as http:
        yield Simulator(url=running.url, http=http)
    running.stop()


@contextmanager
def process(data: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], Simulator]]:
    """Run a simulator in a process of its own, and end it however it still runs."""
    command = [sys.executable, "-m", "deploy.local.simulators", "openai", "--port", "0"]
    with (
        subprocess.Popen(
            [*command, "--data", str(data), "--speed", "0", *options],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        ) as started,
        requests.Session() as http,
    ):
        assert started.stdout is not None
        try:
            url = started.stdout.readline().split()[-1]
            yield started, Simulator(url=url, http=http)
        finally:
            started.kill()
