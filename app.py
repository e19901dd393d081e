"""The web process: the pages and, beside them, the HTTP API. Start it with `python app.py`."""

import contextlib
import logging
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import streamlit as st
import uvicorn
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import Mount

from core import fitness
from core.api import create_api
from core.api.forever import ForeverFiles
from core.api.security import SecurityHeaders
from core.errors import ConfigError
from core.logs import configure_logs
from core.media import decoder
from core.services import services

ROOT = Path(__file__).parent
GRACE_S = 8  # an open streaming response must not hold up SIGTERM for ever

configure_logs()
try:
    settings = services().settings
    services().accounts.all()
    fitness.prove(services().engine, durable=settings.spends_money)
except ConfigError as error:
    print(error, file=sys.stderr)  # noqa: T201  (the one sentence an operator reads)
    sys.exit(error.exit_status)

api = create_api(services())
api.mount("/fonts", ForeverFiles(directory=ROOT / "pages/parts/look/fonts"))


@contextlib.asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[dict[str, Any] | None]:
    """Run the API's own lifespan: a mounted app's is not run by itself."""
    # Streamlit attaches a handler of its own; access lines would carry query strings.
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)
    decoder.warm()
    async with api.router.lifespan_context(api):
        yield None


app = st.App(
    str(ROOT / "pages" / "navigation.py"),
    routes=[Mount("/api", app=api)],
    lifespan=lifespan,
    middleware=[
        # Outermost: a refused host gets the headers too.
        Middleware(SecurityHeaders, media_origin=services().bucket.public_origin),
        Middleware(TrustedHostMiddleware, allowed_hosts=sorted(settings.allowed_hosts) or ["*"]),
    ],
)


def main() -> None:
    """Serve until SIGTERM."""
    uvicorn.run(
        app,
        host=settings.web_host,
        port=settings.web_port,
        timeout_graceful_shutdown=GRACE_S,
        ws="websockets-sansio",
        ws_max_size=4 * 2**20,
        ws_ping_interval=30,
        ws_ping_timeout=30,
        ws_per_message_deflate=False,
        server_header=False,
        access_log=False,
        log_level="warning",
    )


if __name__ == "__main__":
    main()
