"""Downloads from servers that lie, stall, redirect, or are not where they seem to be."""

import hashlib
import os
import socket
import time
from pathlib import Path
from typing import Any

import pytest
import structlog

from core.errors import ProviderError
from core.providers import fetch as fetching
from core.providers.fetch import fetch, without_query
from tests.providers.raw_server import RawServer, answer, replying, serving

VIDEO = os.urandom(300_000)
VENDOR = "https://video-product.cdn.minimax.io"
SECRET = "?Expires=1&Signature=SECRET"


def get(server: RawServer, path: Path, url: str | None = None, **more: Any) -> Any:
    options: dict[str, Any] = {"max_bytes": 1_000_000, "total_s": 5, **more}
    place = f"127.0.0.1:{server.port}"
    return fetch(url or f"{server.url}/a.mp4{SECRET}", path, allowed_hosts={place}, **options)


def failing(data: Any, folder: Path, **more: Any) -> ProviderError:
    """Return the error of a download that leaves nothing behind."""
    script = replying(data) if isinstance(data, bytes) else data
    with serving(script) as server, pytest.raises(ProviderError) as caught:
        get(server, folder / "a.mp4", **more)
    assert list(folder.iterdir()) == []
    assert "SECRET" not in str(caught.value)
    return caught.value


def test_a_file_arrives_whole_with_its_hash(tmp_path):
    with serving(replying(answer(VIDEO, kind="video/mp4"))) as server:
        got = get(server, tmp_path / "a.mp4")
        assert server.head().startswith(f"GET /a.mp4{SECRET} HTTP/1.1")
        assert "authorization" not in server.head().lower()
    assert (tmp_path / "a.mp4").read_bytes() == VIDEO
    assert got.sha256 == hashlib.sha256(VIDEO).hexdigest()
    assert (got.bytes, got.content_type) == (len(VIDEO), "video/mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_an_escaped_path_goes_out_as_it_came(tmp_path):
    with serving(replying(answer(VIDEO))) as server:
        path = "/inference_output%2Fvideo%2Fa.mp4?Signature=a%2Bb%3D&x=%2F"
        get(server, tmp_path / "a.mp4", url=server.url + path)
        assert server.head().startswith(f"GET {path} HTTP/1.1")


def test_a_file_that_was_there_is_replaced_only_by_a_whole_one(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"old")
    with serving(replying(answer(VIDEO)[:-1])) as server, pytest.raises(ProviderError):
        get(server, tmp_path / "a.mp4")
    assert (tmp_path / "a.mp4").read_bytes() == b"old"


@pytest.mark.parametrize("status", ["403 Forbidden", "404 Not Found", "410 Gone"])
def test_a_dead_link_is_told_apart(status, tmp_path):
    error = failing(answer(b"<Error/>", status), tmp_path)
    assert (type(error), error.code) == (ProviderError, "link_expired")


@pytest.mark.parametrize("status", ["206 Partial", "204 No", "400 Bad", "429 Slow", "500 No"])
def test_any_other_status_is_tried_again(status, tmp_path):
    error = failing(answer(VIDEO, status), tmp_path)
    assert (type(error), error.code) == (ProviderError, "download_failed")


class TestSizes:
    def test_a_length_over_the_limit_is_not_even_begun(self, tmp_path):
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 50000000000\r\n\r\n"

        def script(server: RawServer, connection: socket.socket) -> None:
            server.read_request(connection)
            connection.sendall(head)
            server.stopping.wait(5)

        began = time.monotonic()
        assert failing(script, tmp_path).code == "download_too_large"
        assert time.monotonic() - began < 2

    @pytest.mark.parametrize("framing", ["Transfer-Encoding: chunked", "Connection: close"])
    def test_a_stream_without_end_is_cut_at_the_limit(self, framing, tmp_path):
        sent = 0

        def script(server: RawServer, connection: socket.socket) -> None:
            nonlocal sent
            server.read_request(connection)
            connection.sendall(f"HTTP/1.1 200 OK\r\n{framing}\r\n\r\n".encode())
            piece = bytes(65536)
            while not server.stopping.is_set():
                is_chunked = "chunked" in framing
                connection.sendall(b"10000\r\n" + piece + b"\r\n" if is_chunked else piece)
                sent += len(piece)

        assert failing(script, tmp_path).code == "download_too_large"
        assert sent < 20_000_000

    def test_exactly_the_limit_is_allowed(self, tmp_path):
        with serving(replying(answer(VIDEO))) as server:
            assert get(server, tmp_path / "a.mp4", max_bytes=len(VIDEO)).bytes == len(VIDEO)
            with pytest.raises(ProviderError):
                get(server, tmp_path / "a.mp4", max_bytes=len(VIDEO) - 1)

    @pytest.mark.parametrize(
        "data",
        [
            answer(VIDEO)[:-1],
            answer(VIDEO)[:-200_000],
            answer(b""),
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        ],
    )
    def test_a_body_that_is_cut_or_empty_is_no_file(self, data, tmp_path):
        assert failing(data, tmp_path).code == "download_cut"

    def test_nothing_is_unpacked(self, tmp_path):
        """A small compressed body could be terabytes."""
        data = answer(b"not really gzip", headers="Content-Encoding: gzip\r\n")
        with serving(replying(data)) as server:
            get(server, tmp_path / "a.mp4")
        assert (tmp_path / "a.mp4").read_bytes() == b"not really gzip"


@pytest.mark.parametrize("framing", ["Content-Length: 9999", "Connection: close"])
def test_a_trickle_ends_in_time(framing, tmp_path):
    def script(server: RawServer, connection: socket.socket) -> None:
        server.read_request(connection)
        connection.sendall(f"HTTP/1.1 200 OK\r\n{framing}\r\n\r\n".encode())
        while not server.stopping.wait(0.02):
            connection.sendall(b"x")

    began = time.monotonic()
    error = failing(script, tmp_path, total_s=0.4)
    assert error.code == "download_failed"  # our time tells nothing of the file
    assert "time was up" in str(error)
    assert time.monotonic() - began < 3


class TestRedirects:
    def test_an_allowed_one_is_followed(self, tmp_path):
        with serving(replying(answer(VIDEO))) as server:
            moved = answer(b"", "302 Found", f"Location: {server.url}/there\r\n")
            with serving(replying(moved)) as first:
                places = {f"127.0.0.1:{each.port}" for each in (first, server)}
                fetch(
                    f"{first.url}/a",
                    tmp_path / "a.mp4",
                    allowed_hosts=places,
                    max_bytes=1_000_000,
                    total_s=5,
                )
        assert (tmp_path / "a.mp4").read_bytes() == VIDEO

    @pytest.mark.parametrize(
        "target",
        [
            "http://169.254.169.254/latest/meta-data/",
            "http://localhost/",
            "//evil.example/x",
            "file:///etc/passwd",
            "https://user@video.minimax.io/x",
            "http://[::ffff:127.0.0.1]/",
        ],
    )
    def test_each_is_checked_again(self, target, tmp_path):
        moved = answer(b"", "302 Found", f"Location: {target}\r\n")
        assert failing(moved, tmp_path).code == "link_not_allowed"

    def test_a_trap_behind_one_is_never_touched(self, tmp_path):
        with serving(replying(answer(VIDEO))) as trap:
            moved = answer(b"", "307 Temporary", f"Location: {trap.url}/\r\n")
            assert failing(moved, tmp_path).code == "link_not_allowed"
            assert trap.connections == 0

    def test_a_ring_ends(self, tmp_path):
        with serving(replying(answer(b"", "301 Moved", "Location: /again\r\n"))) as server:
            with pytest.raises(ProviderError) as caught:
                get(server, tmp_path / "a.mp4")
            assert caught.value.code == "link_not_allowed"
            assert server.connections == 4


class TestAddresses:
    """The name is allowed; where it leads to is not."""

    @pytest.fixture
    def lookups(self, monkeypatch: pytest.MonkeyPatch) -> list[list[tuple[str, int]]]:
        """What the vendor's name means, at each lookup in turn."""
        answers: list[list[tuple[str, int]]] = []

        def look_up(host: str, port: int, **_: Any) -> list[Any]:
            places = answers.pop(0)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", place) for place in places]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        return answers

    @pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "10.0.0.7"])
    def test_a_name_that_leads_inside_is_refused(self, address, lookups, tmp_path):
        with serving(replying(answer(VIDEO))) as trap:
            lookups.append([(address, trap.port)])
            with pytest.raises(ProviderError) as caught:
                get(trap, tmp_path / "a.mp4", url=f"{VENDOR}/a.mp4{SECRET}")
            assert trap.connections == 0
        assert caught.value.code == "link_not_allowed"
        assert "SECRET" not in str(caught.value)

    def test_one_address_inside_among_good_ones_is_enough(self, lookups, tmp_path):
        with serving(replying(answer(VIDEO))) as trap:
            lookups.append([("8.8.8.8", 443), ("127.0.0.1", trap.port)])
            with pytest.raises(ProviderError) as caught:
                get(trap, tmp_path / "a.mp4", url=f"{VENDOR}/a.mp4")
            assert caught.value.code == "link_not_allowed"
            assert trap.connections == 0

    def test_a_name_that_changes_its_meaning_is_looked_up_once(
        self, lookups, monkeypatch, tmp_path
    ):
        with serving(replying(answer(VIDEO))) as trap:
            monkeypatch.setattr(fetching, "is_public", lambda address: address == "127.0.0.1")
            lookups += [[("127.0.0.1", trap.port)], [("127.0.0.2", trap.port)]]
            with pytest.raises(ProviderError) as caught:  # it speaks no TLS
                get(trap, tmp_path / "a.mp4", url=f"{VENDOR}/a.mp4", total_s=0.3)
            assert caught.value.code == "download_failed"
            assert trap.connections == 1
            assert len(lookups) == 1


def test_a_certificate_that_is_not_trusted_stops_it(trusted, tmp_path):
    with serving(replying(answer(VIDEO)), tls=trusted.context()) as server:
        place = f"localhost:{server.port}"
        url = f"https://{place}/a.mp4{SECRET}"
        limits: dict[str, Any] = {"allowed_hosts": {place}, "max_bytes": 10**6, "total_s": 5}
        with pytest.raises(ProviderError, match="CERTIFICATE_VERIFY_FAILED") as caught:
            fetch(url, tmp_path / "a.mp4", **limits)
        assert "SECRET" not in str(caught.value)
        assert fetch(url, tmp_path / "a.mp4", ca_file=trusted.file, **limits).bytes == len(VIDEO)


def test_no_log_line_has_the_query(tmp_path):
    bad = ["http://169.254.169.254/x?Signature=SECRET", "https://user:SECRET@x.minimax.io/y"]
    with serving(replying(answer(VIDEO))) as server, structlog.testing.capture_logs() as logs:
        get(server, tmp_path / "a.mp4")
        for url in [*bad, "http://127.0.0.1:1/x?Signature=SECRET", "not a url ?SECRET"]:
            with pytest.raises(ProviderError) as caught:
                get(server, tmp_path / "b.mp4", url=url)
            assert "SECRET" not in str(caught.value)
    assert len(logs) == 5
    assert "SECRET" not in str(logs)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://a.example/b/c.mp4?x=1#y", "https://a.example/b/c.mp4"),
        ("https://u:p@a.example/b", "https://a.example/b"),
        ("https://[bad", "(not a URL)"),
        ("https://a.example/" + "b" * 999, "https://a.example/" + "b" * 282),
    ],
)
def test_a_url_is_shown_without_its_secrets(url, shown):
    assert without_query(url) == shown
