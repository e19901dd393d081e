"""One demonstration server and one browser for all tests here; a page of its own for each."""

import json
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

ROOT = Path(__file__).parents[2]
READY_S = 30.0
expect.set_options(timeout=8000)


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demonstration."""

    url: str
    pid: int

    def ask(self, path: str, body: bytes | None = None) -> Any:
        """Speak to the demonstration's own routes."""
        request = urllib.request.Request(f"{self.url}/api/demo/{path}", data=body)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def fail(self, **faults: int) -> None:
        """Have these faults so often from now on; forget what was asked."""
        self.ask("control", json.dumps(faults).encode())

    def asked(self) -> list[str]:
        """Return what the browser has asked of API and bucket since `fail`."""
        found: list[str] = self.ask("control")["asked"]
        return found

    def tell(self, *lines: object) -> int:
        """Say something to every page that listens; return how many do."""
        texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        return int(self.ask("tell", "\n".join(texts).encode())["ears"])


@pytest.fixture(scope="package")
def demo() -> Iterator[Demo]:
    """The demonstration server, on free ports."""
    port, bucket_port = _free_ports()
    command = [sys.executable, "-m", "tests.components.demo_server", str(port), str(bucket_port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        try:
            found = Demo(f"http://127.0.0.1:{port}", process.pid)
            _wait_until_it_serves(found, process)
            yield found
        finally:
            process.terminate()
            process.wait(10)


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


def _wait_until_it_serves(demo: Demo, process: subprocess.Popen[bytes]) -> None:
    pause = Event()
    for _ in range(int(READY_S / 0.1)):
        assert process.poll() is None, "the demonstration server ended at start"
        try:
            demo.fail()
        except urllib.error.URLError:
            pause.wait(0.1)
        else:
            return
    raise AssertionError(f"no answer within {READY_S} s")


@pytest.fixture(scope="package")
def visitor(browser: Browser) -> Iterator[BrowserContext]:
    """A person at a wide screen; what their browser has loaded once it keeps."""
    with browser.new_context(
        viewport={"width": 1280, "height": 900}, locale="en-US", reduced_motion="reduce"
    ) as context:
        yield context


@pytest.fixture
def visit(demo: Demo, visitor: BrowserContext) -> Iterator[Callable[[str], Page]]:
    """Open a page of the demonstration; no script of ours may fail on it."""
    demo.fail()
    with _tab(visitor) as page:
        yield lambda path: _go(page, demo, path)


@pytest.fixture(scope="module")
def at_once(demo: Demo, visitor: BrowserContext) -> Iterator[Callable[[str], Page]]:
    """Open a page once for all tests of a file: each puts back what it changes."""
    with _tab(visitor) as page:
        opened: set[str] = set()

        def go(path: str) -> Page:
            demo.fail()
            if path not in opened:
                opened.add(path)
                _go(page, demo, path)
            return page

        yield go


@contextmanager
def _tab(visitor: BrowserContext) -> Iterator[Page]:
    page = visitor.new_page()
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    yield page
    page.close()
    assert not broken


def _go(page: Page, demo: Demo, path: str) -> Page:
    page.goto(f"{demo.url}{path}{'&' if '?' in path else '?'}lang=en")
    return page
