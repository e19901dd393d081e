"""Our signer and boto3 make the same URL at the same moment, and ours is far cheaper."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore import auth

from core.errors import ConfigError
from core.storage.address import address
from core.storage.bucket import Bucket
from core.storage.s3 import open_client

AT = datetime(2026, 11, 22, 23, 59, 58, tzinfo=UTC)
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
KEYS = [
    "dev/gpt/2026/11/22/0193/result-0.png",
    "한글/요약 – é.png",
    "with space/a  b",
    "plus+and&amp=eq?q#f",
    "quote'and\"double",
    "(parentheses)[brackets]{braces}",
    "tilde~star*bang!percent%41",
    "a//b/../c/./d",
]
PLACES = [
    ("http://127.0.0.1:4566", "us-east-1"),
    ("https://0123.r2.cloudflarestorage.com", "auto"),
    ("", "us-east-1"),
    ("", "ap-northeast-2"),
    ("", "cn-north-1"),
]


@pytest.fixture
def _frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let boto3 sign at AT."""
    monkeypatch.setattr(auth, "get_current_datetime", lambda: AT)


def bucket_at(endpoint_url: str, region: str, *, name: str = "pictures") -> Bucket:
    return Bucket(
        endpoint_url=endpoint_url,
        public_endpoint_url="",
        region=region,
        bucket=name,
        access_key="AKIDEXAMPLE",
        secret_key=SECRET,
    )


@pytest.fixture(
    params=PLACES, ids=lambda place: f"{place[0] or 'amazon'} {place[1]}", scope="module"
)
def place(request: pytest.FixtureRequest) -> Iterator[tuple[Bucket, Any]]:
    """One place with our bucket and boto3's client, which takes 0.3 s to make."""
    endpoint, region = request.param
    client = open_client(
        endpoint_url=endpoint, region=region, access_key="AKIDEXAMPLE", secret_key=SECRET
    )
    yield bucket_at(endpoint, region), client
    client.close()


@pytest.fixture
def both(place: tuple[Bucket, Any], _frozen: None) -> tuple[Bucket, Callable[..., str]]:
    ours, client = place

    def theirs(operation: str, **params: Any) -> str:
        asked = {"Bucket": "pictures", **params}
        return str(client.generate_presigned_url(operation, Params=asked, ExpiresIn=900))

    return ours, theirs


@pytest.mark.parametrize("key", KEYS)
def test_a_get_is_the_one_of_boto3(both: tuple[Bucket, Callable[..., str]], key: str) -> None:
    ours, theirs = both

    assert ours.presigner.get(key, ttl_s=900, now=AT) == theirs("get_object", Key=key)


@pytest.mark.parametrize("key", KEYS)
def test_an_override_is_the_one_of_boto3(both: tuple[Bucket, Callable[..., str]], key: str) -> None:
    ours, theirs = both
    said = "attachment; filename=\"a b+c&d.png\"; filename*=UTF-8''%EA%B2%B0.png"

    assert ours.presigner.get(key, ttl_s=900, disposition=said, now=AT) == theirs(
        "get_object", Key=key, ResponseContentDisposition=said
    )


def test_a_head_is_the_one_of_boto3(both: tuple[Bucket, Callable[..., str]]) -> None:
    ours, theirs = both

    assert ours.presigner.head(KEYS[1], ttl_s=900, now=AT) == theirs("head_object", Key=KEYS[1])


def test_a_put_is_the_one_of_boto3(both: tuple[Bucket, Callable[..., str]]) -> None:
    ours, theirs = both
    checksum = "A" * 43 + "="
    headers = {
        "content-length": "123",
        "content-type": "image/png",
        "if-none-match": "*",
        "x-amz-checksum-sha256": checksum,
    }

    assert ours.presigner.put(KEYS[1], ttl_s=900, headers=headers, now=AT) == theirs(
        "put_object",
        Key=KEYS[1],
        ContentLength=123,
        ContentType="image/png",
        IfNoneMatch="*",
        ChecksumSHA256=checksum,
    )


class TestStable:
    bucket = bucket_at("", "us-east-1")

    def url(self, at: datetime, *, window_s: int = 86_400, reserve_s: int = 3600) -> str:
        return self.bucket.presigner.stable("k", window_s=window_s, reserve_s=reserve_s, now=at)

    def test_it_is_the_same_all_day_and_new_the_next(self) -> None:
        midnight = datetime(2026, 11, 22, tzinfo=UTC)
        day = {self.url(midnight + timedelta(hours=hour)) for hour in range(24)}

        assert day == {self.url(AT)}
        assert self.url(AT + timedelta(seconds=2)) not in day

    def test_an_hour_is_left_at_the_end_of_the_window(self) -> None:
        query = parse_qs(urlsplit(self.url(AT)).query)

        assert query["X-Amz-Date"] == ["20261122T000000Z"]
        assert query["X-Amz-Expires"] == [str(86_400 + 3600)]

    def test_the_day_signed_is_the_windows_and_not_todays(self) -> None:
        """A window of a week began days ago; so did its credential scope."""
        url = self.url(AT, window_s=3 * 86_400)
        query = parse_qs(urlsplit(url).query)

        began = query["X-Amz-Date"][0][:8]
        assert began != "20261122"
        assert query["X-Amz-Credential"][0].split("/")[1] == began
        start = datetime.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%S%z")
        assert self.bucket.presigner.get("k", ttl_s=3 * 86_400 + 3600, now=start) == url

    def test_another_zone_is_the_same_moment(self) -> None:
        seoul = AT.astimezone(tz=None)

        assert self.url(seoul) == self.url(AT)


@pytest.mark.parametrize("ttl_s", [0, -1, 7 * 86_400 + 1])
def test_a_life_the_store_would_refuse_is_a_bug(ttl_s: int) -> None:
    with pytest.raises(ValueError, match="may live"):
        bucket_at("", "us-east-1").url_for("k", ttl_s=ttl_s)


class TestWhere:
    def test_the_public_endpoint_is_signed(self) -> None:
        bucket = Bucket(
            endpoint_url="http://s3.internal:9000",
            public_endpoint_url="https://files.example",
            region="us-east-1",
            bucket="pictures",
            access_key="AKIDEXAMPLE",
            secret_key=SECRET,
        )
        upload = bucket.allow_upload(
            "k", content_type="image/png", size_bytes=1, sha256="0" * 64, ttl_s=60
        )

        for url in (bucket.url_for("k", ttl_s=60), bucket.stable_url("k"), upload.url):
            assert url.startswith("https://files.example/pictures/k?")

    @pytest.mark.parametrize(
        ("endpoint", "name", "base"),
        [
            ("", "pictures", "https://pictures.s3.eu-west-1.amazonaws.com/"),
            ("", "my.pictures", "https://s3.eu-west-1.amazonaws.com/my.pictures/"),
            ("https://h.example:443", "pictures", "https://h.example/pictures/"),
            ("http://h.example:80/base/", "pictures", "http://h.example/base/pictures/"),
            ("http://[::1]:9000", "pictures", "http://[::1]:9000/pictures/"),
        ],
    )
    def test_where_a_bucket_lies(self, endpoint: str, name: str, base: str) -> None:
        at = address(endpoint, region="eu-west-1", bucket=name)

        assert f"{at.scheme}://{at.host}{at.prefix}" == base

    @pytest.mark.parametrize("endpoint", ["h.example", "ftp://h.example", "https://"])
    def test_no_url_is_a_mistake_of_the_settings(self, endpoint: str) -> None:
        with pytest.raises(ConfigError, match="S3 endpoint"):
            address(endpoint, region="auto", bucket="pictures")


def test_neither_the_secret_nor_a_url_is_shown_by_accident() -> None:
    bucket = bucket_at("", "us-east-1")
    upload = bucket.allow_upload(
        "k", content_type="image/png", size_bytes=1, sha256="0" * 64, ttl_s=60
    )

    assert "Signature" not in repr(upload)
    assert SECRET not in repr(vars(bucket.presigner))


def test_sixty_thumbnails_cost_next_to_nothing() -> None:
    """20 µs a URL measured, 1 µs when remembered; the bounds leave room for a busy machine."""
    bucket = bucket_at("", "us-east-1")
    signing = min(_seconds(lambda n: bucket.url_for(f"k{n}", ttl_s=60)) for _ in range(5))
    remembering = min(_seconds(lambda n: bucket.stable_url(f"k{n}")) for _ in range(5))

    assert signing / 60 < 150e-6
    assert remembering / 60 < 20e-6


def _seconds(action: Callable[[int], str]) -> float:
    began = time.perf_counter()
    for n in range(60):
        action(n)
    return time.perf_counter() - began
