"""kill -9 of every part and of the whole: the data stays and nothing is left in the way."""

import contextlib
import os
import signal
import time
import urllib.request

import psycopg2
import pytest

from deploy.local.running import State
from tests.local.conftest import Stack, gone, wait_until
from tests.local.test_start import database


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("part", ["worker", "web", "s3"])
def test_a_killed_part_is_started_again_and_a_line_says_so(stack, part):
    terminal = stack.up("s3,worker,web")
    before = stack.pid(part)

    kill(before)

    terminal.shows(r"ended \(signal SIGKILL\); starting it again")
    terminal.shows("is back")
    assert stack.pid(part) != before
    assert terminal.stop() == 0


def test_a_killed_postgres_comes_back_with_its_data_while_sessions_are_open(stack):
    terminal = stack.up("postgres,worker,web")
    busy = database(stack)
    with database(stack) as connection:
        connection.cursor().execute("CREATE TABLE kept (x int)")
    connection.close()

    kill(stack.pid("postgres"))
    terminal.shows("is back")

    with database(stack) as connection:
        connection.cursor().execute("SELECT FROM kept")
    connection.close()
    with pytest.raises(psycopg2.OperationalError):
        busy.cursor().execute("SELECT 1")
    busy.close()


def test_a_part_that_keeps_dying_is_tried_with_longer_pauses(stack):
    terminal = stack.up("worker,web")
    pauses_s = []
    for times in (1, 2, 3):
        began = time.monotonic()
        kill(stack.pid("worker"))
        terminal.shows(rf"(?s)(is back.*){{{times}}}")
        pauses_s.append(time.monotonic() - began)

    assert pauses_s[2] > 0.7 > pauses_s[0]


def test_the_parts_of_a_killed_supervisor_end_by_themselves_and_the_data_stays(stack):
    terminal = stack.up("postgres,s3,worker,web")
    with database(stack) as connection:
        connection.cursor().execute("CREATE TABLE kept (x int)")
    connection.close()
    pids = [stack.pid(name) for name in ("postgres", "s3", "worker", "web")]

    kill(terminal.process.pid)
    wait_until(lambda: all(gone(pid) for pid in pids))
    assert all(gone(pid) for pid in pids)

    stack.up("postgres,s3,worker,web")
    with database(stack) as connection:
        connection.cursor().execute("SELECT FROM kept")
    connection.close()


def test_a_start_right_after_a_kill_of_everything_succeeds(stack):
    terminal = stack.up("postgres,s3,worker,web")
    pids = [stack.pid(name) for name in ("postgres", "s3", "worker", "web")]

    for pid in (terminal.process.pid, *pids):
        with contextlib.suppress(ProcessLookupError):  # it went with its supervisor
            kill(pid)
    again = stack.up("postgres,s3,worker,web")

    assert again.stop() == 0


def test_what_ignores_the_end_of_its_supervisor_is_ended_by_the_next_start(stack):
    terminal = stack.up("worker,web", WORKER_IS_DEAF="1")
    deaf = stack.pid("worker")
    kill(terminal.process.pid)
    terminal.ends()
    assert not gone(deaf)

    stack.up("worker,web")

    assert gone(deaf)


def test_a_worker_with_paid_work_is_left_to_finish_by_the_next_start(stack):
    paid = {"OPENAI_API_KEY": "sk-real", "WORKER_IS_DEAF": "1"}
    terminal = stack.up("worker,web", **paid)
    working = stack.pid("worker")
    kill(terminal.process.pid)
    terminal.ends()

    again = stack.up("worker,web")

    again.shows(rf"last run's worker \({working}\) finishes its paid request")
    assert not gone(working)
    state = State.load(stack.home)
    assert state
    assert state.children["worker (earlier)"].pid == working


def test_nothing_is_erased_while_a_worker_finishes_paid_work(stack):
    paid = {"OPENAI_API_KEY": "sk-real", "WORKER_IS_DEAF": "1"}
    terminal = stack.up("worker,web", **paid)
    working = stack.pid("worker")
    kill(terminal.process.pid)
    terminal.ends()

    refused = stack.run("erase")

    assert refused.returncode == 1
    assert f"Nothing was deleted: a worker ({working}) still finishes" in refused.stderr
    assert stack.home.spool.exists()
    assert not gone(working)

    kill(working)
    assert stack.run("erase").returncode == 0
    assert not stack.home.path.exists()


def test_a_second_ctrl_c_waits_for_nobody(stack):
    terminal = stack.up("worker,web", WORKER_IS_DEAF="1")

    terminal.process.send_signal(signal.SIGINT)
    terminal.shows("finishing what it has in hand, at most 20 s")
    assert terminal.stop() == 0

    assert gone(terminal.process.pid)


def test_a_second_start_attaches_and_its_ctrl_c_does_not_stop_the_first(stack):
    first = stack.up("accounts,worker,web")

    second = stack.up("accounts,worker,web")
    second.shows(rf"already running \(pid {first.process.pid}\)")
    url = second.shows(r"http://127\.0\.0\.1:\d+")
    kill(stack.pid("worker"))
    second.shows("Worker .*is back")
    assert second.stop() == 0

    assert first.alive
    with urllib.request.urlopen(url) as page:
        assert page.status == 200


def test_a_second_start_during_the_first_waits_for_it(stack):
    stack.open("accounts,worker,web").shows("data in")
    second = stack.up("accounts,worker,web")

    second.shows("already running")
    second.shows("Sign in")


def test_down_and_status_speak_about_the_one_that_runs(stack):
    assert stack.run("status").returncode == 1
    terminal = stack.up("s3,worker,web")

    said = stack.run("status")
    assert said.returncode == 0
    assert f"pid {stack.pid('s3')}" in said.stdout
    assert stack.run("down").returncode == 0

    assert terminal.ends() == 0
    assert "Nothing is running" in stack.run("down").stdout


def test_two_homes_do_not_disturb_each_other(folder):
    stacks = [Stack(folder / "one"), Stack(folder / "two")]
    try:
        terminals = [stack.open("s3,worker,web") for stack in stacks]
        for terminal in terminals:
            terminal.shows("Ctrl-C stops")
    finally:
        for stack in stacks:
            stack.close()
