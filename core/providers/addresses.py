"""Which hosts a result may be fetched from, and which addresses are the public Internet's."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

VENDOR_DOMAINS: Final = (".minimax.io", ".minimaxi.com", ".minimax.cn")
VENDOR_HOSTS: Final = frozenset(
    {  # where results have been seen to lie: a bucket's own name, never its provider's domain
        "public-cdn-video-data-algeng.oss-cn-wulanchabu.aliyuncs.com",
        "public-cdn-video-data-algeng-us.oss-us-east-1.aliyuncs.com",
        "cdn.hailuoai.com",
        "filecdn.minimax.chat",
    }
)
_ORDINARY: Final = re.compile(r"https?://[!#-;=?-Z_a-z~\[\]%]+")  # no space, quote, \, ^, {, |
_HOST: Final = re.compile(
    r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9-]{1,63}|\[[0-9a-f:.]+\]"
)
_PORTS: Final = {"https": 443, "http": 80}
_NAT64: Final = IPv6Network("64:ff9b::/96")


class NotAllowed(Exception):
    """Nothing may be fetched from there; the text says why, without the URL's secrets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A checked URL. `trusted`: a setting names it, so its address need not be public."""

    url: str
    host: str
    port: int
    trusted: bool


def allowed_place(url: str, allowed_hosts: Collection[str]) -> Place:
    """Check a download URL.

    Vendors' hosts over https on the usual port, or exactly what `allowed_hosts` names as
    `host` or `host:port`, then over http too.

    Raises:
        NotAllowed: it is anything else.
    """
    if len(url) > 8192 or not _ORDINARY.fullmatch(url):
        raise NotAllowed("it is not an ordinary http(s) URL")
    parts = urlsplit(url)
    if "@" in parts.netloc:
        raise NotAllowed("it names a user")
    host, port = _host_and_port(parts)
    usual = port == _PORTS[parts.scheme]
    trusted = f"{host}:{port}" in allowed_hosts or (usual and host in allowed_hosts)
    if not trusted:
        _check_vendor(parts.scheme, host, port)
    return Place(url=url, host=host.strip("[]"), port=port, trusted=trusted)


def _host_and_port(parts: SplitResult) -> tuple[str, int]:
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    try:
        port = _PORTS[parts.scheme] if parts.port is None else parts.port
    except ValueError as error:
        raise NotAllowed("its port is not a number") from error
    if len(host) > 253 or not _HOST.fullmatch(host):
        raise NotAllowed("its host is not a name")
    return host, port


def _check_vendor(scheme: str, host: str, port: int) -> None:
    if host not in VENDOR_HOSTS and not host.endswith(VENDOR_DOMAINS):
        raise NotAllowed("its host is not one of the provider's")
    if scheme != "https":
        raise NotAllowed("it is not https")
    if port != _PORTS["https"]:
        raise NotAllowed("its port is not 443")


def is_public(address: str) -> bool:
    """Return whether an address, as a number, is a machine on the public Internet.

    An IPv4 address that IPv6 carries (mapped, NAT64) counts as itself; tunnels are refused.
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, IPv6Address):
        if found.sixtofour is not None or found.teredo is not None:
            return False
        found = _carried(found) or found
    return found.is_global and not (found.is_multicast or found.is_reserved)


def _carried(found: IPv6Address) -> IPv4Address | None:
    return IPv4Address(int(found) & 0xFFFFFFFF) if found in _NAT64 else found.ipv4_mapped
