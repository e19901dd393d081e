"""POST /storage/presign-put and /storage/confirm: bytes go to the bucket, never through us."""

from typing import Annotated, Any, Final
from uuid import UUID

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, StringConstraints

from core import intake
from core.api.access import FromOurPages, OurServices, OurUser

AT_ONCE: Final = 4  # confirmations; each has a whole file on this machine's disk

router = APIRouter(prefix="/storage", dependencies=[FromOurPages])


class Announced(BaseModel):
    """A file somebody wants to upload."""

    model_config = ConfigDict(strict=True)  # `true` is no size

    filename: Annotated[str, StringConstraints(max_length=8192)]
    content_type: Annotated[str, StringConstraints(max_length=100)]
    size_bytes: int
    sha256: Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
    purpose: Annotated[str, StringConstraints(pattern="^(input|mask|markup)$")] = "input"


class Uploaded(BaseModel):
    """An upload whose bytes have arrived."""

    upload_id: UUID


@router.post("/presign-put")
def presign_put(body: Announced, services: OurServices, user: OurUser) -> dict[str, Any]:
    """Permit one PUT of exactly these bytes, or return the asset that already holds them."""
    return intake.announce(services, user, intake.Announcement(**body.model_dump()))


@router.post("/confirm")
async def confirm(
    body: Uploaded, request: Request, services: OurServices, user: OurUser
) -> dict[str, Any]:
    """Verify what arrived and make it an asset. Twice is the same as once.

    It takes a thread for minutes, so it waits for one of its own: every other route shares 40.
    """
    limiter: CapacityLimiter = request.app.state.confirming
    asset = await to_thread.run_sync(
        intake.confirm, services, user, body.upload_id, limiter=limiter
    )
    return {"asset": asset}
