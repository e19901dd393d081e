"""The one door for keys: every key in the bucket is made here.

A key is made of ids, dates and names that are fixed in the code; nothing that a
user or a provider wrote ever becomes part of one.

{environment}/{provider}/{YYYY}/{MM}/{DD}/{job_id}/{name}   results
{environment}/inputs/{YYYY}/{MM}/{DD}/{upload_id}/{name}    uploads, which have no job yet
{environment}/thumbs/{sha256}                               small pictures, which outlive both
{environment}/probes/{probe_id}                             what `doctor` puts and removes
"""

import re
from datetime import UTC, datetime
from uuid import UUID

_ENVIRONMENT = re.compile(r"[A-Za-z0-9-]{1,20}")
_PROVIDER = re.compile(r"[a-z0-9]{1,20}")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,60}(\.[a-z0-9]{1,8})?")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_TAKEN = frozenset({"inputs", "thumbs", "probes"})


def result_key(environment: str, *, provider: str, at: datetime, job_id: UUID, name: str) -> str:
    """Return where a job's file lies; `at` is the job's creation, so a repeat gets the same key."""
    if provider in _TAKEN:
        raise ValueError(f"{provider!r} is the name of a prefix, not of a provider.")
    provider = _checked(_PROVIDER, provider)
    return f"{_root(environment)}/{provider}/{_day(at)}/{job_id}/{_checked(_NAME, name)}"


def input_key(environment: str, *, at: datetime, upload_id: UUID, name: str) -> str:
    """Return where an upload, or a copy made from it, lies."""
    return f"{_root(environment)}/inputs/{_day(at)}/{upload_id}/{_checked(_NAME, name)}"


def beside(key: str, name: str) -> str:
    """Return where a copy lies that was made from what lies under `key`."""
    return f"{key.rpartition('/')[0]}/{_checked(_NAME, name)}"


def thumb_key(environment: str, sha256: str) -> str:
    """Return where a small picture lies: by its own content, so it never changes."""
    return f"{_root(environment)}/thumbs/{_checked(_SHA256, sha256)}"


def probe_key(environment: str, probe_id: UUID) -> str:
    """Return a key for a check of the bucket."""
    return f"{_root(environment)}/probes/{probe_id}"


def _root(environment: str) -> str:
    return _checked(_ENVIRONMENT, environment)


def _day(at: datetime) -> str:
    if at.tzinfo is None:
        raise ValueError(f"{at!r} has no time zone; keys carry UTC dates.")
    return f"{at.astimezone(UTC):%Y/%m/%d}"


def _checked(pattern: re.Pattern[str], part: str) -> str:
    if not pattern.fullmatch(part):
        raise ValueError(f"{part!r} cannot be part of a key; it must match {pattern.pattern!r}.")
    return part
