"""What a card of the history shows: one query for each kind of row, whatever the page's size."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from core import assets, jobs, users
from core.links import link_of
from core.models import Asset, AssetKind, Job, Provider
from core.sentences import stage_of
from core.services import Services
from core.stages import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A job as a picture and a few facts. The links are made now and stored nowhere."""

    job: Job
    owner: str
    stage: Stage
    kind: str  # 'image' or 'video'
    thumbnail_url: str | None
    preview_url: str | None  # shown blurred until there is a thumbnail
    duration_s: float | None
    results: int


def cards(session: Session, services: Services, found: Sequence[Job]) -> Sequence[Card]:
    """Return the cards of a page of jobs, in its order."""
    ids = [job.id for job in found]
    small = assets.small_of_jobs(session, ids)
    runs = jobs.run_states(session, ids)
    owners = users.names(session, {job.user_id for job in found})
    counts = assets.result_counts(session, ids)
    return [
        Card(
            job=job,
            owner=owners.get(job.user_id, ""),
            stage=stage_of(job, runs.get(job.id)),
            kind="video" if job.provider == Provider.HAILUO else "image",
            thumbnail_url=_link(services, _cover(job, small.get(job.id, []))),
            preview_url=_link(services, _stand_in(small.get(job.id, []))),
            duration_s=_seconds(job),
            results=counts.get(job.id, 0),
        )
        for job in found
    ]


def _cover(job: Job, small: Sequence[Asset]) -> Asset | None:
    return next((a for a in small if a.source_asset_id == job.cover_asset_id is not None), None)


def _stand_in(small: Sequence[Asset]) -> Asset | None:
    """Return the newest preview, or else the first input's thumbnail."""
    previews = [asset for asset in small if asset.kind == AssetKind.PREVIEW]
    return previews[-1] if previews else next(iter(small), None)


def _link(services: Services, asset: Asset | None) -> str | None:
    return link_of(services.bucket, kind=asset.kind, key=asset.key) if asset is not None else None


def _seconds(job: Job) -> float | None:
    length = (job.actual or {}).get("duration") or job.options.get("duration")
    return float(length) if isinstance(length, int | float) else None
