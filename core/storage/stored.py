"""What the bucket tells about its objects."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """An object as it lies in the bucket."""

    bucket: str
    key: str
    size_bytes: int
    content_type: str
    etag: str  # without quotes; an MD5 only by accident
    sha256: str | None  # hex; None when the store kept no full-object checksum


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloaded:
    """What was read from the bucket, measured on the way."""

    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """Permission for one PUT. All `headers` must be sent as they are.

    Content-Length is signed too; a browser sets it by itself and lets nobody else do it.
    """

    url: str = field(repr=False)  # whoever holds it may write
    headers: Mapping[str, str]
