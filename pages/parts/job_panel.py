"""A job's picture or film as it comes, and what comes next."""

import time
from collections.abc import Sequence
from typing import Any

import streamlit as st

from core import refusals
from core.absence import Absence
from core.details import Detail
from core.links import link_of
from core.models import Asset, AssetKind, Provider, User
from core.sentences import (
    LABELS,
    about_money,
    provider_status,
    sentence,
    stalled,
    tone_of,
    vendor,
)
from core.services import services
from core.stages import LIVE, Stage
from pages.parts import clicks, next_steps, run_again
from pages.parts.components.job_view import job_view
from pages.parts.formats import time_of_day
from pages.parts.look import look
from pages.parts.words import _, say


def result(detail: Detail, *, key: str) -> None:
    """Show the results, or how far they are."""
    job_view(key=key, labels=_labels(), data=_data(detail))
    if detail.job.error_code:
        why = [_why(detail, detail.job.error_code), *_about_money(detail)]
        look.notice("bad", " ".join(why))
    elif detail.waits_for and detail.place is None and detail.absence is None:  # else these say why
        uncertain = detail.stage is Stage.UNCERTAIN
        look.notice("decide" if uncertain else "quiet", _why(detail, detail.waits_for))


def _why(detail: Detail, code: str) -> str:
    return say(refusals.explain(code, provider=vendor(detail.job.provider)))


def _about_money(detail: Detail) -> Sequence[str]:
    return [say(told) for told in about_money(detail.job.error_code, detail.charges)]


def _labels() -> dict[str, str]:
    return {
        "elapsed": _("Elapsed"),
        "expected": _("Usually"),
        "peek": _("Hold to see the input"),
        "download": _("Download"),
        "fit": _("Fit"),
        "full": _("100 %"),
        "preview": _("Preview"),
        "results": _("Results"),
        "ahead": _("{count} ahead in the queue", count="{count}"),
        "no_result": _("No result"),
        "late": _("Arrived late"),
    }


def _data(detail: Detail) -> dict[str, Any]:
    job, stage = detail.job, detail.stage
    results = detail.of_kind(AssetKind.RESULT)
    previews = detail.of_kind(AssetKind.PREVIEW)
    inputs = detail.of_kind(AssetKind.INPUT)
    started = job.started_at or job.created_at
    return {
        "id": str(job.id),
        "prompt": job.prompt,
        "kind": "video" if job.provider == Provider.HAILUO else "image",
        "stage": stage,
        "stage_label": say(LABELS[stage]),
        "sentence": _sentence(detail),
        "tone": tone_of(stage),
        "running": stage in LIVE and stage is not Stage.UNCERTAIN,
        "started_at": started.timestamp(),
        "now": time.time(),
        "typical_s": detail.typical_s,
        "ahead": detail.place.ahead if detail.place else None,
        "provider_status": _provider_status(detail),
        "results": [_shown(detail, asset) for asset in results],
        "preview_url": _link(previews[-1]) if previews and not results else None,
        "input_url": _link(detail.sent_of(inputs[0])) if inputs else None,
        "input_download_url": _download(detail.sent_of(inputs[0])) if inputs else None,
    }


def _provider_status(detail: Detail) -> str | None:
    status = detail.run.provider_status if detail.run is not None else None
    return say(provider_status(status, provider=detail.job.provider)) if status else None


def _sentence(detail: Detail) -> str:
    """Return what the stage means; of a job that waits also why, and about how long."""
    if detail.absence is not None:
        return _absent(detail.absence)
    told = [say(sentence(detail.stage, detail.charges))]
    if detail.stage is Stage.CANCELLED and not detail.job.error_code:
        told.extend(_about_money(detail))
    if detail.stalled:
        until = time_of_day(detail.dropped_at) if detail.dropped_at else None
        told.append(say(stalled(detail.job.provider, until=until)))
    place = detail.place
    if place is not None:
        told.append(say(place.why))
    if place is not None and place.starts_at and place.ends_at:
        told.append(
            _(
                "It starts about {start} and is done about {end}.",
                start=time_of_day(place.starts_at),
                end=time_of_day(place.ends_at),
            )
        )
    elif place is not None and place.starts_at and place.ahead:
        told.append(_("It starts about {start}.", start=time_of_day(place.starts_at)))
    return " ".join(told)


def _absent(absence: Absence) -> str:
    """Return who is missing for a job, in place of what its stage means while somebody is there."""
    return say(absence.told(time_of_day(absence.until) if absence.until else ""))


def _shown(detail: Detail, asset: Asset) -> dict[str, Any]:
    small = detail.small_of(asset)
    return {
        "id": str(asset.id),
        "mime": asset.mime,
        "url": _link(asset),
        "thumb_url": _link(small) if small else None,
        "width": asset.width,
        "height": asset.height,
        "download_url": _download(asset),
        "late": asset.attempt_id in detail.late_attempts,
    }


def _download(asset: Asset) -> str:
    return f"/api/assets/{asset.id}/download"


def _link(asset: Asset) -> str:
    return link_of(services().bucket, kind=asset.kind, key=asset.key)


def what_next(user: User, detail: Detail) -> None:
    """Offer what people do next with a result."""
    result = next_steps.which(detail, key="next")
    with st.container(horizontal=True, key="next-steps"):
        next_steps.buttons(user, detail, result, key="next")
        if clicks.button(
            _("Run again"), icon=":material/replay:", key=f"next-rerun-{detail.job.id}"
        ):
            run_again.ask(detail.job.id)
