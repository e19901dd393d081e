"""Where browsers open the pages from: what the bucket's CORS rules must let in."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from core.errors import ConfigError
from core.settings import Settings

LOOPBACK = ("127.0.0.1", "localhost")
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104  (an address to listen at, none to be opened)


def origins(settings: Settings) -> Sequence[str]:
    """Return the origins of our pages ('https://bench.example.com'), public ones first.

    Raises:
        ConfigError: this is a server, and nothing names the address at which people open it.
    """
    public = _public(settings)
    if not public and settings.environment != "dev":
        raise ConfigError(
            "Neither ALLOWED_HOSTS nor PUBLIC_BASE_URL names the address at which people open "
            "Proofsheet, so the bucket would refuse every upload from a page. Set ALLOWED_HOSTS "
            "to the host name, like 'bench.example.com'."
        )
    return [*public, *(_open(settings, host) for host in LOOPBACK)]


def _public(settings: Settings) -> Sequence[str]:
    names = sorted(settings.allowed_hosts.difference(LOOPBACK))
    found = [f"https://{name}" for name in names]
    if settings.public_base_url:
        parts = urlsplit(settings.public_base_url)
        usual = ":443" if parts.scheme == "https" else ":80"
        found.append(f"{parts.scheme}://{parts.netloc.removesuffix(usual)}")
    if settings.web_host not in LOOPBACK:  # reached without a proxy, and so without TLS
        listening = {settings.web_host}.difference(EVERYWHERE)
        found.extend(_open(settings, name) for name in [*names, *listening])
    return list(dict.fromkeys(found))


def _open(settings: Settings, host: str) -> str:
    shown = f"[{host}]" if ":" in host else host
    # A browser leaves the usual port out.
    return f"http://{shown}" if settings.web_port == 80 else f"http://{shown}:{settings.web_port}"
