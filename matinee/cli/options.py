"""Options that several commands share, and how their texts become values."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from matinee.errors import SettingError

if TYPE_CHECKING:
    from matinee.data.dataset import Dataset
    from matinee.data.reading.options import ReadOptions
    from matinee.data.split import Split
    from matinee.models.base import Recommender

Function = TypeVar("Function", bound=Callable[..., Any])

json_option = click.option("--json", "as_json_", is_flag=True, help="Print exactly one JSON object.")
seed_option = click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, help="Seed of all random numbers.")
k_option = click.option("-k", type=click.IntRange(min=1), default=10, show_default=True, help="Length of the list.")
threads_option = click.option(
    "--threads", type=click.IntRange(min=1), help="Cores to use; the numbers do not depend on it. Default: all."
)
model_option = click.option(
    "--model", "model_name", metavar="NAME", help="Name of the model. Default: mf, or ials where there are no ratings."
)
set_option = click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="A setting of the model; may be repeated."
)

test_option = click.option("--test", "test_source", metavar="DATA", help="The test part, a table of its own.")

group_option = click.option(
    "--group",
    type=click.Choice(["mean", "least-misery"]),
    help="For several people: by the mean of what each would give, or by the least. Default: mean.",
)


def dial_options(function: Function) -> Function:
    """How a list is turned."""
    options = (
        click.option(
            "--popularity",
            type=click.FloatRange(-1, 1),
            default=0.0,
            show_default=True,
            metavar="X",
            help="From -1 (obscure films) to 1 (popular ones); 0: as the model ranks.",
        ),
        click.option(
            "--diversity",
            type=click.FloatRange(0, 1),
            default=0.0,
            show_default=True,
            metavar="X",
            help="From 0 (as the model ranks) to 1 (films as unlike each other as the best allow).",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


def data_options(function: Function) -> Function:
    """How to read a table whose columns or rows are unusual."""
    options = (
        click.option("--user-column", metavar="NAME", help="The column with the users, if not found by its name."),
        click.option("--item-column", metavar="NAME", help="The column with the items."),
        click.option("--rating-column", metavar="NAME", help="The column with the ratings."),
        click.option(
            "--count-column", metavar="NAME", help="The column that says how often; there are no ratings then."
        ),
        click.option("--pairs", is_flag=True, help="There are no ratings: each row is a user and an item they have."),
        click.option("--timestamp-column", metavar="NAME", help="The column with the times."),
        click.option("--scale", metavar="LOW:HIGH", help="The rating scale; a value outside is a bad row."),
        click.option("--query", metavar="SQL", help="What to read, where DATA is the URL of a database."),
        click.option("--skip-bad-rows", is_flag=True, help="Leave out bad rows, and list them in a file."),
    )
    for option in reversed(options):
        function = option(function)
    return function


def read_options(given: dict[str, Any]) -> "ReadOptions":
    """ReadOptions from the values of `data_options`, which are taken out of `given`."""
    from matinee.data.reading.options import ReadOptions

    scale = given.pop("scale")
    return ReadOptions(
        user=given.pop("user_column"),
        item=given.pop("item_column"),
        rating=given.pop("rating_column"),
        count=given.pop("count_column"),
        pairs=given.pop("pairs"),
        timestamp=given.pop("timestamp_column"),
        scale=None if scale is None else parse_range(scale, "--scale", float),
        skip_bad_rows=given.pop("skip_bad_rows"),
        query=given.pop("query"),
    )


def parse_range(text: str, option: str, number: Callable[[str], Any], *, open_ends: bool = False) -> Any:
    """Two values from a text such as "1:5"; with `open_ends` either may be missing and is then None."""
    low, colon, high = text.partition(":")
    if open_ends and not colon:
        high, colon = low, ":"
    try:
        first, last = (None if open_ends and not end else number(end) for end in (low, high))
        if not colon or (first is not None and last is not None and first > last):
            raise ValueError
    except ValueError:
        example = "1980:1999, 2000:, :1960 or 1994" if open_ends else "1:5"
        raise SettingError(f"{option} {text} is not a range from low to high, such as {example}.") from None
    return first, last


def parse_settings(pairs: tuple[str, ...], seed: int) -> dict[str, Any]:
    """The settings of a model from texts such as "factors=32"."""
    settings: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not (name and equals and value):
            raise SettingError(f"--set {pair} is not of the form KEY=VALUE, such as --set factors=32.")
        settings[name.strip()] = value.strip()
    return {"seed": seed} | settings


def make_model(name: str, pairs: tuple[str, ...], seed: int) -> "Recommender":
    """The model that --model, --set and --seed describe, not yet fitted."""
    from matinee.models import model_named

    return model_named(name).from_settings(parse_settings(pairs, seed))


def make_model_for(dataset: "Dataset", name: str | None, pairs: tuple[str, ...], seed: int) -> "Recommender":
    """As `make_model`; if none is named, the default for such data, with a note where that is not the usual one."""
    from matinee.cli.output import note
    from matinee.models import default_model

    scale = dataset.ratings.scale
    if name is None and not scale.has_stars:
        note(f"The model is {default_model(scale)}, which learns from who has what; --model names another.")
    return make_model(name or default_model(scale), pairs, seed)


def load_data(source: str, given: dict[str, Any]) -> "Dataset":
    """The data set, with a note on standard error of what was put right in it."""
    from matinee.cli.output import note
    from matinee.data.datasets.load import load
    from matinee.text import counted

    dataset = load(source, read_options(given))
    if not dataset.ratings.scale.has_stars:
        _note_pairs(dataset)
    elif dataset.n_duplicates:
        note(f"Rated again later by the same user: {counted(dataset.n_duplicates, 'row')}; the last rating counts.")
    if dataset.n_bad_rows:
        note(f"Left out: {counted(dataset.n_bad_rows, 'bad row')}, listed in {dataset.bad_rows_file}.")
    return dataset


def _note_pairs(dataset: "Dataset") -> None:
    from matinee.cli.output import note
    from matinee.text import counted

    most = int(dataset.ratings.value.max())
    how_often = f", 1 to {most:,} times each" if most > 1 else ""
    note(f"No ratings here, only who has what: {counted(len(dataset.ratings), 'pair')}{how_often}.")
    if dataset.n_duplicates:
        note(f"Of a pair that was there already: {counted(dataset.n_duplicates, 'row')}; they are added up.")


def load_parts(source: str, given: dict[str, Any], seed: int, default: str | None) -> "tuple[Dataset, list[Split]]":
    """The data, and how it is split; not at all if neither --test nor --split says so and there is no default."""
    from matinee.data.datasets.load import load
    from matinee.data.split import given_parts, splits

    test_source, spec = given.pop("test_source"), given.pop("spec")
    if test_source and spec:
        raise click.UsageError("--test and --split exclude each other: give one of them.")
    options = read_options(dict(given))
    dataset = load_data(source, given)
    if test_source:
        return dataset, [given_parts(dataset.ratings, load(test_source, options).ratings)]
    spec = spec or default
    return dataset, list(splits(dataset.ratings, spec, seed, dataset.source_rows)) if spec else []


path_argument = click.argument("model_file", metavar="MODEL", type=click.Path(path_type=Path))
