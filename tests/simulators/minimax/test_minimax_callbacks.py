"""Callbacks against a real receiver: a challenge, then what happens, and all that may go wrong."""

import threading
import time
from functools import partial

import pytest

from deploy.local.simulators.minimax.agenda import Agenda
from tests.simulators.minimax.client import eventually, watched


def test_v1_pushes_each_change_after_the_challenge(minimax, receiver):
    minimax.set(fixed_s=0.2)
    id = minimax.created("v1", callback_url=receiver.url)
    eventually(lambda: len(receiver.bodies) == 3)

    assert receiver.bodies[0].keys() == {"challenge"}
    processing, success = receiver.pushed
    assert (processing["status"], processing["file_id"]) == ("processing", "")
    assert success == {
        "task_id": id,
        "status": "success",
        "file_id": minimax.query("v1", id)["file_id"],
        "base_resp": {"status_code": 0, "status_msg": "success"},
    }


def test_v2_pushes_the_task_as_a_query_shows_it(minimax, receiver):
    minimax.set(fixed_s=0.2)
    id = minimax.created("v2", callback_url=receiver.url)
    eventually(lambda: receiver.words() == ["queued", "running", "succeeded"])

    pushed, shown = receiver.pushed[-1]["task"], minimax.query("v2", id)
    link = pushed.pop("content")["url"]
    shown.pop("content")
    assert pushed == shown
    assert watched(minimax.http.get(link).content).seconds == 1


def test_a_failure_is_pushed_with_its_code(minimax, receiver):
    minimax.fault("output_sensitive")
    minimax.set(fixed_s=0.1)
    minimax.created("v1", callback_url=receiver.url)
    eventually(lambda: receiver.words() == ["processing", "failed"])

    assert receiver.pushed[-1]["base_resp"]["status_code"] == 1027


def test_a_cancelled_task_is_pushed(minimax, receiver):
    minimax.set(fixed_s=60)
    id = minimax.created("v2", callback_url=receiver.url)
    eventually(lambda: receiver.words() == ["queued"])
    minimax.call("DELETE", f"/v2/video_generation/{id}")

    eventually(lambda: receiver.words() == ["queued", "cancelled"])


def challenged(minimax):
    """Wait until the answer to a challenge was judged, and return the verdict."""
    return eventually(lambda: minimax.entries("challenged"))[0]["passed"]


@pytest.mark.parametrize(
    "echo",
    [
        lambda _: {"challenge": "something else"},
        lambda challenge: challenge,
        lambda _: {},
        lambda _: None,
    ],
)
def test_a_wrong_echo_ends_it(minimax, receiver, echo):
    receiver.echo = echo
    minimax.created("v1", callback_url=receiver.url)

    assert challenged(minimax) is False
    assert receiver.pushed == []


def test_an_echo_after_three_seconds_is_too_late(minimax, receiver):
    receiver.pause_s = 3.3
    minimax.created("v1", callback_url=receiver.url)

    eventually(lambda: minimax.entries("challenged"), seconds=6)
    assert challenged(minimax) is False


def test_a_receiver_that_is_not_there_hurts_nobody(minimax):
    id = minimax.created("v1", callback_url="http://127.0.0.1:1/")

    assert challenged(minimax) is False
    assert minimax.query("v1", id)["status"] == "Success"


def test_the_echo_can_be_declared_wrong(minimax, receiver):
    minimax.fault("callback_wrong_echo")
    minimax.created("v1", callback_url=receiver.url)

    assert challenged(minimax) is False
    assert receiver.pushed == []


def test_nothing_is_sent_when_it_is_to_be_never(minimax, receiver):
    minimax.fault("callback_never", times=1)
    minimax.created("v1", callback_url=receiver.url)
    minimax.created("v1", callback_url=receiver.url)
    eventually(lambda: receiver.words() == ["success"])

    assert len(receiver.bodies) == 2


def test_pushes_can_come_twice(minimax, receiver):
    minimax.fault("callback_duplicate")
    minimax.created("v1", callback_url=receiver.url)

    eventually(lambda: receiver.words() == ["success", "success"])


def test_pushes_can_come_in_the_wrong_order(minimax, receiver):
    minimax.fault("callback_out_of_order")
    minimax.set(fixed_s=1)  # the challenge is over by then on a busy machine, too
    minimax.created("v2", callback_url=receiver.url)

    eventually(lambda: receiver.words() == ["succeeded", "running", "queued"])


def test_pushes_can_come_late(minimax, receiver):
    minimax.fault("callback_delayed", seconds=1.5)
    id = minimax.created("v1", callback_url=receiver.url)
    challenged(minimax)

    assert minimax.query("v1", id)["status"] == "Success"
    assert receiver.words() == []
    eventually(lambda: receiver.words() == ["success"])


@pytest.mark.parametrize(("dialect", "word"), [("v1", "processing"), ("v2", "queued")])
def test_a_push_can_come_before_the_answer(minimax, receiver, dialect, word):
    minimax.fault("callback_before_reply")
    minimax.set(fixed_s=60)
    minimax.created(dialect, callback_url=receiver.url)

    assert receiver.words() == [word]


def test_a_push_heals_a_lost_answer(minimax, receiver):
    minimax.fault("hang", seconds=0.1)
    minimax.set(fixed_s=0.1)
    with pytest.raises(OSError, match=r"closed|reset|aborted"):
        minimax.created("v1", callback_url=receiver.url)
    eventually(lambda: receiver.words() == ["processing", "success"])

    [billed] = minimax.entries("billed")
    assert receiver.pushed[-1]["task_id"] == billed["task_id"]


def test_the_agenda_keeps_time_and_order():
    done: list[str] = []
    now = time.time()
    agenda = Agenda()
    for due, name in ((now + 0.1, "late"), (now + 0.05, "early"), (now + 0.05, "early too")):
        agenda.at(due, partial(done.append, name))

    eventually(lambda: len(done) == 3)
    agenda.close()
    assert done == ["early", "early too", "late"]
    assert time.time() >= now + 0.1


def test_a_closed_agenda_forgets_what_was_to_come():
    done: list[str] = []
    agenda = Agenda()
    agenda.at(time.time() + 0.05, partial(done.append, "late"))
    agenda.close()

    threading.Event().wait(0.1)
    assert done == []
