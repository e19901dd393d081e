"""How a paid request goes out and its answer comes back: once, watched, in pieces."""

import gc
import os
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from core import elapsed
from core.errors import NotSent, OutcomeUnknown
from core.providers import SendLimits
from core.providers.body import Body, Raw
from core.providers.paid_send import paid_send
from core.providers.verdicts import not_sent
from tests.providers.conftest import LIMITS, input_file
from tests.providers.raw_server import RawServer, answer, chunked, replying, reset, serving
from tests.providers.sending import OK, send


def resetting(server: RawServer, connection: socket.socket) -> None:
    server.read_request(connection)
    reset(connection)


def test_a_good_answer_comes_back_whole():
    with serving(replying(OK)) as server:
        assert send(server.url) == b'{"fine": true}'
        assert server.body() == b'{"prompt": "hello"}'
        head = server.head().lower()
        assert "authorization: bearer sk-test" in head
        assert "content-length: 19" in head
        assert "content-type: application/json" in head
        assert "accept-encoding: identity" in head
        assert "transfer-encoding" not in head


def test_a_request_that_is_kept_back_with_the_connection_made_was_not_sent():
    def kept_back() -> None:
        raise not_sent("too_late", "somebody else has it")

    limits = replace(LIMITS, before_first_byte=kept_back)
    body = Body("application/json", [b"{}"])
    with (
        serving(replying(OK)) as server,
        pytest.raises(NotSent, match="somebody else"),
        body,
        paid_send(server.url, body, headers={}, limits=limits, provider="OpenAI"),
    ):
        pass
    assert not server.body()


def test_nothing_is_sent_if_the_time_is_up_by_the_first_byte():
    """A process may be paused there for as long as somebody likes."""
    limits = replace(LIMITS, total_s=0.2, before_first_byte=lambda: time.sleep(0.4))
    body = Body("application/json", [b"{}"])
    with (
        serving(replying(OK)) as server,
        pytest.raises(NotSent),
        body,
        paid_send(server.url, body, headers={}, limits=limits, provider="OpenAI"),
    ):
        pass
    assert not server.body()


def test_a_reset_while_sending_is_unknown(tmp_path):
    def script(server: RawServer, connection: socket.socket) -> None:
        connection.recv(1000)
        reset(connection)

    big = input_file(tmp_path, os.urandom(12_000_000))
    with serving(script) as server, pytest.raises(OutcomeUnknown):
        send(server.url, body=Body("image/png", [Raw(big)]))


def test_an_early_refusal_is_heard_although_the_body_was_not_read(tmp_path):
    """A server may refuse a large body by its headers, and close."""

    def script(server: RawServer, connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(answer(b"too large", "413 Payload Too Large"))
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1 << 20):
            pass

    big = input_file(tmp_path, os.urandom(12_000_000))
    with serving(script) as server:
        body = Body("image/png", [Raw(big)])
        with (
            body,
            paid_send(server.url, body, headers={}, limits=LIMITS, provider="OpenAI") as reply,
        ):
            assert reply.status == 413
            assert reply.gathered(100) == (b"too large", None)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed(status: int):
    with serving(replying(OK)) as target:
        moved = answer(b"", f"{status} Moved", f"Location: {target.url}/elsewhere\r\n")
        with serving(replying(moved)) as server:
            body = Body("text/plain", [b"x"])
            with (
                body,
                paid_send(server.url, body, headers={}, limits=LIMITS, provider="x") as reply,
            ):
                assert reply.status == status
            assert (server.connections, target.connections) == (1, 0)


def test_a_proxy_from_the_environment_is_not_used(monkeypatch):
    with serving(replying(OK)) as proxy, serving(replying(OK)) as server:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        send(server.url)
        assert (server.connections, proxy.connections) == (1, 0)


def test_the_connection_is_closed_with_the_block_whoever_keeps_the_reply():
    closed = threading.Event()

    def script(server: RawServer, connection: socket.socket) -> None:
        server.read_request(connection)
        connection.sendall(OK)
        if connection.recv(1) == b"":
            closed.set()

    with serving(script) as server:
        body = Body("text/plain", [b"x"])
        with (
            body,
            paid_send(server.url, body, headers={}, limits=LIMITS, provider="x") as reply,
        ):
            reply.gathered(100)
        assert closed.wait(3)
        assert reply.status == 200


def test_the_body_knows_when_its_time_is_up():
    """So that a process that slept between connecting and sending cannot pay late."""
    body = Body("text/plain", [b"x"])
    with serving(replying(OK)) as server:
        send(server.url, body=body, total_s=3, not_after=elapsed.now() + 30)
    assert body.not_after <= elapsed.now() + 3


def test_each_request_has_a_connection_of_its_own():
    with serving(replying(OK)) as server:
        send(server.url)
        send(server.url)
        assert server.connections == 2


def test_a_watch_that_fires_after_the_answer_does_nothing():
    limits = SendLimits(connect_s=1, total_s=1)
    body = Body("text/plain", [b"x"])
    with (
        serving(replying(OK)) as server,
        body,
        paid_send(server.url, body, headers={}, limits=limits, provider="x") as reply,
    ):
        assert reply.gathered(100) == (b'{"fine": true}', None)
        threading.Event().wait(1.1)
    assert not [each for each in threading.enumerate() if isinstance(each, threading.Timer)]


@pytest.mark.parametrize(
    "data",
    [
        answer(b"hello world"),
        chunked(b"hello", b" ", b"world"),
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello world",
        b"HTTP/1.0 200 OK\r\n\r\nhello world",
        b"HTTP/1.1 100 Continue\r\n\r\n" + answer(b"hello world"),
    ],
)
def test_every_framing_is_read(data: bytes):
    with serving(replying(data)) as server:
        assert send(server.url) == b"hello world"


@pytest.mark.parametrize("framing", ["Transfer-Encoding: chunked", "Connection: close"])
def test_pieces_arrive_as_they_are_sent(framing: str):
    """A preview must not wait until a buffer is full."""
    went_on = threading.Event()

    def script(server: RawServer, connection: socket.socket) -> None:
        server.read_request(connection)
        is_chunked = "chunked" in framing
        connection.sendall(f"HTTP/1.1 200 OK\r\n{framing}\r\n\r\n".encode())
        connection.sendall(b"5\r\nfirst\r\n" if is_chunked else b"first")
        went_on.wait(5)
        connection.sendall(b"4\r\nlast\r\n0\r\n\r\n" if is_chunked else b"last")

    with serving(script) as server:
        body = Body("text/plain", [b"x"])
        with (
            body,
            paid_send(server.url, body, headers={}, limits=LIMITS, provider="x") as reply,
        ):
            pieces = reply.pieces()
            assert next(pieces) == b"first"
            went_on.set()
            assert b"".join(pieces) == b"last"


def test_nagle_is_off(monkeypatch):
    seen = []
    real = socket.socket.setsockopt

    def note(self, *args):
        seen.append(args)
        return real(self, *args)

    monkeypatch.setattr(socket.socket, "setsockopt", note)
    with serving(replying(OK)) as server:
        send(server.url)
    assert (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1) in seen


def open_files() -> int:
    """Return how many descriptors this process has, where the system tells."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


def test_no_socket_is_left_open():
    with serving(replying(OK)) as server, serving(resetting) as bad:
        send(server.url)
        gc.collect()
        before = open_files()
        for _ in range(5):
            send(server.url)
            with pytest.raises(OutcomeUnknown):
                send(bad.url)
        assert open_files() <= before + 1


def test_importing_costs_no_sdk():
    program = "import sys, core.providers.openai, core.providers.minimax_v2; print(*sys.modules)"
    listed = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert not {"openai", "pydantic", "PIL", "av"} & set(listed.stdout.split())
