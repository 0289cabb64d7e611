"""The pages beside those for rating: you, import, together, the map, models, the operator; put into the application.

What all pages need is made ready in the background, as soon as the server runs and whenever a model takes another's
place, so that a first page seldom waits for it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from starlette.concurrency import run_in_threadpool

from matinee.web import pages_group, pages_import, pages_map, pages_models, pages_operator, pages_you
from matinee.web.logs import log_bug
from matinee.web.pages_base import read_templates
from matinee.web.pages_visitor import Shelves


def include_more_pages(app: FastAPI) -> None:
    """Adds the pages, and what they keep while the server runs."""
    app.state.maps, app.state.shelves = pages_map.Maps(), Shelves()
    for one in (pages_you, pages_import, pages_group, pages_map, pages_models, pages_operator):
        app.include_router(one.router)
    app.include_router(APIRouter(lifespan=_lifespan))


def make_ready(app: FastAPI) -> None:
    """Makes what the first page of each model would be made to wait for; does nothing where that is there."""
    for live in app.state.served.models:
        app.state.shelves.of(live.current)
    read_templates()


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    making = asyncio.create_task(_make_ready(app))
    yield
    making.cancel()


async def _make_ready(app: FastAPI) -> None:
    """Again and again, for a model may have taken another's place."""
    while True:
        try:
            await run_in_threadpool(make_ready, app)
        except Exception as error:  # the page that needs it will say so
            log_bug("", "making pages ready", error)
        await asyncio.sleep(app.state.served.settings.poll_seconds)
