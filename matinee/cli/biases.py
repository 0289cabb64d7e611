"""matinee biases: the best and the worst films."""

from collections.abc import Sequence
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING

import click

from matinee.cli.options import json_option, k_option, path_argument
from matinee.cli.output import as_json, note, table

if TYPE_CHECKING:
    from matinee.analysis import BiasLine, UserLine

NO_HISTORIES = (
    "This file was saved without histories: the intervals assume that ratings deviate by a quarter "
    "of the scale, and nothing is known about people."
)


@click.command()
@path_argument
@k_option
@click.option(
    "--raw",
    is_flag=True,
    help="Rank by the biases of the model, without intervals, regardless of the number of ratings.",
)
@click.option("--users", is_flag=True, help="Also list the most generous and the strictest people.")
@json_option
def biases(model_file: Path, k: int, raw: bool, users: bool, as_json_: bool) -> None:
    """List the best and worst films, apart from personal tastes.

    Films are ranked by the conservative end of a 95% interval, so that three ratings do not
    make a film the best.
    """
    from matinee.analysis import bias_ranking, bias_unit, disagreements, generosity
    from matinee.recommendation.guide import Guide

    guide = Guide.load(model_file)
    unit = bias_unit(guide.model)
    best = bias_ranking(guide, k, raw=raw)
    worst = bias_ranking(guide, k, raw=raw, lowest=True)
    generous: list[UserLine] = []
    strict: list[UserLine] = []
    better: list[BiasLine] = []
    worse: list[BiasLine] = []
    if guide.model.history_.is_empty:
        note(NO_HISTORIES)
    else:
        generous = generosity(guide, k)
        strict = generosity(guide, k, lowest=True)
        better = disagreements(guide, k)
        worse = disagreements(guide, k, lowest=True)
    if as_json_:
        as_json(
            {
                "model": guide.model.name,
                "unit": unit,
                "raw": raw,
                "k": k,
                "best": [line.to_dict() for line in best],
                "worst": [line.to_dict() for line in worst],
                "most_generous": [line.to_dict() for line in generous],
                "least_generous": [line.to_dict() for line in strict],
                "better_than_their_mean": [line.to_dict() for line in better],
                "worse_than_their_mean": [line.to_dict() for line in worse],
            }
        )
        return
    _print_films(best, _title(unit, raw), raw=raw)
    _print_films(worst, "Worst films", raw=raw)
    if users:
        _print_people(generous, "Most generous people")
        _print_people(strict, "Strictest people")
    _print_films(
        better, "Liked better than their mean suggests: a strict audience, or one with other tastes"
    )
    _print_films(worse, "Liked less than their mean suggests: a generous audience, or one of fans")


def _title(unit: str, raw: bool) -> str:
    name = "bias"
    if raw:
        name = "the model's own b_i"
    if unit == "logits":
        return f"Best films ({name} in {unit}, before the sigmoid)"
    return f"Best films ({name} in {unit})"


def _print_films(lines: "Sequence[BiasLine]", title: str, *, raw: bool = False) -> None:
    if not lines:
        return
    headings = ["b_i"] if raw else ["bias", "from", "to"]
    if lines[0].audience is not None:
        headings.insert(0, "audience")
    rows = []
    for number, line in enumerate(lines, 1):
        row = [str(number)]
        if line.audience is not None:
            row.append(f"{line.audience:+.2f}")
        rows.append([*row, *_numbers(line), line.film.title, str(line.item_id)])
    table(("", *headings, "mean", "ratings", "film", "id"), rows, title)
    click.echo()


def _print_people(lines: "Sequence[UserLine]", title: str) -> None:
    if not lines:
        return
    rows = [
        [str(number), *_numbers(line), str(line.user_id)] for number, line in enumerate(lines, 1)
    ]
    table(("", "bias", "from", "to", "mean", "ratings", "user"), rows, title)
    click.echo()


def _numbers(line: "BiasLine | UserLine") -> list[str]:
    """The bias, the ends of its interval if it has one, the mean and the number of ratings."""
    biases = [f"{value:+.2f}" for value in (line.bias, line.low, line.high) if not isnan(value)]
    return [*biases, f"{line.mean:.2f}", f"{line.n_ratings:,}"]
