"""GET /health: whether this process can serve, for a load balancer and for the local stack."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core import heartbeats
from core.api.access import OurServices

router = APIRouter()


@router.get("/health")
def health(services: OurServices) -> JSONResponse:
    """Answer 200 when the database answers; say how many workers live."""
    try:
        with services.sessions() as session:
            session.execute(text("SELECT 1"))
            workers = len(heartbeats.alive(session))
    except DBAPIError:
        return JSONResponse({"ok": False, "database": False}, 503)
    return JSONResponse({"ok": True, "database": True, "workers": workers})
