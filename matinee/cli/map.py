"""matinee map: the films of a model on a map, as a picture, a page or a table."""

from pathlib import Path

import click

from matinee.cli.options import json_option, path_argument
from matinee.cli.output import as_json, note
from matinee.cli.person import profile_of, ratings_option, require_person, user_option

NO_PLACE = "This file was saved without histories, so the user's place is not known; give their ratings with --ratings."


@click.command("map")
@path_argument
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="What to write: .png, .svg, .pdf, .html or .parquet."
)
@click.option(
    "--method",
    type=click.Choice(["pca", "umap"]),
    default="pca",
    show_default=True,
    help="pca: exact, its axes can be read. umap: keeps neighbours together; needs the extra 'map'.",
)
@click.option("--min-ratings", type=click.IntRange(min=0), help="Leave out films with fewer ratings. Default: by size.")
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
    """A map of the films: those that the same people like lie together.

    A page (.html) needs no network: it moves, zooms and finds films, and shows what is most alike. With --user or
    --ratings it shows somebody's own place too. A table (.parquet) is for Embedding Atlas and the like; it has neither
    colors nor somebody's own place.
    """
    from matinee.analysis.film_map import make_map
    from matinee.recommendation.guide import Guide
    from matinee.report.map_page import axis_sentences, check_map_name, check_table, save_map, you_on

    check_map_name(out)
    check_table(out, color=color, has_person=user is not None or ratings is not None)
    if user is not None or ratings is not None:
        require_person(user, ratings)
    guide = Guide.load(model_file)
    profile = None
    if user is not None or ratings is not None:
        profile = profile_of(guide, model_file, user, ratings, NO_PLACE)
    if method == "umap":
        note("UMAP compiles itself first: some seconds ...")
    made = make_map(guide, method=method, min_ratings=min_ratings)
    you = you_on(made, guide, profile) if profile is not None and len(profile.item_index) else None
    no_place = NO_PLACE if user is not None and not guide.origin.has_history else ""
    axes = axis_sentences(made, guide, min_ratings)
    heading = f"Films of {guide.origin.dataset}" if guide.origin.dataset != "unnamed" else "Map of films"
    letters = save_map(made, out, color=color, heading=heading, axes=axes, you=you)
    if as_json_:
        as_json(
            {
                "out": str(out),
                "bytes": out.stat().st_size,
                "method": method,
                "n_films": len(made),
                "explained": made.explained,
                "axes": axes,
                "you": None if you is None else {"x": round(you.x, 4), "y": round(you.y, 4), "n_rated": len(you.stars)},
                "note": " ".join(filter(None, [made.note, letters, no_place])),
            }
        )
        return
    click.echo(f"Written: {out} ({out.stat().st_size / 1e6:.2f} MB)")
    for sentence in (made.sentence, *axes):
        click.echo(sentence)
    note(made.note)
    note(letters)
    if out.suffix.lower() == ".html":
        note("Open it in a browser; it needs no network.")
    if out.suffix.lower() == ".parquet":
        note(f"Open it with:  embedding-atlas {out} --x x --y y --neighbors neighbors --text title")
    note(guide.origin.note)
