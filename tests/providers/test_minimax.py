"""Both MiniMax adapters against a server that says exactly what a test wants."""

import base64
import json
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from core.errors import NotSent, OutcomeUnknown, ProviderError, Refused
from core.providers import Accepted, Broken, ListedTask, Pending, Ready, SendLimits, VideoRequest
from core.providers.minimax_v1 import MiniMaxV1
from core.providers.minimax_v2 import MiniMaxV2
from tests.providers.conftest import LIMITS, png
from tests.providers.raw_server import RawServer, answer, replying, serving

DATA_URL = "data:image/png;base64," + base64.b64encode(png()).decode()
FINE = {"status_code": 0, "status_msg": "success"}
URL = "https://video-product.cdn.minimax.io/output.mp4?sig=1"


def v1(server: RawServer) -> MiniMaxV1:
    return MiniMaxV1(base_url=server.url, api_key="sk-secret")


def v2(server: RawServer) -> MiniMaxV2:
    return MiniMaxV2(base_url=server.url, api_key="sk-secret")


BOTH = pytest.mark.parametrize("client", [v1, v2])


def said(body: object, status: str = "200 OK", headers: str = "") -> bytes:
    return answer(json.dumps(body).encode(), status, headers)


def by_path(**answers: object) -> Callable[[RawServer, socket.socket], None]:
    """Return a script that answers by the last word of the request's path."""

    def script(server: RawServer, connection: socket.socket) -> None:
        request = server.read_request(connection)
        path = request.split(b" ")[1].split(b"?")[0].decode()
        name = path.rpartition("/")[2]
        connection.sendall(said(answers[name if name in answers else "task"]))

    return script


class TestSubmitV1:
    def test_pictures_go_as_data_urls(self, picture):
        request = VideoRequest(
            model="MiniMax-Hailuo-02",
            prompt="She smiles [Push in]",
            options={"duration": 6, "resolution": "768P", "prompt_optimizer": False, "x": None},
            first_frame=picture,
            last_frame=picture,
            callback_url="https://host/api/hailuo/callback/token",
        )
        with serving(replying(said({"task_id": "106", "base_resp": FINE}))) as server:
            assert v1(server).submit(request, limits=LIMITS) == Accepted(
                task_id="106", http_status=200
            )
            assert server.head().startswith("POST /v1/video_generation HTTP/1.1")
            assert "Authorization: Bearer sk-secret" in server.head()
            assert json.loads(server.body()) == {
                "model": "MiniMax-Hailuo-02",
                "prompt": "She smiles [Push in]",
                "first_frame_image": DATA_URL,
                "last_frame_image": DATA_URL,
                "duration": 6,
                "resolution": "768P",
                "prompt_optimizer": False,
                "callback_url": "https://host/api/hailuo/callback/token",
            }

    def test_a_face_is_a_subject(self, picture):
        request = VideoRequest(model="S2V-01", prompt="", subject=picture)
        with serving(replying(said({"task_id": "106", "base_resp": FINE}))) as server:
            v1(server).submit(request, limits=LIMITS)
            assert json.loads(server.body()) == {
                "model": "S2V-01",
                "subject_reference": [{"type": "character", "image": [DATA_URL]}],
            }


class TestSubmitV2:
    def test_frames_are_content(self, picture):
        request = VideoRequest(
            model="MiniMax-H3-Max",
            prompt="Slow push in",
            options={"duration": 5, "resolution": "768P", "prompt_expansion_mode": "disabled"},
            first_frame=picture,
            last_frame=picture,
            callback_url="https://host/cb",
        )
        reply = said({"task_id": "424"}, headers="Trace-Id: t9\r\n")
        with serving(replying(reply)) as server:
            assert v2(server).submit(request, limits=LIMITS) == Accepted(
                task_id="424", http_status=200, request_id="t9"
            )
            assert server.head().startswith("POST /v2/video_generation HTTP/1.1")
            frame = {"type": "image_url", "image_url": {"url": DATA_URL}}
            assert json.loads(server.body()) == {
                "model": "MiniMax-H3-Max",
                "content": [
                    {"type": "text", "text": "Slow push in"},
                    {**frame, "role": "first_frame"},
                    {**frame, "role": "last_frame"},
                ],
                "duration": 5,
                "resolution": "768P",
                "extra": {"prompt_expansion_mode": "disabled"},
                "callback_url": "https://host/cb",
            }

    def test_a_subject_is_a_reference(self, picture):
        request = VideoRequest(model="MiniMax-H3", prompt="x", subject=picture)
        with serving(replying(said({"task_id": "424"}))) as server:
            v2(server).submit(request, limits=LIMITS)
            assert json.loads(server.body())["content"][1]["role"] == "reference_image"


NO_NUMBERS: list[object] = [0, "0", 106916112212032, 1.5, True]
NO_IDS = [*NO_NUMBERS, None, "", [], {}, "../../etc", "a b", "a\nb", "a?b", "ü", "a\0b"]
REQUEST = VideoRequest(model="MiniMax-Hailuo-02", prompt="a boat")


def refused(client: Any, data: bytes) -> ProviderError:
    with serving(replying(data)) as server:
        with pytest.raises(ProviderError) as caught:
            client(server).submit(REQUEST, limits=LIMITS)
        assert server.connections == 1
    return caught.value


@BOTH
class TestTaskIds:
    @pytest.mark.parametrize(
        "task_id",
        [*NO_IDS, "x" * 65, "1" * 1_000_000],
    )
    def test_what_is_not_one_is_unknown(self, client, task_id):
        error = refused(client, said({"task_id": task_id, "base_resp": FINE}))
        assert type(error) is OutcomeUnknown
        assert len(str(error)) < 2200

    @pytest.mark.parametrize("body", [{}, {"base_resp": FINE}, {"task": {"id": "1"}}])
    def test_a_missing_one_is_unknown(self, client, body):
        error = refused(client, said(body))
        assert (type(error), error.code) == (OutcomeUnknown, "no_task_id")

    @pytest.mark.parametrize("task_id", ["1", "x" * 64, "424010985738629", "a-b_C"])
    def test_a_good_one_is_kept_as_it_is(self, client, task_id):
        with serving(replying(said({"task_id": task_id}))) as server:
            assert client(server).submit(REQUEST, limits=LIMITS).task_id == task_id

    def test_an_error_and_a_task_at_once_is_unknown(self, client):
        base = {"status_code": 1002, "status_msg": "rate limit"}
        error = refused(client, said({"task_id": "106", "base_resp": base}))
        assert (type(error), error.code) == (OutcomeUnknown, "unexpected_answer")


@BOTH
class TestAnswers:
    @pytest.mark.parametrize("data", [b"", b"<html>", b"{", b"null", b'"text"', b"[]", b"[" * 9999])
    def test_what_cannot_be_read_is_unknown(self, client, data):
        assert type(refused(client, answer(data))) is OutcomeUnknown

    def test_a_cut_answer_is_unknown(self, client):
        whole = said({"task_id": "106", "base_resp": FINE})
        assert type(refused(client, whole[:-3])) is OutcomeUnknown

    def test_a_refusal_is_final(self, client):
        body = {"error": {"message": "sensitive (1026)"}, "request_id": "r1"}
        error = refused(client, said(body, "422 Unprocessable Entity"))
        assert isinstance(error, Refused)
        assert (error.code, error.request_id) == ("moderation_input", "r1")

    def test_a_redirect_is_unknown(self, client):
        data = answer(b"", "308 Permanent Redirect", "Location: /elsewhere\r\n")
        assert type(refused(client, data)) is OutcomeUnknown

    def test_nobody_listens(self, client):
        with serving(replying(b"")) as server:
            gone = client(server)
        with pytest.raises(NotSent):
            gone.submit(REQUEST, limits=SendLimits(connect_s=1, total_s=2))


def look(client: Any, *, task_id: str = "7", **answers: object) -> Any:
    with serving(by_path(**answers)) as server:
        return client(server).progress(task_id)


def looking(client: Any, *, task_id: str = "7", **answers: object) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        look(client, task_id=task_id, **answers)
    assert type(caught.value) is ProviderError
    return caught.value


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
        assert error.code == "rate_limited"

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


def task(status: object, **more: object) -> dict[str, object]:
    return {"task": {"id": "7", "model": "MiniMax-H3", "status": status, "usage": {}, **more}}


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


def listed(id: str, at: int, **more: object) -> dict[str, object]:
    facts = {"model": "MiniMax-H3", "resolution": "768P", "duration": 5, "ratio": "16:9"}
    return {"id": id, "status": "queued", "created_at": at, **facts, **more}


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


class TestListing:
    def test_every_page_is_read_until_it_is_old_enough(self):
        everything = [listed(f"t{n}", 2000 - n) for n in range(50)]

        def script(server: RawServer, connection: socket.socket) -> None:
            line = server.read_request(connection).split(b" ")[1].decode()
            number = int(line.split("page_num=")[1].split("&")[0])
            page = everything[(number - 1) * 20 : number * 20]
            connection.sendall(said({"items": page, "total": len(everything)}))

        with serving(script) as server:
            found = v2(server).list_tasks(since=moment(1975.4), model="MiniMax-H3")
            assert server.connections == 2
            assert "filter.model=MiniMax-H3" in server.head()
        assert [task.task_id for task in found] == [f"t{n}" for n in range(26)]
        assert found[0] == ListedTask(
            task_id="t0",
            model="MiniMax-H3",
            resolution="768P",
            duration=5,
            ratio="16:9",
            status="queued",
            created_at=moment(2000),
        )

    def test_a_list_that_never_ends_or_repeats_itself_ends(self):
        with serving(replying(said({"items": [listed("1", 2000)]}))) as server:
            assert len(v2(server).list_tasks(since=moment(0))) == 1
            assert server.connections == 2

    @pytest.mark.parametrize(
        "items",
        [None, "x", ["x"], [None], [{"id": "1"}], [listed("1", 10**20)], [listed("", 1)]],
    )
    def test_a_list_with_holes_proves_nothing(self, items):
        with serving(replying(said({"items": items}))) as server, pytest.raises(ProviderError):
            v2(server).list_tasks(since=moment(0))

    def test_one_task_can_be_described(self):
        with serving(replying(said({"task": listed("7", 2000)}))) as server:
            assert v2(server).describe("7").ratio == "16:9"


class TestCancelling:
    @staticmethod
    def cancelling(status: str, deleted: bytes) -> tuple[bool | ProviderError, list[str]]:
        def script(server: RawServer, connection: socket.socket) -> None:
            request = server.read_request(connection)
            connection.sendall(said(task(status)) if request.startswith(b"GET") else deleted)

        with serving(script) as server:
            try:
                found: bool | ProviderError = v2(server).cancel("7")
            except ProviderError as error:
                found = error
            return found, [server.head(n).split(" ")[0] for n in range(len(server.requests))]

    def test_a_queued_task_is_cancelled(self):
        gone = said({"task_id": "7", "action": "cancelled", "status": "cancelled"})
        assert self.cancelling("queued", gone) == (True, ["GET", "DELETE"])

    @pytest.mark.parametrize("status", ["running", "succeeded", "failed", "cancelled", "new"])
    def test_anything_else_is_left_alone(self, status):
        """To delete a finished task would delete its result."""
        assert self.cancelling(status, b"") == (False, ["GET"])

    def test_a_task_that_has_just_begun_is_not_cancelled(self):
        begun = said({"error": {"message": "task is running (2013)"}}, "400 Bad Request")
        assert self.cancelling("queued", begun)[0] is False

    def test_a_task_that_has_just_ended_is_not_called_cancelled(self):
        gone = said({"task_id": "7", "action": "deleted", "status": "deleted"})
        assert self.cancelling("queued", gone)[0] is False

    @pytest.mark.parametrize("status", ["429 Too Many", "500 Error", "401 Unauthorized"])
    def test_a_failed_call_may_be_tried_again(self, status):
        found, _ = self.cancelling("queued", said({}, status))
        assert isinstance(found, ProviderError)
