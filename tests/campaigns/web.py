"""The smallest web process that takes callbacks: the application's own API, without pages."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount

from core.api import create_api
from core.logs import configure_logs
from core.services import services


def main() -> None:
    """Serve until SIGTERM."""
    configure_logs()
    api = create_api(services())
    settings = services().settings
    uvicorn.run(
        mounted(api),
        host=settings.web_host,
        port=settings.web_port,
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=1,
    )


def mounted(api: FastAPI) -> Starlette:
    """Return the API where `app.py` has it."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with api.router.lifespan_context(api):
            yield

    return Starlette(routes=[Mount("/api", app=api)], lifespan=lifespan)


if __name__ == "__main__":
    main()
