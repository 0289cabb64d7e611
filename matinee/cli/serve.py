"""matinee serve."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from matinee.errors import SettingError

SHORTEST_TOKEN = 16


@click.command()
@click.argument("model_files", metavar="MODEL...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--db", default="people.db", show_default=True, metavar="URL", help="Where ratings are kept.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 is all.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0: any that is free.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes.")
@click.option(
    "--trust-proxy", default="", metavar="ADDRESS", help="Believe what this proxy says of clients: 127.0.0.1, ..."
)
@click.option(
    "--rate", type=click.FloatRange(min=0), default=50, show_default=True, help="Requests/s of a client; 0: any."
)
@click.option("--quiet", is_flag=True, help="Log no requests.")
@click.option(
    "--operator-token",
    envvar="MATINEE_OPERATOR_TOKEN",
    default="",
    metavar="SECRET",
    show_envvar=True,
    help="Secret of the operator's endpoints; better set in the environment.",
)
def serve(model_files: tuple[Path, ...], **given: Any) -> None:
    """Serve models over HTTP: recommendations for ratings in a request, and for people whose ratings are kept.

    URL is a file of SQLite, or postgresql://user:password@host/name. A model file that changes is served anew without
    a break; of several files the first is the one that is meant where a request names none.
    """
    require_packages()
    from matinee.web.running import Address, run
    from matinee.web.settings import Limits, Settings

    token = given["operator_token"]
    if token and len(token) < SHORTEST_TOKEN:
        raise SettingError(f"The operator's token needs at least {SHORTEST_TOKEN} characters; make one at random.")
    limits = Limits(per_second=given["rate"], burst=max(1, int(4 * given["rate"])))
    if not given["rate"]:
        limits = Limits(per_second=0, people_per_minute=0)
    settings = Settings(model_files, given["db"], token, limits, log_requests=not given["quiet"])
    address = Address(given["host"], given["port"], given["workers"], given["trust_proxy"])
    run(settings, address, lambda url: click.echo(f"Serving {', '.join(map(str, model_files))} at {url}"))


def require_packages() -> None:
    """Raises SettingError unless all that serving needs is installed."""
    needed = ("fastapi", "uvicorn", "alembic", "orjson", "prometheus_client", "python_multipart")
    if any(find_spec(name) is None for name in needed):
        raise SettingError(
            "matinee serve needs more packages: pip install 'matinee[serve]', or in a clone: pip install '.[serve]'"
        )
