"""Options that several commands share, and how their texts become values."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, TypeVar

import click

from matinee.cli.completion import model_names
from matinee.cli.reading import (
    cell_options,
    missing_option,
    note_reading,
    note_test_part,
    parse_map,
    parse_missing,
    parse_size,
    text_ids_option,
    time_format_option,
    with_options,
)
from matinee.errors import SettingError

if TYPE_CHECKING:
    from matinee.data.dataset import Dataset
    from matinee.data.reading.options import ReadOptions, ValueRange
    from matinee.data.split import Split
    from matinee.models.base import Recommender

Function = TypeVar("Function", bound=Callable[..., Any])

path_argument = click.argument("model_file", metavar="MODEL", type=click.Path(path_type=Path))
data_argument = click.argument("source", metavar="DATA...", nargs=-1, required=True)
json_option = click.option(
    "--json", "as_json_", is_flag=True, help="Print the result as one JSON object."
)
seed_option = click.option(
    "--seed", type=click.IntRange(0, 2**31 - 1), default=0, help="Seed of the random numbers."
)
k_option = click.option(
    "-k", type=click.IntRange(min=1), default=10, show_default=True, help="Length of the list."
)
min_ratings_option = click.option(
    "--min-ratings",
    type=click.IntRange(min=0),
    help="Only films with at least this many ratings. Default: depends on the data.",
)
threads_option = click.option(
    "--threads",
    type=click.IntRange(min=1),
    help="Number of cores; it does not change the results. Default: all.",
)
model_option = click.option(
    "--model",
    "model_name",
    metavar="NAME",
    shell_complete=model_names,
    help="Name of the model. Default: hybrid, or ials for data without ratings.",
)
set_option = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="A setting of the model; may be repeated.",
)
half_life_option = click.option(
    "--half-life",
    type=click.FloatRange(min=0),
    metavar="DAYS",
    help="Newer ratings count more: one that is DAYS older than the newest weighs half, as with "
    "--set half_life=DAYS. For hybrid, mf, ials, ease, item-knn and user-knn.",
)
test_option = click.option(
    "--test", "test_source", metavar="DATA", help="Test part, if it is a separate table."
)
split_option = click.option(
    "--split",
    "spec",
    metavar="SPEC",
    help="How to split the data: random:0.2 (the default), kfold:5, ...",
)
group_option = click.option(
    "--group",
    type=click.Choice(["mean", "least-misery"]),
    help="Ranking for a group: by the mean of the scores, or by the lowest. Default: mean.",
)


def dial_options(function: Function) -> Function:
    """Options that change the ranking of a list."""
    options = (
        click.option(
            "--popularity",
            type=click.FloatRange(-1, 1),
            default=0.0,
            show_default=True,
            metavar="X",
            help="From -1 (obscure films) to 1 (popular films); 0 keeps the ranking of the model.",
        ),
        click.option(
            "--diversity",
            type=click.FloatRange(0, 1),
            default=0.0,
            show_default=True,
            metavar="X",
            help="From 0 (the ranking of the model) to 1 (films that differ as much as possible).",
        ),
        click.option(
            "--taste",
            type=click.FloatRange(0, 1),
            metavar="X",
            help="From 0 (what you are likely to choose) to 1 (what fits your taste). Default: "
            "depends on the model.",
        ),
    )
    return with_options(function, options)


user_column_option = click.option(
    "--user-column",
    metavar="NAME",
    help="Column with the users, if its name is not recognized: a name, or a number from 1.",
)
item_column_option = click.option("--item-column", metavar="NAME", help="Column with the items.")
timestamp_column_option = click.option(
    "--timestamp-column",
    metavar="NAME",
    help="Column with the timestamps; none leaves them out.",
)
separator_option = click.option(
    "--separator",
    metavar="TEXT",
    help="Character between the columns, such as ';', or the word tab or space.",
)
encoding_option = click.option(
    "--encoding", metavar="NAME", help="Encoding of a text file, such as cp1252."
)
header_option = click.option(
    "--header/--no-header",
    default=None,
    help="Whether the first line names the columns. Default: detected.",
)

max_unpacked_option = click.option(
    "--max-unpacked",
    metavar="SIZE",
    help="How much a compressed file or archive may unpack to, such as 2GB. Default: 100 times its "
    "size, at least 250MB.",
)


def data_options(function: Function) -> Function:
    """Options for tables with unusual columns or rows; their values go to `read_options`."""
    function = cell_options(function)
    options = (
        user_column_option,
        item_column_option,
        click.option("--rating-column", metavar="NAME", help="Column with the ratings."),
        click.option(
            "--count-column",
            metavar="NAME",
            help="Column with counts, such as plays, instead of ratings.",
        ),
        click.option(
            "--pairs", is_flag=True, help="There are no ratings; each row is a user and an item."
        ),
        timestamp_column_option,
        click.option(
            "--scale", metavar="LOW:HIGH", help="Rating scale; values outside it are bad rows."
        ),
        click.option(
            "--query",
            metavar="SQL",
            help="Query for the ratings, if DATA is the URL of a database.",
        ),
        separator_option,
        encoding_option,
        header_option,
        max_unpacked_option,
        click.option(
            "--skip-bad-rows", is_flag=True, help="Skip bad rows and list them in a file."
        ),
    )
    return with_options(function, options)


def pair_options(function: Function) -> Function:
    """Options for a table of users and items alone; their values go to `read_pair_options`."""
    options = (
        user_column_option,
        item_column_option,
        timestamp_column_option,
        separator_option,
        encoding_option,
        header_option,
        max_unpacked_option,
        missing_option,
        time_format_option,
        text_ids_option,
    )
    return with_options(function, options)


class PairOptions(TypedDict):
    """The values of `pair_options`."""

    user_column: str | None
    item_column: str | None
    timestamp_column: str | None
    separator: str | None
    encoding: str | None
    header: bool | None
    max_unpacked: str | None
    missing: str | None
    time_format: str | None
    text_ids: bool


class DataOptions(PairOptions):
    """The values of `data_options`."""

    rating_column: str | None
    count_column: str | None
    pairs: bool
    scale: str | None
    query: str | None
    skip_bad_rows: bool
    value_map: str | None
    decimal: Literal[".", ","] | None


def read_options(columns: DataOptions) -> "ReadOptions":
    """ReadOptions from the values of `data_options`."""
    scale = None
    if columns["scale"] is not None:
        scale = parse_range(columns["scale"], "--scale")
    return replace(
        read_pair_options(columns, columns["skip_bad_rows"]),
        rating=columns["rating_column"],
        count=columns["count_column"],
        pairs=columns["pairs"],
        scale=scale,
        query=columns["query"],
        value_map=parse_map(columns["value_map"]),
        decimal=columns["decimal"],
    )


def read_pair_options(columns: PairOptions, skip_bad_rows: bool) -> "ReadOptions":
    """ReadOptions from the values of `pair_options`."""
    from matinee.data.reading.options import ReadOptions

    return ReadOptions(
        user=columns["user_column"],
        item=columns["item_column"],
        timestamp=columns["timestamp_column"],
        skip_bad_rows=skip_bad_rows,
        separator=columns["separator"],
        encoding=columns["encoding"],
        header=columns["header"],
        missing=parse_missing(columns["missing"]),
        time_format=columns["time_format"],
        text_ids=columns["text_ids"],
        max_unpacked=parse_size(columns["max_unpacked"]),
    )


def parse_range(text: str, option: str) -> "ValueRange":
    """The two values of a text such as "1:5"."""
    from matinee.data.reading.options import ValueRange

    low, _, high = text.partition(":")
    try:
        first, last = float(low), float(high)
    except ValueError:
        raise _not_a_range(text, option, "1:5") from None
    if first > last:
        raise _not_a_range(text, option, "1:5")
    return ValueRange(first, last)


def parse_years(text: str | None) -> tuple[int | None, int | None]:
    """The ends of a text such as "1980:1999", "2000:", ":1960" or "1994"; None for an open
    end."""
    if not text:
        return None, None
    low, colon, high = text.partition(":")
    if not colon:
        high = low
    example = "1980:1999, 2000:, :1960 or 1994"
    first = last = None
    try:
        if low:
            first = int(low)
        if high:
            last = int(high)
    except ValueError:
        raise _not_a_range(text, "--years", example) from None
    if first is not None and last is not None and first > last:
        raise _not_a_range(text, "--years", example)
    return first, last


def _not_a_range(text: str, option: str, example: str) -> SettingError:
    return SettingError(f"{option} {text} is not a range from low to high, such as {example}.")


def parse_settings(pairs: tuple[str, ...], seed: int) -> dict[str, int | str]:
    """The settings of a model from texts such as "factors=32"."""
    settings: dict[str, int | str] = {"seed": seed}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not (name and equals and value):
            raise SettingError(
                f"--set {pair} is not of the form KEY=VALUE, such as --set factors=32."
            )
        settings[name.strip()] = value.strip()
    return settings


def with_half_life(pairs: tuple[str, ...], half_life: float | None) -> tuple[str, ...]:
    """The KEY=VALUE texts, with one for --half-life if it is given."""
    if half_life is None:
        return pairs
    return (*pairs, f"half_life={half_life:g}")


def make_model(name: str, pairs: tuple[str, ...], seed: int) -> "Recommender":
    """The model that --model, --set and --seed describe, not yet fitted."""
    from matinee.models import model_named

    return model_named(name).from_settings(parse_settings(pairs, seed))


def make_model_for(
    dataset: "Dataset", name: str | None, pairs: tuple[str, ...], seed: int
) -> "Recommender":
    """As `make_model`; without a name, the default for the data, with a note if the table has
    no ratings."""
    from matinee.cli.memory import require_for_training
    from matinee.cli.output import note
    from matinee.models import default_model

    if dataset.ratings.stored is None:
        require_for_training(len(dataset.ratings))
    scale = dataset.ratings.scale
    if name is None and not scale.has_stars:
        note(
            f"The model is {default_model(scale)}, which needs no ratings; --model selects another."
        )
    return make_model(name or default_model(scale), pairs, seed)


def load_data(source: tuple[str, ...], columns: DataOptions) -> "Dataset":
    """The data set, with notes on standard error: what was taken for what, and skipped and
    repeated rows.

    Args:
        source: the files or other sources of one data set, usually one.
        columns: the values of `data_options`.
    """
    return load_with(source, read_options(columns))


def load_with(source: tuple[str, ...], options: "ReadOptions") -> "Dataset":
    """`load_data` with options that are made already."""
    from matinee.data.datasets.load import load

    data = source[0] if len(source) == 1 else list(source)
    dataset = load(data, options)
    note_dataset(dataset)
    return dataset


def note_dataset(dataset: "Dataset") -> None:
    """Notes what was taken for what, and skipped and repeated rows."""
    from matinee.cli.output import note
    from matinee.text import counted

    note_reading(dataset)
    n_repeated = counted(dataset.n_duplicates, "row")
    if not dataset.ratings.scale.has_stars:
        _note_pairs(dataset)
        if dataset.n_duplicates:
            note(f"Repeated pairs: {n_repeated}; their counts are added.")
    elif dataset.n_duplicates:
        note(f"Repeated ratings by the same user: {n_repeated}; the last rating counts.")
    if dataset.n_bad_rows:
        note(
            f"Skipped {counted(dataset.n_bad_rows, 'bad row')}, listed in {dataset.bad_rows_file}."
        )


def _note_pairs(dataset: "Dataset") -> None:
    from matinee.cli.output import note
    from matinee.text import counted

    pairs = counted(len(dataset.ratings), "pair")
    most = float(dataset.ratings.value.max())
    if most != 1 or float(dataset.ratings.value.min()) != 1:
        pairs += f", with counts up to {most:,.7g}"
    note(f"There are no ratings, only pairs of a user and an item: {pairs}.")


def load_parts(
    source: tuple[str, ...],
    columns: DataOptions,
    test_source: str | None,
    spec: str | None,
    seed: int,
) -> "tuple[Dataset, Iterable[Split]]":
    """The data and their training and test parts; no parts without --test and --split.

    Args:
        columns: the values of `data_options`.
    """
    from matinee.data.datasets.load import load
    from matinee.data.split import given_parts, splits

    dataset = load_data(source, columns)
    if test_source:
        test = load(test_source, read_options(columns))
        note_test_part(test)
        return dataset, [given_parts(dataset.ratings, test.ratings)]
    if spec:
        return dataset, splits(dataset.ratings, spec, seed, dataset.source_rows)
    return dataset, []


def require_one_split(test_source: str | None, spec: str | None) -> None:
    """Refuses both of --test and --split."""
    if test_source and spec:
        raise click.UsageError("Use either --test or --split, not both.")
