"""Running the application under uvicorn, in one process or in several that share the
address."""

import os
import socket
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import uvicorn
from uvicorn.supervisors import Multiprocess

from matinee.errors import SettingError
from matinee.web.app import ENVIRONMENT, create_app
from matinee.web.http.logs import log_libraries
from matinee.web.http.protocol import Protocol
from matinee.web.settings import Settings

_BACKLOG = 2048
_KEEP_ALIVE_SECONDS = 75
"""Longer than nginx keeps an idle connection to us, so that it never sends into one that we
are closing."""


@dataclass(frozen=True)
class Address:
    """Where to listen, in how many processes, and whose word on the client's address is
    believed."""

    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    trusted_proxies: str = ""


def run(settings: Settings, address: Address, announce: Callable[[str], None]) -> None:
    """Serves until the process is told to stop, then finishes the requests that it has begun.

    Args:
        announce: called with the URL once the address is taken and the models are loaded.

    Raises:
        SettingError: the address is taken or not ours.
        ModelFileError, StoreError: as `create_app` does.
    """
    log_libraries()
    with (
        _listen(address) as listening,
        suppress(KeyboardInterrupt),
    ):  # uvicorn has stopped in order, and tells again
        _run(settings, address, listening, announce)


def _run(
    settings: Settings, address: Address, listening: socket.socket, announce: Callable[[str], None]
) -> None:
    host, port = listening.getsockname()[:2]
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    if address.workers == 1:
        app = create_app(settings)
        announce(url)
        uvicorn.Server(configuration(app, address)).run(sockets=[listening])
        return
    with tempfile.TemporaryDirectory(prefix="matinee-") as folder:
        # The workers keep their figures in files here, so that any of them can tell those of
        # all.
        os.environ |= {ENVIRONMENT: settings.to_json(), "PROMETHEUS_MULTIPROC_DIR": folder}
        _refuse_bad(settings)
        announce(url)
        config = configuration("matinee.web.app:worker_app", address)
        Multiprocess(config, sockets=[listening]).run()


def _refuse_bad(settings: Settings) -> None:
    """Loads everything once, so that an error is told here and not by every worker, and the
    database is up to date."""
    create_app(settings).state.served.store.close()


def _listen(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        return socket.create_server((address.host, address.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        where = f"{address.host}:{address.port}"
        raise SettingError(
            f"Cannot listen on {where}: {os.strerror(error.errno or 0)}. Give another with "
            "--host or --port."
        ) from None


def configuration(app: object, address: Address) -> uvicorn.Config:
    """How uvicorn runs an application, or the function of that import path that makes one."""
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        host=address.host,
        port=address.port,
        http=Protocol,
        factory=isinstance(app, str),
        workers=address.workers,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(address.trusted_proxies),
        forwarded_allow_ips=address.trusted_proxies or None,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=15,
        backlog=_BACKLOG,
    )
