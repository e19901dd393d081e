"""From a variable's text to its value. Each function raises ValueError saying what was expected."""

import re
import zoneinfo
from collections.abc import Callable
from ipaddress import ip_address
from urllib.parse import urlsplit

from core.failpoints import POINTS

DAY_S = 24 * 3600

_HOST = re.compile(r"(\*\.)?[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9-]+)*")
_BUCKET = re.compile(r"[A-Za-z0-9._-]{3,63}")
_REGION = re.compile(r"[a-z0-9-]{1,40}")


def whole(least: int, most: int | None = None) -> Callable[[str], int]:
    """Return a reader of whole numbers from `least` to `most`, both included."""
    expected = f"{least} or more" if most is None else f"{least} to {most}"

    def read(text: str) -> int:
        value = int(text) if text.isdecimal() and len(text) <= 18 else None
        if value is None:
            raise ValueError(f"must be a whole number, not {shown(text)}")
        if value < least or (most is not None and value > most):
            raise ValueError(f"must be {expected}, not {shown(text)}")
        return value

    return read


def seconds(least: float = 0.0, most: float = DAY_S) -> Callable[[str], float]:
    """Return a reader of seconds above 0, from `least` to `most`."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if not 0 < value < float("inf"):
            raise ValueError(f"must be a number above 0, not {shown(text)}")
        if not least <= value <= most:
            expected = f"{least:g} to {most:g}" if least else f"at most {most:g}"
            raise ValueError(f"must be {expected} seconds, not {shown(text)}")
        return value

    return read


def words(text: str) -> frozenset[str]:
    """Read words between commas."""
    return frozenset(word.strip() for word in text.split(",") if word.strip())


def hosts(text: str) -> frozenset[str]:
    """Read host names as a browser's Host header has them, without the port."""
    found = words(text)
    for name in sorted(found):
        if not _HOST.fullmatch(name):
            raise ValueError(
                f"must be host names without scheme and port, like 'bench.example.com', "
                f"not {shown(name)}"
            )
    return found


def places(text: str) -> frozenset[str]:
    """Read hosts, each with a port or without: a download's host is compared in small letters."""
    found = words(text.lower())
    for place in sorted(found):
        host, port = _split(place)
        if not _is_host(host) or (port and not (port.isdecimal() and 0 < int(port) < 65536)):
            raise ValueError(
                f"must be hosts like 'cdn.example.com' or '127.0.0.1:9000', not {shown(place)}"
            )
    return found


def listening_host(text: str) -> str:
    """Read the address or name to listen at."""
    if not _is_host(text):
        raise ValueError(
            f"must be an address or a host name, like '127.0.0.1' or '0.0.0.0', not {shown(text)}"
        )
    return text


def _split(place: str) -> tuple[str, str]:
    """Return host and port of `host`, `host:port`, `[address]` or `[address]:port`."""
    if place.startswith("["):
        host, _, port = place[1:].partition("]")
        return host, port.removeprefix(":")
    host, _, port = place.partition(":")
    return host, port


def _is_host(text: str) -> bool:
    if ":" not in text:
        return bool(_HOST.fullmatch(text)) and "*" not in text
    try:
        return ip_address(text).version == 6
    except ValueError:
        return False


def url(text: str) -> str:
    """Read an http(s) URL, without the slash at its end."""
    expected = "must be an http(s) URL without user or password, like 'https://host'"
    try:
        parts = urlsplit(text)
        right = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:  # a port or an address that is none
        raise ValueError(expected) from None
    if not right or parts.username or parts.query or parts.fragment or " " in text:
        raise ValueError(expected)
    return text.rstrip("/")


def database(text: str) -> str:
    """Read a Postgres URL; the driver is ours to name."""
    from sqlalchemy.engine import make_url  # noqa: PLC0415  (0.2 s that only who starts pays)
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415  (the same)

    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in {"postgres", "postgresql", "postgresql+psycopg2"}:
        raise ValueError("must start with 'postgresql://'")
    try:
        port = make_url(f"postgresql://{rest}").port
    except (ArgumentError, ValueError):
        port = 0
    if port is not None and not 0 < port < 65536:
        raise ValueError(
            "must be like 'postgresql://user:password@host:5432/database', with a port from 1 to "
            "65535 and each '@' of the password written as %40"
        )
    return f"postgresql+psycopg2://{rest}"


def some_of(*allowed: str) -> Callable[[str], frozenset[str]]:
    """Return a reader of any of these words."""

    def read(text: str) -> frozenset[str]:
        found = words(text)
        for word in sorted(found.difference(allowed)):
            raise ValueError(f"must be among {', '.join(allowed)}, not {shown(word)}")
        return found

    return read


def one_of(*allowed: str) -> Callable[[str], str]:
    """Return a reader of one of these words."""

    def read(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}, not {shown(text)}")
        return text

    return read


def provider_key(text: str) -> str:
    """Read somebody else's key, as a header can carry it. The sentence does not show it."""
    for place, character in enumerate(text, start=1):
        if not "!" <= character <= "~":
            raise ValueError(
                f"must be printable ASCII without spaces; its character {place} is "
                f"U+{ord(character):04X}. Copy the key again"
            )
    return text


def cookie_key(text: str) -> str:
    """Read a key that nobody guesses."""
    if len(text.encode()) < 32:
        raise ValueError(
            "must have at least 32 bytes: python -c 'import secrets; print(secrets.token_hex(32))'"
        )
    return text


def zone(text: str) -> str:
    """Read the name of a time zone."""
    try:
        zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"must be a time zone like 'Asia/Seoul', not {shown(text)}") from None
    return text


def failpoint_names(text: str) -> frozenset[str]:
    """Return the names of failpoints."""
    names = words(text)
    unknown = sorted(names - POINTS.keys())
    if unknown:
        raise ValueError(f"must be among {', '.join(POINTS)}, not {', '.join(unknown)}")
    return names


def key_part(text: str) -> str:
    """Read the first part of every key in the bucket."""
    if not (text.isascii() and text.replace("-", "").isalnum() and len(text) <= 20):
        raise ValueError(f"must be up to 20 letters, digits or '-', not {shown(text)}")
    return text


def bucket(text: str) -> str:
    """Read a bucket's name."""
    if not _BUCKET.fullmatch(text):
        raise ValueError(
            f"must be a bucket's name of 3 to 63 letters and digits, not {shown(text)}"
        )
    return text


def region(text: str) -> str:
    """Read a region's name."""
    if not _REGION.fullmatch(text):
        raise ValueError(f"must be a region like 'us-east-1' or 'auto', not {shown(text)}")
    return text


def shown(text: str) -> str:
    """Return a wrong value as a sentence shows it."""
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
