"""Whether a request was sent: decided by its body, never by the exception."""

import os
import socket
import time
from contextlib import closing

import pytest

from core import elapsed
from core.errors import NotSent, OutcomeUnknown, ProviderError
from core.providers.body import Body, Raw
from tests.providers.conftest import input_file
from tests.providers.raw_server import RawServer, Script, answer, chunked, replying, reset, serving
from tests.providers.sending import OK, send


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
            assert time.monotonic() - began < 3
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
        assert time.monotonic() - began < 3

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
        assert time.monotonic() - began < 3

    @pytest.mark.parametrize("left_s", [-1, 4.5])
    def test_its_whole_time_does_not_fit_any_more(self, left_s):
        """It would be cut off at the end of the lease: paid, and uncertain for nothing."""
        until = elapsed.now() + left_s
        with serving(replying(OK)) as server, pytest.raises(NotSent) as caught:
            send(server.url, connect_s=1, total_s=5, not_after=until)
        assert server.connections == 0
        assert code_of(caught) == "too_late"

    def test_a_header_cannot_be_sent(self):
        body = Body("text/plain\r\nX-Evil: 1", [b"x"])
        with serving(replying(OK)) as server, pytest.raises(NotSent):
            send(server.url, body=body)

    def test_a_process_that_was_paused_after_connecting_sends_nothing_late(self):
        """The check stands right before the first byte, whatever happened before it."""
        body = Body("text/plain", [b"late"])
        body.not_after = elapsed.now() - 0.001
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
            assert 0.35 < time.monotonic() - began < 3

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
            assert time.monotonic() - began < 3

    def test_a_server_that_stops_reading_does_not_hold_us(self, tmp_path):
        def script(server: RawServer, connection: socket.socket) -> None:
            connection.recv(1000)
            server.stopping.wait(5)

        big = input_file(tmp_path, os.urandom(12_000_000))
        began = time.monotonic()
        with serving(script) as server:
            with pytest.raises(OutcomeUnknown):
                send(server.url, connect_s=5, total_s=0.5, body=Body("image/png", [Raw(big)]))
            assert time.monotonic() - began < 3

    def test_an_answer_longer_than_expected_is_not_read_to_its_end(self):
        with serving(replying(answer(b"x" * 2_000_000))) as server:
            with pytest.raises(OutcomeUnknown) as caught:
                send(server.url)
            assert code_of(caught) == "answer_unreadable"
