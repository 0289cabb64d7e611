"""The application: what is put together from the other files, and what runs while it runs.

Another router, of pages for example, is added in `create_app`, with its whole prefix in
itself; its functions find models and store through `access`.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from multiprocessing import parent_process

from anyio import to_thread
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from matinee._version import __version__
from matinee.threads import one_blas_thread
from matinee.web.api import films, operator, people
from matinee.web.api.dependencies import Served
from matinee.web.db.engine import CONNECTIONS
from matinee.web.db.people import Store
from matinee.web.http.logs import log, log_bug
from matinee.web.http.middleware import Gate
from matinee.web.http.monitoring import forget_the_dead
from matinee.web.http.problems import handle_problems
from matinee.web.pages.routes import include_pages, prepare_pages
from matinee.web.serving.registry import Models
from matinee.web.settings import Settings

ENVIRONMENT = "MATINEE_SERVE_SETTINGS"
"""How the first process tells its workers what to serve."""

_ABOUT = """Film recommendations from ratings, which come with the request or are kept for a
person, who is known by a token alone.

Errors are problem documents (RFC 9457) whose `detail` says what to do. Every answer has an
`X-Request-ID`.
"""


def create_app(settings: Settings) -> FastAPI:
    """The application, its models loaded and its database open.

    Raises:
        ModelFileError: a model file is not a good one.
        StoreError: the database cannot be opened.
    """
    serving = Served(settings, Models(settings.models), Store.open(settings.database))
    app = FastAPI(
        title="matinee",
        version=__version__,
        description=_ABOUT,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # the usual pages load scripts from other hosts
        redoc_url=None,
        lifespan=_lifespan,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.served = serving
    for router in (films.router, people.router, people.me):
        app.include_router(router)
    for router in (operator.router, operator.health, operator.metrics):
        app.include_router(router)
    include_pages(app)
    handle_problems(app)
    app.add_middleware(Gate, settings=settings)
    return app


def worker_app() -> FastAPI:
    """The application of a worker process, by the settings in its environment."""
    forget_the_dead(os.environ["PROMETHEUS_MULTIPROC_DIR"])
    return create_app(Settings.from_json(os.environ[ENVIRONMENT]))


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    serving: Served = app.state.served
    to_thread.current_default_thread_limiter().total_tokens = (
        CONNECTIONS  # more would only be in each other's way
    )
    tasks = [asyncio.create_task(_watch(serving)), asyncio.create_task(_prepare(app))]
    log(
        "ready",
        models=[one.name for one in serving.models],
        database=serving.store.kind,
        version=__version__,
    )
    with (
        one_blas_thread()
    ):  # requests are many and small: threads of BLAS would only be in each other's way
        yield
    for task in tasks:
        task.cancel()
    serving.store.close()
    log("stopped")


async def _watch(serving: Served) -> None:
    """Looks at the model files, again and again; ends a worker whose first process is gone: it
    would hold the port."""
    parent = parent_process()
    while True:
        await asyncio.sleep(serving.settings.poll_seconds)
        if parent is not None and not parent.is_alive():
            log("stopping", detail="The process that started this worker is gone.")
            os.kill(os.getpid(), signal.SIGTERM)
            return
        try:
            await run_in_threadpool(serving.models.poll)
        except Exception as error:  # to watch must not end because of one failure
            log_bug("", "watching the model files", error)


async def _prepare(app: FastAPI) -> None:
    """Prepares the pages in the background, again and again, because a model may have been
    replaced."""
    while True:
        try:
            await run_in_threadpool(prepare_pages, app)
        except Exception as error:  # the page that needs it will show the error
            log_bug("", "preparing pages", error)
        await asyncio.sleep(app.state.served.settings.poll_seconds)
