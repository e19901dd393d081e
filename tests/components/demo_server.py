"""A tiny real server for the demonstration: the App, the API's few routes, and a bucket.

The bucket listens on a port of its own, as a real one does: the browser asks it for
permission (CORS), and it hashes what it is sent instead of keeping it.
"""

import asyncio
import contextlib
import hashlib
import logging
import runpy
import sys
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from pages.parts import uploads  # noqa: F401  (slow: not at the first visit)
from pages.parts.look import fonts
from tests.components import demo_pictures

PORT, BUCKET_PORT = (int(value) for value in sys.argv[1:3])
SILENCE_S = 6
DEMO = Path(__file__).with_name("demo_app.py")
# The pages' real policy, without the rest of the API, which wants a database.
SecurityHeaders = runpy.run_path(str(DEMO.parents[2] / "core/api/security.py"))["SecurityHeaders"]


@dataclass(slots=True)
class State:
    """What the server remembers, and which faults it is told to have: name to how often."""

    uploads: dict[str, dict[str, Any]] = field(default_factory=dict)
    received: dict[str, dict[str, Any]] = field(default_factory=dict)
    assets: dict[str, dict[str, Any]] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    ears: set[WebSocket] = field(default_factory=set)

    def fails(self, name: str) -> bool:
        """Return whether this call is to fail, and count it."""
        left = self.faults.get(name, 0)
        self.faults[name] = max(0, left - 1)
        return left > 0


state = State()
REFUSALS = {
    "put_403": "Access Denied",
    "put_expired": "Request has expired",
    "put_early": "Request is not yet valid",
}


async def control(request: Request) -> Response:
    """Set faults (POST) and read what was asked (GET)."""
    if request.method == "POST":
        state.faults = await request.json()
        state.asked.clear()
        return JSONResponse({})
    received = [{"bytes": one["bytes"], "sha256": one["sha256"]} for one in state.received.values()]
    return JSONResponse({"asked": state.asked, "received": received})


async def presign(request: Request) -> Response:
    """Permit a PUT, or return the asset of the same bytes."""
    if request.headers.get("x-proofsheet") != "1":
        return JSONResponse({"error": "not from our page"}, 403)
    state.asked.append("presign")
    if state.fails("presign_silent"):
        await asyncio.sleep(SILENCE_S)
        return Response(status_code=499)
    if state.fails("presign_500"):
        return JSONResponse({"error": "busy"}, 503)
    if state.fails("presign_quota"):
        return JSONResponse({"error": "Your files take 20 of 20 GB. Ask for more room."}, 400)
    body = await request.json()
    if body["sha256"] in state.assets:
        return JSONResponse({"asset": state.assets[body["sha256"]]})
    id = f"upload-{len(state.uploads)}"
    state.uploads[id] = body
    lives_s = 0 if state.fails("short_permission") else 900
    url = f"http://127.0.0.1:{BUCKET_PORT}/{id}?X-Amz-Expires={lives_s}"
    headers = {"Content-Type": body["content_type"], "If-None-Match": "*"}
    return JSONResponse({"upload_id": id, "method": "PUT", "url": url, "headers": headers})


async def confirm(request: Request) -> Response:
    """Compare what arrived with what was announced."""
    state.asked.append("confirm")
    if state.fails("confirm_silent"):
        await asyncio.sleep(SILENCE_S)
        return Response(status_code=499)
    id = (await request.json())["upload_id"]
    announced, received = state.uploads[id], state.received.get(id)
    if state.fails("confirm_422"):
        return JSONResponse({"error": "This picture cannot be decoded."}, 422)
    if received is None or received["sha256"] != announced["sha256"]:
        return JSONResponse({"error": "The bytes are not what was announced."}, 409)
    still = announced["content_type"].startswith("image/")
    asset = {
        "id": id,
        "mime": announced["content_type"],
        "width": 640,
        "height": 480,
        "bytes": received["bytes"],
        "filename": announced["filename"],
        "sha256": received["sha256"],
        "thumbnail_url": f"/demo/picture/{len(state.assets)}?longest=384" if still else None,
        "prepared_url": None,
        "duration_s": None if still else 6.0,
    }
    state.assets[announced["sha256"]] = asset
    return JSONResponse({"asset": asset})


async def login(request: Request) -> Response:
    """Let `kim` in with `open sesame`."""
    body = await request.json()
    await asyncio.sleep(0.2)
    if body != {"login_id": "kim", "password": "open sesame"}:
        return JSONResponse({"error": "Name or password is wrong."}, 401)
    answer = JSONResponse({"name": "Kim"})
    answer.set_cookie("demo", "in", httponly=True)
    return answer


async def logout(_: Request) -> Response:
    """Forget the cookie."""
    answer = JSONResponse({"signed_out": True})
    answer.delete_cookie("demo")
    return answer


async def ear(socket: WebSocket) -> None:
    """Say hello, then whatever `tell` is told to say."""
    await socket.accept()
    state.ears.add(socket)
    await socket.send_json({"hello": True})
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            await socket.receive_text()
    state.ears.discard(socket)


async def tell(request: Request) -> Response:
    """Send each line of the body to every listening page; `close` hangs up on them."""
    for line in (await request.body()).decode().splitlines():
        for socket in list(state.ears):
            if line == "close":
                state.ears.discard(socket)
                await socket.close()
            else:
                await socket.send_text(line)
    return JSONResponse({"ears": len(state.ears)})


def picture(request: Request) -> Response:
    """Draw a picture; the browser keeps it."""
    longest = int(request.query_params.get("longest", "1536"))
    number = int(request.path_params["number"])
    state.asked.append(f"picture {number}")
    body = demo_pictures.picture(number, longest=longest, blurred="blurred" in request.query_params)
    return Response(body, media_type="image/webp", headers={"Cache-Control": "max-age=3600"})


def cut_out(_: Request) -> Response:
    """Draw a picture with transparency."""
    return Response(demo_pictures.cut_out(), media_type="image/png")


def film(_: Request) -> Response:
    """Send the film."""
    return Response(demo_pictures.film(), media_type="video/mp4")


def _refused(id: str) -> Response | None:
    """Return the answer to a PUT that the bucket does not take."""
    if state.fails("put_500"):
        return Response(status_code=500)
    for fault, why in REFUSALS.items():
        if state.fails(fault):
            said = f"<Error><Code>AccessDenied</Code><Message>{why}</Message></Error>"
            return Response(said, 403, media_type="application/xml")
    return Response(status_code=412) if id in state.received else None


async def receive(request: Request) -> Response:
    """Take a PUT as a bucket does, keeping only its hash."""
    id = request.path_params["id"]
    state.asked.append("put")
    if (refused := _refused(id)) is not None:
        return refused
    digest, size = hashlib.sha256(), 0
    try:
        async for chunk in request.stream():
            digest.update(chunk)
            size += len(chunk)
            if state.faults.get("slow"):
                await asyncio.sleep(0.05)
    except ClientDisconnect:
        return Response(status_code=499)
    if state.fails("put_silent"):
        await asyncio.sleep(SILENCE_S)
        return Response(status_code=499)
    state.received[id] = {"sha256": digest.hexdigest(), "bytes": size}
    return Response(status_code=500 if state.fails("put_lost_answer") else 200)


@contextlib.asynccontextmanager
async def bucket_beside(_: st.App) -> AsyncIterator[None]:
    """Run the bucket while the App runs."""
    cors = Middleware(
        CORSMiddleware, allow_origins=["*"], allow_methods=["PUT"], allow_headers=["*"]
    )
    bucket = Starlette(routes=[Route("/{id}", receive, methods=["PUT"])], middleware=[cors])
    config = uvicorn.Config(bucket, host="127.0.0.1", port=BUCKET_PORT, log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield
    server.should_exit = True
    await asyncio.to_thread(thread.join, 5)


async def nothing(request: Request) -> Response:
    """End the API: what is not there must not look like the page."""
    return JSONResponse({"error": f"{request.url.path} is not there"}, 404)


app = st.App(
    str(DEMO),
    lifespan=bucket_beside,
    middleware=[Middleware(SecurityHeaders, media_origin=f"http://127.0.0.1:{BUCKET_PORT}")],
    routes=[
        Mount(
            "/api",
            routes=[
                Route("/storage/presign-put", presign, methods=["POST"]),
                Route("/storage/confirm", confirm, methods=["POST"]),
                Route("/login", login, methods=["POST"]),
                Route("/logout", logout, methods=["POST"]),
                Route("/demo/control", control, methods=["GET", "POST"]),
                Route("/demo/tell", tell, methods=["POST"]),
                WebSocketRoute("/live", ear),
                Mount("/fonts", app=fonts.files()),
                Route("/{path:path}", nothing),
            ],
        ),
        Route("/demo/picture/{number}", picture),
        Route("/demo/cut-out", cut_out),
        Route("/demo/film", film),
        Route("/demo", lambda _: RedirectResponse("/")),
    ],
)

if __name__ == "__main__":
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=PORT,
        ws="websockets-sansio",
        timeout_graceful_shutdown=2,
        log_level="warning",
    )
