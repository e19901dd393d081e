"""Headers that every answer carries, and which scripts and media a page may load."""

import base64
import functools
import hashlib
import importlib.util
import re
from collections.abc import Iterable
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class SecurityHeaders:
    """ASGI middleware: Content-Security-Policy, nosniff, referrer."""

    def __init__(self, app: ASGIApp, *, media_origin: str) -> None:
        self._app = app
        self._policy = policy(media_origin)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the headers to HTTP answers; WebSockets pass as they are."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = self._policy
                headers["X-Content-Type-Options"] = "nosniff"
                # Requests for media must not tell the bucket which page was open.
                headers["Referrer-Policy"] = "same-origin"
            await send(message)

        await self._app(scope, receive, send_with_headers)


def policy(media_origin: str) -> str:
    """Return the page's Content-Security-Policy; media come from the bucket alone.

    Components come as `blob:` modules, and Streamlit styles inline.
    """
    scripts = " ".join(f"'sha256-{digest}'" for digest in streamlit_inline_scripts())
    return "; ".join(
        [
            "default-src 'self'",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            f"script-src 'self' blob: {scripts}".rstrip(),
            "worker-src 'self' blob:",
            "style-src 'self' 'unsafe-inline'",
            "font-src 'self' data:",
            f"img-src 'self' data: blob: {media_origin}",
            f"media-src 'self' blob: {media_origin}",
            f"connect-src 'self' blob: {media_origin}",
        ]
    )


@functools.cache
def streamlit_inline_scripts() -> Iterable[str]:
    """Return the hashes of the inline scripts in the installed Streamlit's page."""
    found = importlib.util.find_spec("streamlit")
    if found is None or found.origin is None:
        return []
    page = (Path(found.origin).parent / "static" / "index.html").read_text(encoding="utf-8")
    scripts = re.findall(r"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", page, flags=re.DOTALL)
    return [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts]
