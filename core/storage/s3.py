"""boto3: the client, and what its errors mean to us.

Importing this module costs 0.3 s and 24 MB, so only the first request does.
"""

from typing import TYPE_CHECKING

import boto3.session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
    SSLError,
)

from core.errors import AppError, NotFound, StorageError
from core.storage.faults import StoreRefused

if TYPE_CHECKING:  # the stubs are installed for development only
    from mypy_boto3_s3.client import S3Client

FAULTS = (BotoCoreError, ClientError)
MISSING = frozenset({"404", "NoSuchKey", "NotFound"})


def open_client(*, endpoint_url: str, region: str, access_key: str, secret_key: str) -> "S3Client":
    """Return a client for threads to share. It connects at the first request."""
    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint_url or None,
        region_name=region,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path" if endpoint_url else "virtual"},
            # The default since 1.36 sends trailers that R2 and others do not understand.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            retries={"max_attempts": 3, "mode": "standard"},
            connect_timeout=3,
            read_timeout=30,
            max_pool_connections=32,
        ),
    )


def code_of(error: Exception) -> str:
    """Return the store's own error code, or '' when it did not answer."""
    if not isinstance(error, ClientError):
        return ""
    return str(error.response.get("Error", {}).get("Code", ""))


def translated(error: Exception, *, bucket: str, key: str, where: str) -> AppError:
    """Return what an error of boto3 means here. `where` names the endpoint for the operator."""
    code = code_of(error)
    if code in MISSING:
        return NotFound(f"The bucket {bucket!r} holds no {key!r}.")
    if not code:
        return StorageError(_unanswered(error, where))
    return StoreRefused(_refused(error, code, bucket=bucket, key=key), code=code)


def _unanswered(error: Exception, where: str) -> str:
    if isinstance(error, ConnectTimeoutError | EndpointConnectionError):
        advice = "Check S3_ENDPOINT_URL and that the store runs, then try again."
    elif isinstance(error, SSLError):
        advice = "Check the certificate of S3_ENDPOINT_URL."
    elif isinstance(error, ReadTimeoutError):
        advice = "It took the request and did not finish in 30 s. Try again."
    else:
        advice = "Try again."
    return f"The bucket's store at {where} did not answer ({type(error).__name__}). {advice}"


ADVICE = {
    "NoSuchBucket": "Create it: python -m core provision-bucket.",
    "AccessDenied": "Allow this key to read, write and delete in the bucket.",
    "403": "Check S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY and what the key may do.",
    "InvalidAccessKeyId": "Check S3_ACCESS_KEY_ID.",
    "SignatureDoesNotMatch": "Check S3_SECRET_ACCESS_KEY and S3_REGION.",
    "Unauthorized": "Check S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY and S3_REGION.",
    "RequestTimeTooSkewed": "This machine's clock is wrong by more than 15 minutes: set it.",
    "BadDigest": "The bytes changed on the way or on this machine's disk. Try again.",
    "SlowDown": "The store is busy. Try again later.",
}


def _refused(error: Exception, code: str, *, bucket: str, key: str) -> str:
    advice = ADVICE.get(code, "Try again; if it stays, run: python -m core doctor.")
    return f"The store refused {key!r} in bucket {bucket!r}: {code} ({error}). {advice}"
