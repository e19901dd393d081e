"""The limited process of the media tests, and what it used."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from core.media import images, videos
from core.media.child import Answer, Decoder, decoder
from tests.media.makers import encoded, gradient
from tests.media.processes import command, crippled

MIB = 2**20


@pytest.fixture(scope="session", autouse=True)
def _closed() -> Iterator[None]:
    """Leave no waiting process behind."""
    yield
    decoder.close()


@pytest.fixture
def fresh() -> Iterator[Decoder]:
    """A decoder of its own, with nothing started."""
    made = Decoder()
    yield made
    made.close()


@pytest.fixture
def misbehaving() -> Iterator[Callable[..., Decoder]]:
    """Return what makes a decoder whose processes run other code, as one taken over might."""
    made: list[Decoder] = []

    def running(code: str, *, wait_s: float = 20) -> Decoder:
        made.append(Decoder(command=command(code), wait_s=wait_s))
        return made[-1]

    yield running
    for each in made:
        each.close()


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """Return what has a part of Pillow fail wherever a result is looked into."""
    made: list[Decoder] = []

    def fail(part: str, error: str) -> None:
        made.append(crippled(part, error))
        for module in (images, videos):
            monkeypatch.setattr(module, "decoder", made[-1])

    yield fail
    for each in made:
        each.close()


@pytest.fixture
def write(tmp_path: Path) -> Callable[[bytes], Path]:
    """Return what writes bytes to a file without a telling name."""

    def written(content: bytes) -> Path:
        path = tmp_path / "upload"
        path.write_bytes(content)
        return path

    return written


@pytest.fixture
def picture(write: Callable[[bytes], Path]) -> str:
    """The path of a picture that is 64 pixels wide."""
    return str(write(encoded(gradient(), "PNG")))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder for what is made."""
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture
def ask() -> Callable[..., Answer]:
    """Return what asks the limited process and tells what it used."""

    def asked(operation: str, path: Path, **arguments: Any) -> Answer:
        return decoder.ask(operation, path=str(path), **arguments)

    return asked


class Trap(ThreadingHTTPServer):
    """A server that nobody may call."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        trap = self

        class Note(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                trap.asked.append(self.path)
                self.send_error(404)

            def log_message(self, format: str, *args: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Note)
        self.url = f"http://127.0.0.1:{self.server_port}"

    def verify_request(self, request: object, client_address: object) -> bool:
        """Count connections too, not only requests."""
        self.asked.append("connection")
        return True


@pytest.fixture
def trap() -> Iterator[Trap]:
    """A server on this machine that counts who comes."""
    with Trap() as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.02])
        thread.start()
        yield server
        server.shutdown()
        thread.join()
