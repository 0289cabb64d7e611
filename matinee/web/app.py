"""The ASGI application: it combines routers, middleware and error handlers, and runs background
tasks while the server is up.

To add a router, include it in `create_app`. The router declares its whole prefix; its functions
get the models and the store from `api.dependencies`.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from multiprocessing import parent_process

from anyio import to_thread
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from matinee._version import __version__
from matinee.errors import MatineeError, StoreError
from matinee.threads import one_blas_thread
from matinee.web.api import films, groups, imports, operator, operator_data, people, reference
from matinee.web.api.dependencies import ServerState
from matinee.web.db.engine import MAX_CONNECTIONS
from matinee.web.db.people import Store
from matinee.web.http.client_limits import ClientLimiters, SharedLimits
from matinee.web.http.cross_origin import CrossOriginMiddleware
from matinee.web.http.logs import log, log_bug
from matinee.web.http.middleware import RequestMiddleware
from matinee.web.http.monitoring import remove_dead_gauges
from matinee.web.http.problems import add_error_handlers
from matinee.web.http.protocol import CONNECTIONS
from matinee.web.http.rate_limits import ConnectionLimit
from matinee.web.pages.routes import include_pages, prepare_pages
from matinee.web.serving.catalog_check import CatalogCheck
from matinee.web.serving.registry import ModelRegistry
from matinee.web.settings import Settings

SETTINGS_VARIABLE = "MATINEE_SERVE_SETTINGS"
"""The environment variable in which the main process passes its settings to the workers."""

TRAFFIC_SECONDS = 10.0
"""The interval between additions to the stored traffic."""

SWITCH_SECONDS = 0.001
"""How long a thread computes before another one gets its turn."""
SHARE_SECONDS = 0.25
"""The interval between exchanges of the limits per client among workers."""

_DESCRIPTION = """Film recommendations from ratings. Send the ratings with each request, or store
them for a person, who is identified only by a token.

Errors are problem documents (RFC 9457) whose `detail` says what to do. Every response has an
`X-Request-ID` header.
"""


def create_app(settings: Settings) -> FastAPI:
    """Creates the application, loads its models and opens its database.

    Raises:
        ModelFileError: a model file is invalid.
        StoreError: the database cannot be opened.
        CatalogConflictError: the films of a model contradict the ratings in the database.
    """
    models = ModelRegistry(settings.models)
    limiters = ClientLimiters(settings.limits)
    server = ServerState(settings, models, Store.open(settings.database), limiters)
    try:
        models.use_check(CatalogCheck(server.store))
        server.retrainer.check_updatable()
    except MatineeError:
        server.store.close()
        raise
    app = FastAPI(
        title="matinee",
        version=__version__,
        description=_DESCRIPTION,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # FastAPI's own pages load scripts from other hosts; see `api.reference`
        redoc_url=None,
        lifespan=_lifespan,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.server = server
    for router in (films.router, people.router, people.me, imports.router, groups.router):
        app.include_router(router)
    for router in (operator.router, operator_data.router, operator.health, operator.metrics):
        app.include_router(router)
    reference.include_reference(app)
    include_pages(app)
    add_error_handlers(app)
    app.add_middleware(
        RequestMiddleware, settings=settings, traffic=server.store.traffic, limiters=limiters
    )
    if settings.allowed_origins:
        app.add_middleware(CrossOriginMiddleware, origins=settings.allowed_origins)
    return app


def worker_app() -> FastAPI:
    """Creates the application of a worker process from the settings in its environment."""
    remove_dead_gauges(os.environ["PROMETHEUS_MULTIPROC_DIR"])
    return create_app(Settings.from_json(os.environ[SETTINGS_VARIABLE]))


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[dict[str, object]]:
    server: ServerState = app.state.server
    # Threads without a database connection would only compete for the CPU
    to_thread.current_default_thread_limiter().total_tokens = MAX_CONNECTIONS
    # Requests on the event loop wait for threads that compute, at most so long for each
    sys.setswitchinterval(SWITCH_SECONDS)
    tasks = [
        asyncio.create_task(task)
        for task in (_poll_models(server), _refresh_pages(app), _store_traffic(server))
    ]
    if server.settings.shared_limits_key and server.store.kind == "postgresql":
        tasks.append(asyncio.create_task(_share_limits(server)))
    if server.settings.update_seconds:
        tasks.append(asyncio.create_task(_update_models(server)))
    log(
        "ready",
        models=[model.name for model in server.models],
        database=server.store.kind,
        version=__version__,
        hosts=server.settings.allowed_hosts,
    )
    # Requests are many and small, so several BLAS threads would only compete for the CPU
    settings = server.settings
    connections = ConnectionLimit(settings.limits.connections, settings.trusted_proxies)
    with one_blas_thread():
        yield {CONNECTIONS: connections}
    for task in tasks:
        task.cancel()
    await server.imports.close()
    await run_in_threadpool(server.retrainer.stop)
    with suppress(StoreError):
        await run_in_threadpool(server.store.traffic.flush)
    server.store.close()
    log("stopped")


async def _poll_models(server: ServerState) -> None:
    """Checks the model files for changes at regular intervals. Also stops a worker whose main
    process has died, because it would keep the port occupied."""
    parent = parent_process()
    while True:
        await asyncio.sleep(server.settings.poll_seconds)
        if parent is not None and not parent.is_alive():
            log("stopping", detail="The process that started this worker is gone.")
            os.kill(os.getpid(), signal.SIGTERM)
            return
        try:
            await run_in_threadpool(server.models.poll)
        except Exception as error:  # one failure must not stop the polling
            log_bug("", "watching the model files", error)


async def _update_models(server: ServerState) -> None:
    """Brings new ratings into the models at regular intervals."""
    while True:
        await asyncio.sleep(server.settings.update_seconds)
        try:
            await run_in_threadpool(server.retrainer.update)
        except MatineeError as error:  # such as a database that cannot be reached for a while
            log("update failed", detail=str(error))
        except Exception as error:
            log_bug("", "updating the models", error)


async def _store_traffic(server: ServerState) -> None:
    """Adds the traffic of this process to the database every few seconds."""
    while True:
        await asyncio.sleep(TRAFFIC_SECONDS)
        try:
            await run_in_threadpool(server.store.traffic.flush)
        except StoreError:
            pass  # the counts wait for the database, and /health/ready reports it
        except Exception as error:
            log_bug("", "storing the traffic", error)


async def _share_limits(server: ServerState) -> None:
    """Shares the limits per client with the other workers."""
    key = server.settings.shared_limits_key
    shared = SharedLimits(server.limiters, server.store.rate_tokens, key)
    while True:
        await asyncio.sleep(SHARE_SECONDS)
        try:
            await run_in_threadpool(shared.exchange)
        except StoreError:
            pass  # meanwhile, each worker has limits of its own
        except Exception as error:
            log_bug("", "sharing the limits", error)


async def _refresh_pages(app: FastAPI) -> None:
    """Prepares the page caches in the background, repeatedly, because models may be replaced."""
    while True:
        try:
            await run_in_threadpool(prepare_pages, app)
        except Exception as error:  # the page that needs the cache will show the error
            log_bug("", "preparing pages", error)
        await asyncio.sleep(app.state.server.settings.poll_seconds)
