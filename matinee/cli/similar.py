"""matinee similar: the films most similar to a film."""

from pathlib import Path

import click

from matinee.cli.options import json_option, k_option, min_ratings_option, path_argument
from matinee.cli.output import as_json, note, print_suggestions


@click.command()
@path_argument
@click.argument("item", metavar="ITEM_OR_TITLE")
@k_option
@min_ratings_option
@click.option(
    "--by",
    type=click.Choice(["factors", "co-rating"]),
    default="factors",
    show_default=True,
    help="Compare the learned factors, or the ratings of people who rated both films.",
)
@json_option
def similar(
    model_file: Path, item: str, k: int, min_ratings: int | None, by: str, as_json_: bool
) -> None:
    """List the films most similar to a film.

    Films are similar if the same people like them.
    """
    from matinee.recommendation.guide import Guide

    guide = Guide.load(model_file)
    suggestions = guide.similar(item, k, min_ratings=min_ratings, by=by)
    item_id = guide.item_id(item)
    title = guide.catalog[item_id].title
    if as_json_:
        items = [line.to_dict() for line in suggestions.items]
        as_json({"item_id": item_id, "title": title, "items": items, "note": suggestions.note})
        return
    click.echo(f"Similar to {title}:\n")
    print_suggestions(suggestions, "similarity")
    note(suggestions.note)
