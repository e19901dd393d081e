"""What an operator or a caller is told when the store fails."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from core.errors import NotFound, StorageError
from core.storage.bucket import Bucket


def bucket_at(endpoint_url: str, *, name: str = "pictures") -> Bucket:
    return Bucket(
        endpoint_url=endpoint_url,
        public_endpoint_url="",
        region="us-east-1",
        bucket=name,
        access_key="AKIDEXAMPLE",
        secret_key="tests-only",
    )


@dataclass
class Script:
    """What the fake store answers, and what it was asked."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def script() -> Script:
    return Script(501, b"<Error><Code>NotImplemented</Code><Message>no</Message></Error>")


@pytest.fixture
def fake(script: Script) -> Iterator[Bucket]:
    """A store that answers DELETE properly and everything else by the script."""

    class Answer(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            script.asked.append(f"{self.command} {self.path}")
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            gone = self.command == "DELETE"
            body = b"" if gone else script.body
            self.send_response(204 if gone else script.status)
            for name, value in {"Content-Length": str(len(body)), **script.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815  (http.server's names)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.02])
        thread.start()
        made = bucket_at(f"http://127.0.0.1:{server.server_port}")
        yield made
        made.close()
        server.shutdown()
        thread.join()


def test_a_store_that_refuses_bulk_deletes_gets_them_singly(fake: Bucket, script: Script) -> None:
    fake.delete(["a", "b", "c"])

    assert [line for line in script.asked if line.startswith("DELETE")] == [
        "DELETE /pictures/a",
        "DELETE /pictures/b",
        "DELETE /pictures/c",
    ]


def test_keys_a_bulk_delete_left_are_deleted_singly(fake: Bucket, script: Script) -> None:
    script.status = 200
    script.body = (
        b"<DeleteResult><Error><Key>b</Key><Code>InternalError</Code></Error></DeleteResult>"
    )
    fake.delete(["a", "b", "c"])

    assert script.asked == ["POST /pictures?delete", "DELETE /pictures/b"]


def test_a_download_that_ends_early_leaves_nothing(
    fake: Bucket, script: Script, tmp_path: Path
) -> None:
    script.status, script.body, script.headers = 200, b"short", {"Content-Length": "10"}

    with pytest.raises(StorageError, match="Try again"):
        fake.download("k", tmp_path / "got", max_bytes=100)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("AccessDenied", "Allow this key"),
        ("RequestTimeTooSkewed", "clock is wrong"),
        ("SignatureDoesNotMatch", "Check S3_SECRET_ACCESS_KEY"),
        ("NoSuchBucket", "provision-bucket"),
        ("SomethingNew", "python -m core doctor"),
    ],
)
def test_a_refusal_says_what_to_do(fake: Bucket, script: Script, code: str, advice: str) -> None:
    script.status = 403
    script.body = f"<Error><Code>{code}</Code><Message>m</Message></Error>".encode()

    with pytest.raises(StorageError, match=advice) as caught:
        fake.read_head("k", 4)

    assert code in str(caught.value)
    assert "pictures" in str(caught.value)


def test_a_store_that_is_down_is_named_with_what_to_check(nowhere: Bucket) -> None:
    with pytest.raises(StorageError, match="Check S3_ENDPOINT_URL") as caught:
        nowhere.stat("k")

    assert nowhere.endpoint_url in str(caught.value)


def test_an_answer_that_is_not_s3_is_a_storage_error(fake: Bucket, script: Script) -> None:
    """A proxy's page in between."""
    script.status, script.body = 403, b"<html>Forbidden</html>"

    with pytest.raises(StorageError):
        fake.read_head("k", 4)


def test_a_missing_bucket_is_not_a_missing_object(missing: Bucket) -> None:
    with pytest.raises(StorageError, match="provision-bucket"):
        missing.read_head("k", 4)
    with pytest.raises(StorageError, match="provision-bucket"):
        missing.put_bytes("k", b"", content_type="a/b", sha256="0" * 64)


def test_threads_share_one_client(bucket: Bucket) -> None:
    missing: list[bool] = []

    def look() -> None:
        try:
            bucket.stat("test/probes/never-there")
        except NotFound:
            missing.append(True)

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert missing == [True] * 8
