"""Every environment variable, read once, with all mistakes reported in one sentence."""

import zoneinfo
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from core.errors import ConfigError

MIB = 2**20
GIB = 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One field per variable: `s3_bucket` is S3_BUCKET. Secrets stay out of repr()."""

    database_url: str = field(repr=False)
    s3_bucket: str
    s3_access_key_id: str = field(repr=False)
    s3_secret_access_key: str = field(repr=False)
    auth_credentials: Path
    auth_cookie_key: str = field(repr=False)

    s3_endpoint_url: str = ""  # empty means Amazon S3 itself
    s3_public_endpoint_url: str = ""  # what the browser reaches; empty means the same
    s3_region: str = "us-east-1"
    openai_api_key: str = field(default="", repr=False)  # empty disables image edits
    openai_base_url: str = "https://api.openai.com/v1"
    minimax_api_key: str = field(default="", repr=False)  # empty disables videos
    minimax_base_url: str = "https://api.minimax.io"
    simulated_providers: frozenset[str] = frozenset()  # pages say that results are simulated
    download_allowed_hosts: frozenset[str] = frozenset()  # host:port allowed besides the vendors'
    public_base_url: str = ""  # where callbacks arrive; empty means polling only

    environment: str = "dev"  # first part of every key
    team_visibility: str = "read"  # 'read': everybody signed in may look; 'none': only their own
    team_timezone: str = "Asia/Seoul"
    web_host: str = "127.0.0.1"
    web_port: int = 8501
    allowed_hosts: frozenset[str] = frozenset()  # Host headers accepted; empty means any
    spool_dir: Path = Path("spool")
    notify_socket: str = ""  # systemd sets it: where the worker says that it is ready and alive

    quota_bytes_per_user: int = 20 * GIB
    max_image_bytes: int = 50 * MIB
    max_video_bytes: int = 500 * MIB
    upload_ttl_s: int = 900
    session_ttl_s: int = 14 * 24 * 3600

    worker_concurrency: int = 8
    poll_interval_s: float = 2.0  # the longest time until a worker looks again without a NOTIFY
    connect_timeout_s: float = 10.0
    openai_timeout_s: float = 360.0
    minimax_timeout_s: float = 30.0
    step_lease_s: float = 60.0  # for polling and storing; a paid request gets its timeout + margin
    lease_margin_s: float = 30.0
    settle_s: float = 10.0  # after a send deadline, before a lost answer becomes 'uncertain'
    video_poll_s: float = 10.0
    result_url_max_bytes: int = 2 * GIB

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Read every setting.

        Raises:
            ConfigError: names every variable that is missing or malformed, so
                that one restart is enough to fix them all.
        """
        values: dict[str, Any] = {}
        problems: list[str] = []
        for setting in fields(cls):
            try:
                _read(setting, env, values)
            except ValueError as error:
                problems.append(f"{setting.name.upper()} {error}")
        problems.extend(_contradictions(values))
        if problems:
            raise ConfigError("Cannot start: " + "; ".join(problems) + ".")
        return cls(**values)


def _read(setting: Field[Any], env: Mapping[str, str], values: dict[str, Any]) -> None:
    text = env.get(setting.name.upper(), "").strip()
    if text:
        values[setting.name] = _CHECKS.get(setting.name, _PARSERS[str(_type(setting))])(text)
    elif setting.default is MISSING:
        raise ValueError("is not set")


def _type(setting: Field[Any]) -> str:
    return (
        setting.type
        if isinstance(setting.type, str)
        else getattr(setting.type, "__name__", str(setting.type))
    )


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise ValueError(f"must be a whole number, not {text!r}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < float("inf"):
        raise ValueError(f"must be a number above 0, not {text!r}")
    return value


def _words(text: str) -> frozenset[str]:
    return frozenset(word.strip() for word in text.split(",") if word.strip())


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.username:
        raise ValueError("must be an http(s) URL without user or password, like 'https://host'")
    return text.rstrip("/")


def _database(text: str) -> str:
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in {"postgres", "postgresql", "postgresql+psycopg2"}:
        raise ValueError("must start with 'postgresql://'")
    return f"postgresql+psycopg2://{rest}"


def _one_of(*allowed: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}, not {text!r}")
        return text

    return check


def _cookie_key(text: str) -> str:
    if len(text.encode()) < 32:
        raise ValueError(
            "must have at least 32 bytes: python -c 'import secrets; print(secrets.token_hex(32))'"
        )
    return text


def _zone(text: str) -> str:
    try:
        zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"must be a time zone like 'Asia/Seoul', not {text!r}") from None
    return text


def _key_part(text: str) -> str:
    if not (text.isascii() and text.replace("-", "").isalnum() and len(text) <= 20):
        raise ValueError(f"must be up to 20 letters, digits or '-', not {text!r}")
    return text


_PARSERS: Mapping[str, Callable[[str], Any]] = {
    "str": str,
    "int": _whole,
    "float": _seconds,
    "Path": Path,
    "frozenset": _words,
}

_CHECKS: Mapping[str, Callable[[str], Any]] = {
    "database_url": _database,
    "s3_endpoint_url": _url,
    "s3_public_endpoint_url": _url,
    "openai_base_url": _url,
    "minimax_base_url": _url,
    "public_base_url": _url,
    "auth_cookie_key": _cookie_key,
    "team_timezone": _zone,
    "team_visibility": _one_of("read", "none"),
    "environment": _key_part,
}


def _contradictions(values: Mapping[str, Any]) -> list[str]:
    """Return what only two settings together get wrong."""
    problems = []
    if values.get("s3_public_endpoint_url") and not values.get("s3_endpoint_url"):
        problems.append("S3_PUBLIC_ENDPOINT_URL is set but S3_ENDPOINT_URL is not; set both")
    if values.get("environment") == "prod" and values.get("simulated_providers"):
        problems.append("SIMULATED_PROVIDERS must be empty when ENVIRONMENT is 'prod'")
    return problems
