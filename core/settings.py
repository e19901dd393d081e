"""Every environment variable, read once, with all mistakes reported in one sentence."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from core import setting_values as values
from core.errors import ConfigError

MIB = 2**20
GIB = 2**30
MAX_OBJECT_BYTES = 5 * GIB  # of one PUT
MOST_CONNECT_S = 10  # `core.usage` counts on it: a request reaches its provider by then or never


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

    worker_concurrency: int = 8  # edits that one worker sends at once; of videos 4 at most
    poll_interval_s: float = 2.0  # the longest time until a worker looks again without a NOTIFY
    connect_timeout_s: float = MOST_CONNECT_S
    openai_timeout_s: float = 360.0
    minimax_timeout_s: float = 30.0
    step_lease_s: float = 60.0  # for polling; a paid request gets its timeout + margin
    store_lease_s: float = 300.0  # for fetching, checking and storing a result
    lease_margin_s: float = 30.0  # of a paid request's lease, beyond its timeout
    settle_s: float = 10.0  # the end of that margin: nothing is under way any more, by any clock
    video_poll_s: float = 3600.0  # the longest pause between two looks at a video
    minimax_polls_per_minute: int = 60  # of all workers together
    running_per_user: int = 4  # jobs of one person at one provider's API at once; 0: no limit
    # What our keys may do; 0 means what the catalogue and the provider's answers say.
    openai_requests_per_minute: int = 0
    openai_input_images_per_minute: int = 0
    minimax_v1_requests_per_minute: int = 0
    minimax_v2_in_flight: int = 0
    result_url_max_bytes: int = 2 * GIB
    failpoints: frozenset[str] = frozenset()  # where tests kill this process; never in prod

    @property
    def spends_money(self) -> bool:
        """Return whether a request may cost: to a provider that is not on this machine."""
        asked = {
            self.openai_base_url: self.openai_api_key,
            self.minimax_base_url: self.minimax_api_key,
        }
        return any(key and urlsplit(url).hostname not in HERE for url, key in asked.items())

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Read every setting.

        Raises:
            ConfigError: names every variable that is missing or malformed, so
                that one restart is enough to fix them all.
        """
        found: dict[str, Any] = {}
        problems: list[str] = []
        for setting in fields(cls):
            try:
                _read(setting, env, found)
            except ValueError as error:
                problems.append(f"{setting.name.upper()} {error}")
        problems.extend(_contradictions({**_defaults(), **found}))
        if problems:
            raise ConfigError("Cannot start: " + "; ".join(problems) + ".")
        return cls(**found)


def _read(setting: Field[Any], env: Mapping[str, str], found: dict[str, Any]) -> None:
    text = env.get(setting.name.upper(), "").strip()
    if _PLACEHOLDER in text:
        raise ValueError(f"still holds {_PLACEHOLDER!r} from the example")
    if text:
        found[setting.name] = _CHECKS.get(setting.name, _PARSERS[str(_type(setting))])(text)
    elif setting.default is MISSING:
        raise ValueError("is not set")


def _type(setting: Field[Any]) -> str:
    return (
        setting.type
        if isinstance(setting.type, str)
        else getattr(setting.type, "__name__", str(setting.type))
    )


FOR_TESTS = frozenset({"dev", "test"})  # where a process may be told to kill itself
HERE = frozenset({"127.0.0.1", "::1", "localhost"})
_PLACEHOLDER = "CHANGE-ME"  # what the server's example file holds

_PARSERS: Mapping[str, Callable[[str], Any]] = {
    "str": str,
    "int": values.whole(1),
    "float": values.seconds(),
    "Path": Path,
    "frozenset": values.words,
}

_CHECKS: Mapping[str, Callable[[str], Any]] = {
    "database_url": values.database,
    "s3_bucket": values.bucket,
    "s3_region": values.region,
    "s3_endpoint_url": values.url,
    "s3_public_endpoint_url": values.url,
    "openai_base_url": values.url,
    "minimax_base_url": values.url,
    "public_base_url": values.url,
    "auth_cookie_key": values.cookie_key,
    "s3_access_key_id": values.provider_key,
    "s3_secret_access_key": values.provider_key,
    "openai_api_key": values.provider_key,
    "minimax_api_key": values.provider_key,
    "simulated_providers": values.some_of("openai", "minimax"),
    "download_allowed_hosts": values.places,
    "web_host": values.listening_host,
    "team_timezone": values.zone,
    "team_visibility": values.one_of("read", "none"),
    "environment": values.key_part,
    "failpoints": values.failpoint_names,
    "web_port": values.whole(1, 65535),
    "openai_requests_per_minute": values.whole(0),
    "openai_input_images_per_minute": values.whole(0),
    "minimax_v1_requests_per_minute": values.whole(0),
    "minimax_v2_in_flight": values.whole(0),
    "running_per_user": values.whole(0),
    "minimax_polls_per_minute": values.whole(1),
    "allowed_hosts": values.hosts,
    "max_image_bytes": values.whole(1, MAX_OBJECT_BYTES),
    "max_video_bytes": values.whole(1, MAX_OBJECT_BYTES),
    "result_url_max_bytes": values.whole(1, MAX_OBJECT_BYTES),
    "upload_ttl_s": values.whole(60, 7 * values.DAY_S),  # a signature lives no longer
    "session_ttl_s": values.whole(60, 400 * values.DAY_S),  # nor does a cookie
    "worker_concurrency": values.whole(1, 100),
    "connect_timeout_s": values.seconds(most=MOST_CONNECT_S),
    "poll_interval_s": values.seconds(0.05, 3600),
}


def _contradictions(found: Mapping[str, Any]) -> list[str]:
    """Return what only two settings together get wrong."""
    problems = []
    if found.get("s3_public_endpoint_url") and not found.get("s3_endpoint_url"):
        problems.append("S3_PUBLIC_ENDPOINT_URL is set but S3_ENDPOINT_URL is not; set both")
    if found.get("environment") == "prod" and found.get("simulated_providers"):
        problems.append("SIMULATED_PROVIDERS must be empty when ENVIRONMENT is 'prod'")
    if found["failpoints"] and found.get("environment") not in FOR_TESTS:
        allowed = " or ".join(map(repr, sorted(FOR_TESTS)))
        problems.append(f"FAILPOINTS must be empty unless ENVIRONMENT is {allowed}")
    margin_s, settle_s = found["lease_margin_s"], found["settle_s"]
    if margin_s <= settle_s:
        problems.append(
            f"LEASE_MARGIN_S must be longer than SETTLE_S ({settle_s:g}), not {margin_s:g}"
        )
    return problems


def _defaults() -> dict[str, Any]:
    return {each.name: each.default for each in fields(Settings) if each.default is not MISSING}
