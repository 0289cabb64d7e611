"""Runs the application under uvicorn, in one process or in several workers that share an
address."""

import os
import secrets
import socket
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import uvicorn
from uvicorn.supervisors import Multiprocess

from matinee.errors import SettingError
from matinee.web.app import SETTINGS_VARIABLE, create_app
from matinee.web.http.logs import log_libraries
from matinee.web.http.protocol import HeadLimitProtocol
from matinee.web.settings import Settings

_BACKLOG = 2048
_KEEP_ALIVE_SECONDS = 75
"""Longer than nginx keeps idle upstream connections, so that nginx never sends a request on a
connection that is being closed."""


@dataclass(frozen=True)
class Address:
    """The address to listen on, the number of worker processes, and the proxies whose
    X-Forwarded headers are trusted."""

    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    trusted_proxies: str = ""


def run(settings: Settings, address: Address, announce: Callable[[str], None]) -> None:
    """Serves until the process is told to stop, then finishes the requests in progress.

    Args:
        announce: called with the URL once the socket listens and the models are loaded.

    Raises:
        SettingError: the address is in use or does not belong to this machine.
        ModelFileError, StoreError: as in `create_app`.
    """
    log_libraries()
    with (
        _listen(address) as listener,
        suppress(KeyboardInterrupt),  # uvicorn raises it again after a clean shutdown
    ):
        _run(settings, address, listener, announce)


def _run(
    settings: Settings, address: Address, listener: socket.socket, announce: Callable[[str], None]
) -> None:
    host, port = listener.getsockname()[:2]
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    if address.workers == 1:
        app = create_app(settings)
        announce(url)
        uvicorn.Server(uvicorn_config(app, address)).run(sockets=[listener])
        return
    settings = replace(settings, shared_limits_key=secrets.token_hex(16))
    with tempfile.TemporaryDirectory(prefix="matinee-") as folder:
        # Workers store their metrics in files in this folder, so that each can report the sums
        # over all of them
        os.environ |= {SETTINGS_VARIABLE: settings.to_json(), "PROMETHEUS_MULTIPROC_DIR": folder}
        _check_settings(settings)
        announce(url)
        config = uvicorn_config("matinee.web.app:worker_app", address)
        Multiprocess(config, sockets=[listener]).run()


def _check_settings(settings: Settings) -> None:
    """Creates the application once, so that errors are reported here instead of by every worker,
    and the database is migrated."""
    create_app(settings).state.server.store.close()


def _listen(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        return socket.create_server((address.host, address.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise SettingError(
            f"Cannot listen on {address.host}:{address.port}: {os.strerror(error.errno or 0)}. "
            "Choose another address with --host or --port."
        ) from None


def uvicorn_config(app: object, address: Address) -> uvicorn.Config:
    """Configures uvicorn for an application, or for the import path of a factory of one."""
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        host=address.host,
        port=address.port,
        http=HeadLimitProtocol,
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
