"""Prove on the bucket itself what the application relies on.

An emulator is not S3, and R2's documents leave holes: whoever sets a server up
runs this once and reads which promise does not hold.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import requests

from core.errors import AppError
from core.ids import new_id
from core.storage import probes
from core.storage.bucket import Bucket
from core.storage.keys import probe_key
from core.storage.probes import Broken, Probe

PROMISES: Mapping[str, Callable[[Probe], str]] = {
    "PUT and HEAD keep the checksum": probes.keeps_checksum,
    "reading works in part and whole": probes.reads,
    "deleting works": probes.deletes,
    "a presigned PUT binds type, length and sha256": probes.takes_upload,
    "a repeated PUT is refused": probes.refuses_repeat,
    "other bytes are refused": probes.refuses_other_bytes,
    "another length is refused": probes.refuses_other_length,
    "another type is refused": probes.refuses_other_type,
    "a presigned GET names the download": probes.serves_signed,
    "an unsigned GET is refused": probes.refuses_unsigned,
    "an expired GET is refused": probes.refuses_expired,
    "our pages may upload (CORS)": probes.lets_pages_upload,
    "other pages may not (CORS)": probes.stops_foreign_pages,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One promise of the store, and whether it held."""

    name: str
    ok: bool
    detail: str  # what was seen


def doctor(bucket: Bucket, *, environment: str, origin: str) -> Sequence[Check]:
    """Try every promise with small objects of their own, and remove them.

    `origin` is the pages' ('https://bench.example'). The signed URLs go to the
    public endpoint, so this machine must reach it as a browser would.
    """
    with requests.Session() as http:
        return [
            _checked(
                name,
                promise,
                Probe(
                    bucket=bucket, http=http, key=probe_key(environment, new_id()), origin=origin
                ),
            )
            for name, promise in PROMISES.items()
        ]


def _checked(name: str, promise: Callable[[Probe], str], probe: Probe) -> Check:
    try:
        return Check(name=name, ok=True, detail=promise(probe))
    except (Broken, AppError) as error:
        return Check(name=name, ok=False, detail=str(error))
    except requests.RequestException as error:
        # Not the exception's own text: it would show a signed URL.
        said = f"{probe.bucket.public_origin} did not answer here ({type(error).__name__})."
        return Check(name=name, ok=False, detail=f"{said} Check S3_PUBLIC_ENDPOINT_URL.")
    finally:
        with contextlib.suppress(AppError):
            probe.bucket.delete([probe.key])
