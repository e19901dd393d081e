"""Our own SigV4 query signer: a page of 60 thumbnails costs boto3 20 ms and this one 2.

The algorithm is Amazon's "Authenticating Requests: Using Query Parameters"; the
tests prove that every URL is the one boto3 makes at the same moment.
"""

import hmac
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from urllib.parse import quote

from core.storage.address import Address

MAX_TTL_S = 7 * 24 * 3600  # Amazon and R2 refuse more
REMEMBERED_URLS = 8192


class Presigner:
    """Signs URLs of one bucket. Safe to share between threads; never does I/O."""

    def __init__(self, at: Address, *, region: str, access_key: str, secret_key: str) -> None:
        self._at = at
        self._base = f"{at.scheme}://{at.host}"
        self._region = region
        self._access_key = access_key
        # Keys change at midnight UTC; a few days cover windows that began before it.
        self._day_key: Callable[[str], bytes] = lru_cache(maxsize=8)(
            lambda day: _signing_key(secret_key, day, region)
        )
        self._steady = lru_cache(maxsize=REMEMBERED_URLS)(self._signed_at)

    def get(
        self, key: str, *, ttl_s: int, disposition: str | None = None, now: datetime | None = None
    ) -> str:
        """Return a URL for one GET; `disposition` overrides the stored Content-Disposition."""
        query = f"response-content-disposition={quote(disposition, safe='')}" if disposition else ""
        return self._sign("GET", key, now or datetime.now(UTC), ttl_s=ttl_s, query=query)

    def head(self, key: str, *, ttl_s: int, now: datetime | None = None) -> str:
        """Return a URL for one HEAD: a GET's signature does not fit it."""
        return self._sign("HEAD", key, now or datetime.now(UTC), ttl_s=ttl_s)

    def put(
        self, key: str, *, ttl_s: int, headers: Mapping[str, str], now: datetime | None = None
    ) -> str:
        """Return a URL for one PUT that must carry exactly these headers (names in lower case)."""
        return self._sign("PUT", key, now or datetime.now(UTC), ttl_s=ttl_s, headers=headers)

    def stable(
        self, key: str, *, window_s: int, reserve_s: int, now: datetime | None = None
    ) -> str:
        """Return the same GET URL during a whole window, so that a browser's cache knows it.

        The time signed is the window's beginning; the URL works until
        `reserve_s` after its end, so it is never handed out with less left.
        """
        moment = int((now or datetime.now(UTC)).timestamp())
        return self._steady(key, moment - moment % window_s, window_s + reserve_s)

    def _signed_at(self, key: str, start: int, ttl_s: int) -> str:
        return self._sign("GET", key, datetime.fromtimestamp(start, UTC), ttl_s=ttl_s)

    def _sign(
        self,
        method: str,
        key: str,
        now: datetime,
        *,
        ttl_s: int,
        query: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> str:
        if not 0 < ttl_s <= MAX_TTL_S:
            raise ValueError(f"A URL may live 1 to {MAX_TTL_S} seconds, not {ttl_s}.")
        path = self._at.prefix + quote(key, safe="/")
        # The day of the moment signed, not of today: just after midnight they differ.
        stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        scope = f"{stamp[:8]}/{self._region}/s3/aws4_request"
        signed = {**(headers or {}), "host": self._at.host}
        names = ";".join(sorted(signed))
        # Already in the order of the canonical query string: capitals sort before 'response-…'.
        auth = (
            f"X-Amz-Algorithm=AWS4-HMAC-SHA256"
            f"&X-Amz-Credential={quote(f'{self._access_key}/{scope}', safe='')}"
            f"&X-Amz-Date={stamp}&X-Amz-Expires={ttl_s}&X-Amz-SignedHeaders={quote(names)}"
        )
        canonical = _canonical(method, path, f"{auth}&{query}" if query else auth, signed)
        to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
        signature = _hmac(self._day_key(stamp[:8]), to_sign).hex()
        shown = f"{query}&{auth}" if query else auth
        return f"{self._base}{path}?{shown}&X-Amz-Signature={signature}"


def _canonical(method: str, path: str, query: str, headers: Mapping[str, str]) -> str:
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    return f"{method}\n{path}\n{query}\n{lines}\n{';'.join(sorted(headers))}\nUNSIGNED-PAYLOAD"


def _signing_key(secret_key: str, day: str, region: str) -> bytes:
    key = _hmac(f"AWS4{secret_key}".encode(), day)
    for part in (region, "s3", "aws4_request"):
        key = _hmac(key, part)
    return key


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
