"""The real process, killed without warning: no task is lost, none is billed twice."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import requests

from deploy.local.simulators import ledger
from tests.simulators.minimax.client import Client, colour, data_url, eventually, watched

psutil: Any = import_module("psutil")  # it ships no types

ROOT = Path(__file__).parents[3]


@contextmanager
def process(data: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], Client]]:
    """Run a simulator in a process of its own, and end it however it still runs."""
    command = [sys.executable, "-m", "deploy.local.simulators", "minimax", "--port", "0"]
    with (
        subprocess.Popen(
            [*command, "--data", str(data), *options],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        ) as started,
        requests.Session() as http,
    ):
        assert started.stdout is not None
        try:
            yield started, Client(url=started.stdout.readline().split()[-1], http=http)
        finally:
            started.kill()


def test_a_kill_in_the_middle_loses_no_task_and_bills_once(tmp_path):
    with process(tmp_path) as (running, minimax):
        minimax.set(fixed_s=1.5, small_videos=True)
        one = minimax.created("v1", first_frame_image=data_url())
        two = minimax.created("v2")
        minimax.fault("reset_after_accept", times=1)
        with pytest.raises(requests.ConnectionError):
            minimax.create("v1", prompt="lost")
        running.send_signal(signal.SIGKILL)
        running.wait()

    with process(tmp_path) as (_, minimax):
        minimax.set(fixed_s=999)  # the walk was drawn before; only new tasks take this long
        eventually(lambda: minimax.query("v1", one)["status"] == "Success")
        eventually(lambda: minimax.query("v2", two)["status"] == "succeeded")
        data = minimax.http.get(minimax.link("v1", one)).content

    assert watched(data).comment == f"simulated v1 {one}"
    red, _, blue = colour(data, 0, (40, 80))
    assert red > 150
    assert blue < 90
    bills = ledger.billed(ledger.read(tmp_path / "ledger.jsonl"))
    assert [bill["prompt"] for bill in bills] == ["a paper boat", "a paper boat", "lost"]


def test_a_link_survives_a_restart(tmp_path):
    with process(tmp_path) as (running, minimax):
        minimax.set(fixed_s=0, small_videos=True)
        link = minimax.link("v2", minimax.created("v2"))
        running.kill()
        running.wait()
    with process(tmp_path) as (_, minimax):
        path = link.split("/inference_output/")[1]
        assert minimax.http.get(f"{minimax.url}/inference_output/{path}").status_code == 200


def test_cancelled_and_deleted_tasks_stay_so(tmp_path):
    with process(tmp_path) as (running, minimax):
        minimax.set(fixed_s=60)
        cancelled = minimax.created("v2")
        minimax.call("DELETE", f"/v2/video_generation/{cancelled}")
        minimax.set(fixed_s=0)
        deleted = minimax.created("v2")
        minimax.call("DELETE", f"/v2/video_generation/{deleted}")
        running.kill()
        running.wait()
    with process(tmp_path) as (_, minimax):
        assert minimax.query("v2", cancelled)["status"] == "cancelled"
        assert minimax.call("GET", f"/v2/query/video_generation/{deleted}").status_code == 400


def test_callbacks_that_fall_due_meanwhile_are_sent_after_the_restart(tmp_path, receiver):
    with process(tmp_path) as (running, minimax):
        minimax.set(fixed_s=1.5)
        minimax.created("v2", callback_url=receiver.url)
        eventually(lambda: len(minimax.entries("pushed")) == 2)
        running.kill()
        running.wait()
    threading.Event().wait(1.1)
    assert sorted(receiver.words()) == ["queued", "running"]

    with process(tmp_path):
        eventually(lambda: sorted(receiver.words()) == ["queued", "running", "succeeded"])
        assert len(receiver.bodies) == 4  # one challenge in all


def test_an_end_that_came_meanwhile_is_noted_once(tmp_path):
    with process(tmp_path) as (running, minimax):
        minimax.set(fixed_s=0.3)
        minimax.created("v1")
        running.kill()
        running.wait()
    for _ in range(2):
        with process(tmp_path) as (_, minimax):
            eventually(lambda: len(minimax.entries("finished")) == 1)


def test_sigterm_ends_it_within_a_second_whatever_goes_on(tmp_path, receiver):
    receiver.pause_s = 2.5
    with process(tmp_path) as (running, minimax):
        minimax.created("v1", callback_url=receiver.url)
        eventually(lambda: receiver.bodies)
        began = time.monotonic()
        running.terminate()
        assert running.wait(timeout=5) == 0
        assert time.monotonic() - began < 3  # at once, on a busy machine too
        receiver.pause_s = 0


def test_idle_it_costs_no_processor_time_and_little_memory(tmp_path):
    with process(tmp_path) as (running, minimax):
        minimax.created("v1")
        watched_process = psutil.Process(running.pid)
        before = watched_process.cpu_times()
        threading.Event().wait(1)
        after = watched_process.cpu_times()

        assert after.user + after.system - before.user - before.system <= 0.02
        assert watched_process.memory_info().rss < 120 * 1024 * 1024
