"""matinee similar: the films most like a given one."""

from pathlib import Path

import click

from matinee.cli.options import json_option, k_option, path_argument
from matinee.cli.output import as_json, note, print_suggestions


@click.command()
@path_argument
@click.argument("item", metavar="ITEM_OR_TITLE")
@k_option
@click.option("--min-ratings", type=click.IntRange(min=0), help="Leave out films with fewer ratings. Default: by size.")
@click.option(
    "--by",
    type=click.Choice(["factors", "co-rating"]),
    default="factors",
    show_default=True,
    help="By what the model has learnt of the films, or by what the people gave who rated both.",
)
@json_option
def similar(model_file: Path, item: str, k: int, min_ratings: int | None, by: str, as_json_: bool) -> None:
    """The films most like a given one: the same people like both."""
    from matinee.recommendation.guide import Guide

    guide = Guide.load(model_file)
    found = guide.similar(item, k, min_ratings=min_ratings, by=by)
    if as_json_:
        item_id = guide.item_id(item)
        lines = [line.to_dict() for line in found.items]
        as_json({"item_id": item_id, "title": guide.catalogue[item_id].title, "items": lines, "note": found.note})
        return
    click.echo(f"Like {guide.catalogue[guide.item_id(item)].title}:\n")
    print_suggestions(found, "likeness")
    note(found.note)
