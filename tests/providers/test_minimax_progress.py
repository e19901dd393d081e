"""How a task stands, by both MiniMax adapters: asking costs nothing and ends nothing."""

import pytest

from core.errors import ProviderError
from core.providers import Broken, Pending, Ready
from tests.providers.minimax_answers import (
    BOTH,
    FINE,
    URL,
    by_path,
    look,
    looking,
    said,
    task,
    v1,
    v2,
)
from tests.providers.raw_server import answer, replying, serving


def query(status: object, **more: object) -> dict[str, object]:
    return {"task_id": "7", "status": status, "file_id": "", "base_resp": FINE, **more}


class TestProgressV1:
    @pytest.mark.parametrize("status", ["Preparing", "Queueing", "Processing", "Unknown", "New"])
    def test_everything_but_an_end_is_pending(self, status):
        assert look(v1, video_generation=query(status)) == Pending(provider_status=status)

    @pytest.mark.parametrize("status", [None, "", 7])
    def test_no_status_is_pending_too(self, status):
        assert isinstance(look(v1, video_generation=query(status)), Pending)

    @pytest.mark.parametrize("status", ["Success", "success", "SUCCESS"])
    @pytest.mark.parametrize("file_id", ["176844028768320", 176844028768320])
    def test_a_success_brings_link_and_size(self, status, file_id):
        done = query(status, file_id=file_id, video_width=1366, video_height=768)
        file = {"file": {"file_id": 176844028768320, "download_url": URL}, "base_resp": FINE}
        found = look(v1, video_generation=done, retrieve=file)
        assert found == Ready(download_url=URL, actual={"width": 1366, "height": 768})
        assert "sig=1" not in repr(found)

    def test_the_file_is_asked_for_by_its_id(self):
        done = query("Success", file_id=176844028768320)
        file = {"file": {"download_url": URL}, "base_resp": FINE}
        with serving(by_path(video_generation=done, retrieve=file)) as server:
            v1(server).progress("7")
            assert server.head(0).startswith("GET /v1/query/video_generation?task_id=7 ")
            assert server.head(1).startswith("GET /v1/files/retrieve?file_id=176844028768320 ")

    @pytest.mark.parametrize("status", ["Fail", "fail", "Failed", "FAILED"])
    @pytest.mark.parametrize(
        ("number", "code"),
        [
            (0, "generation_failed"),
            (1000, "generation_failed"),
            (1033, "generation_failed"),
            (1026, "moderation_input"),
            (1027, "moderation_output"),
        ],
    )
    def test_a_failure_is_broken_however_it_is_spelled(self, status, number, code):
        base = {"status_code": number, "status_msg": "output new_sensitive"}
        found = look(v1, video_generation=query(status, base_resp=base))
        assert isinstance(found, Broken)
        assert found.code == code

    def test_a_failure_may_come_without_a_status(self):
        base = {"status_code": 1027, "status_msg": "output new_sensitive"}
        found = look(v1, video_generation={"task_id": "7", "base_resp": base})
        assert isinstance(found, Broken)

    @pytest.mark.parametrize("number", [1000, 1001, 1002, 1004, 1033, 2049, 2013, 9999])
    @pytest.mark.parametrize("status", ["", "Processing", None])
    def test_a_failed_question_is_not_a_failed_task(self, number, status):
        base = {"status_code": number, "status_msg": "words"}
        looking(v1, video_generation=query(status, base_resp=base))

    def test_a_limit_is_not_a_failure_even_if_it_looks_like_one(self):
        base = {"status_code": 1002, "status_msg": "rate limit"}
        error = looking(v1, video_generation=query("Fail", base_resp=base))
        assert error.code == "check_limited"

    @pytest.mark.parametrize("file_id", [None, "", 0, "0", True, [], {}])
    def test_a_success_without_a_file_is_asked_again(self, file_id):
        error = looking(v1, video_generation=query("Success", file_id=file_id))
        assert error.code == "check_incomplete"

    @pytest.mark.parametrize(
        "file",
        [
            {},
            {"file": None},
            {"file": {}},
            *({"file": {"download_url": url}} for url in ("", 7, None, "ftp://x")),
            {"base_resp": {"status_code": 1000, "status_msg": "no"}},
        ],
    )
    def test_a_file_without_a_link_is_asked_again(self, file):
        looking(v1, video_generation=query("Success", file_id="1"), retrieve=file)

    def test_another_task_s_answer_is_not_taken(self):
        error = looking(v1, video_generation=query("Processing", task_id="8"))
        assert "'8'" in str(error)

    def test_a_number_may_name_our_task(self):
        found = look(v1, video_generation=query("Processing", task_id=7))
        assert isinstance(found, Pending)


class TestProgressV2:
    @pytest.mark.parametrize("status", ["queued", "running", "anything", "Queued"])
    def test_everything_but_an_end_is_pending(self, status):
        assert look(v2, task=task(status)) == Pending(provider_status=status)

    def test_a_success_brings_link_usage_and_what_was_made(self):
        usage = {"output_seconds": 5, "total_seconds": 5}
        done = task(
            "succeeded",
            content={"url": URL},
            usage=usage,
            resolution="768P",
            duration=5,
            ratio="16:9",
        )
        found = look(v2, task=done)
        assert isinstance(found, Ready)
        assert (found.download_url, found.usage) == (URL, usage)
        expected = {"resolution": "768P", "duration": 5, "ratio": "16:9", "model": "MiniMax-H3"}
        assert found.actual == expected

    @pytest.mark.parametrize(
        ("error", "code"),
        [
            ({"code": "1026", "message": "sensitive"}, "moderation_input"),
            ({"code": "1027", "message": "sensitive"}, "moderation_output"),
            ({"code": "1000", "message": "internal"}, "generation_failed"),
            ({"message": "sensitive (1026)"}, "moderation_input"),
            (None, "generation_failed"),
            ("text", "generation_failed"),
        ],
    )
    def test_a_failure_is_broken(self, error, code):
        found = look(v2, task=task("failed", error=error))
        assert isinstance(found, Broken)
        assert found.code == code

    @pytest.mark.parametrize(
        ("status", "code"),
        [("expired", "task_expired"), ("cancelled", "cancelled_at_provider")],
    )
    def test_other_ends_are_broken_too(self, status, code):
        found = look(v2, task=task(status))
        assert isinstance(found, Broken)
        assert found.code == code

    @pytest.mark.parametrize("content", [None, {}, {"url": None}, {"url": ""}, {"url": 1}, []])
    def test_a_success_without_a_link_is_asked_again(self, content):
        assert looking(v2, task=task("succeeded", content=content)).code == "check_incomplete"

    @pytest.mark.parametrize("body", [{}, {"task": None}, {"task": []}, task("queued", id="8")])
    def test_what_is_not_about_our_task_is_asked_again(self, body):
        assert looking(v2, task=body).code == "check_incomplete"


@BOTH
class TestQuestions:
    @pytest.mark.parametrize(
        "data", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", answer(b"<html>")]
    )
    def test_what_cannot_be_read_is_asked_again(self, client, data):
        with serving(replying(data)) as server, pytest.raises(ProviderError) as caught:
            client(server).progress("7")
        assert (type(caught.value), caught.value.code) == (ProviderError, "check_failed")

    def test_a_huge_answer_is_not_read_to_its_end(self, client):
        with serving(replying(answer(b" " * 5_000_000))) as server, pytest.raises(ProviderError):
            client(server).progress("7")

    def test_nobody_listens(self, client):
        with serving(replying(b"")) as server:
            gone = client(server)
        with pytest.raises(ProviderError) as caught:
            gone.progress("7")
        assert type(caught.value) is ProviderError

    def test_a_redirect_is_not_followed(self, client):
        with serving(replying(said({}))) as target:
            moved = answer(b"", "302 Found", f"Location: {target.url}\r\n")
            with serving(replying(moved)) as server, pytest.raises(ProviderError):
                client(server).progress("7")
            assert target.connections == 0
