"""The map of films as a file: a picture, a page that needs no network, or a table for other tools."""

import base64
import hashlib
import io
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from markupsafe import Markup
from numpy.typing import NDArray

from matinee.errors import SettingError
from matinee.files import check_output_name, write_atomically
from matinee.film_map import FilmMap, place_of, spoken
from matinee.guide import Guide
from matinee.insight import components
from matinee.models.base import Profile
from matinee.plots.canvas import FORMATS, missing_letters, save_figure
from matinee.plots.film_map import check_colour, default_colour, film_map
from matinee.report.html import asset, render

SUFFIXES = (*FORMATS, ".html", ".parquet")

_SCRIPTS = ("map_canvas.js", "map_controls.js", "map.js")  # each imports from those before it
_START = """
const films = JSON.parse(document.getElementById("films").textContent);
globalThis.filmMap = mount(document.getElementById("map"), films);
"""


class You(NamedTuple):
    """Somebody's own place on a map, and the films on it that they have rated."""

    x: float
    y: float
    stars: dict[int, float]
    """Row on the map -> their rating."""


def you_on(made: FilmMap, guide: Guide, profile: Profile) -> You:
    """A person's place (`place_of`) and their ratings of the films on the map."""
    row = {item: row for row, item in enumerate(made.item_index.tolist())}
    rated = zip(profile.item_index.tolist(), profile.value.tolist(), strict=True)
    return You(*place_of(made, guide, profile), {row[item]: stars for item, stars in rated if item in row})


def axis_sentences(made: FilmMap, guide: Guide, min_ratings: int | None = None) -> tuple[str, ...]:
    """What left and right, up and down mean, where they are components that can be told.

    Args:
        min_ratings: as for `make_map`.
    """
    if made.method != "pca":
        return ()
    found = [one.sentence() for one in components(guide, 2, min_ratings=min_ratings)]
    ways = ("From left to right", "From below to the top")
    return tuple(f"{way}: {text[0].lower()}{text[1:]}" for way, text in zip(ways, found, strict=False))


def check_map_name(path: Path) -> None:
    """Tells before the map is made what `save_map` would tell after it.

    Raises:
        SettingError: the name ends in no format that can be written, or its folder is not there, or it is that of a
            table which is no map, such as the ratings themselves.
    """
    check_output_name(path, "map", SUFFIXES)
    if path.suffix.lower() == ".parquet" and path.exists():
        try:
            columns = set(pl.read_parquet_schema(path))
        except (pl.exceptions.PolarsError, OSError):
            columns = set()
        if not {"item_id", "x", "y", "neighbors"} <= columns:
            raise SettingError(f"'{path}' is there already and is no map; give another name with --out.")


def check_table(path: Path, *, colour: str | None, has_person: bool) -> None:
    """Refuses for a table what only a picture or a page can show.

    Raises:
        SettingError: the name is that of a table, and a colour or somebody's own place is asked for.
    """
    if path.suffix.lower() != ".parquet":
        return
    if has_person:
        raise SettingError(f"Cannot mark a person's place in the table '{path}'; write .html or .png instead.")
    if colour is not None:
        raise SettingError(f"Cannot colour the table '{path}'; leave out --colour, or write .html or .png instead.")


def save_map(
    made: FilmMap,
    path: Path,
    *,
    colour: str | None = None,
    heading: str = "Map of films",
    axes: tuple[str, ...] = (),
    you: You | None = None,
) -> str:
    """Writes the map in the format that the name ends in; a sentence if the picture lacks letters, else nothing.

    .png, .svg, .pdf: the figure of `plots.film_map`. .html: a page of its own (`page`). .parquet: a table (`table`).

    Args:
        colour: what the dots are coloured by; see `plots.film_map`. Readers of a page can choose another.
        heading, axes: for a page: its title, and sentences on what the axes mean.

    Raises:
        SettingError: the name ends in none of these, or the place cannot be written, or there is no such colour, or a
            colour or a place of somebody's own is given for a table.
    """
    check_map_name(path)
    suffix = path.suffix.lower()
    check_table(path, colour=colour, has_person=you is not None)
    if suffix in FORMATS:
        drawn = film_map(made, colour=colour, you=you and (you.x, you.y))
        save_figure(drawn, path)
        return "" if suffix == ".svg" else missing_letters(drawn)
    try:
        if suffix == ".html":
            text = page(made, colour=colour, heading=heading, axes=axes, you=you)
            write_atomically(path, text.encode())
        else:
            parquet = io.BytesIO()
            table(made).write_parquet(parquet)
            write_atomically(path, parquet.getvalue())
    except OSError as error:
        raise SettingError(f"Cannot write the map '{path}': {error.strerror or error}.") from error
    return ""


def table(made: FilmMap) -> pl.DataFrame:
    """One row for each film: item_id, title, year, genres, n_ratings, mean, bias, x, y, neighbors.

    neighbors is what Apple's Embedding Atlas reads: {ids: row numbers from 0, distances}, here 1 - likeness. A table
    without biases has no column for them.
    """
    bias = {} if made.biases is None else {"bias": made.biases}
    columns: dict[str, Any] = {
        "item_id": made.item_ids,
        "title": [film.title for film in made.films],
        "year": pl.Series([film.year for film in made.films], dtype=pl.Int32),
        "genres": pl.Series([list(film.genres) for film in made.films], dtype=pl.List(pl.String)),
        "n_ratings": made.n_ratings,
        "mean": made.means,
        **bias,
        "x": made.x,
        "y": made.y,
    }
    near = pl.DataFrame(
        {
            "ids": pl.Series(made.neighbors.astype(np.int64).tolist(), dtype=pl.List(pl.Int64)),
            "distances": pl.Series((1 - made.likeness).tolist(), dtype=pl.List(pl.Float32)),
        }
    )
    return pl.DataFrame(columns).with_columns(near.to_struct("neighbors"))


def page(
    made: FilmMap,
    *,
    colour: str | None = None,
    heading: str = "Map of films",
    axes: tuple[str, ...] = (),
    you: You | None = None,
) -> str:
    """A page that holds everything it needs and may load nothing: its policy allows its own script and style only."""
    style = asset("map.css") + "\nhtml, body, #map { height: 100%; margin: 0; }\n#map { height: 100dvh; }\n"
    script = "\n".join(re.sub(r"^import .*\n", "", asset(name), flags=re.M) for name in _SCRIPTS) + _START
    data = json.dumps(page_data(made, colour=colour, heading=heading, axes=axes, you=you), ensure_ascii=False)
    allowed = "default-src 'none'; base-uri 'none'; form-action 'none'"
    policy = f"{allowed}; script-src {_fingerprint(script)}; style-src {_fingerprint(style)}"
    return render(
        "map.html",
        title=heading,
        policy=Markup(policy),
        style=Markup(style),
        script=Markup(script),
        data=Markup(data.replace("<", "\\u003c")),  # so that no title can end the script element
    )


def page_data(
    made: FilmMap,
    *,
    colour: str | None = None,
    heading: str = "",
    axes: tuple[str, ...] = (),
    you: You | None = None,
) -> dict[str, Any]:
    """What `mount` of assets/map.js draws, ready for JSON; numbers are packed as base64 of little-endian arrays."""
    colour = colour or default_colour(made)
    check_colour(made, colour)
    place = {genre: number for number, genre in enumerate(made.genres)}
    genres = [[place[genre] for genre in dict.fromkeys(film.genres)] for film in made.films]
    columns: dict[str, tuple[str, NDArray[Any] | list[int]]] = {
        "x": ("f4", made.x),
        "y": ("f4", made.y),
        "count": ("u4", made.n_ratings),
        "mean": ("f4", made.means),
        "year": ("i4", [film.year or 0 for film in made.films]),
        "group": ("i1", made.groups.group),
        "genreStart": ("u4", np.cumsum([0, *map(len, genres)])),
        "genre": ("u2", [number for numbers in genres for number in numbers]),
        "neighbors": ("u2" if len(made) <= 65_536 else "u4", made.neighbors.ravel()),
        "likeness": ("i1", np.rint(made.likeness.ravel() * 127)),
    }
    if made.biases is not None:
        columns["bias"] = ("f4", made.biases)
    return {
        "heading": heading,
        "about": made.sentence,
        "axes": list(axes),
        "colour": colour,
        "titles": ["\t".join(" ".join(one.split()) for one in spoken(film.title) if one) for film in made.films],
        "ids": made.item_ids,
        "genres": made.genres,
        "groups": len(made.groups.names),
        "columns": {name: _packed(kind, values) for name, (kind, values) in columns.items()},
        "you": you and {"x": you.x, "y": you.y, "stars": [(row, round(stars, 2)) for row, stars in you.stars.items()]},
    }


def _packed(kind: str, values: NDArray[Any] | list[int]) -> dict[str, str]:
    return {"type": kind, "base64": base64.b64encode(np.asarray(values).astype(f"<{kind}").tobytes()).decode()}


def _fingerprint(text: str) -> str:
    """How a policy names one inline script or style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
