"""How much a request may carry: FastAPI reads a body before it asks who sends it."""

from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BYTES: Final = 64 * 1024  # files go to the bucket; what is left are names and numbers
DIGITS: Final = 16  # of a length: more would still be too much, and none is worth parsing


class SmallBodies:
    """ASGI middleware: who reads more than MAX_BYTES of a request answers 413 instead.

    It is raised where a body is read, so that the API's own handlers put it into words.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count what is read of HTTP requests; WebSockets pass as they are."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        read = 0

        async def receive_little() -> Message:
            nonlocal read
            if _announced(scope) > MAX_BYTES:
                raise HTTPException(413)
            message = await receive()
            read += len(message.get("body", b""))
            if read > MAX_BYTES:
                raise HTTPException(413)
            return message

        await self._app(scope, receive_little, send)


def _announced(scope: Scope) -> int:
    length = Headers(scope=scope).get("content-length", "")
    return int(length[:DIGITS]) if length.isdecimal() else 0
