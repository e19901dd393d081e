"""POST /hailuo/callback/{token}: a hint to look, trusted for nothing else."""

import json
import re
from typing import Any, Final

import structlog
from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from core import attempts, callbacks
from core.api.access import services_of
from core.errors import NotFound, msg
from core.services import Services

log = structlog.get_logger(__name__)
router = APIRouter()

TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")


@router.post("/hailuo/callback/{token}", include_in_schema=False)
async def callback(token: str, request: Request) -> JSONResponse:
    """Echo the challenge at once; note the rest for the worker. Unknown tokens get 404."""
    if not TOKEN.fullmatch(token):
        raise NotFound(msg("There is nothing here. Look at the address."))
    body = await _body(request)
    challenge = _challenge(body)
    if challenge is not None:
        return JSONResponse({"challenge": challenge})
    await run_in_threadpool(_note, services_of(request), token, body)
    return JSONResponse({"noted": True})


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body())
    except (ValueError, RecursionError):  # not JSON, or nested deeper than Python reads
        return {}
    return body if isinstance(body, dict) else {}


def _challenge(body: dict[str, Any]) -> str | None:
    """Return what is to be echoed, if it is text that an answer can hold."""
    text = body.get("challenge")
    if not isinstance(text, str):
        return None
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return None
    return text


def _note(services: Services, token: str, body: dict[str, Any]) -> None:
    with services.sessions.begin() as session:
        attempt = attempts.of_token(session, token)
        if attempt is None:
            raise NotFound(msg("There is nothing here. Look at the address."))
        callbacks.heard(
            session, attempt, callbacks.candidate(body), at_work=callbacks.at_work(body)
        )
