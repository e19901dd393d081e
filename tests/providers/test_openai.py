"""The OpenAI adapter against a server that says exactly what a test wants."""

import json
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from core.errors import (
    BadResult,
    NotAccepted,
    NotSent,
    OutcomeUnknown,
    ProviderError,
    Refused,
)
from core.providers import EditAnswer, EditRequest, SendLimits
from core.providers.answer_file import read_answer
from core.providers.openai import OpenAI
from tests.providers.answers import completed, document, error_event, partial
from tests.providers.conftest import input_file, png
from tests.providers.raw_server import RawServer, answer, chunked, replying, reset, serving

WHOLE = json.dumps(document(png())).encode()
HEADERS = (
    "x-request-id: req_1\r\nopenai-processing-ms: 1234\r\n"
    "x-ratelimit-limit-input-images: 5\r\nX-RateLimit-Reset-Tokens: 58.891s\r\n"
)


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "0190.body"


def edit(
    server: RawServer,
    spool: Path,
    picture: Any,
    *,
    on_partial: Any = lambda index, image: None,
    safety_identifier: str | None = None,
    mask: Any = None,
    markup: Any = None,
    total_s: float = 5,
    **options: Any,
) -> EditAnswer:
    request = EditRequest(
        model="gpt-image-2.6-flare",
        prompt="make it blue",
        images=[picture],
        mask=mask,
        markup=markup,
        options=options,
        client_request_id="attempt-1",
        safety_identifier=safety_identifier,
    )
    client = OpenAI(base_url=f"{server.url}/v1", api_key="sk-secret")
    limits = SendLimits(connect_s=2, total_s=total_s)
    return client.edit(request, limits=limits, spool=spool, on_partial=on_partial)


def failing(data: Any, spool: Path, picture: Any, **options: Any) -> ProviderError:
    """Return the error of an edit that gets this answer."""
    script = replying(data) if isinstance(data, bytes) else data
    with serving(script) as server:
        with pytest.raises(ProviderError) as caught:
            edit(server, spool, picture, **options)
        assert server.connections == 1
    return caught.value


class TestRequest:
    def test_it_goes_out_as_documented(self, spool, picture, tmp_path):
        mask = input_file(tmp_path, png(color=(0, 0, 0)), name="m.png")
        with serving(replying(answer(WHOLE))) as server:
            edit(server, spool, picture, mask=mask, size="1024x1024", n=2, quality="high", x=None)
            head, body = server.head(), server.body()
        assert head.startswith("POST /v1/images/edits HTTP/1.1\r\n")
        assert "Authorization: Bearer sk-secret" in head
        assert "X-Client-Request-Id: attempt-1" in head
        names = [line.split(b'name="')[1].split(b'"')[0] for line in body.split(b"\r\n--")[:-1]]
        assert names == [b"prompt", b"model", b"n", b"quality", b"size", b"image[]", b"mask"]
        assert b'name="mask"; filename="m.png"\r\nContent-Type: image/png\r\n\r\n' in body

    def test_it_tells_who_asks_without_a_name(self, spool, picture):
        with serving(replying(answer(WHOLE))) as server:
            edit(server, spool, picture, safety_identifier="3f2a")
            assert b'name="safety_identifier"\r\n\r\n3f2a\r\n' in server.body()

    def test_a_markup_is_a_file_of_its_own(self, spool, picture, tmp_path):
        drawn = input_file(tmp_path, png(color=(0, 0, 0)), name="drawn.png")
        with serving(replying(answer(WHOLE))) as server:
            edit(server, spool, picture, markup=drawn)
            body = server.body()
        assert b'name="markup"; filename="drawn.png"\r\nContent-Type: image/png\r\n' in body

    def test_true_is_written_small(self, spool, picture):
        stream = chunked(completed(png()))
        with serving(replying(stream)) as server:
            edit(server, spool, picture, stream=True, partial_images=2)
            assert b'name="stream"\r\n\r\ntrue\r\n' in server.body()
            assert b'name="partial_images"\r\n\r\n2\r\n' in server.body()

    def test_several_images_are_not_streamed(self, spool, picture):
        with serving(replying(b"")) as server, pytest.raises(Refused):
            edit(server, spool, picture, stream=True, n=2)
        assert server.connections == 0

    def test_an_unwritable_spool_stops_it_before_it_costs(self, tmp_path, picture):
        with serving(replying(answer(WHOLE))) as server, pytest.raises(NotSent):
            edit(server, tmp_path / "missing" / "a.body", picture)
        assert server.connections == 0


class TestAnswer:
    def test_the_body_is_spooled_as_it_came(self, spool, picture):
        with serving(replying(answer(WHOLE, headers=HEADERS))) as server:
            got = edit(server, spool, picture)
        assert spool.read_bytes() == WHOLE
        assert got == EditAnswer(
            http_status=200,
            request_id="req_1",
            streamed=False,
            rate_limits={
                "x-ratelimit-limit-input-images": "5",
                "x-ratelimit-reset-tokens": "58.891s",
            },
        )
        assert read_answer(spool, got).images[0].read_bytes() == png()

    def test_a_stream_is_told_by_its_type(self, spool, picture):
        with serving(replying(chunked(completed(png()), kind="text/event-stream; x=y"))) as server:
            assert edit(server, spool, picture).streamed

    def test_json_may_answer_a_request_for_a_stream(self, spool, picture):
        with serving(replying(answer(WHOLE))) as server:
            assert not edit(server, spool, picture, stream=True).streamed

    @pytest.mark.parametrize(
        "data",
        [
            answer(WHOLE)[:-1].replace(b"Content-Length: ", b"X-Length: "),
            answer(WHOLE)[:-1],
            chunked(WHOLE[:-1], kind="application/json"),
            chunked(WHOLE[:100], kind="application/json", end=b""),
        ],
    )
    def test_a_document_that_is_cut_is_unknown(self, data, spool, picture):
        error = failing(data, spool, picture)
        assert type(error) is OutcomeUnknown
        assert error.code in {"answer_cut", "answer_unreadable"}

    @pytest.mark.parametrize(
        "data",
        [
            chunked(WHOLE, kind="application/json", end=b""),
            answer(WHOLE).replace(b"Content-Length: ", b"X-Length: "),
            answer(WHOLE).replace(b"Content-Length: ", b"Content-Length: 1"),
        ],
    )
    def test_a_whole_document_counts_however_its_connection_ended(self, data, spool, picture):
        with serving(replying(data)) as server:
            assert edit(server, spool, picture).http_status == 200

    def test_a_reset_after_all_was_billed_is_unknown(self, spool, picture):
        def script(server: RawServer, connection: socket.socket) -> None:
            server.read_request(connection)
            reset(connection)

        error = failing(script, spool, picture)
        assert (type(error), error.code) == (OutcomeUnknown, "no_answer")
        assert not spool.exists()

    def test_a_page_in_place_of_an_answer_is_unknown_and_kept(self, spool, picture):
        page = b"<html><h1>200</h1></html>"
        error = failing(answer(page, kind="text/html"), spool, picture)
        assert (type(error), error.code) == (OutcomeUnknown, "answer_unreadable")
        assert spool.read_bytes() == page

    def test_an_empty_answer_is_unknown(self, spool, picture):
        assert type(failing(answer(b""), spool, picture)) is OutcomeUnknown

    @pytest.mark.parametrize("body", [document(), {"created": 1}, document(None), document("")])
    def test_a_whole_answer_without_an_image_is_a_bad_result(self, body, spool, picture):
        data = json.dumps(body).encode()
        error = failing(answer(data, headers=HEADERS), spool, picture)
        assert type(error) is BadResult
        assert (error.code, error.request_id) == ("empty_result", "req_1")
        assert spool.read_bytes() == data

    @pytest.mark.parametrize(
        ("error", "kind"),
        [
            ({"message": "no", "code": "moderation_blocked"}, Refused),
            ({"message": "no", "type": "surprise"}, OutcomeUnknown),
            ({"message": "no", "code": "server_is_overloaded"}, OutcomeUnknown),
            ("no", OutcomeUnknown),
        ],
    )
    def test_an_error_may_hide_in_a_200(self, error, kind, spool, picture):
        body = json.dumps({"error": error}).encode()
        assert type(failing(answer(body), spool, picture)) is kind

    def test_an_error_leaves_no_spool(self, spool, picture):
        body = json.dumps({"error": {"message": "Slow", "type": "requests", "code": None}})
        data = answer(body.encode(), "429 Too Many Requests", "retry-after: 7\r\n")
        error = failing(data, spool, picture)
        assert isinstance(error, NotAccepted)
        assert error.retry_after_s == 7
        assert not spool.exists()

    @pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
    def test_a_redirect_is_unknown_and_not_followed(self, status, spool, picture):
        error = failing(answer(b"", status, "Location: /elsewhere\r\n"), spool, picture)
        assert (type(error), error.code) == (OutcomeUnknown, "unexpected_answer")

    def test_a_refusal_counts_although_its_words_were_cut(self, spool, picture):
        data = answer(b'{"error": {"message": "no"}}', "400 Bad Request")[:-5]
        assert type(failing(data, spool, picture)) is Refused

    def test_a_trickle_ends_in_time(self, spool, picture):
        def script(server: RawServer, connection: socket.socket) -> None:
            server.read_request(connection)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
            while not server.stopping.wait(0.02):
                connection.sendall(b" ")

        began = time.monotonic()
        error = failing(script, spool, picture, total_s=0.4)
        assert (type(error), error.code) == (OutcomeUnknown, "answer_cut")
        assert time.monotonic() - began < 3


class TestStream:
    def test_previews_come_while_the_rest_is_made(self, spool, picture):
        shown: list[tuple[int, bytes]] = []
        went_on = threading.Event()

        def script(server: RawServer, connection: socket.socket) -> None:
            server.read_request(connection)
            connection.sendall(chunked(partial(png(), 0), end=b""))
            went_on.wait(5)
            data = partial(png(9, 9), 1) + completed(png(10, 10))
            connection.sendall(b"%x\r\n%b\r\n0\r\n\r\n" % (len(data), data))

        def take(index: int, image: bytes) -> None:
            shown.append((index, image))
            went_on.set()

        with serving(script) as server:
            got = edit(server, spool, picture, on_partial=take, stream=True, partial_images=2)
        assert shown == [(0, png()), (1, png(9, 9))]
        assert got.streamed
        assert read_answer(spool, got).images[0].read_bytes() == png(10, 10)

    def test_a_preview_that_fails_costs_no_answer(self, spool, picture):
        def fail(index: int, image: bytes) -> None:
            raise RuntimeError("disk full")

        data = b"data: {broken\n\n" + partial(b"", 0) + partial(png(), 1) + completed(png())
        with serving(replying(chunked(data))) as server:
            assert edit(server, spool, picture, on_partial=fail, stream=True).streamed

    def test_a_stream_that_breaks_after_its_last_event_is_whole(self, spool, picture):
        with serving(replying(chunked(completed(png()), end=b""))) as server:
            assert edit(server, spool, picture, stream=True).streamed

    @pytest.mark.parametrize(
        "data",
        [
            chunked(partial(png())),
            chunked(partial(png()), end=b""),
            chunked(completed(png())[:-30], end=b""),
            chunked(b""),
            chunked(b"data: [DONE]\n\n"),
        ],
    )
    def test_a_stream_without_its_last_event_is_unknown(self, data, spool, picture):
        error = failing(data, spool, picture, stream=True)
        assert type(error) is OutcomeUnknown

    @pytest.mark.parametrize(
        ("events", "kind"),
        [
            (error_event(message="no", code="moderation_blocked"), Refused),
            (error_event(message="no", type="server_error", code=None), OutcomeUnknown),
            (error_event(message="slow", type="requests", code=None), OutcomeUnknown),
            (partial(png()) + error_event(message="slow", type="requests"), OutcomeUnknown),
            (b'data: {"error": "text"}\n\n', OutcomeUnknown),
        ],
    )
    def test_an_error_event_says_what_to_do(self, events, kind, spool, picture):
        error = failing(chunked(events), spool, picture, stream=True)
        assert type(error) is kind

    def test_an_image_wins_over_an_error_beside_it(self, spool, picture):
        data = error_event(message="odd", type="server_error") + completed(png())
        with serving(replying(chunked(data))) as server:
            assert edit(server, spool, picture, stream=True).streamed

    @pytest.mark.parametrize("value", [None, ""])
    def test_a_last_event_without_an_image_is_a_bad_result(self, value, spool, picture):
        assert type(failing(chunked(completed(value)), spool, picture, stream=True)) is BadResult

    def test_twelve_megabytes_of_previews_hold_nothing_up(self, spool, picture):
        shown: list[int] = []
        image = png() + bytes(9_000_000)
        data = partial(image, 0) + partial(image, 1) + completed(image)
        with serving(replying(chunked(data))) as server:
            began = time.process_time()
            edit(server, spool, picture, on_partial=lambda i, image: shown.append(len(image)))
            assert time.process_time() - began < 2
        assert shown == [len(image)] * 2


def test_the_key_is_in_no_error(spool, picture):
    data = answer(b'{"error": {"message": "Bad key: sk-secret"}}', "401 Unauthorized")
    error = failing(data, spool, picture)
    assert "sk-secret" not in str(error)
    assert "sk-secret" not in repr(OpenAI(base_url="http://x", api_key="sk-secret"))
