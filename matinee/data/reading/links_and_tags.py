"""MovieLens' files links.csv and tags.csv: ids on other sites, and the tags that people gave."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import polars as pl

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
            notes.append(f"{name} beside the ratings was not used: {reason.rstrip('.')}.")
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
    spelled = pl.col(_column(frame, "tag")).str.strip_chars().str.slice(0, _LONGEST_TAG)
    counts = (
        frame.select(
            pl.col(_column(frame, "user")).alias("user"),
            pl.col(_column(frame, "item id")).alias("item"),
            spelled.str.replace_all(r"\s+", " ").alias("tag"),
        )
        .drop_nulls()
        .filter(pl.col("tag") != "")
        .with_columns(pl.col("tag").str.to_lowercase().alias("key"))
        .group_by("item", "key")
        .agg(
            pl.col("user").n_unique().alias("n_users"),
            pl.col("tag").mode().sort().first().alias("spelling"),
        )
        .sort("n_users", "key", descending=[True, False])
        .group_by("item", maintain_order=True)
        .agg(pl.col("spelling").head(MOST_TAGS))
    )
    tags = {}
    for item, spellings in counts.iter_rows():
        item_id = canonical_id(item, items)
        if item_id is not None:
            tags[item_id] = tuple(spellings)
    return tags
