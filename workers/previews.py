"""Partial pictures of a streamed edit, shown while the real one is being made.

They are made beside the stream, never in its way, and a preview that cannot be
made is no failure.
"""

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import structlog

from core import assets, events
from core.claims import Claim, held
from core.errors import AppError
from core.media import preview_image
from core.models import AssetKind, Job
from core.services import Services
from core.storage.keys import result_key

log = structlog.get_logger(__name__)


@contextlib.contextmanager
def taking(services: Services, claim: Claim, job: Job) -> Iterator[Callable[[int, bytes], None]]:
    """Yield what takes the previews; leaving waits for none of them."""
    if not job.options.get("partial_images"):
        yield lambda _index, _image: None
        return
    pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="preview")
    try:
        yield lambda index, image: _later(pool, services, claim, job, index, image)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _later(
    pool: ThreadPoolExecutor,
    services: Services,
    claim: Claim,
    job: Job,
    index: int,
    image: bytes,
) -> None:
    pool.submit(_keep, services, claim, job, index, image)


def _keep(services: Services, claim: Claim, job: Job, index: int, image: bytes) -> None:
    try:
        small = preview_image(image)
        key = result_key(
            services.settings.environment,
            provider=job.provider,
            at=job.created_at,
            job_id=job.id,
            name=f"preview-{claim.token}-{index}.webp",
        )
        sha256 = hashlib.sha256(small).hexdigest()
        stored = services.bucket.put_bytes(key, small, content_type="image/webp", sha256=sha256)
        with services.sessions.begin() as session:
            held(session, claim)  # the result is there already: nobody needs a preview
            assets.add(
                session,
                AssetKind.PREVIEW,
                stored,
                assets.Picture(mime="image/webp", sha256=sha256),
                assets.Place(user_id=job.user_id, job_id=job.id, position=index),
            )
            events.record(session, job.id, "preview_came", by=claim.worker, index=index)
            events.show_change(session, job_id=job.id, user_id=job.user_id)
    except AppError as error:
        log.warning("preview_not_made", job_id=str(job.id), index=index, reason=str(error))
