"""A running MiniMax simulator for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from deploy.local.simulators.minimax import server
from tests.simulators.minimax.client import Client, Receiver, receiving


@pytest.fixture
def minimax(tmp_path: Path) -> Iterator[Client]:
    """A simulator whose tasks are done as soon as they are created, with tiny videos."""
    running = server.serve(0, tmp_path / "minimax").start()
    with requests.Session() as http:
        client = Client(url=running.url, http=http)
        client.set(fixed_s=0, small_videos=True)
        yield client
    running.stop()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver of callbacks that answers as it should."""
    with receiving() as running:
        yield running
