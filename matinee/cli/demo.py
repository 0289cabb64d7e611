"""matinee demo: from ratings to recommendations, on the built-in sample."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from matinee.cli.output import announce_compiling, note, progress_bar, table
from matinee.text import printable

if TYPE_CHECKING:
    from matinee.data.dataset import Dataset
    from matinee.models.base import Person
    from matinee.recommendation.guide import Guide

NEWCOMER = {
    "The Matrix (1999)": 5.0,
    "Alien (1979)": 4.5,
    "Blade Runner (1982)": 5.0,
    "Titanic (1997)": 2.0,
    "Toy Story (1995)": 3.5,
}


@click.command()
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("demo.matinee"), show_default=True
)
@click.option(
    "--serve",
    "is_served",
    is_flag=True,
    help="Serve the model as web pages; train it first if needed.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Port for --serve; 0 picks a free one.",
)
def demo(out: Path, is_served: bool, port: int) -> None:
    """Train, measure, save and recommend on built-in data.

    No ratings are downloaded. With --serve, rate films in a browser; your ratings are stored
    next to the model: in demo.db for demo.matinee.
    """
    from matinee.data.datasets.fetch import local_copy
    from matinee.data.datasets.load import load
    from matinee.recommendation.model_file import check_target

    if is_served:
        _serve(out, port)
        return
    check_target(out)
    data = load("sample")
    _describe(data)
    announce_compiling()
    _measure(data)
    guide = _train(data, out)
    size = out.stat().st_size
    click.echo(
        "\n3. The model, hybrid: the stars of mf, and lists of what people are likely to choose "
        "and to like.\n   It was trained on all ratings and saved with the titles "
        f"as {printable(str(out))} ({size:,} bytes)"
    )
    _recommend(guide)
    click.echo("\nContinue with real ratings:\n")
    if local_copy("ml-latest-small") is None:
        click.echo("  matinee data fetch ml-latest-small   (1 MB from GroupLens)")
    click.echo("  matinee train ml-latest-small --out films.matinee")
    click.echo("  matinee recommend films.matinee --user 1")


def _train(data: "Dataset", out: Path) -> "Guide":
    from matinee.models.hybrid import Hybrid
    from matinee.recommendation.guide import Guide
    from matinee.recommendation.model_file import Origin

    model = Hybrid()
    with progress_bar("Training hybrid on all ratings") as progress:
        model.fit(data.ratings, progress=progress)
    guide = Guide(model, data.catalog, Origin(data.name, len(data.ratings), data.note))
    guide.save(out)
    return guide


def _serve(out: Path, port: int) -> None:
    """Serves the model in `out`; if there is none, trains one on the sample first."""
    from matinee.cli.serve import require_packages
    from matinee.data.datasets.load import load

    require_packages()
    if not out.exists():
        announce_compiling()
        _train(load("sample"), out)
    from matinee.web.http.hosts import LOCAL
    from matinee.web.server import Address, run
    from matinee.web.settings import Settings

    settings = Settings(
        (out,), str(out.with_suffix(".db")), log_requests=False, allowed_hosts=LOCAL
    )

    def announce(url: str) -> None:
        click.echo(
            f"Open {url} in a browser to rate films and get recommendations. Press Ctrl+C to stop."
        )

    run(settings, Address(port=port), announce)


def _describe(data: "Dataset") -> None:
    from matinee.data.describe import describe

    description = describe(data, n_most_rated=5)
    click.echo("1. The data\n")
    for line in description.sentences():
        click.echo(line)
    click.echo()
    table(("stars", "ratings", "", "share"), description.histogram_rows())
    click.echo()
    table(("most rated", "ratings", "mean"), description.most_rated_rows())


def _measure(data: "Dataset") -> None:
    from matinee.data.split import random_split
    from matinee.evaluation import evaluate
    from matinee.models.baseline import Baseline
    from matinee.models.matrix_factorization import MatrixFactorization

    click.echo(
        "\n2. How accurate predicted stars are: "
        "trained on 80% of the ratings, tested on the other 20%\n"
    )
    part = random_split(data.ratings, 0.2)
    mean = float(part.train.value.mean())
    error = float(((part.test.value - mean) ** 2).mean() ** 0.5)
    rows = [("the mean of all ratings", f"{error:.4f}", "", "")]
    models = (
        (Baseline, "baseline: user and film averages"),
        (MatrixFactorization, "mf: adds personal tastes"),
    )
    for model, label in models:
        with progress_bar(f"Training {model.name}") as progress:
            report = evaluate(model, [part], data.name, progress=progress)
        rows.append(
            (label, f"{report.rmse:.4f}", f"{report.mae:.4f}", f"{report.fit_seconds:.2f} s")
        )
    table(("model", "RMSE", "MAE", "time to fit"), rows)


def _recommend(guide: "Guide") -> None:
    user = guide.model.users_.id(0)
    click.echo(f"\n4. Recommendations for user {user}\n")
    _films(guide, user)
    click.echo("\n5. A new user has just rated five films\n")
    table(("film", "stars"), [(title, f"{stars:g}") for title, stars in NEWCOMER.items()])
    profile, _ = guide.newcomer(NEWCOMER)
    click.echo("\n   and gets recommendations at once, without retraining:\n")
    _films(guide, profile)
    click.echo("\n6. Films similar to Star Wars (1977): the same people like them\n")
    similar = guide.similar("Star Wars (1977)", 5)
    rows = [
        (f"{line.score:.2f}", line.film.title, ", ".join(line.film.genres))
        for line in similar.items
    ]
    table(("cosine", "film", "genres"), rows)
    note(guide.origin.note)


def _films(guide: "Guide", person: "Person") -> None:
    recommended = guide.recommend(person, 5)
    rows = [
        (f"{line.shown:.2f}", line.film.title, ", ".join(line.film.genres))
        for line in recommended.items
    ]
    table(("stars", "film", "genres"), rows)
