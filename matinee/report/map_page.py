"""The map of films as a file: a picture, a self-contained page, or a table for other tools."""

import base64
import hashlib
import io
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from markupsafe import Markup

from matinee import plots
from matinee._types import Indices, Reals
from matinee.analysis import components
from matinee.analysis.film_map import FilmMap, Point, place_of
from matinee.data.titles import spoken
from matinee.errors import SettingError
from matinee.files import check_output_name, reason_of, write_atomically
from matinee.models.base import UserState
from matinee.plots.figure import missing_letters
from matinee.plots.film_map import check_color, default_color
from matinee.plots.output import FORMATS, save_figure
from matinee.recommendation.guide import Guide
from matinee.report.html import asset, render
from matinee.text import counted

SUFFIXES = (*FORMATS, ".html", ".parquet")

_TABLE_COLUMNS = {"item_id", "x", "y", "neighbors"}
_SCRIPTS = ("map_canvas.js", "map_controls.js", "map.js")  # each imports from those before it
_START = """
const films = JSON.parse(document.getElementById("films").textContent);
globalThis.filmMap = mount(document.getElementById("map"), films);
"""


class You(NamedTuple):
    """The position of a person on a map, and their ratings of the films on it.

    Attributes:
        stars: row on the map -> rating.
        n_rated: number of films that they rated, on the map or not.
    """

    x: float
    y: float
    stars: dict[int, float]
    n_rated: int = 0

    @property
    def left_out(self) -> str:
        """How many of the person's films are on the map, if not all are."""
        if self.n_rated <= len(self.stars):
            return ""
        verb = "is" if len(self.stars) == 1 else "are"
        return f"{len(self.stars):,} of your {self.n_rated:,} films {verb} on the map."

    def to_dict(self) -> dict[str, object]:
        """For `mount` in assets/map.js."""
        stars = [(row, round(given, 2)) for row, given in self.stars.items()]
        return {"x": self.x, "y": self.y, "stars": stars, "note": self.left_out}


def you_on(made: FilmMap, guide: Guide, profile: UserState) -> You:
    """The position of a person (`place_of`) and their ratings of the films on the map."""
    row_of = {item: row for row, item in enumerate(made.item_index.tolist())}
    stars = {}
    for item, value in zip(profile.item_index.tolist(), profile.value.tolist(), strict=True):
        if item in row_of:
            stars[row_of[item]] = value
    position = place_of(made, guide, profile)
    return You(position.x, position.y, stars, len(profile.item_index))


def axis_sentences(made: FilmMap, guide: Guide, min_ratings: int | None = None) -> tuple[str, ...]:
    """What the two axes mean: the genres and decades that they separate. None for UMAP, whose
    axes mean nothing, and for an axis that separates none.

    Args:
        min_ratings: as for `make_map`.
    """
    if made.method != "pca":
        return ()
    sentences = []
    directions = ("Left to right", "Bottom to top")
    for direction, component in zip(
        directions, components(guide, 2, min_ratings=min_ratings), strict=False
    ):
        if component.direction():
            sentences.append(f"{direction}: {component.direction()}.")
    return tuple(sentences)


def check_map_name(path: Path, inputs: Iterable[Path | None] = ()) -> None:
    """Raises, before the map is made, the error that `save_map` would raise after it.

    Args:
        inputs: what the command reads, which it must not replace.

    Raises:
        SettingError: the suffix is not a supported format, the folder does not exist, or the
            file is a table that is not a map, such as the ratings themselves.
    """
    check_output_name(path, "map", SUFFIXES, inputs)
    if path.suffix.lower() == ".parquet" and path.exists():
        try:
            columns = set(pl.read_parquet_schema(path))
        except (pl.exceptions.PolarsError, OSError):
            columns = set()
        if not columns >= _TABLE_COLUMNS:
            raise SettingError(f"'{path}' exists and is not a map; choose another name with --out.")


def check_table(path: Path, *, color: str | None, has_person: bool) -> None:
    """Refuses, for a table, what only a picture or a page can show.

    Raises:
        SettingError: the file is a table, and a color or the position of a person is
            requested.
    """
    if path.suffix.lower() != ".parquet":
        return
    if has_person:
        raise SettingError(
            f"The table '{path}' cannot show a person's position; write .html or .png instead."
        )
    if color is not None:
        raise SettingError(
            f"The table '{path}' has no colors; leave out --color, or write .html or .png instead."
        )


def save_map(
    made: FilmMap,
    path: Path,
    *,
    color: str | None = None,
    heading: str = "Map of films",
    axes: tuple[str, ...] = (),
    you: You | None = None,
    colour: str | None = None,
) -> str:
    """Writes the map in the format of the file name.

    .png, .svg, .pdf: the figure of `plots.film_map`. .html: a self-contained page (`page`).
    .parquet: a table (`table`).

    Args:
        made: the map.
        path: ends in .png, .svg, .pdf, .html or .parquet.
        color: what the colors of the dots show; see `plots.film_map`. Readers of a page can
            change it.
        heading, axes: for a page: its title, and sentences on what the axes mean.
        you: the position of a person, by `report.map_page.you_on`; None: nobody.
        colour: British spelling of `color`.

    Returns:
        A sentence if a picture lacks letters of a title; usually empty.

    Raises:
        SettingError: the suffix is not a supported format, the file cannot be written, the
            color is unknown, or a color or a person is given for a table.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "map.parquet"
        ...     note = matinee.save_map(matinee.make_map(guide), path)
        ...     path.exists(), note
        (True, '')
    """
    color = color or colour
    check_map_name(path)
    suffix = path.suffix.lower()
    check_table(path, color=color, has_person=you is not None)
    if suffix in FORMATS:
        return _save_picture(made, path, color, you)
    try:
        if suffix == ".html":
            text = page(made, color=color, heading=heading, axes=axes, you=you)
            write_atomically(path, text.encode())
        else:
            parquet = io.BytesIO()
            table(made).write_parquet(parquet)
            write_atomically(path, parquet.getvalue())
    except OSError as error:
        raise SettingError(f"Cannot write the map '{path}': {reason_of(error)}.") from error
    return ""


def _save_picture(made: FilmMap, path: Path, color: str | None, you: You | None) -> str:
    position = None
    if you is not None:
        position = Point(you.x, you.y)
    axes = plots.film_map(made, color=color, you=position)
    save_figure(axes, path)
    if path.suffix.lower() == ".svg":
        return ""  # the program that shows it uses its own fonts
    return missing_letters(axes)


def table(made: FilmMap) -> pl.DataFrame:
    """One row per film: item_id, title, year, genres, n_ratings, mean, bias, x, y, neighbors.

    The column neighbors has the form that Apple's Embedding Atlas reads: {ids: row numbers
    from 0, distances}, with 1 - similarity as the distance. Without biases there is no column
    for them.
    """
    columns: dict[str, Any] = {
        "item_id": made.item_ids,
        "title": [film.title for film in made.films],
        "year": pl.Series([film.year for film in made.films], dtype=pl.Int32),
        "genres": pl.Series([list(film.genres) for film in made.films], dtype=pl.List(pl.String)),
        "n_ratings": made.n_ratings,
        "mean": made.means,
    }
    if made.biases is not None:
        columns["bias"] = made.biases
    columns["x"] = made.x
    columns["y"] = made.y
    neighbors = pl.DataFrame(
        {
            "ids": pl.Series(made.neighbors.astype(np.int64).tolist(), dtype=pl.List(pl.Int64)),
            "distances": pl.Series((1 - made.likeness).tolist(), dtype=pl.List(pl.Float32)),
        }
    )
    return pl.DataFrame(columns).with_columns(neighbors.to_struct("neighbors"))


def page(
    made: FilmMap,
    *,
    color: str | None = None,
    heading: str = "Map of films",
    axes: tuple[str, ...] = (),
    you: You | None = None,
) -> str:
    """A self-contained page; its security policy allows only its own script and style."""
    style = (
        asset("map.css")
        + "\nhtml, body, #map { height: 100%; margin: 0; }\n#map { height: 100dvh; }\n"
    )
    scripts = [re.sub(r"^import .*\n", "", asset(name), flags=re.M) for name in _SCRIPTS]
    script = "\n".join(scripts) + _START
    data = json.dumps(
        page_data(made, color=color, heading=heading, axes=axes, you=you), ensure_ascii=False
    )
    allowed = "default-src 'none'; base-uri 'none'; form-action 'none'"
    policy = f"{allowed}; script-src {_policy_hash(script)}; style-src {_policy_hash(style)}"
    return render(
        "map.html",
        title=heading,
        policy=Markup(policy),
        style=Markup(style),
        script=Markup(script),
        data=Markup(data.replace("<", "\\u003c")),  # no title can end the script element
    )


def about(made: FilmMap) -> str:
    """What it means that films lie close together, and what it does not mean."""
    start = (
        f"{counted(len(made), 'film')}. Films that the same people like tend to lie close together."
    )
    if made.explained is None:
        return f"{start} Large distances mean little."
    return (
        f"{start} A flat map shows only part of what sets films apart, so neighbors can still "
        "differ: select a film, and lines lead to the films most similar to it."
    )


def page_data(
    made: FilmMap,
    *,
    color: str | None = None,
    heading: str = "",
    axes: tuple[str, ...] = (),
    you: You | None = None,
) -> dict[str, Any]:
    """The data that `mount` in assets/map.js draws; arrays are little-endian, in base64."""
    color = color or default_color(made)
    check_color(made, color)
    return {
        "heading": heading,
        "about": about(made),
        "axes": list(axes),
        "color": color,
        "titles": [_names(film.title) for film in made.films],
        "ids": made.item_ids,
        "genres": made.genres,
        "groups": len(made.groups.names),
        "columns": _columns(made),
        "you": None if you is None else you.to_dict(),
    }


def _names(title: str) -> str:
    """The title, followed by a tab and its other names if it has any."""
    names = [" ".join(name.split()) for name in spoken(title) if name]
    return "\t".join(names)


def _columns(made: FilmMap) -> dict[str, dict[str, str]]:
    """The columns by name; the genres of film i are genre[genreStart[i]:genreStart[i + 1]]."""
    number_of = {genre: number for number, genre in enumerate(made.genres)}
    genres: list[int] = []
    starts = [0]
    for film in made.films:
        genres += [number_of[genre] for genre in dict.fromkeys(film.genres)]
        starts.append(len(genres))
    row_type = "u2" if len(made) <= 65_536 else "u4"
    columns = {
        "x": _packed("f4", made.x),
        "y": _packed("f4", made.y),
        "count": _packed("u4", made.n_ratings),
        "mean": _packed("f4", made.means),
        "year": _packed("i4", [film.year or 0 for film in made.films]),
        "group": _packed("i1", made.groups.group),
        "genreStart": _packed("u4", starts),
        "genre": _packed("u2", genres),
        "neighbors": _packed(row_type, made.neighbors.ravel()),
        "likeness": _packed("i1", np.rint(made.likeness.ravel() * 127)),
    }
    if made.biases is not None:
        columns["bias"] = _packed("f4", made.biases)
    return columns


def _packed(kind: str, values: Reals | Indices | list[int]) -> dict[str, str]:
    data = np.asarray(values).astype(f"<{kind}").tobytes()
    return {"type": kind, "base64": base64.b64encode(data).decode()}


def _policy_hash(text: str) -> str:
    """The source expression that allows an inline script or style in a content security
    policy."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
