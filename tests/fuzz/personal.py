"""A person's own files: those of every site, with odd cells or damaged bytes."""

import csv
import io
import json
import random
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from matinee.data.catalog import Catalog, Film
from matinee.data.personal.match_films import match_films
from matinee.data.personal.personal_ratings import read_personal_ratings
from matinee.data.ratings import PAIRS, Scale
from matinee.data.vocabulary import Id, Vocabulary
from matinee.errors import MatineeError
from tests.fuzz.asked import check_finite
from tests.fuzz.damage import ODD_TEXTS, damaged, with_odd_cells

TITLES = ("Heat", "The Godfather", "Amélie", "Seven", "Alien", "Léon: The Professional", "M")
COLUMNS = (
    ("Date", "Name", "Year", "Letterboxd URI", "Rating"),
    ("Const", "Your Rating", "Date Rated", "Title", "Title Type", "IMDb Rating", "Year"),
    ("movie_id", "imdb_id", "tmdb_id", "rating", "title"),
    ("userId", "movieId", "rating", "timestamp"),
    ("rated_at", "type", "title", "year", "trakt_rating", "imdb_id", "tmdb_id", "rating"),
    ("Book Id", "Title", "Author", "My Rating", "Exclusive Shelf"),
    ("timestamp", "user_vote", "original_title", "pl_title", "year"),
    ("Score", "Film Name", "Year", "URL"),
    ("item_id", "title", "year", "stars"),
    ("title", "rating"),
    ("film", "year", "my stars", "watched on"),
)


@cache
def _catalog() -> tuple[Vocabulary, Catalog]:
    films: dict[Id, Film] = {
        place: Film(f"{title} ({1970 + place})", 1970 + place, ("Drama",), f"tt{place:07}", place)
        for place, title in enumerate(TITLES * 3, 1)
    }
    return Vocabulary(np.arange(1, len(films) + 1), "item"), Catalog(films)


def _cell(rng: random.Random, name: str) -> str:
    """A usual cell of a column."""
    plain = name.lower()
    if "title" in plain or plain in ("name", "film", "film name"):
        title = rng.choice(TITLES)
        return rng.choice((title, title.upper(), f"{title} ({rng.randrange(1970, 1999)})"))
    if "rating" in plain or plain in ("score", "stars", "user_vote", "my stars"):
        return rng.choice(("1", "2.5", "4", "5", "8", "4,5", "★★★½", "3/5", "85%"))
    if "date" in plain or plain in ("rated_at", "timestamp", "watched on"):
        return rng.choice(("2024-01-01", "1139045764", "2020-02-03T10:00:00.000Z", "3/4/2021"))
    if "year" in plain:
        return str(rng.randrange(1970, 1999))
    return rng.choice(("1", "7", "tt0000003", "movie", "read", "https://boxd.it/1"))


def _table(rng: random.Random) -> list[list[str]]:
    header = list(rng.choice(COLUMNS))
    n = rng.choice((1, 5, 30, 300))
    rows = [[_cell(rng, name) for name in header] for _ in range(n)]
    return [header, *rows] if rng.random() < 0.9 else rows


def _json(rng: random.Random, rows: list[list[str]]) -> str:
    """The rows as JSON, perhaps nested as on some sites."""
    objects: list[Any] = [dict(zip(rows[0], row, strict=False)) for row in rows[1:]]
    if rng.random() < 0.4:
        movie: dict[str, Any] = {
            "title": rng.choice((*TITLES, None, 3, [])),
            "year": rng.choice((1971, "x", None)),
        }
        rating: Any = rng.choice((8, "8", None, [], {}, 10**30, rng.choice(ODD_TEXTS)))
        objects += [{"rating": rating, "movie": movie | {"ids": {"imdb": "tt0000002", "tmdb": 3}}}]
    if rng.random() < 0.3:
        return json.dumps({"ratings": objects, "watchlist": objects[:2]})
    return json.dumps(objects)


def _xml(rows: list[list[str]]) -> str:
    films = "".join(
        f"<film><filmname>{row[0][:80]}</filmname><rating>{row[-1][:80]}</rating></film>"
        for row in rows[1:]
        if row
    )
    return f'<?xml version="1.0"?><recentratings>{films}</recentratings>'


def upload(rng: random.Random) -> bytes:
    """A file in one of the formats of sites and people."""
    rows = with_odd_cells(rng, _table(rng))
    match rng.randrange(8):
        case 0:
            text = _json(rng, rows)
        case 1:
            text = _xml(rows)
        case _:
            output = io.StringIO()
            csv.writer(output, delimiter=rng.choice(",,;\t")).writerows(rows)
            text = output.getvalue()
    content = text.encode(rng.choice(("utf-8", "utf-8", "utf-16", "cp1252")), errors="replace")
    if rng.random() < 0.5:
        content = damaged(rng, content)
    if rng.random() < 0.2:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(rng.choice(("ratings.csv", "a/ratings.csv", "diary.csv")), content)
        content = packed.getvalue()
        if rng.random() < 0.5:
            content = damaged(rng, content)
    return content


def case(rng: random.Random, folder: Path, say: Callable[[str], None]) -> str:
    """Reads a file as the commands and as the pages do."""
    content = upload(rng)
    path = folder / rng.choice(("ratings.csv", "mine.txt", "watchlist.csv"))
    path.write_bytes(content)
    say(f"{path.name}: {content[:60]!r}")
    items, catalog = _catalog()
    scale = rng.choice((Scale(0.5, 5, 0.5), Scale(1, 5, 1), PAIRS))
    outcome = "answered"
    try:
        skips = rng.random() < 0.5
        found = read_personal_ratings(path, items, catalog, scale, skip_bad_rows=skips)
        _check(found.stars, scale)
    except MatineeError:
        outcome = "refused"
    matched = match_films(content, items, catalog, scale)
    _check({match.item_id: match.stars for match in matched.matched + matched.doubtful}, scale)
    return outcome


def _check(stars: dict[Any, float], scale: Scale) -> None:
    """Raises AssertionError if a rating is not on the scale."""
    check_finite(stars, "stars")
    for item_id, given in stars.items():
        assert scale.allows(given), f"{item_id}: {given}"


def prepare() -> Callable[..., str]:
    """There is nothing to compile."""
    return case
