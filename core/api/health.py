"""GET /health: whether this process can serve, for a load balancer, and whether anybody works."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError

from core import absence, heartbeats
from core.api.access import OurServices

router = APIRouter()


@router.get("/health")
def health(services: OurServices) -> JSONResponse:
    """Answer 200 when the database answers: without workers, this process serves all the same.

    `ok` is for the operator's probe: no job is `unattended`, for want of any worker, or of the
    one whose disk has its answer.
    """
    try:
        with services.sessions() as session:
            workers = len(heartbeats.alive(session))
            unattended = absence.unattended(session)
    except DBAPIError:
        return JSONResponse({"ok": False, "database": False}, 503)
    found = {"database": True, "workers": workers, "unattended": unattended}
    return JSONResponse({"ok": not unattended, **found})
