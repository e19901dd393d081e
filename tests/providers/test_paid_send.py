"""Whether a request was sent, and what came back: decided by the body, never by an exception."""

import gc
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from core.errors import NotSent, OutcomeUnknown, ProviderError
from core.providers import SendLimits
from core.providers.body import Body, Raw
from core.providers.paid_send import paid_send
from tests.providers.conftest import LIMITS, input_file
from tests.providers.raw_server import RawServer, answer, chunked, replying, reset, serving

Script = Callable[[RawServer, socket.socket], None]
OK = answer(b'{"fine": true}')


def send(
    url: str,
    *,
    body: Body | None = None,
    ca_file: Path | None = None,
    connect_s: float = 5,
    total_s: float = 5,
    not_after: float | None = None,
) -> bytes:
    """Send a small body once; return the whole answer."""
    made = body or Body("application/json", [b'{"prompt": "hello"}'])
    headers = {"Authorization": "Bearer sk-test"}
    limits = SendLimits(connect_s=connect_s, total_s=total_s, not_after=not_after)
    with (
        made,
        paid_send(
            f"{url}/v1/edits",
            made,
            headers=headers,
            limits=limits,
            provider="OpenAI",
            ca_file=ca_file,
        ) as reply,
    ):
        return reply.whole(1_000_000)


def code_of(caught: pytest.ExceptionInfo[ProviderError]) -> str:
    return caught.value.code


def silent(server: RawServer, connection: socket.socket) -> None:
    server.read_request(connection)
    server.stopping.wait(5)


def resetting(server: RawServer, connection: socket.socket) -> None:
    server.read_request(connection)
    reset(connection)


def leaving(server: RawServer, connection: socket.socket) -> None:
    server.read_request(connection)


def trickling(server: RawServer, connection: socket.socket) -> None:
    server.read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while not server.stopping.wait(0.02):
        connection.sendall(b"x")


def trickling_headers(server: RawServer, connection: socket.socket) -> None:
    server.read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while not server.stopping.wait(0.02):
        connection.sendall(b"X-Slow: 1\r\n")


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


class TestNotSent:
    def test_the_name_is_unknown(self):
        with pytest.raises(NotSent) as caught:
            send("http://nowhere.invalid")
        assert code_of(caught) == "unreachable"

    def test_the_connection_is_refused(self):
        with closing(socket.create_server(("127.0.0.1", 0))) as listener:
            port = listener.getsockname()[1]
        with pytest.raises(NotSent, match="ConnectionRefusedError"):
            send(f"http://127.0.0.1:{port}")

    def test_nobody_accepts_the_connection(self):
        with closing(socket.socket()) as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            place = listener.getsockname()
            waiting = [socket.socket() for _ in range(4)]  # fill the queue: the next SYN is dropped
            for each in waiting:
                each.setblocking(False)
                each.connect_ex(place)
            began = time.monotonic()
            with pytest.raises(NotSent):
                send(f"http://127.0.0.1:{place[1]}", connect_s=0.3, total_s=5)
            assert time.monotonic() - began < 1
            for each in waiting:
                each.close()

    def test_the_certificate_is_not_trusted(self, trusted):
        with (
            serving(replying(OK), tls=trusted.context()) as server,
            pytest.raises(NotSent, match="CERTIFICATE_VERIFY_FAILED"),
        ):
            send(f"https://localhost:{server.port}")

    def test_the_certificate_is_somebody_elses(self, trusted):
        with serving(replying(OK), tls=trusted.context()) as server, pytest.raises(NotSent):
            send(f"https://127.0.0.1:{server.port}", ca_file=trusted.file)

    def test_the_handshake_hangs(self, trusted):
        def hang(server: RawServer, connection: socket.socket) -> None:
            server.stopping.wait(5)

        began = time.monotonic()
        with serving(hang) as server, pytest.raises(NotSent):
            send(
                f"https://localhost:{server.port}", connect_s=30, total_s=0.3, ca_file=trusted.file
            )
        assert time.monotonic() - began < 1.5

    def test_the_handshake_is_reset(self, trusted):
        def script(server: RawServer, connection: socket.socket) -> None:
            connection.recv(10)
            reset(connection)

        with serving(script) as server, pytest.raises(NotSent):
            send(f"https://localhost:{server.port}", ca_file=trusted.file)

    def test_the_handshake_trickles(self, trusted):
        def script(server: RawServer, connection: socket.socket) -> None:
            connection.sendall(b"\x16\x03\x03\x40\x00")
            while not server.stopping.wait(0.02):
                connection.sendall(b"x")

        began = time.monotonic()
        with serving(script) as server, pytest.raises(NotSent):
            send(
                f"https://localhost:{server.port}", connect_s=30, total_s=0.4, ca_file=trusted.file
            )
        assert time.monotonic() - began < 1.5

    def test_the_time_was_up_before_it_began(self):
        with serving(replying(OK)) as server, pytest.raises(NotSent):
            send(server.url, connect_s=1, total_s=5, not_after=time.monotonic() - 1)
        assert server.requests == []

    def test_a_header_cannot_be_sent(self):
        body = Body("text/plain\r\nX-Evil: 1", [b"x"])
        with serving(replying(OK)) as server, pytest.raises(NotSent):
            send(server.url, body=body)

    def test_a_process_that_was_paused_after_connecting_sends_nothing_late(self):
        """The check stands right before the first byte, whatever happened before it."""
        body = Body("text/plain", [b"late"])
        body.not_after = time.monotonic() - 0.001
        with pytest.raises(NotSent) as caught:
            body.read(10)
        assert code_of(caught) == "too_late"


class TestNobodyKnows:
    @pytest.mark.parametrize(
        ("script", "code"),
        [
            (resetting, "no_answer"),
            (leaving, "no_answer"),
            (replying(b"HTTP/1.1 2"), "no_answer"),
            (replying(b"SMTP 220 hello\r\n\r\n"), "no_answer"),
            (replying(OK[:-1]), "answer_cut"),
            (replying(chunked(b"a", end=b"")), "answer_cut"),
            (replying(chunked(b"a", end=b"5\r\nab")), "answer_cut"),
            (replying(chunked(b"a", end=b"zz\r\n")), "answer_cut"),
        ],
    )
    def test_the_answer_is_missing_or_cut(self, script: Script, code: str):
        with serving(script) as server, pytest.raises(OutcomeUnknown) as caught:
            send(server.url)
        assert code_of(caught) == code
        assert server.connections == 1

    @pytest.mark.parametrize("script", [silent, trickling, trickling_headers])
    def test_the_total_time_ends_it(self, script: Script):
        began = time.monotonic()
        with serving(script) as server:
            with pytest.raises(OutcomeUnknown):
                send(server.url, connect_s=5, total_s=0.4)
            assert 0.35 < time.monotonic() - began < 1

    def test_an_answer_under_tls_comes_back_whole(self, trusted):
        with serving(replying(OK), tls=trusted.context()) as server:
            assert (
                send(f"https://localhost:{server.port}", ca_file=trusted.file) == b'{"fine": true}'
            )

    def test_the_total_time_ends_it_under_tls_too(self, trusted):
        began = time.monotonic()
        with serving(trickling, tls=trusted.context()) as server:
            with pytest.raises(OutcomeUnknown):
                send(
                    f"https://localhost:{server.port}",
                    connect_s=5,
                    total_s=0.6,
                    ca_file=trusted.file,
                )
            assert time.monotonic() - began < 1.5

    def test_a_moment_not_to_go_beyond_ends_it_earlier(self):
        began = time.monotonic()
        with serving(silent) as server:
            with pytest.raises(OutcomeUnknown):
                send(server.url, connect_s=5, total_s=5, not_after=began + 0.4)
            assert time.monotonic() - began < 1

    def test_a_server_that_stops_reading_does_not_hold_us(self, tmp_path):
        def script(server: RawServer, connection: socket.socket) -> None:
            connection.recv(1000)
            server.stopping.wait(5)

        big = input_file(tmp_path, os.urandom(12_000_000))
        began = time.monotonic()
        with serving(script) as server:
            with pytest.raises(OutcomeUnknown):
                send(server.url, connect_s=5, total_s=0.5, body=Body("image/png", [Raw(big)]))
            assert time.monotonic() - began < 1.5

    def test_an_answer_longer_than_expected_is_not_read_to_its_end(self):
        with serving(replying(answer(b"x" * 2_000_000))) as server:
            with pytest.raises(OutcomeUnknown) as caught:
                send(server.url)
            assert code_of(caught) == "answer_unreadable"


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
            assert reply.beginning() == b"too large"


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


def test_each_request_has_a_connection_of_its_own():
    with serving(replying(OK)) as server:
        send(server.url)
        send(server.url)
        assert server.connections == 2


def test_a_watch_that_fires_after_the_answer_does_nothing():
    with serving(replying(OK)) as server:
        for _ in range(5):
            assert send(server.url, connect_s=1, total_s=0.3)
        threading.Event().wait(0.4)
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
