"""Each fault has the effect it is named after, and bills what it says."""

import time
from collections.abc import Callable
from functools import partial

import pytest
import requests

from deploy.local.simulators.minimax import breakages
from deploy.local.simulators.minimax.refusals import HTTP_STATUSES, MESSAGES
from tests.simulators.minimax.client import Client, eventually, watched

DIALECTS = pytest.mark.parametrize("dialect", ["v1", "v2"])
PROMPT = "a paper boat"


def bills(minimax: Client) -> int:
    return len(minimax.entries("billed"))


# Creation: the provider's own errors


@pytest.mark.parametrize("code", MESSAGES)
def test_an_error_is_a_code_inside_200_for_v1(minimax, code):
    minimax.fault(f"error:{code}", times=1)
    reply = minimax.create("v1")

    assert reply.status_code == 200
    assert reply.json()["task_id"] == ""
    assert reply.json()["base_resp"] == {"status_code": code, "status_msg": MESSAGES[code]}
    assert bills(minimax) == 0
    assert minimax.created("v1")


@pytest.mark.parametrize("code", MESSAGES)
def test_an_error_is_a_status_for_v2(minimax, code):
    minimax.fault(f"error:{code}", times=1)
    reply = minimax.create("v2")

    assert reply.status_code == HTTP_STATUSES.get(code, 500)
    assert reply.json()["error"]["message"].endswith(f"({code})")
    assert bills(minimax) == 0
    assert minimax.created("v2")


@pytest.mark.parametrize(
    ("code", "status", "type"),
    [
        (1002, 429, "rate_limit_error"),
        (1004, 401, "authorized_error"),
        (1008, 402, "insufficient_balance_error"),
        (1026, 422, "unprocessable_entity_error"),
        (2013, 400, "bad_request_error"),
        (1000, 500, "server_error"),
    ],
)
def test_v2_errors_are_those_of_the_vendors_table(minimax, code, status, type):
    minimax.fault(f"error:{code}")
    reply = minimax.create("v2")

    assert (reply.status_code, reply.json()["error"]["type"]) == (status, type)
    assert reply.json()["error"]["http_code"] == str(status)


@DIALECTS
def test_a_burst_of_throttling_passes(minimax, dialect):
    minimax.fault("error:1002", times=3)
    tried = [minimax.create(dialect).json().get("task_id", "") for _ in range(5)]

    assert [bool(id) for id in tried] == [False, False, False, True, True]
    assert bills(minimax) == 2


@DIALECTS
@pytest.mark.parametrize("billed", [True, False])
def test_an_internal_error_may_or_may_not_be_billed(minimax, dialect, billed):
    minimax.fault("error:1013", times=1, billed=billed)
    minimax.create(dialect)

    assert bills(minimax) == billed


@DIALECTS
@pytest.mark.parametrize("status", breakages.GATEWAY)
def test_a_gateway_status_has_the_gateways_body(minimax, dialect, status):
    minimax.fault(f"status:{status}", times=1)
    reply = minimax.create(dialect)

    assert reply.status_code == status
    assert reply.json()["error"]["http_code"] == str(status)
    assert reply.json()["request_id"] == reply.headers["Trace-Id"]
    assert bills(minimax) == 0


def test_a_gateway_may_say_when_to_come_back(minimax):
    minimax.fault("status:529", retry_after=7, message="busy")
    reply = minimax.create("v2")

    assert reply.headers["Retry-After"] == "7"
    assert reply.json()["error"] == {
        "type": "overloaded_error",
        "message": "busy",
        "http_code": "529",
    }


# Creation: lost and broken answers


def page(minimax: Client, dialect: str, *, status: int) -> None:
    reply = minimax.create(dialect)
    assert (reply.status_code, reply.headers["Content-Type"]) == (status, "text/html")
    assert reply.text.startswith("<html>")


def breaks(minimax: Client, dialect: str) -> None:
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        minimax.create(dialect)


def cut_json(minimax: Client, dialect: str) -> None:
    with pytest.raises(requests.exceptions.JSONDecodeError):
        minimax.create(dialect).json()


def slow(minimax: Client, dialect: str) -> None:
    began = time.monotonic()
    assert minimax.create(dialect).json()["task_id"]
    assert time.monotonic() - began > 0.1


BROKEN: dict[str, Callable[[Client, str], None]] = {
    "html_502": partial(page, status=502),
    "gateway_504": partial(page, status=504),
    "gateway_520": partial(page, status=520),
    "gateway_524": partial(page, status=524),
    "html_200": partial(page, status=200),
    "reset_after_accept": breaks,
    "hang": breaks,
    "body_cut": breaks,
    "unframed_cut": cut_json,
    "trickle": slow,
}
FAST = {"seconds": 0.1, "interval_s": 0.005}


def test_every_broken_answer_has_a_test():
    assert BROKEN.keys() == breakages.BROKEN.keys()


@DIALECTS
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_answer_is_billed_and_its_task_goes_on(minimax, dialect, name):
    minimax.fault(name, times=1, match=PROMPT, **FAST)

    BROKEN[name](minimax, dialect)

    [billed] = minimax.entries("billed")
    eventually(lambda: minimax.entries("finished"))
    assert minimax.query(dialect, billed["task_id"])["status"] in {"Success", "succeeded"}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_answer_can_be_free(minimax, name):
    minimax.fault(name, times=1, billed=False, **FAST)

    BROKEN[name](minimax, "v1")

    assert bills(minimax) == 0


@DIALECTS
def test_a_reset_before_the_body_is_read_costs_nothing(minimax, dialect):
    minimax.fault("reset_before_read", times=1)

    breaks(minimax, dialect)

    assert [entry["event"] for entry in minimax.entries()] == ["arrived"]


def test_the_reset_can_come_late(minimax):
    minimax.fault("reset_after_accept", after_s=0.2)
    began = time.monotonic()

    breaks(minimax, "v1")

    assert time.monotonic() - began >= 0.2


@DIALECTS
def test_an_answer_can_take_its_time(minimax, dialect):
    minimax.fault("delay", seconds=0.15)

    slow(minimax, dialect)


ODD_IDS = {
    "task_id_empty": lambda got, _: got == "",
    "task_id_null": lambda got, _: got is None,
    "task_id_zero": lambda got, _: got == 0 and type(got) is int,
    "task_id_number": lambda got, own: got == int(own),
    "task_id_long": lambda got, _: len(got) == 1024 * 1024 and got.isdecimal(),
}


@DIALECTS
@pytest.mark.parametrize("name", ODD_IDS)
def test_an_odd_task_id_hides_a_billed_task(minimax, dialect, name):
    minimax.fault(name, times=1)
    id = minimax.create(dialect).json()["task_id"]

    [billed] = minimax.entries("billed")
    assert ODD_IDS[name](id, billed["task_id"])
    assert minimax.query(dialect, billed["task_id"])


@DIALECTS
def test_a_task_id_can_be_missing_or_that_of_another_task(minimax, dialect):
    minimax.fault("task_id_missing", times=1)
    assert "task_id" not in minimax.create(dialect).json()
    minimax.fault("task_id_duplicate", times=1)
    named = minimax.created(dialect)

    before, own = (entry["task_id"] for entry in minimax.entries("billed"))
    assert named == before != own


@DIALECTS
@pytest.mark.parametrize("number", [True, False])
def test_an_error_can_name_a_task(minimax, dialect, number):
    minimax.fault("task_id_beside_error", times=1, number=number)
    answer = minimax.create(dialect).json()

    [billed] = minimax.entries("billed")
    assert answer["task_id"] == (int(billed["task_id"]) if number else billed["task_id"])
    assert answer["base_resp"]["status_code"] == 1002


def test_every_odd_task_id_has_a_test():
    elsewhere = {"task_id_missing", "task_id_duplicate", "task_id_beside_error"}
    assert {*ODD_IDS, *elsewhere} == breakages.IDS.keys()


# What becomes of a task


@pytest.mark.parametrize(("args", "code"), [({}, 1000), ({"code": 1033}, 1033), ({"code": 0}, 0)])
def test_a_task_can_fail(minimax, args, code):
    minimax.fault("fails", times=1, **args)
    shown = minimax.query("v1", minimax.created("v1"))

    assert (shown["status"], shown["base_resp"]["status_code"]) == ("Fail", code)
    [finished] = eventually(lambda: minimax.entries("finished"))
    assert (finished["status"], finished["cost_usd"]) == ("Fail", 0)


def test_a_result_can_be_moderated_at_the_end(minimax):
    minimax.fault("output_sensitive", times=1)
    shown = minimax.query("v1", minimax.created("v1"))

    assert shown["base_resp"] == {"status_code": 1027, "status_msg": "output new_sensitive"}
    assert shown["status"] == "Fail"


@pytest.mark.parametrize(("dialect", "status"), [("v1", "Processing"), ("v2", "running")])
def test_a_task_can_be_stuck(minimax, dialect, status):
    minimax.fault("stuck", times=1)

    assert minimax.query(dialect, minimax.created(dialect))["status"] == status


def test_a_fault_hits_only_the_prompts_it_is_meant_for(minimax):
    minimax.fault("stuck", match="boat")

    assert minimax.query("v1", minimax.created("v1"))["status"] == "Processing"
    assert minimax.query("v1", minimax.created("v1", prompt="a dog"))["status"] == "Success"


# Queries


def asked(minimax: Client, dialect: str) -> requests.Response:
    """Query a finished task."""
    id = minimax.created(dialect)
    path = f"?task_id={id}" if dialect == "v1" else f"/{id}"
    return minimax.call("GET", f"/{dialect}/query/video_generation{path}")


@pytest.mark.parametrize("code", [1000, 1033])
def test_a_query_can_fail_and_recover(minimax, code):
    id = minimax.created("v1")
    minimax.fault("query_error", times=2, code=code)
    codes = [minimax.query("v1", id)["base_resp"]["status_code"] for _ in range(3)]

    assert codes == [code, code, 0]


def test_a_v2_query_fails_by_status(minimax):
    minimax.fault("query_error", times=1)

    assert asked(minimax, "v2").status_code == 500


@DIALECTS
@pytest.mark.parametrize("html", [True, False])
def test_a_query_can_have_any_status(minimax, dialect, html):
    minimax.fault("query_status", status=502, html=html)
    reply = asked(minimax, dialect)

    assert reply.status_code == 502
    assert reply.text.startswith("<html>") is html


@DIALECTS
@pytest.mark.parametrize("name", ["query_hang", "query_reset", "query_cut"])
def test_a_query_can_break(minimax, dialect, name):
    minimax.fault(name, seconds=0.05)

    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        asked(minimax, dialect)


def test_a_list_can_fail_too(minimax):
    minimax.fault("query_status", status=503)

    assert minimax.call("GET", "/v2/query/video_generation").status_code == 503


def test_a_failure_can_be_spelled_the_other_way(minimax):
    minimax.fault("fails")
    minimax.fault("failed_spelling")

    assert asked(minimax, "v1").json()["status"] == "Failed"


@pytest.mark.parametrize("value", ["Unknown", "expired", None, 7])
def test_a_status_can_be_anything(minimax, value):
    minimax.fault("odd_status", value=value)

    assert asked(minimax, "v1").json()["status"] == value
    assert asked(minimax, "v2").json()["task"]["status"] == value


def test_a_success_can_lack_its_file(minimax):
    minimax.fault("success_without_file_id", times=1)
    id = minimax.created("v1")

    assert "file_id" not in minimax.query("v1", id)
    assert minimax.query("v1", id)["file_id"]


@DIALECTS
def test_a_link_can_be_missing(minimax, dialect):
    minimax.fault("no_download_url", times=1)
    id = minimax.created(dialect)

    with pytest.raises(KeyError):
        minimax.link(dialect, id)
    assert minimax.link(dialect, id)


@DIALECTS
def test_a_link_can_point_at_evil_places(minimax, dialect):
    minimax.fault("evil_url", times=1, url="https://allowed.host@evil/")

    assert minimax.link(dialect, minimax.created(dialect)) == "https://allowed.host@evil/"


@DIALECTS
def test_a_link_can_be_dead_from_the_start(minimax, dialect):
    minimax.fault("url_expired", times=1)
    id = minimax.created(dialect)

    assert minimax.http.get(minimax.link(dialect, id)).status_code == 403
    assert watched(minimax.http.get(minimax.link(dialect, id)).content).seconds == 1


@pytest.mark.parametrize("name", ["retrieve", "retrieve_content"])
def test_a_retrieve_can_fail(minimax, name):
    file_id = asked(minimax, "v1").json()["file_id"]
    minimax.fault("retrieve_error", times=1, code=1033)
    reply = minimax.call("GET", f"/v1/files/{name}?file_id={file_id}")

    assert (reply.status_code, reply.json()["base_resp"]["status_code"]) == (200, 1033)


def test_an_unknown_id_can_be_a_500(minimax):
    minimax.fault("unknown_id_500", times=1)
    replies = [minimax.call("GET", "/v2/query/video_generation/424") for _ in range(2)]

    assert [reply.status_code for reply in replies] == [500, 400]
    assert "record not found" in replies[0].json()["error"]["message"]


def test_the_list_can_lag_behind(minimax):
    minimax.created("v2")
    minimax.fault("list_lag", times=1, seconds=30)
    totals = [minimax.call("GET", "/v2/query/video_generation").json()["total"] for _ in range(2)]

    assert totals == [0, 1]


def test_a_list_of_unknown_faults_names_the_known_ones(minimax):
    reply = minimax.http.post(f"{minimax.url}/_control/faults", json={"name": "meteorite"})

    assert reply.status_code == 400
    assert "reset_after_accept" in reply.json()["error"]
