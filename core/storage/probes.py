"""Small experiments with the real bucket. Each returns what it saw or raises Broken."""

import hashlib
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import requests

from core.storage.bucket import Bucket
from core.storage.provision import SIGNED_HEADERS

BODY = b"proofsheet doctor\n"
OTHER = b"proofsheet d0ctor\n"  # as long, other bytes
SHA256 = hashlib.sha256(BODY).hexdigest()
KIND = "text/plain"
TTL_S = 120
TIMEOUT_S = 20
FOREIGN = "https://elsewhere.invalid"


class Broken(Exception):
    """What was seen is not what the application relies on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What an experiment works with: a key of its own, and HTTP as a browser speaks it."""

    bucket: Bucket
    http: requests.Session
    key: str
    origin: str  # the pages' own

    def store(self) -> None:
        """Put the small object by the ordinary way."""
        self.bucket.put_bytes(self.key, BODY, content_type=KIND, sha256=SHA256)

    def upload(self, body: bytes = BODY, *, content_type: str = KIND) -> int:
        """PUT with a URL that binds BODY and KIND; return the status."""
        allowed = self.bucket.allow_upload(
            self.key, content_type=KIND, size_bytes=len(BODY), sha256=SHA256, ttl_s=TTL_S
        )
        headers = {**allowed.headers, "content-type": content_type}
        return self.send("PUT", allowed.url, data=body, headers=headers).status_code

    def send(self, method: str, url: str, **how: Any) -> requests.Response:
        """Send one request to the public endpoint."""
        return self.http.request(method, url, timeout=TIMEOUT_S, allow_redirects=False, **how)

    def preflight(self, origin: str) -> Mapping[str, str]:
        """Ask as a browser does before it uploads; return the answer's headers."""
        asked = {
            "Origin": origin,
            "Access-Control-Request-Method": "PUT",
            "Access-Control-Request-Headers": ",".join(SIGNED_HEADERS),
        }
        url = self.bucket.url_for(self.key, ttl_s=TTL_S)
        return self.send("OPTIONS", url.partition("?")[0], headers=asked).headers


def keeps_checksum(probe: Probe) -> str:
    """HEAD after an upload tells the SHA-256, so `confirm` need not read the object."""
    probe.store()
    seen = probe.bucket.stat(probe.key)
    _expect(seen.size_bytes == len(BODY), f"HEAD says {seen.size_bytes} bytes, not {len(BODY)}")
    _expect(seen.sha256 == SHA256, f"HEAD says sha256 {seen.sha256}, not {SHA256}")
    return "size, type and sha256 come back"


def reads(probe: Probe) -> str:
    """Range reads work, and a download is the same bytes."""
    probe.store()
    head = probe.bucket.read_head(probe.key, 4)
    _expect(head == BODY[:4], f"the first 4 bytes were {head!r}, not {BODY[:4]!r}")
    with tempfile.TemporaryDirectory(prefix="proofsheet-") as folder:
        got = probe.bucket.download(probe.key, Path(folder) / "probe", max_bytes=len(BODY))
    _expect(got.sha256 == SHA256, f"the download hashed to {got.sha256}, not {SHA256}")
    return "a range and the whole"


def deletes(probe: Probe) -> str:
    """Deleting works, also of what is not there."""
    probe.store()
    probe.bucket.delete([probe.key, f"{probe.key}-never-there"])
    _expect(not probe.bucket.exists(probe.key), "the object is still there")
    return "gone"


def takes_upload(probe: Probe) -> str:
    """A browser can upload with a signed URL, and the store keeps type and checksum."""
    _expect_status(probe.upload(), HTTPStatus.OK)
    seen = probe.bucket.stat(probe.key)
    _expect(seen.content_type == KIND, f"it was stored as {seen.content_type!r}, not {KIND!r}")
    _expect(seen.sha256 == SHA256, f"it was stored with sha256 {seen.sha256}, not {SHA256}")
    return "stored with its type and checksum"


def refuses_repeat(probe: Probe) -> str:
    """If-None-Match keeps a confirmed upload from being replaced."""
    _expect_status(probe.upload(), HTTPStatus.OK)
    _expect_status(probe.upload(), HTTPStatus.PRECONDITION_FAILED)
    return "412"


def refuses_other_bytes(probe: Probe) -> str:
    """Bytes of the same length that hash to something else are not stored."""
    return _refused(probe, lambda: probe.upload(OTHER), {400})


def refuses_other_length(probe: Probe) -> str:
    """The length is part of the signature."""
    return _refused(probe, lambda: probe.upload(BODY + b"!"), {400, 403})


def refuses_other_type(probe: Probe) -> str:
    """The type is part of the signature."""
    return _refused(probe, lambda: probe.upload(content_type="text/html"), {403})


def _refused(probe: Probe, upload: Callable[[], int], expected: set[int]) -> str:
    status = upload()
    _expect(status in expected, f"HTTP {status} came back, not {sorted(expected)}")
    _expect(not probe.bucket.exists(probe.key), f"HTTP {status}, and stored all the same")
    return str(status)


def serves_signed(probe: Probe) -> str:
    """A signed GET works and may name the file to save as."""
    probe.store()
    url = probe.bucket.url_for(probe.key, ttl_s=TTL_S, download_name="Ergebnis 1.txt")
    answer = probe.send("GET", url)
    _expect_status(answer.status_code, HTTPStatus.OK)
    said = answer.headers.get("Content-Disposition", "")
    _expect("Ergebnis 1.txt" in said, f"downloads get no name (Content-Disposition is {said!r})")
    return said


def refuses_unsigned(probe: Probe) -> str:
    """The bucket is private."""
    probe.store()
    url = probe.bucket.url_for(probe.key, ttl_s=TTL_S).partition("?")[0]
    return _denied(probe.send("GET", url).status_code, "anybody can read this bucket")


def refuses_expired(probe: Probe) -> str:
    """A URL's time passes."""
    probe.store()
    before = datetime.now(UTC) - timedelta(hours=2)
    url = probe.bucket.presigner.get(probe.key, ttl_s=60, now=before)
    return _denied(probe.send("GET", url).status_code, "an old URL still works")


def _denied(status: int, else_: str) -> str:
    _expect(status in {400, 401, 403}, f"HTTP {status} came back, not 403: {else_}")
    return str(status)


def lets_pages_upload(probe: Probe) -> str:
    """CORS allows the pages' origin every header that is signed."""
    answer = probe.preflight(probe.origin)
    allowed = answer.get("Access-Control-Allow-Origin", "")
    _expect(allowed == probe.origin, f"pages of {probe.origin} may not upload (CORS: {allowed!r})")
    headers = answer.get("Access-Control-Allow-Headers", "").lower()
    missing = [name for name in SIGNED_HEADERS if name not in headers]
    _expect(not missing, f"CORS does not allow the headers {', '.join(missing)}")
    return f"{allowed} may"


def stops_foreign_pages(probe: Probe) -> str:
    """CORS allows nobody else."""
    allowed = probe.preflight(FOREIGN).get("Access-Control-Allow-Origin", "")
    _expect(allowed not in {"*", FOREIGN}, f"pages of {FOREIGN} may upload (CORS: {allowed!r})")
    return "they may not"


def _expect_status(seen: int, expected: HTTPStatus) -> None:
    _expect(seen == expected, f"HTTP {seen} came back, not {expected.value}")


def _expect(held: bool, otherwise: str) -> None:
    if not held:
        raise Broken(otherwise)
