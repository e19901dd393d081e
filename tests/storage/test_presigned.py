"""What a presigned URL allows, tried at the store itself."""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import requests

from core.storage import Upload
from core.storage.bucket import Bucket

CONTENT = b"\x89PNG and more"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def http() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


@pytest.fixture
def key() -> str:
    return f"test/probes/{uuid4()}"


@pytest.fixture
def upload(bucket: Bucket, key: str) -> Upload:
    return bucket.allow_upload(
        key, content_type="image/png", size_bytes=len(CONTENT), sha256=SHA256, ttl_s=60
    )


def put(http: requests.Session, upload: Upload, body: bytes, **changed: str) -> int:
    headers: Mapping[str, str] = {**upload.headers, **changed}
    return http.put(upload.url, data=body, headers=headers, timeout=10).status_code


class TestUpload:
    def test_exactly_what_was_allowed_is_stored(
        self, bucket: Bucket, http: requests.Session, upload: Upload, key: str
    ) -> None:
        assert put(http, upload, CONTENT) == 200

        stored = bucket.stat(key)
        assert (stored.size_bytes, stored.content_type) == (len(CONTENT), "image/png")
        assert stored.sha256 == SHA256

    @pytest.mark.parametrize("body", [b"", b"x", CONTENT[:-1], CONTENT + b"x", CONTENT * 1000])
    def test_another_length_is_refused(
        self, bucket: Bucket, http: requests.Session, upload: Upload, key: str, body: bytes
    ) -> None:
        assert put(http, upload, body) == 403
        assert not bucket.exists(key)

    def test_a_flipped_bit_is_refused(
        self, bucket: Bucket, http: requests.Session, upload: Upload, key: str
    ) -> None:
        assert put(http, upload, bytes([CONTENT[0] ^ 1, *CONTENT[1:]])) == 400
        assert not bucket.exists(key)

    def test_a_second_put_is_refused_and_changes_nothing(
        self, bucket: Bucket, http: requests.Session, upload: Upload, key: str
    ) -> None:
        put(http, upload, CONTENT)
        first = bucket.stat(key)

        assert put(http, upload, CONTENT) == 412
        assert put(http, upload, CONTENT[::-1]) in {400, 412}
        assert bucket.stat(key) == first

    @pytest.mark.parametrize(
        "changed",
        [
            {"content-type": "text/html"},
            {"if-none-match": "never"},
            {"x-amz-checksum-sha256": "A" * 43 + "="},
        ],
        ids=lambda changed: next(iter(changed)),
    )
    def test_another_header_is_refused(
        self,
        bucket: Bucket,
        http: requests.Session,
        upload: Upload,
        key: str,
        changed: dict[str, str],
    ) -> None:
        assert put(http, upload, CONTENT, **changed) == 403
        assert not bucket.exists(key)

    def test_headers_may_not_be_left_out(
        self, bucket: Bucket, http: requests.Session, upload: Upload, key: str
    ) -> None:
        for name in upload.headers:
            rest = {other: value for other, value in upload.headers.items() if other != name}
            answer = http.put(upload.url, data=CONTENT, headers=rest, timeout=10)
            assert answer.status_code == 403, name
        assert not bucket.exists(key)

    def test_it_is_good_for_nothing_else(
        self, bucket: Bucket, http: requests.Session, upload: Upload, key: str
    ) -> None:
        put(http, upload, CONTENT)

        assert http.get(upload.url, timeout=10).status_code == 403
        assert http.delete(upload.url, timeout=10).status_code == 403
        assert http.put(upload.url.replace(key, key + "2"), data=CONTENT, timeout=10).ok is False

    def test_its_time_passes(self, bucket: Bucket, http: requests.Session, upload: Upload) -> None:
        signed = {**upload.headers, "content-length": str(len(CONTENT))}
        before = datetime.now(UTC) - timedelta(hours=1)
        url = bucket.presigner.put("test/probes/late", ttl_s=60, headers=signed, now=before)

        answer = http.put(url, data=CONTENT, headers=upload.headers, timeout=10)
        assert answer.status_code == 403


class TestShow:
    @pytest.fixture(autouse=True)
    def _stored(self, bucket: Bucket, key: str) -> None:
        bucket.put_bytes(key, CONTENT, content_type="image/png", sha256=SHA256)

    def test_a_url_shows_the_object(self, bucket: Bucket, http: requests.Session, key: str) -> None:
        for url in (bucket.url_for(key, ttl_s=60), bucket.stable_url(key)):
            answer = http.get(url, timeout=10)
            assert answer.content == CONTENT
            assert answer.headers["Content-Type"] == "image/png"

    def test_a_part_can_be_read(self, bucket: Bucket, http: requests.Session, key: str) -> None:
        url = bucket.url_for(key, ttl_s=60)

        answer = http.get(url, headers={"Range": "bytes=1-3"}, timeout=10)

        assert (answer.status_code, answer.content) == (206, b"PNG")

    def test_a_download_has_the_users_name(
        self, bucket: Bucket, http: requests.Session, key: str
    ) -> None:
        url = bucket.url_for(key, ttl_s=60, download_name='결과 "1".png')

        said = http.get(url, timeout=10).headers["Content-Disposition"]

        assert said.startswith("attachment; ")
        assert "filename*=UTF-8''%EA%B2%B0%EA%B3%BC%20_1_.png" in said

    def test_a_head_needs_a_signature_of_its_own(
        self, bucket: Bucket, http: requests.Session, key: str
    ) -> None:
        assert http.head(bucket.presigner.head(key, ttl_s=60), timeout=10).status_code == 200
        assert http.head(bucket.url_for(key, ttl_s=60), timeout=10).status_code == 403

    def test_tampered_expired_and_anonymous_are_refused(
        self, bucket: Bucket, http: requests.Session, key: str
    ) -> None:
        url = bucket.url_for(key, ttl_s=60)
        expired = bucket.presigner.get(key, ttl_s=60, now=datetime.now(UTC) - timedelta(hours=1))
        last = "0" if url[-1] != "0" else "1"
        for wrong in (
            url.partition("?")[0],
            url[:-1] + last,
            url.replace("X-Amz-Expires=60", "X-Amz-Expires=600"),
            url.replace(key, key[:-1] + "x"),
            url + "&response-content-type=text/html",
            expired,
        ):
            assert http.get(wrong, timeout=10).status_code == 403, wrong


class TestPages:
    """What a browser is told before a page may use a URL."""

    def preflight(self, http: requests.Session, upload: Upload, origin: str) -> requests.Response:
        asked = {
            "Origin": origin,
            "Access-Control-Request-Method": "PUT",
            "Access-Control-Request-Headers": ",".join(sorted(upload.headers)),
        }
        return http.options(upload.url, headers=asked, timeout=10)

    def test_our_pages_may_upload_and_read_the_etag(
        self, http: requests.Session, upload: Upload
    ) -> None:
        origin = "http://127.0.0.1:8501"

        before = self.preflight(http, upload, origin)
        answer = http.put(
            upload.url, data=CONTENT, headers={**upload.headers, "Origin": origin}, timeout=10
        )

        assert before.headers["Access-Control-Allow-Origin"] == origin
        assert answer.headers["Access-Control-Allow-Origin"] == origin
        assert "etag" in answer.headers["Access-Control-Expose-Headers"].lower()

    def test_other_pages_may_not(self, http: requests.Session, upload: Upload) -> None:
        answer = self.preflight(http, upload, "https://elsewhere.invalid")

        assert answer.status_code == 403
        assert "Access-Control-Allow-Origin" not in answer.headers
