"""The bucket: keys, objects, presigned URLs. boto3 is loaded by the first request."""

from core.storage.stored import Downloaded, Stored, Upload

__all__ = ["Downloaded", "Stored", "Upload"]
