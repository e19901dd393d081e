"""Bytes and checksums between the disk and the store."""

import hashlib
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Iterable
from typing import IO, Any

from core.errors import StorageError
from core.storage.stored import Downloaded


def put_headers(
    content_type: str, sha256: str, cache_control: str | None, content_disposition: str | None
) -> dict[str, Any]:
    """Return what boto3's put_object is told besides the body."""
    headers = {
        "ContentType": content_type,
        "ChecksumSHA256": to_base64(sha256),
        "CacheControl": cache_control,
        "ContentDisposition": content_disposition,
    }
    return {name: value for name, value in headers.items() if value is not None}


def copy_hashed(chunks: Iterable[bytes], file: IO[bytes], *, size_bytes: int) -> Downloaded:
    """Write `chunks` to `file` and hash them. Raises StorageError if they are not `size_bytes`."""
    digest, size = hashlib.sha256(), 0
    for chunk in chunks:
        size += len(chunk)
        digest.update(chunk)
        file.write(chunk)
    if size != size_bytes:
        raise StorageError(f"The download ended after {size:,} of {size_bytes:,} bytes. Try again.")
    return Downloaded(size_bytes=size, sha256=digest.hexdigest())


def require_size(what: str, size: int, max_bytes: int) -> None:
    """Raise StorageError if `size` is above `max_bytes`."""
    if size > max_bytes:
        raise StorageError(f"{what} has {size:,} bytes; at most {max_bytes:,} were expected.")


def to_base64(sha256: str) -> str:
    """Return a hex SHA-256 as S3 wants it."""
    raw = bytes.fromhex(sha256)
    if len(raw) != hashlib.sha256().digest_size:
        raise ValueError(f"{sha256!r} is not a SHA-256 in hex.")
    return b64encode(raw).decode()


def to_hex(checksum: str | None) -> str | None:
    """Return S3's ChecksumSHA256 in hex; None if there is none or it is one of parts ('…-3')."""
    try:
        raw = b64decode(checksum or "", validate=True)
    except NotBase64:
        return None
    return raw.hex() if len(raw) == hashlib.sha256().digest_size else None
