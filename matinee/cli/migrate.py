"""matinee migrate: the ratings of a server, moved to the film ids of another catalog."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from matinee.cli.serve import require_packages

if TYPE_CHECKING:
    from matinee.web.db.migration_of_ids import MoveReport

MAX_SHOWN = 20


@click.command()
@click.argument("model_file", metavar="MODEL", type=click.Path(path_type=Path))
@click.option(
    "--db",
    "database",
    default="people.db",
    show_default=True,
    metavar="URL",
    help="Database of the server.",
)
@click.option("--dry-run", is_flag=True, help="Report what would happen, and change nothing.")
def migrate(model_file: Path, database: str, *, dry_run: bool) -> None:
    """Move the ratings of a server to the film ids of MODEL.

    `matinee serve` refuses a model whose ids mean other films than those that people have rated.
    This command finds each film in MODEL by its id on IMDb or TMDB, or by title and year, and
    changes the ids in the database. Ratings of films that MODEL does not have are set aside: they
    are listed here, stay in the database, and are part of people's exports. Stop the server
    first, and make a backup.
    """
    require_packages()
    from matinee.data.kept_films import kept_films
    from matinee.recommendation.guide import Guide
    from matinee.web.db.catalog import ServedCatalog
    from matinee.web.db.migration_of_ids import move_to_catalog
    from matinee.web.db.people import Store

    guide = Guide.load(model_file)
    films = kept_films(guide.model.items_, guide.catalog)
    catalog = ServedCatalog(films, guide.model.scale_, guide.origin.dataset)
    store = Store.open(database)
    try:
        report = move_to_catalog(store, catalog, is_trial=dry_run)
    finally:
        store.close()
    for line in report_lines(report, model_file, is_trial=dry_run):
        click.echo(line)


def report_lines(report: "MoveReport", model_file: Path, *, is_trial: bool) -> list[str]:
    """What a move did, in sentences."""
    from matinee.data.kept_films import shown_title
    from matinee.text import counted

    would = "would be " if is_trial else ""
    n_kept = report.n_films - len(report.unmapped)
    lines = [
        f"{counted(n_kept, 'film')} of {report.n_films:,} found in {model_file}; "
        f"{report.n_new_ids:,} {would}given another id."
    ]
    if report.unmapped:
        n_entries = sum(one.n_entries for one in report.unmapped)
        lines.append(
            f"{counted(n_entries, 'entry', 'entries')} of {counted(len(report.unmapped), 'film')} "
            f"{would}set aside, because {model_file} does not have the films:"
        )
        for film, n in report.unmapped[:MAX_SHOWN]:
            lines.append(
                f"  id {film.item_id}, {shown_title(film)}: {counted(n, 'entry', 'entries')}"
            )
        if len(report.unmapped) > MAX_SHOWN:
            lines.append(f"  and {counted(len(report.unmapped) - MAX_SHOWN, 'more film')}")
    if report.n_twice:
        n_twice = counted(report.n_twice, "earlier entry", "earlier entries")
        lines.append(f"{n_twice} of the same film {would}set aside.")
    if report.n_rescaled:
        lines.append(
            f"{counted(report.n_rescaled, 'rating')} {would}converted to the scale of "
            f"{model_file}; the former stars are set aside."
        )
    if is_trial:
        lines.append("Nothing was changed.")
    return lines
