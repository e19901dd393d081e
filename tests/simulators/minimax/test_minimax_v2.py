"""v2 over HTTP: statuses, the list, cancelling, seven days."""

import time

import pytest

from tests.simulators.minimax.client import eventually, image_bytes, image_item, v2_body, watched

UNKNOWN = "invalid params, invalid task_id (2013)"


def test_frames_become_a_real_video_with_sound(minimax):
    minimax.set(small_videos=False)
    id = minimax.created("v2", files=[image_item()], duration=5)
    data = minimax.http.get(minimax.link("v2", id), timeout=20).content

    found = watched(data)
    assert (found.width, found.height, found.frames) == (1366, 768, 120)
    assert (found.rate, found.seconds) == (24, 5)
    assert found.sound == ("aac", 32000, 2)
    assert found.comment == f"simulated v2 {id}"


def test_a_finished_task_tells_everything_but_the_price(minimax):
    before = int(time.time())
    id = minimax.created("v2", files=[image_item()])
    task = minimax.query("v2", id)

    assert task["created_at"] in range(before, before + 5)
    assert task["updated_at"] >= task["created_at"]
    expected = {
        "id": id,
        "model": "MiniMax-H3",
        "status": "succeeded",
        "resolution": "768P",
        "duration": 4,
        "ratio": "16:9",
        "task_type": "generation",
        "modality": "video",
    }
    assert expected.items() <= task.items()
    assert task["usage"]["output_seconds"] == task["usage"]["total_seconds"] == 4
    assert task["usage"]["input_image_count"] == 1
    assert minimax.entries("billed")[0]["cost_usd"] == 0.32


def test_a_waiting_task_has_no_usage_and_no_link(minimax):
    minimax.set(fixed_s=60)
    task = minimax.query("v2", minimax.created("v2"))

    assert (task["status"], task["usage"]) == ("queued", {})
    assert "content" not in task


def test_an_accepted_task_is_named_and_nothing_else(minimax):
    assert minimax.create("v2").json().keys() == {"task_id"}


def test_a_refusal_has_a_status_a_type_and_a_request_id(minimax):
    reply = minimax.create("v2", content=[])

    body = reply.json()
    assert (reply.status_code, body["type"]) == (400, "error")
    assert body["error"]["type"] == "bad_request_error"
    assert body["error"]["http_code"] == "400"
    assert body["request_id"] == reply.headers["Trace-Id"]
    assert minimax.entries("billed") == []


@pytest.mark.parametrize(("key", "code"), [(None, "(1004)"), ("bad-key", "(2049)")])
def test_a_key_is_asked_for(minimax, key, code):
    minimax.key = key

    reply = minimax.create("v2")
    assert reply.status_code == 401
    assert reply.json()["error"]["type"] == "authorized_error"
    assert reply.json()["error"]["message"].endswith(code)


def test_the_dialects_do_not_know_each_others_tasks(minimax):
    one, two = minimax.created("v1"), minimax.created("v2")

    reply = minimax.call("GET", f"/v2/query/video_generation/{one}")
    assert (reply.status_code, reply.json()["error"]["message"]) == (400, UNKNOWN)
    assert minimax.query("v1", two)["base_resp"]["status_code"] == 2013
    assert minimax.call("DELETE", f"/v2/video_generation/{one}").status_code == 400


def listed(minimax, **filters):
    query = {name.replace("filter_", "filter."): value for name, value in filters.items()}
    reply = minimax.call("GET", "/v2/query/video_generation", params=query)
    assert reply.status_code == 200, reply.text
    return reply.json()


def test_the_list_has_pages_newest_first(minimax):
    ids = [minimax.created("v2") for _ in range(5)]
    minimax.created("v1")

    page = listed(minimax, page_num=2, page_size=2)
    assert page["total"] == 5
    assert [item["id"] for item in page["items"]] == [ids[2], ids[1]]
    assert listed(minimax, page_num=9)["items"] == []
    assert len(listed(minimax)["items"]) == 5


def test_the_list_has_filters(minimax):
    done = minimax.created("v2")
    minimax.set(fixed_s=60)
    waiting = minimax.created("v2", model="MiniMax-H3-Max", duration=5)

    def found(**filters):
        return [item["id"] for item in listed(minimax, **filters)["items"]]

    assert found(filter_status="queued") == [waiting]
    assert found(filter_status="succeeded,failed") == [done]
    assert found(filter_model="MiniMax-H3") == [done]
    assert found(filter_task_ids=f"{waiting},{done},1") == [waiting, done]
    assert found(filter_task_type="generation") == [waiting, done]
    assert found(filter_task_type="h3_context_ir") == []
    assert found(filter_status="") == [waiting, done]


@pytest.mark.parametrize("query", [{"page_num": "0"}, {"page_size": "x"}, {"page_size": "501"}])
def test_a_page_that_cannot_be_is_refused(minimax, query):
    assert minimax.call("GET", "/v2/query/video_generation", params=query).status_code == 400


def test_items_carry_no_prompt(minimax):
    minimax.created("v2", prompt="a secret garden")

    assert "secret garden" not in str(listed(minimax))


def test_tasks_are_forgotten_after_their_window(minimax):
    id = minimax.created("v2")
    minimax.set(v2_window_s=0)

    assert listed(minimax)["total"] == 0
    assert minimax.call("GET", f"/v2/query/video_generation/{id}").status_code == 400


def test_a_waiting_task_can_be_cancelled_for_free(minimax):
    minimax.set(fixed_s=60)
    id = minimax.created("v2")

    reply = minimax.call("DELETE", f"/v2/video_generation/{id}")
    assert reply.json() == {"task_id": id, "action": "cancelled", "status": "cancelled"}
    assert minimax.query("v2", id)["status"] == "cancelled"
    [finished] = minimax.entries("finished")
    assert (finished["status"], finished["cost_usd"]) == ("Cancelled", 0)
    assert minimax.call("DELETE", f"/v2/video_generation/{id}").status_code == 400


def test_a_running_task_cannot_be_cancelled(minimax):
    minimax.set(fixed_s=0.5)
    id = minimax.created("v2")
    eventually(lambda: minimax.query("v2", id)["status"] == "running")

    reply = minimax.call("DELETE", f"/v2/video_generation/{id}")
    assert reply.status_code == 400
    assert "running" in reply.json()["error"]["message"]


def test_a_finished_task_can_be_deleted_with_its_video(minimax):
    id = minimax.created("v2")
    link = minimax.link("v2", id)

    reply = minimax.call("DELETE", f"/v2/video_generation/{id}")
    assert reply.json()["action"] == "deleted"
    assert minimax.call("GET", f"/v2/query/video_generation/{id}").status_code == 400
    assert minimax.http.get(link).status_code == 404
    assert listed(minimax)["total"] == 0


def test_a_failed_task_says_why(minimax):
    minimax.fault("output_sensitive", times=1)
    task = minimax.query("v2", minimax.created("v2"))

    assert task["status"] == "failed"
    assert task["error"]["code"] == "1027"
    assert "content" not in task


def test_no_more_than_so_many_at_once(minimax):
    minimax.set(max_concurrent=2, fixed_s=60)
    first = minimax.created("v2")
    minimax.created("v2")

    reply = minimax.create("v2")
    assert (reply.status_code, reply.json()["error"]["type"]) == (429, "rate_limit_error")
    minimax.call("DELETE", f"/v2/video_generation/{first}")
    assert minimax.create("v2").status_code == 200
    assert minimax.create("v1").json()["base_resp"]["status_code"] == 0


def test_a_body_of_more_than_64_mb_is_refused_unread(minimax):
    reply = minimax.call("POST", "/v2/video_generation", data=bytes(64 * 1024 * 1024 + 1))

    assert reply.status_code == 413
    assert "67108865 bytes" in reply.json()["error"]["message"]


def test_a_large_image_gets_through(minimax):
    padded = image_item(data=image_bytes() + bytes(8 * 1024 * 1024))

    assert minimax.call("POST", "/v2/video_generation", json=v2_body(files=[padded])).ok


def test_each_question_about_a_task_is_counted_also_one_that_fails(minimax):
    id = minimax.created("v2")
    minimax.fault("query_error", times=1)
    for _ in range(2):
        minimax.call("GET", f"/v2/query/video_generation/{id}")
    minimax.call("GET", "/v2/query/video_generation")

    assert minimax.control("GET", "questions") == {id: 2}
