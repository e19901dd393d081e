"""The WebSocket that tells open pages to look again, and the hub behind it.

One listener per process; an idle page costs nothing. What is sent is only
"something changed": Python reads the rows, with the viewer's rights.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import structlog
from fastapi import APIRouter, FastAPI, WebSocket, WebSocketDisconnect
from fastapi.concurrency import run_in_threadpool

from core.api.access import same_origin, services_of, user_of
from core.errors import NotSignedIn
from core.events import LIVE_CHANNEL, NEWS
from core.live import Listener
from core.models import User
from core.services import Services

log = structlog.get_logger(__name__)
router = APIRouter()

MAX_WAITING = 100  # a page that does not read loses hints, never the process its memory


@dataclass(eq=False, slots=True)
class _Page:
    user_id: str
    sees_all: bool
    hints: asyncio.Queue[str] = field(default_factory=lambda: asyncio.Queue(MAX_WAITING))


class Hub:
    """The open pages of one process."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._pages: set[_Page] = set()

    def heard(self, channel: str, payload: str) -> None:
        """Take a notification from the listener's thread."""
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody is left to tell
            self._loop.call_soon_threadsafe(self._tell, channel, payload)

    @contextlib.contextmanager
    def page(self, user: User, *, sees_all: bool) -> Iterator[asyncio.Queue[str]]:
        """Count an open page while it is open; yield its queue of hints."""
        page = _Page(user_id=str(user.id), sees_all=sees_all)
        self._pages.add(page)
        try:
            yield page.hints
        finally:
            self._pages.discard(page)

    def _tell(self, channel: str, payload: str) -> None:
        change = json.loads(payload) if channel else NEWS  # after a gap anything may have changed
        for page in self._pages:
            concerned = change.get("user") in {None, page.user_id}
            if page.sees_all or concerned:
                # What pages say on top is about their own person.
                told = ("job", "news") if concerned else ("job",)
                hint = json.dumps({name: change[name] for name in told if name in change})
                with contextlib.suppress(asyncio.QueueFull):
                    page.hints.put_nowait(hint)


@contextlib.asynccontextmanager
async def running_hub(api: FastAPI, services: Services) -> AsyncIterator[None]:
    """Listen to the database while the process serves."""
    hub = Hub(asyncio.get_running_loop())
    api.state.hub = hub
    listener = Listener(
        services.settings.database_url,
        [LIVE_CHANNEL],
        hub.heard,
        application="proofsheet-web-listener",
    )
    listener.start()
    try:
        yield
    finally:
        await run_in_threadpool(listener.stop)


@router.websocket("/live")
async def live(socket: WebSocket) -> None:
    """Send `{"hello": true}`, then what the viewer may see of what changes.

    `{"job": id}` for a job, `{"news": true}` for what every page says, or both in one.
    """
    services = services_of(socket)
    origin = socket.headers.get("origin")
    if origin is None or not same_origin(socket.headers):
        await socket.close(4403)
        return
    try:
        user = await run_in_threadpool(_who, socket, services)
    except NotSignedIn:
        await socket.close(4401)
        return
    sees_all = user.role == "admin" or services.settings.team_visibility == "read"
    await socket.accept()
    with socket.app.state.hub.page(user, sees_all=sees_all) as hints:
        await _serve(socket, hints)


def _who(socket: WebSocket, services: Services) -> User:
    with services.sessions() as session:
        return user_of(session, socket, services)


async def _serve(socket: WebSocket, hints: asyncio.Queue[str]) -> None:
    """Pass hints on until the browser leaves."""
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        await socket.send_json({"hello": True})
        sending = asyncio.create_task(_pass_on(socket, hints))
        try:
            while True:
                await socket.receive_text()
        finally:
            sending.cancel()


async def _pass_on(socket: WebSocket, hints: asyncio.Queue[str]) -> None:
    while True:
        await socket.send_text(await hints.get())
