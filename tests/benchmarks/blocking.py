"""The best blocking script we can write for one edit: what a tester used before.

Warm client, one request, the result uploaded to the same bucket while the same
thumbnail is made and uploaded. No queue, no record, nothing survives a refresh.
"""

import base64
import hashlib
import io
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import requests
from PIL import Image

from core.storage.bucket import Bucket


class Script:
    """One warm client, as a notebook would hold it."""

    def __init__(self, base_url: str, bucket: Bucket) -> None:
        self._url = f"{base_url}/images/edits"
        self._bucket = bucket
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.headers["Authorization"] = "Bearer sk-bench"
        self._beside = ThreadPoolExecutor(1)

    def edit(self, image: bytes, prompt: str, options: Mapping[str, str]) -> float:
        """Run one edit from start to stored thumbnail; return its seconds."""
        started = time.monotonic()
        answer = self._http.post(
            self._url,
            data={"prompt": prompt, **options},
            files=[("image[]", ("input.png", image, "image/png"))],
            timeout=120,
        )
        answer.raise_for_status()
        result = base64.b64decode(answer.json()["data"][0]["b64_json"])
        stored = self._beside.submit(self._put, result, "image/png")
        picture = Image.open(io.BytesIO(result))
        picture.thumbnail((640, 640))
        small = io.BytesIO()
        picture.save(small, "WEBP", quality=80)
        self._put(small.getvalue(), "image/webp")
        stored.result()
        return time.monotonic() - started

    def _put(self, content: bytes, content_type: str) -> None:
        sha256 = hashlib.sha256(content).hexdigest()
        self._bucket.put_bytes(
            f"bench/blocking/{sha256}", content, content_type=content_type, sha256=sha256
        )
