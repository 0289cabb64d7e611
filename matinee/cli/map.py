"""matinee map: the films of a model as a picture, a page or a table."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from matinee.cli.memory import require_for_tables
from matinee.cli.options import json_option, min_ratings_option, path_argument
from matinee.cli.output import as_json, note
from matinee.cli.person import profile_of, ratings_option, require_person, user_option
from matinee.text import printable

if TYPE_CHECKING:
    from matinee.report.map_page import You

NO_POSITION = (
    "This file was saved without histories, so the position of the user is unknown; "
    "give their ratings with --ratings."
)


@click.command("map")
@path_argument
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help="File to write: .png, .svg, .pdf, .html or .parquet.",
)
@click.option(
    "--method",
    type=click.Choice(["pca", "umap"]),
    default="pca",
    show_default=True,
    help="pca: exact, with meaningful axes. umap: keeps neighbors together; needs the extra 'map'.",
)
@min_ratings_option
@click.option(
    "--color",
    "--colour",
    type=click.Choice(["genre", "year", "bias", "popularity"]),
    help="What the colors show. Default: genre.",
)
@user_option
@ratings_option
@json_option
def map_(
    model_file: Path,
    out: Path,
    method: str,
    min_ratings: int | None,
    color: str | None,
    user: str | None,
    ratings: Path | None,
    as_json_: bool,
) -> None:
    """Draw a map on which similar films are close together.

    A page (.html) needs no network; it can be moved, zoomed and searched, and lists similar
    films. With --user or --ratings, the map also shows the position of a person. A table
    (.parquet) is for tools such as Embedding Atlas; it has no colors and no position of a
    person.
    """
    from matinee.analysis.film_map import make_map
    from matinee.recommendation.guide import Guide
    from matinee.report.map_page import (
        axis_sentences,
        check_map_name,
        check_table,
        save_map,
        you_on,
    )

    has_person = user is not None or ratings is not None
    check_map_name(out, [model_file, ratings])
    check_table(out, color=color, has_person=has_person)
    if has_person:
        require_person(user, ratings)
    guide = Guide.load(model_file)
    profile = None
    if has_person:
        profile = profile_of(guide, model_file, user, ratings, NO_POSITION)
    if method == "umap":
        note("Compiling UMAP (a few seconds) ...")
    made = make_map(guide, method=method, min_ratings=min_ratings)
    you = None
    if profile is not None and len(profile.item_index):
        you = you_on(made, guide, profile)
    axes = axis_sentences(made, guide, min_ratings)
    heading = "Map of films"
    if guide.origin.dataset != "unnamed":
        heading = f"Films of {guide.origin.dataset}"
    letters = save_map(made, out, color=color, heading=heading, axes=axes, you=you)
    if as_json_:
        remarks = [made.note, letters]
        if user is not None and not guide.origin.has_history:
            remarks.append(NO_POSITION)
        as_json(
            {
                "out": str(out),
                "bytes": out.stat().st_size,
                "method": method,
                "n_films": len(made),
                "explained": made.explained,
                "axes": axes,
                "you": _position(you),
                "note": " ".join(remark for remark in remarks if remark),
            }
        )
        return
    _print_result(out, [made.sentence, *axes], [made.note, letters])
    note(guide.origin.note)


def _print_result(out: Path, sentences: list[str], remarks: list[str]) -> None:
    click.echo(f"Written: {printable(str(out))} ({out.stat().st_size / 1e6:.2f} MB)")
    for sentence in sentences:
        click.echo(sentence)
    for remark in remarks:
        note(remark)
    if out.suffix.lower() == ".html":
        note("Open it in a browser; it needs no network.")
    if out.suffix.lower() == ".parquet":
        require_for_tables("Writing a Parquet file")
        note(
            f"Open it with:  embedding-atlas {printable(str(out))} --x x --y y "
            "--neighbors neighbors --text title"
        )


def _position(you: "You | None") -> dict[str, object] | None:
    if you is None:
        return None
    return {"x": round(you.x, 4), "y": round(you.y, 4), "n_rated": len(you.stars)}
