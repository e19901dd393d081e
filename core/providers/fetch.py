"""Downloads of results: from a provider's hosts on the public Internet, and never more than asked.

The URL comes out of an answer, so it is treated as hostile. The connection goes to the very
address that was checked, each redirect is checked again, and no log line has the URL's query.
"""

import hashlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import urljoin, urlsplit

import requests
import structlog

from core.errors import ProviderError
from core.providers.addresses import NotAllowed, Place, allowed_place, is_public
from core.providers.codes import Code
from core.providers.connections import FAILURES, TIME_UP, Watch, open_session, root_cause
from core.providers.verdicts import Answered, nothing_happened

log = structlog.get_logger(__name__)

CONNECT_S: Final = 10.0
MOST_REDIRECTS: Final = 3
PIECE: Final = 256 * 1024
DEAD: Final = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
MOVED: Final = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A whole file. `content_type` is what the server called it: to be doubted."""

    bytes: int
    sha256: str
    content_type: str


def fetch(
    url: str,
    path: Path,
    *,
    allowed_hosts: Collection[str],
    max_bytes: int,
    total_s: float,
    ca_file: Path | None = None,
) -> Fetched:
    """Download `url` to `path`, which appears whole or not at all.

    `allowed_hosts` (`host` or `host:port`) are trusted besides the provider's own: they may
    be local and speak http. `ca_file` is trusted instead of the usual authorities.

    Raises:
        ProviderError: `link_expired` (403, 404 or 410): ask for a fresh link, never for a new
            video; `link_not_allowed`, `download_too_large`: the same link will not do;
            `download_cut`, `download_failed`: try again. Our own time that was up is a
            failure, not a cut: it tells nothing of the file.
    """
    part = path.with_name(path.name + ".part")
    watch = Watch(total_s)
    try:
        with watch, _following(url, allowed_hosts, watch, ca_file) as response:
            _check(response, max_bytes)
            fetched = _saved(response, part, max_bytes, watch)
        part.replace(path)
    except NotAllowed as error:
        raise _refused(url, str(error)) from error
    except FAILURES as error:
        raise _failed(url, error, watch) from error
    finally:
        part.unlink(missing_ok=True)
    log.info("result_fetched", url=without_query(url), bytes=fetched.bytes)
    return fetched


@contextmanager
def _following(
    url: str, allowed_hosts: Collection[str], watch: Watch, ca_file: Path | None
) -> Iterator[requests.Response]:
    """Yield the answer that `url` leads to. Raises NotAllowed."""
    for _ in range(MOST_REDIRECTS + 1):
        place = allowed_place(url, allowed_hosts)
        with _asked(place, watch, ca_file) as response:
            if response.status_code not in MOVED:
                yield response
                return
            url = urljoin(url, response.headers.get("location", ""))
    raise NotAllowed(f"it redirects more than {MOST_REDIRECTS} times")


@contextmanager
def _asked(place: Place, watch: Watch, ca_file: Path | None) -> Iterator[requests.Response]:
    def allow(address: str) -> None:
        if not place.trusted and not is_public(address):
            raise NotAllowed(f"its host has the address {address}, which is not public")

    with (
        open_session(watch, connect_s=CONNECT_S, allow=allow, ca_file=ca_file) as session,
        session.get(
            place.url,
            timeout=(CONNECT_S, watch.left_s or CONNECT_S),
            allow_redirects=False,
            stream=True,
        ) as response,
    ):
        yield response


def _check(response: requests.Response, max_bytes: int) -> None:
    """Raise unless this is the answer to be saved."""
    status, url = response.status_code, str(response.url)
    if status in DEAD:
        message = f"The link is dead: {without_query(url)} answered {status}."
        raise nothing_happened("link_expired", Answered(message=message, http_status=status))
    if status != HTTPStatus.OK:
        raise _error("download_failed", f"{without_query(url)} answered {status}.", status)
    announced = response.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > max_bytes:
        raise _too_large(url, max_bytes)


def _saved(response: requests.Response, part: Path, max_bytes: int, watch: Watch) -> Fetched:
    """Write the body to `part`, and no more of it than allowed."""
    digest, size = hashlib.sha256(), 0
    with part.open("wb") as file:
        for piece in _pieces(response, watch):
            size += len(piece)
            if size > max_bytes:
                raise _too_large(str(response.url), max_bytes)
            digest.update(piece)
            file.write(piece)
    if not size:
        raise _cut(str(response.url), "it is empty")
    return Fetched(
        bytes=size,
        sha256=digest.hexdigest(),
        content_type=response.headers.get("content-type", ""),
    )


def _pieces(response: requests.Response, watch: Watch) -> Iterator[bytes]:
    """Yield the body as it is sent, never unpacked. Raises `download_cut`, `download_failed`."""
    try:
        while piece := response.raw.read1(PIECE, decode_content=False):
            yield piece
    except FAILURES as error:
        if watch.fired:
            raise
        raise _cut(str(response.url), root_cause(error)) from error
    if watch.fired:  # without a length, being shut down looks like an end
        raise TimeoutError(TIME_UP)


def without_query(url: str) -> str:
    """Return a URL fit for a log line: no user, no query, no fragment, not too long."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(not a URL)"
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"[:300]


def _refused(url: str, why: str) -> ProviderError:
    log.warning("download_refused", url=without_query(url), why=why)
    return _error("link_not_allowed", f"{without_query(url)} is not fetched: {why}.")


def _too_large(url: str, max_bytes: int) -> ProviderError:
    log.warning("download_too_large", url=without_query(url), max_bytes=max_bytes)
    return _error("download_too_large", f"{without_query(url)} has more than {max_bytes} bytes.")


def _cut(url: str, why: str) -> ProviderError:
    log.warning("download_cut", url=without_query(url), why=why)
    return _error("download_cut", f"{without_query(url)} did not arrive whole: {why}.")


def _failed(url: str, error: Exception, watch: Watch) -> ProviderError:
    cause = TIME_UP if watch.fired else root_cause(error)
    query = urlsplit(url).query
    shown = cause.replace(query, "…") if query else cause
    log.warning("download_failed", url=without_query(url), why=shown)
    return _error("download_failed", f"{without_query(url)} cannot be fetched: {shown}.")


def _error(code: Code, message: str, status: int | None = None) -> ProviderError:
    return nothing_happened(code, Answered(message=message, http_status=status))
