"""The server under the simulators: honest HTTP, and a quick end."""

import signal
import socket
import subprocess
import sys
import threading
import time
from http.client import HTTPConnection
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.simulators.conftest import ROOT, Simulator, image_part, process

psutil: Any = import_module("psutil")  # it ships no types


def pause(seconds: float) -> None:
    threading.Event().wait(seconds)


def connected(simulator: Simulator) -> socket.socket:
    host, port = simulator.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=5)


def test_a_connection_is_kept_for_the_next_request(simulator: Simulator) -> None:
    wire = HTTPConnection(simulator.url.removeprefix("http://"))
    ports = set()
    for _ in range(3):
        wire.request("GET", "/_control/health")
        ports.add(wire.sock.getsockname()[1])
        assert wire.getresponse().read().startswith(b"{")
    wire.close()
    assert len(ports) == 1


def test_a_chunked_body_is_read(simulator: Simulator) -> None:
    prepared = requests.Request(
        "POST",
        f"{simulator.url}/v1/images/edits",
        data={"prompt": "in chunks", "model": "gpt-image-2"},
        files={"image": image_part()},
        headers={"Authorization": "Bearer sk-test"},
    ).prepare()
    body = prepared.body
    assert isinstance(body, bytes)
    prepared.headers.pop("Content-Length")
    prepared.headers["Transfer-Encoding"] = "chunked"
    prepared.body = iter([body[:700], body[700:]])  # type: ignore[assignment]
    assert simulator.http.send(prepared, timeout=10).status_code == 200
    assert simulator.entries("billed")[0]["prompt"] == "in chunks"


def test_a_refused_request_with_a_large_body_still_gets_its_answer(simulator: Simulator) -> None:
    big = [("image", image_part(b"x" * 5_000_000))]
    for _ in range(2):  # the second over the same connection
        assert simulator.edit(big, key="bad").status_code == 401


def test_a_client_that_goes_away_leaves_no_traceback(
    simulator: Simulator, capfd: pytest.CaptureFixture[str]
) -> None:
    simulator.set(fixed_s=0.2)
    with connected(simulator) as wire:
        wire.sendall(b"POST /v1/images/edits HTTP/1.1\r\nContent-Length: 999\r\n\r\nhalf")
    with connected(simulator) as wire:
        wire.sendall(b"GET /v1/mod")
    pause(0.2)
    assert simulator.control("GET", "health")["status"] == "ok"
    assert capfd.readouterr() == ("", "")


def test_an_edit_is_billed_although_the_client_has_gone_away(simulator: Simulator) -> None:
    simulator.set(fixed_s=0.3)
    try:
        requests.post(
            f"{simulator.url}/v1/images/edits",
            data={"prompt": "impatient", "model": "gpt-image-2"},
            files={"image": image_part()},
            headers={"Authorization": "Bearer sk-test", "X-Client-Request-Id": "job-9"},
            timeout=0.15,
        )
    except requests.Timeout:
        assert [entry["client_request_id"] for entry in simulator.entries("billed")] == ["job-9"]
    else:
        raise AssertionError("The answer came too early.")


class TestProcess:
    def test_it_says_where_it_is_and_ends_within_a_second_of_sigterm(self, tmp_path: Path) -> None:
        with process(tmp_path) as (running, simulator):
            simulator.set(fixed_s=60)
            with connected(simulator) as busy:
                busy.sendall(b"GET /v1/models HTTP/1.1\r\n")
                running.send_signal(signal.SIGTERM)
                began = time.monotonic()
                assert running.wait(5) == 0
        assert time.monotonic() - began < 1

    def test_it_starts_quickly_stays_small_and_idles_at_nothing(self, tmp_path: Path) -> None:
        began = time.monotonic()
        with process(tmp_path) as (running, simulator):
            assert time.monotonic() - began < 3
            simulator.control("GET", "health")
            idle = psutil.Process(running.pid)
            before = sum(idle.cpu_times()[:2])
            pause(0.5)
            assert sum(idle.cpu_times()[:2]) - before < 0.02
            assert idle.memory_info().rss < 60_000_000

    def test_one_key_can_be_made_the_only_one(self, tmp_path: Path) -> None:
        with process(tmp_path, "--api-key", "sk-one") as (_, simulator):
            assert simulator.edit(key="sk-two").status_code == 401
            assert simulator.edit(key="sk-one").status_code == 200

    def test_an_unknown_provider_is_refused(self, tmp_path: Path) -> None:
        started = subprocess.run(
            [sys.executable, "-m", "deploy.local.simulators", "nobody", "--port", "0"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert started.returncode == 2
        assert "openai" in started.stderr
