"""GET /assets/{id}/download: a link is made when it is asked for and lives for minutes."""

from pathlib import Path
from typing import Final
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import RedirectResponse

from core import assets, jobs
from core.api.access import OurServices, OurUser
from core.errors import Gone, NotFound, msg

router = APIRouter()
LINK_S: Final = 600


@router.get("/assets/{id}/download")
def download(id: UUID, services: OurServices, user: OurUser) -> RedirectResponse:
    """Send the browser to a fresh, short-lived link that saves the file under its name."""
    with services.sessions() as session:
        asset = assets.get(session, id)
        if asset.job_id is not None:
            shared = services.settings.team_visibility == "read"
            jobs.visible(session, user, asset.job_id, team_reads=shared)
        elif asset.user_id != user.id:
            raise NotFound(msg("This file does not exist."))
    if asset.expired_at is not None:
        raise Gone(msg("This file has expired; only its thumbnail is kept."))
    name = asset.filename or f"{asset.kind}{Path(asset.key).suffix}"
    url = services.bucket.url_for(asset.key, ttl_s=LINK_S, download_name=name)
    return RedirectResponse(url, 307, headers={"Cache-Control": "no-store"})
