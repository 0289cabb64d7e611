"""MovieLens' files links.csv and tags.csv: ids on other sites, and the tags that people gave."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from matinee.data.catalog import Catalog
from matinee.data.reading.item_table import canonical_id, imdb_id, tmdb_id
from matinee.data.reading.schema import column_of
from matinee.data.vocabulary import Id, Vocabulary

LINKS_AND_TAGS_FILES = ("links.csv", "tags.csv", "tags.dat")

MOST_TAGS = 10
"""Tags of an item in a catalog: those given by the most users."""

_LONGEST_TAG = 100


class _Links(NamedTuple):
    imdb: str
    tmdb: int | None


def with_links_and_tags(
    catalog: Catalog, folder: Path, items: Vocabulary
) -> tuple[Catalog, list[str]]:
    """A catalog with the external ids and tags in a folder, and sentences on unusable files.

    Args:
        items: the rated items, whose ids decide the form of all ids.
    """
    notes: list[str] = []
    links: dict[Id, _Links] = {}
    tags: dict[Id, tuple[str, ...]] = {}
    for name in LINKS_AND_TAGS_FILES:
        if not (folder / name).is_file():
            continue
        try:
            table = _table(folder / name)
            if name == "links.csv":
                links = _links(table, items)
            else:
                tags |= _tags(table, items)
        except (pl.exceptions.PolarsError, OSError, LookupError) as error:
            reason = str(error).partition("\n")[0].strip("'\"")
            notes.append(f"{name} next to the ratings was not used: {reason.rstrip('.')}.")
    if not (links or tags):
        return catalog, notes
    films = dict(catalog.films)
    for item_id, film in films.items():
        imdb, tmdb = links.get(item_id, _Links(film.imdb, film.tmdb))
        films[item_id] = replace(film, imdb=imdb, tmdb=tmdb, tags=tags.get(item_id, film.tags))
    return Catalog(films), notes


def _table(path: Path) -> pl.DataFrame:
    """All cells as text."""
    if path.suffix == ".dat":
        lines = pl.read_csv(
            path,
            has_header=False,
            separator="\x01",
            quote_char=None,
            encoding="utf8-lossy",
            new_columns=["line"],
            schema_overrides=[pl.String],
        )["line"]
        parts = lines.str.splitn("::", 3).struct.rename_fields(["userId", "movieId", "rest"])
        frame = parts.struct.unnest()
        tag = pl.col("rest").str.replace(r"::[0-9]+$", "")
        return frame.select("userId", "movieId", tag.alias("tag"))
    return pl.read_csv(path, infer_schema=False, encoding="utf8-lossy", truncate_ragged_lines=True)


def _column(frame: pl.DataFrame, role: str) -> str:
    number = column_of(frame.columns, role)
    if number is None:
        listed = ", ".join(frame.columns[:12])
        raise LookupError(f"it has no column of {role}s (its columns are {listed})")
    return frame.columns[number]


def _links(frame: pl.DataFrame, items: Vocabulary) -> dict[Id, _Links]:
    columns = [frame[_column(frame, role)] for role in ("item id", "imdb id", "tmdb id")]
    links = {}
    for item, imdb, tmdb in zip(*(column.fill_null("") for column in columns), strict=True):
        item_id = canonical_id(item, items)
        if item_id is not None:
            links[item_id] = _Links(imdb_id(imdb), tmdb_id(tmdb))
    return links


def _tags(frame: pl.DataFrame, items: Vocabulary) -> dict[Id, tuple[str, ...]]:
    """The tags of each item by the number of users who gave them, without regard to case."""
    tag = pl.col(_column(frame, "tag")).str.strip_chars().str.slice(0, _LONGEST_TAG)
    given = (
        frame.select(
            pl.col(_column(frame, "user")).alias("user"),
            pl.col(_column(frame, "item id")).alias("item"),
            tag.str.replace_all(r"\s+", " ").alias("tag"),
        )
        .drop_nulls()
        .filter(pl.col("tag") != "")
    )
    tag_names, item_names = given["tag"].unique().sort(), given["item"].unique()
    keys = tag_names.str.to_lowercase().rank("dense")  # in alphabetical order
    key_of_tag = keys.to_numpy().astype(np.int64) - 1
    user_names = given["user"].unique()
    user, item, tag_number = (
        given[name].cast(pl.Enum(names)).to_physical().to_numpy().astype(np.int64)
        for name, names in (("user", user_names), ("item", item_names), ("tag", tag_names))
    )
    # A pair is an item and a tag without regard to case, as one number
    pair = item * len(tag_names) + key_of_tag[tag_number]  # (T,)
    users_of_pairs, _ = _with_counts(pair * len(user_names) + user)
    pairs, n_users = _with_counts(users_of_pairs // len(user_names))
    by_item = pairs // len(tag_names)
    order = np.lexsort([pairs, -n_users, by_item])
    place = np.arange(len(order)) - np.searchsorted(by_item[order], by_item[order])
    best = order[place < MOST_TAGS]
    spelling = _spellings(pair, tag_number, len(tag_names))[best]
    name_list = tag_names.to_list()
    item_ids = [canonical_id(name, items) for name in item_names.to_list()]
    tags: dict[Id, tuple[str, ...]] = {}
    for one, number in zip(by_item[best].tolist(), spelling.tolist(), strict=True):
        item_id = item_ids[one]
        if item_id is not None:
            tags[item_id] = (*tags.get(item_id, ()), name_list[number])
    return tags


def _spellings(pair: NDArray[np.int64], tag: NDArray[np.int64], n_tags: int) -> NDArray[np.int64]:
    """The most frequent tag of each distinct pair, in ascending order of the pairs.

    Args:
        pair: (T,) the pair of each given tag.
        tag: (T,) the given tag as it is spelled, from 0 to n_tags - 1.
    """
    distinct, counts = _with_counts(pair * n_tags + tag)
    pair_of, tag_of = distinct // n_tags, distinct % n_tags
    order = np.lexsort([tag_of, -counts, pair_of])
    is_first = np.append(True, pair_of[order][1:] != pair_of[order][:-1])
    most_frequent: NDArray[np.int64] = tag_of[order[is_first]]
    return most_frequent


def _with_counts(numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The distinct numbers in ascending order, and how often each occurs."""
    in_order = np.sort(numbers)  # much faster than np.unique, which hashes
    starts = np.flatnonzero(np.append(True, in_order[1:] != in_order[:-1]))
    return in_order[starts], np.diff(np.append(starts, len(in_order)))
