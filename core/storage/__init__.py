"""The bucket: keys, objects, presigned URLs. boto3 is loaded by the first request."""

from core.settings import Settings
from core.storage.bucket import Bucket
from core.storage.stored import Downloaded, Stored, Upload

__all__ = ["Bucket", "Downloaded", "Stored", "Upload", "bucket_of"]


def bucket_of(settings: Settings) -> Bucket:
    """Return the application's bucket; nothing is connected before it is used."""
    return Bucket(
        endpoint_url=settings.s3_endpoint_url,
        public_endpoint_url=settings.s3_public_endpoint_url,
        region=settings.s3_region,
        bucket=settings.s3_bucket,
        access_key=settings.s3_access_key_id,
        secret_key=settings.s3_secret_access_key,
    )
