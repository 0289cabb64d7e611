"""matinee serve: web pages and an HTTP API."""

from importlib.util import find_spec
from pathlib import Path

import click

from matinee.errors import SettingError
from matinee.text import joined

MIN_TOKEN_LENGTH = 16
#: A client may send this many seconds' worth of requests at once.
BURST_SECONDS = 4


@click.command()
@click.argument(
    "model_files", metavar="MODEL...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "--db",
    "database",
    default="people.db",
    show_default=True,
    metavar="URL",
    help="Database for the ratings that people give.",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; 0.0.0.0 means all.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Port; 0 picks a free one.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Number of processes.",
)
@click.option(
    "--allowed-hosts",
    "allowed_hosts",
    default="",
    metavar="NAMES",
    help="Host names to answer under, separated by commas, such as films.example,*.films.example; "
    "* means all. By default, those of this machine, or all if --host lets other machines in or "
    "--trust-proxy names a proxy.",
)
@click.option(
    "--trust-proxy",
    default="",
    metavar="ADDRESS",
    help="Trust the X-Forwarded headers from this proxy, such as 127.0.0.1.",
)
@click.option(
    "--rate",
    type=click.FloatRange(min=0),
    default=50,
    show_default=True,
    help="Requests per second and client; 0 means no limit.",
)
@click.option(
    "--allow-origin",
    "allow_origins",
    multiple=True,
    metavar="ORIGIN",
    help="Let scripts on pages of this origin use the API, such as https://films.example; "
    "* means all. Can be repeated.",
)
@click.option(
    "--retrain",
    "retrain",
    multiple=True,
    metavar="DATA",
    help="Let the operator retrain the models on this data, as `matinee train` reads it, and the "
    "ratings in the database. Repeat it for several files of one data set.",
)
@click.option(
    "--update-every",
    "update_every",
    type=click.FloatRange(min=0, min_open=True),
    metavar="MINUTES",
    help="Bring new, changed and deleted ratings in the database into the models so often, by "
    "`matinee update`.",
)
@click.option("--quiet", is_flag=True, help="Do not log requests.")
@click.option(
    "--operator-token",
    envvar="MATINEE_OPERATOR_TOKEN",
    default="",
    metavar="SECRET",
    show_envvar=True,
    help="Secret for the operator's endpoints; better set in the environment.",
)
@click.option(
    "--posters",
    default="",
    metavar="FOLDER|TEMPLATE",
    help="Pictures of the films: a folder, or an address with {id}, {imdb} or {tmdb}.",
)
def serve(
    model_files: tuple[Path, ...],
    database: str,
    host: str,
    port: int,
    workers: int,
    allowed_hosts: str,
    trust_proxy: str,
    rate: float,
    allow_origins: tuple[str, ...],
    retrain: tuple[str, ...],
    update_every: float | None,
    quiet: bool,
    operator_token: str,
    posters: str,
) -> None:
    """Serve models as web pages and as an HTTP API.

    URL is an SQLite file or postgresql://user:password@host/name. Model files are reloaded
    without downtime when they change. Requests that name no model use the first one.
    """
    require_packages()
    from matinee.web.http import hosts
    from matinee.web.http.cross_origin import parse_origin
    from matinee.web.server import Address, run
    from matinee.web.settings import Limits, Settings

    if operator_token and len(operator_token) < MIN_TOKEN_LENGTH:
        raise SettingError(
            f"The operator's token needs at least {MIN_TOKEN_LENGTH} characters; use a random one."
        )
    limits = Limits(per_second=0, people_per_minute=0, connections=0)
    if rate:
        limits = Limits(per_second=rate, burst=max(1, int(BURST_SECONDS * rate)))
    given = [hosts.parse_allowed_host(name) for name in allowed_hosts.split(",") if name.strip()]
    names = hosts.allowed_hosts(given, host, has_proxy=bool(trust_proxy))
    settings = Settings(
        model_files,
        database,
        operator_token,
        limits,
        log_requests=not quiet,
        allowed_origins=tuple(parse_origin(origin) for origin in allow_origins),
        retrain=retrain,
        update_seconds=60 * (update_every or 0),
        posters=posters,
        allowed_hosts=names,
        trusted_proxies=trust_proxy,
    )

    def announce(url: str) -> None:
        files = ", ".join(str(path) for path in model_files)
        under = "any host name" if hosts.ANY in names else joined(names)
        click.echo(f"Serving {files} for {under} at {url}")

    run(settings, Address(host, port, workers, trust_proxy), announce)


def require_packages() -> None:
    """Raises SettingError if packages for serving are missing."""
    needed = (
        "fastapi",
        "fastapi_offline",
        "uvicorn",
        "alembic",
        "orjson",
        "prometheus_client",
        "python_multipart",
        "segno",
    )
    if any(find_spec(name) is None for name in needed):
        raise SettingError(
            "matinee serve needs more packages: pip install 'matinee[serve]', "
            "or in a clone: pip install '.[serve]'"
        )
