"""The contract of the bucket. The same tests run against a real one when S3_TEST_* is set."""

import hashlib
import os
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from core.errors import NotFound, StorageError
from core.storage import Downloaded, Stored
from core.storage.bucket import Bucket

MIB = 2**20


@pytest.fixture
def key(bucket: Bucket) -> str:
    return f"test/probes/{uuid4()}"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def put(bucket: Bucket, key: str, content: bytes) -> Stored:
    return bucket.put_bytes(key, content, content_type="image/png", sha256=sha256(content))


class TestPut:
    def test_what_is_put_is_what_is_told(self, bucket: Bucket, key: str) -> None:
        stored = put(bucket, key, b"picture")

        assert stored == bucket.stat(key)
        assert (stored.bucket, stored.key) == (bucket.name, key)
        assert (stored.size_bytes, stored.content_type) == (7, "image/png")
        assert stored.sha256 == sha256(b"picture")
        assert stored.etag
        assert '"' not in stored.etag

    def test_a_file_is_stored_with_its_headers(
        self, bucket: Bucket, key: str, tmp_path: Path
    ) -> None:
        path = tmp_path / "small.webp"
        path.write_bytes(b"thumbnail")

        bucket.put_file(
            key,
            path,
            content_type="image/webp",
            sha256=sha256(b"thumbnail"),
            cache_control="private, max-age=86400, immutable",
            content_disposition="attachment",
        )

        with bucket.talking(key) as s3:
            head = s3.head_object(Bucket=bucket.name, Key=key)
        assert head["CacheControl"] == "private, max-age=86400, immutable"
        assert head["ContentDisposition"] == "attachment"

    def test_an_empty_object_is_possible(self, bucket: Bucket, key: str) -> None:
        assert put(bucket, key, b"").size_bytes == 0
        assert bucket.read_head(key, 64) == b""

    def test_a_repeat_replaces(self, bucket: Bucket, key: str) -> None:
        put(bucket, key, b"once")
        put(bucket, key, b"again")

        assert bucket.stat(key).size_bytes == 5

    def test_bytes_that_are_not_their_checksum_are_refused(self, bucket: Bucket, key: str) -> None:
        with pytest.raises(StorageError, match="BadDigest"):
            bucket.put_bytes(key, b"picture", content_type="image/png", sha256=sha256(b"other"))

        assert not bucket.exists(key)

    @pytest.mark.parametrize("wrong", ["", "abc", "ab" * 16, "zz" * 32])
    def test_a_checksum_that_is_none_is_a_bug(self, bucket: Bucket, key: str, wrong: str) -> None:
        with pytest.raises(ValueError, match="hex"):
            bucket.put_bytes(key, b"picture", content_type="image/png", sha256=wrong)


class TestRead:
    def test_the_first_bytes(self, bucket: Bucket, key: str) -> None:
        put(bucket, key, b"0123456789")

        assert bucket.read_head(key, 4) == b"0123"
        assert bucket.read_head(key, 64) == b"0123456789"

    def test_a_download_is_measured(self, bucket: Bucket, key: str, tmp_path: Path) -> None:
        put(bucket, key, b"picture")

        got = bucket.download(key, tmp_path / "got", max_bytes=7)

        assert got == Downloaded(size_bytes=7, sha256=sha256(b"picture"))
        assert (tmp_path / "got").read_bytes() == b"picture"

    def test_too_large_a_download_leaves_nothing(
        self, bucket: Bucket, key: str, tmp_path: Path
    ) -> None:
        put(bucket, key, b"picture")

        with pytest.raises(StorageError, match="7 bytes; at most 6"):
            bucket.download(key, tmp_path / "got", max_bytes=6)

        assert list(tmp_path.iterdir()) == []

    def test_what_is_not_there_is_not_found(self, bucket: Bucket, key: str, tmp_path: Path) -> None:
        with pytest.raises(NotFound):
            bucket.stat(key)
        with pytest.raises(NotFound):
            bucket.read_head(key, 64)
        with pytest.raises(NotFound):
            bucket.download(key, tmp_path / "got", max_bytes=6)

        assert not bucket.exists(key)
        assert list(tmp_path.iterdir()) == []


class TestDelete:
    def test_one_and_many_and_none(self, bucket: Bucket, key: str) -> None:
        keys = [f"{key}-{n}" for n in range(3)]
        for each in keys:
            put(bucket, each, b"x")

        bucket.delete([])
        bucket.delete(keys[:1])
        bucket.delete([*keys[1:], f"{key}-never-there"])

        assert not any(bucket.exists(each) for each in keys)

    def test_what_is_not_there_is_no_error(self, bucket: Bucket, key: str) -> None:
        bucket.delete([key])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a peak since a moment")
def test_large_files_are_streamed(bucket: Bucket, key: str, tmp_path: Path) -> None:
    """16 MiB above idle is the goal for files of any size."""
    put(bucket, key, b"warm")
    path, digest = tmp_path / "large", hashlib.sha256()
    with path.open("wb") as file:
        for _ in range(48):
            block = os.urandom(MIB)
            digest.update(block)
            file.write(block)
    del block
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before = peak_bytes()

    bucket.put_file(key, path, content_type="video/mp4", sha256=digest.hexdigest())
    got = bucket.download(key, tmp_path / "got", max_bytes=48 * MIB)

    assert got.sha256 == digest.hexdigest()
    assert peak_bytes() - before < 16 * MIB
    bucket.delete([key])


def peak_bytes() -> int:
    """Return the most memory this process had resident."""
    [line] = [x for x in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in x]
    return int(line.split()[1]) * 1024
