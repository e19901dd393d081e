"""Set the bucket up: make it, and let browsers talk to it.

Each step is optional for the application's life: several stores let a key use a
bucket and not configure it. A step that fails says what somebody with the right
key must set by hand, in the words of the store's own documents.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.errors import NotFound, StorageError
from core.storage.bucket import Bucket
from core.storage.faults import StoreRefused

if TYPE_CHECKING:  # the stubs are installed for development only
    from mypy_boto3_s3.type_defs import CreateBucketRequestTypeDef

SIGNED_HEADERS = ("content-type", "if-none-match", "x-amz-checksum-sha256")
PREFLIGHT_S = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What became of one part of the set-up."""

    name: str
    done: bool
    detail: str  # when not done: why, and what to set by hand


def provision(bucket: Bucket, *, origins: Sequence[str]) -> Sequence[Step]:
    """Bring the bucket to what the application needs; may be repeated.

    `origins` are the pages' ('https://bench.example').
    """
    cors = cors_rules(origins)
    return [
        _tried("bucket", {"Bucket": bucket.name}, lambda: _create(bucket)),
        _tried("cors", cors, lambda: _set_cors(bucket, cors)),
    ]


def _tried(name: str, wanted: Any, action: Callable[[], str]) -> Step:
    try:
        return Step(name=name, done=True, detail=action())
    except (StorageError, NotFound) as error:
        by_hand = json.dumps(wanted, indent=2)
        return Step(name=name, done=False, detail=f"{error}\nSet this by hand:\n{by_hand}")


def _create(bucket: Bucket) -> str:
    """Make the bucket unless it is there. Not owning one of that name is a failure."""
    try:
        with bucket.talking() as s3:
            s3.head_bucket(Bucket=bucket.name)
    except NotFound:
        return _made(bucket)
    return f"{bucket.name} is there"


def _made(bucket: Bucket) -> str:
    asked: CreateBucketRequestTypeDef = {"Bucket": bucket.name}
    if not bucket.endpoint_url and bucket.region != "us-east-1":
        place: Any = bucket.region  # the stub lists the regions of its own day
        asked["CreateBucketConfiguration"] = {"LocationConstraint": place}
    try:
        with bucket.talking() as s3:
            s3.create_bucket(**asked)
    except StoreRefused as error:
        if error.code != "BucketAlreadyOwnedByYou":  # another start was faster
            raise
    return f"{bucket.name} was created"


def cors_rules(origins: Sequence[str]) -> dict[str, Any]:
    """Return what lets pages of `origins`, and no others, PUT and GET with a signed URL."""
    return {
        "CORSRules": [
            {
                "AllowedOrigins": list(origins),
                "AllowedMethods": ["GET", "HEAD", "PUT"],
                "AllowedHeaders": [*SIGNED_HEADERS, "range"],
                "ExposeHeaders": ["ETag"],
                "MaxAgeSeconds": PREFLIGHT_S,
            }
        ]
    }


def _set_cors(bucket: Bucket, rules: Any) -> str:
    with bucket.talking() as s3:
        s3.put_bucket_cors(Bucket=bucket.name, CORSConfiguration=rules)
    return f"pages of {', '.join(rules['CORSRules'][0]['AllowedOrigins'])} may read and upload"
