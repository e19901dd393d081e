"""One private bucket: everything the application does with objects."""

import contextlib
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from core.errors import NotFound
from core.storage.address import address
from core.storage.disposition import attachment
from core.storage.faults import StoreRefused
from core.storage.presign import Presigner
from core.storage.stored import Downloaded, Stored, Upload
from core.storage.transfer import copy_hashed, put_headers, require_size, to_base64, to_hex

if TYPE_CHECKING:  # the stubs are installed for development only
    from mypy_boto3_s3.client import S3Client

CHUNK_BYTES = 2**20
BULK_KEYS = 1000  # S3's limit for one DeleteObjects
DAY_S = 86_400


class Bucket:
    """Reads, writes and signs. Safe to share between threads, not across a fork.

    Every method that talks to the store raises StorageError when the store is
    down, refuses, or cannot be understood; all of them are safe to repeat.
    """

    def __init__(
        self,
        *,
        endpoint_url: str,
        public_endpoint_url: str,
        region: str,
        bucket: str,
        access_key: str,
        secret_key: str,
    ) -> None:
        """`endpoint_url` is '' for Amazon, `public_endpoint_url` is '' if browsers use the same.

        The host is part of a signature, so a URL is signed for the public one
        and cannot be rewritten afterwards.
        """
        self.name = bucket
        self.region = region
        self.endpoint_url = endpoint_url
        self._keys = {"access_key": access_key, "secret_key": secret_key}
        public = address(public_endpoint_url or endpoint_url, region=region, bucket=bucket)
        self.public_origin = f"{public.scheme}://{public.host}"
        self.presigner = Presigner(public, region=region, **self._keys)
        self._opening = threading.Lock()
        self._opened: S3Client | None = None

    def put_file(
        self,
        key: str,
        path: Path,
        *,
        content_type: str,
        sha256: str,
        cache_control: str | None = None,
        content_disposition: str | None = None,
    ) -> Stored:
        """Store a file, streamed from disk; the store itself checks `sha256` (hex)."""
        headers = put_headers(content_type, sha256, cache_control, content_disposition)
        with path.open("rb") as body:
            return self._put(key, body, path.stat().st_size, headers, sha256)

    def put_bytes(
        self,
        key: str,
        content: bytes,
        *,
        content_type: str,
        sha256: str,
        cache_control: str | None = None,
        content_disposition: str | None = None,
    ) -> Stored:
        """Store a few bytes; the store itself checks `sha256` (hex)."""
        headers = put_headers(content_type, sha256, cache_control, content_disposition)
        return self._put(key, content, len(content), headers, sha256)

    def _put(
        self, key: str, body: IO[bytes] | bytes, size: int, headers: dict[str, Any], sha256: str
    ) -> Stored:
        with self.talking(key) as s3:
            answer = s3.put_object(
                Bucket=self.name, Key=key, Body=body, ContentLength=size, **headers
            )
        return Stored(
            bucket=self.name,
            key=key,
            size_bytes=size,
            content_type=headers["ContentType"],
            etag=answer["ETag"].strip('"'),
            sha256=sha256,
        )

    def stat(self, key: str) -> Stored:
        """Return what is stored under `key`. Raises NotFound."""
        with self.talking(key) as s3:
            head = s3.head_object(Bucket=self.name, Key=key, ChecksumMode="ENABLED")
        return Stored(
            bucket=self.name,
            key=key,
            size_bytes=head["ContentLength"],
            content_type=head.get("ContentType", ""),
            etag=head["ETag"].strip('"'),
            sha256=to_hex(head.get("ChecksumSHA256")),
        )

    def exists(self, key: str) -> bool:
        """Return whether an object lies under `key`."""
        try:
            self.stat(key)
        except NotFound:
            return False
        return True

    def read_head(self, key: str, n: int) -> bytes:
        """Return the first `n` bytes, fewer if the object is shorter. Raises NotFound."""
        try:
            with self.talking(key) as s3:
                answer = s3.get_object(Bucket=self.name, Key=key, Range=f"bytes=0-{n - 1}")
                with contextlib.closing(answer["Body"]) as body:
                    return body.read(n)
        except StoreRefused as error:
            if error.code != "InvalidRange":  # an empty object has no first byte
                raise
            return b""

    def download(self, key: str, path: Path, *, max_bytes: int) -> Downloaded:
        """Copy an object to `path`, streamed and hashed on the way. Raises NotFound.

        Nothing is left at `path` when it fails or is larger than `max_bytes`.
        """
        try:
            with self.talking(key) as s3, path.open("wb") as file:
                answer = s3.get_object(Bucket=self.name, Key=key)
                with contextlib.closing(answer["Body"]) as body:
                    require_size(f"The object {key!r}", answer["ContentLength"], max_bytes)
                    chunks = body.iter_chunks(CHUNK_BYTES)
                    return copy_hashed(chunks, file, size_bytes=answer["ContentLength"])
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    def delete(self, keys: Iterable[str]) -> None:
        """Delete objects; what is not there is no error.

        Several stores refuse or half do the bulk request: the rest goes one by one.
        """
        wanted = list(keys)
        for start in range(0, len(wanted), BULK_KEYS):
            for key in self._left_by_bulk(wanted[start : start + BULK_KEYS]):
                with self.talking(key) as s3, contextlib.suppress(NotFound):
                    s3.delete_object(Bucket=self.name, Key=key)

    def _left_by_bulk(self, keys: Sequence[str]) -> Sequence[str]:
        if len(keys) == 1:
            return keys
        try:
            with self.talking(keys[0]) as s3:
                answer = s3.delete_objects(
                    Bucket=self.name,
                    Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True},
                )
        except StoreRefused:
            return keys
        return [error["Key"] for error in answer.get("Errors", []) if "Key" in error]

    def allow_upload(
        self, key: str, *, content_type: str, size_bytes: int, sha256: str, ttl_s: int
    ) -> Upload:
        """Sign one PUT of exactly `size_bytes` bytes that hash to `sha256` (hex).

        The store refuses another length or type (403), other bytes (400) and a
        second PUT (412); nothing is sent by this call.
        """
        headers = {
            "content-type": content_type,
            "if-none-match": "*",
            "x-amz-checksum-sha256": to_base64(sha256),
        }
        signed = {**headers, "content-length": str(size_bytes)}
        return Upload(url=self.presigner.put(key, ttl_s=ttl_s, headers=signed), headers=headers)

    def url_for(self, key: str, *, ttl_s: int, download_name: str | None = None) -> str:
        """Return a URL that shows an object, or saves it as `download_name`."""
        disposition = attachment(download_name) if download_name is not None else None
        return self.presigner.get(key, ttl_s=ttl_s, disposition=disposition)

    def stable_url(self, key: str, *, window_s: int = DAY_S, reserve_s: int = 3600) -> str:
        """Return a URL that stays the same for a window, for objects that never change."""
        return self.presigner.stable(key, window_s=window_s, reserve_s=reserve_s)

    @contextlib.contextmanager
    def talking(self, key: str = "") -> Iterator["S3Client"]:
        """Yield boto3's client and translate its errors. For this package only."""
        from core.storage import s3  # noqa: PLC0415  (0.3 s that only who talks to the store pays)

        try:
            yield self._client()
        except s3.FAULTS as error:
            where = self.endpoint_url or self.public_origin
            raise s3.translated(error, bucket=self.name, key=key, where=where) from error

    def _client(self) -> "S3Client":
        from core.storage import s3  # noqa: PLC0415  (as above)

        with self._opening:  # making a client is not thread-safe, using one is
            if self._opened is None:
                self._opened = s3.open_client(
                    endpoint_url=self.endpoint_url, region=self.region, **self._keys
                )
            return self._opened

    def close(self) -> None:
        """Close the connections to the store. The next request opens new ones."""
        with self._opening:
            if self._opened is not None:
                self._opened.close()
            self._opened = None
