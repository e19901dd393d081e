"""The HTTP API: one file per resource, the same core as the pages."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio import CapacityLimiter
from fastapi import FastAPI

from core.api import callbacks, files, health, live, sign_in, storage
from core.api.bodies import SmallBodies
from core.api.errors import add_error_handlers
from core.services import Services


def create_api(services: Services) -> FastAPI:
    """Return the API, to be mounted at /api. Its lifespan runs the listener for open pages."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with live.running_hub(api, services):
            yield

    api = FastAPI(
        title="Proofsheet",
        version="1",
        servers=[{"url": "/api"}],
        docs_url=None,  # the stock page loads its script from outside
        redoc_url=None,
        lifespan=lifespan,
    )
    api.state.services = services
    api.state.confirming = CapacityLimiter(storage.AT_ONCE)
    for part in (sign_in, storage, callbacks, files, health, live):
        api.include_router(part.router)
    add_error_handlers(api)
    api.add_middleware(SmallBodies)
    return api
