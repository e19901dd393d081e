"""From a job's rows to the request its provider gets. Reading only; nothing is paid here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from core import assets
from core.errors import MediaRejected, NotFound
from core.models import Asset, AssetKind, Job
from core.providers import EditRequest, InputFile, VideoRequest
from core.services import Services

# What the form knows about a job and no provider is asked.
OUR_OPTIONS = frozenset({"mode"})
SUFFIXES = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A job with the files it sends, as rows."""

    job: Job
    files: Sequence[Asset]

    def sent_image(self, position: int) -> Asset | None:
        """Return the prepared copy (or, where none was needed, the upload) at a place."""
        for kind in (AssetKind.PREPARED, AssetKind.INPUT):
            for asset in self.files:
                if asset.kind == kind and asset.position == position:
                    return asset
        return None

    @property
    def mask(self) -> Asset | None:
        """Return the prepared copy of the mask, if the job has one."""
        return self._drawn(AssetKind.MASK)

    @property
    def markup(self) -> Asset | None:
        """Return the prepared copy of the markup, if the job has one."""
        return self._drawn(AssetKind.MARKUP)

    def _drawn(self, kind: AssetKind) -> Asset | None:
        uploaded = next((asset for asset in self.files if asset.kind == kind), None)
        return (self.sent_image(uploaded.position) or uploaded) if uploaded else None

    @property
    def images(self) -> Sequence[Asset]:
        """Return what is sent as pictures, in order."""
        positions = sorted({a.position for a in self.files if a.kind == AssetKind.INPUT})
        return [asset for asset in map(self.sent_image, positions) if asset is not None]

    @property
    def asked(self) -> Mapping[str, Any]:
        """Return the options the provider gets."""
        return {key: value for key, value in self.job.options.items() if key not in OUR_OPTIONS}


def load(services: Services, job_id: UUID) -> Task:
    """Read a job and its files. Raises NotFound."""
    with services.sessions() as session:
        job = session.get(Job, job_id)
        if job is None:
            raise NotFound(f"No job {job_id}.")
        return Task(job=job, files=assets.of_job(session, job_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """A task with its pictures on this machine's disk."""

    task: Task
    images: Sequence[InputFile]
    mask: InputFile | None
    markup: InputFile | None


def fetch(services: Services, task: Task, folder: Path) -> Files:
    """Fetch what a task sends to `folder`.

    Raises:
        StorageError, NotFound: the bucket is down, or a file is gone.
        MediaRejected: what lies in the bucket is not what was recorded.
    """
    images = [_fetched(services, asset, folder) for asset in task.images]
    mask = _fetched(services, task.mask, folder) if task.mask else None
    markup = _fetched(services, task.markup, folder) if task.markup else None
    return Files(task=task, images=images, mask=mask, markup=markup)


def _fetched(services: Services, asset: Asset, folder: Path) -> InputFile:
    name = f"{asset.kind}-{asset.position}{SUFFIXES[asset.mime]}"
    got = services.bucket.download(asset.key, folder / name, max_bytes=asset.bytes)
    if got.sha256 != asset.sha256:
        raise MediaRejected(f"The object {asset.key!r} is not what was recorded: {got.sha256}.")
    return InputFile(
        path=folder / name,
        filename=name,
        mime=asset.mime,
        bytes=asset.bytes,
        sha256=asset.sha256,
    )


def edit_request(files: Files, *, client_id: UUID, safety_identifier: str) -> EditRequest:
    """Return an edit as its provider is asked for it."""
    return EditRequest(
        model=files.task.job.model,
        prompt=files.task.job.prompt,
        images=files.images,
        mask=files.mask,
        markup=files.markup,
        options=files.task.asked,
        client_request_id=str(client_id),
        safety_identifier=safety_identifier,
    )


def video_request(files: Files, *, callback_url: str | None) -> VideoRequest:
    """Return a video as its provider is asked for it."""
    mode = files.task.job.options.get("mode", "text")
    return VideoRequest(
        model=files.task.job.model,
        prompt=files.task.job.prompt,
        options=files.task.asked,
        first_frame=files.images[0] if mode in {"first_frame", "first_last"} else None,
        last_frame=files.images[1] if mode == "first_last" else None,
        subject=files.images[0] if mode == "subject" else None,
        callback_url=callback_url,
    )
