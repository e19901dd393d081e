"""Where a bucket is reached: the origin and the path in front of its keys."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from core.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A URL is `{scheme}://{host}{prefix}{key}`; `host` is what gets signed."""

    scheme: str
    host: str  # with the port unless it is the scheme's own
    prefix: str  # starts and ends with '/'


def address(endpoint_url: str, *, region: str, bucket: str) -> Address:
    """Return the address of `bucket`: path style at an endpoint, virtual host at Amazon."""
    return _at_endpoint(endpoint_url, bucket) if endpoint_url else _at_amazon(region, bucket)


def _at_endpoint(endpoint_url: str, bucket: str) -> Address:
    parts = urlsplit(endpoint_url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigError(f"The S3 endpoint must be an http(s) URL, not {endpoint_url!r}.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    if parts.port not in {None, 443 if parts.scheme == "https" else 80}:
        host = f"{host}:{parts.port}"
    return Address(scheme=parts.scheme, host=host, prefix=f"{parts.path.rstrip('/')}/{bucket}/")


def _at_amazon(region: str, bucket: str) -> Address:
    """The names boto3 uses too. A dot in the bucket's name would break TLS as a host."""
    ending = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    service = f"s3.{ending}" if region == "us-east-1" else f"s3.{region}.{ending}"
    if "." in bucket:
        return Address(scheme="https", host=service, prefix=f"/{bucket}/")
    return Address(scheme="https", host=f"{bucket}.{service}", prefix="/")
