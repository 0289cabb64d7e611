"""matinee biases: the best and the worst films."""

from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING

import click

from matinee.cli.options import json_option, k_option, path_argument
from matinee.cli.output import as_json, note, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matinee.analysis import BiasLine, UserLine

ASSUMED = (
    "This file was saved without histories: the intervals suppose ratings that deviate by a quarter of the scale, and "
    "nothing can be said of people."
)


@click.command()
@path_argument
@k_option
@click.option(
    "--raw",
    is_flag=True,
    help="Rank by the model's own b_i, without an interval, however few the ratings.",
)
@click.option("--users", is_flag=True, help="Show the most generous and the strictest people too.")
@json_option
def biases(model_file: Path, k: int, raw: bool, users: bool, as_json_: bool) -> None:
    """The best and the worst films, whatever people's habits and tastes.

    Ranked by the cautious end of a 95% interval, so that three ratings make no best film.
    """
    from matinee.analysis import bias_ranking, bias_unit, disagreements, generosity
    from matinee.recommendation.guide import Guide

    guide = Guide.load(model_file)
    unit = bias_unit(guide.model)
    has_histories = not guide.model.history_.is_empty
    ends = (False, True)
    best, worst = (bias_ranking(guide, k, lowest=lowest, raw=raw) for lowest in ends)
    people: list[list[UserLine]] = [generosity(guide, k, lowest=lowest) if has_histories else [] for lowest in ends]
    apart: list[list[BiasLine]] = [disagreements(guide, k, lowest=lowest) if has_histories else [] for lowest in ends]
    if not has_histories:
        note(ASSUMED)
    if as_json_:
        lists: dict[str, list[BiasLine] | list[UserLine]] = {
            "best": best,
            "worst": worst,
            "most_generous": people[0],
            "least_generous": people[1],
            "better_than_their_mean": apart[0],
            "worse_than_their_mean": apart[1],
        }
        found = {name: [line.to_dict() for line in lines] for name, lines in lists.items()}
        as_json({"model": guide.model.name, "unit": unit, "raw": raw, "k": k} | found)
        return
    name = "the model's own b_i" if raw else "bias"
    _print_films(best, f"Best films ({name} in {unit}{', before the sigmoid' if unit == 'logits' else ''})", raw=raw)
    _print_films(worst, "Worst films", raw=raw)
    if users:
        _print_people(people[0], "Most generous people")
        _print_people(people[1], "Strictest people")
    _print_films(apart[0], "Better liked than their mean suggests: strict people saw them, or people of other tastes")
    _print_films(
        apart[1], "Less liked than their mean suggests: those who saw them are generous, or fond of their kind"
    )


def _print_films(lines: "Sequence[BiasLine]", title: str, *, raw: bool = False) -> None:
    if not lines:
        return
    with_audience = [] if lines[0].audience is None else ["audience"]
    rows = [
        (
            str(place),
            *(f"{line.audience:+.2f}" for _ in with_audience),
            *_interval(line),
            line.film.title,
            str(line.item_id),
        )
        for place, line in enumerate(lines, 1)
    ]
    numbers = ("b_i",) if raw else (*with_audience, "bias", "from", "to")
    table(("", *numbers, "mean", "ratings", "film", "id"), rows, title)
    click.echo()


def _print_people(lines: "Sequence[UserLine]", title: str) -> None:
    if not lines:
        return
    rows = [(str(place), *_interval(line), str(line.user_id)) for place, line in enumerate(lines, 1)]
    table(("", "bias", "from", "to", "mean", "ratings", "user"), rows, title)
    click.echo()


def _interval(line: "BiasLine | UserLine") -> tuple[str, ...]:
    """The bias, the ends of its interval if it has one, the mean and the number of ratings."""
    known = [value for value in (line.bias, line.low, line.high) if not isnan(value)]
    return (*(f"{value:+.2f}" for value in known), f"{line.mean:.2f}", f"{line.n_ratings:,}")
