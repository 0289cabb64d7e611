"""The map of films, for paper: main genres by colour and marker, and the titles of the best known films."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee.errors import SettingError, UnsupportedError
from matinee.film_map import FilmMap, spoken
from matinee.plots.canvas import PAPER, font_families, new_axes, short, without_glyph_warnings

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize
    from matplotlib.transforms import Bbox

COLOURS = ("genre", "year", "bias", "popularity")
GENRE_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#222222")
"""Okabe and Ito, "Color universal design", 2008, without the yellow, which is not seen on white."""
GENRE_MARKERS = ("o", "^", "s", "D", "v", "P", "X")
OTHER = "#9a9a9a"
ACCENT = "#a3213a"

_CANDIDATES = 8
"""So many films are tried for each label that is wanted."""
_SIDES = ((1, 0, "left", "center"), (-1, 0, "right", "center"), (0, 1, "center", "bottom"), (0, -1, "center", "top"))
"""Where a label may stand: steps right and up from its dot, and which part of the text is there."""


class _Ramp(NamedTuple):
    """A number for each film and how it is shown."""

    values: NDArray[Any]
    """(M,), NaN where it is unknown."""
    label: str
    cmap: str
    norm: "Normalize"


def film_map(
    film_map: FilmMap, *, colour: str | None = None, n_labels: int = 40, you: tuple[float, float] | None = None
) -> "Axes":
    """Films as dots, larger with more ratings, and as many of the best known titles as fit without touching.

    Args:
        colour: "genre" (the main one: `FilmMap.groups`; a marker for each too), "year", "bias" or "popularity"; None:
            genre, or popularity if the films have no genres.
        n_labels: at most so many titles.
        you: somebody's own place, which gets a star.

    Raises:
        SettingError: no such colour.
        UnsupportedError: the films have no genres or years, or the model no biases.
    """
    colour = colour or default_colour(film_map)
    check_colour(film_map, colour)
    axes = new_axes(*film_map.axis_labels)
    figure = axes.figure.canvas.figure
    figure.set_dpi(120)
    figure.set_size_inches(9.6, 8)
    axes.set_aspect("equal", adjustable="datalim")
    if film_map.explained is None:
        axes.tick_params(labelbottom=False, labelleft=False)  # UMAP has no units
    axes.margins(0.04)
    crowding = min(1.0, np.sqrt(1_000 / len(film_map)))
    size = crowding * (8 + 72 * np.sqrt(film_map.n_ratings / film_map.n_ratings.max()))  # points^2, (M,)
    if colour == "genre":
        _by_genre(axes, film_map, size)
    else:
        _by_number(axes, film_map, size, _ramp(film_map, colour))
    if you is not None:
        axes.plot(*you, marker="*", markersize=17, color=ACCENT, markeredgecolor=PAPER, linestyle="", zorder=4)
    with without_glyph_warnings():
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # what is placed now stays where it is
        _label(axes, film_map, n_labels, you)
    return axes


def _by_genre(axes: "Axes", film_map: FilmMap, size: NDArray[np.float64]) -> None:
    names, group = film_map.groups
    styles = [*zip(range(len(names)), names, GENRE_COLOURS, GENRE_MARKERS, strict=False), (-1, "other", OTHER, ".")]
    for number, name, shade, marker in styles:
        rows = group == number
        if rows.any():
            style: dict[str, Any] = {"marker": marker, "color": shade, "edgecolors": PAPER, "linewidths": 0.4}
            axes.scatter(film_map.x[rows], film_map.y[rows], size[rows], label=name, alpha=0.85, zorder=2, **style)
    if names:
        legend = axes.figure.legend(loc="outside lower center", ncols=len(names) + 1, frameon=False, fontsize=9)
        for handle in legend.legend_handles:
            handle.set_sizes([42])  # type: ignore[union-attr]


def _by_number(axes: "Axes", film_map: FilmMap, size: NDArray[np.float64], ramp: _Ramp) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import to_rgba

    shades = ScalarMappable(ramp.norm, ramp.cmap)
    colours = np.array(shades.to_rgba(ramp.values))  # (M, 4)
    colours[np.isnan(ramp.values)] = to_rgba(OTHER)
    order = np.argsort(film_map.n_ratings, kind="stable")  # the best known on top
    style: dict[str, Any] = {"edgecolors": "#555555", "linewidths": 0.4, "zorder": 2}
    axes.scatter(film_map.x[order], film_map.y[order], size[order], colours[order], **style)
    bar = axes.figure.colorbar(shades, ax=axes, shrink=0.6, aspect=30, label=ramp.label)
    if ramp.label == "ratings":  # plain numbers, not powers of ten
        few, many = int(ramp.values.min()), int(ramp.values.max())
        steps = [digit * 10**power for power in range(10) for digit in (1, 2, 5)]
        inside = [step for step in steps if few <= step <= many]
        ticks = inside if len(inside) > 1 else sorted({few, many})
        bar.set_ticks(ticks, labels=[f"{tick:,}" for tick in ticks], minor=False)
        bar.minorticks_off()
    bar.outline.set_visible(False)


def default_colour(film_map: FilmMap) -> str:
    """By genre if there are any, else by popularity."""
    return "genre" if film_map.genres else "popularity"


def check_colour(film_map: FilmMap, colour: str) -> None:
    """Whether this map can be coloured so.

    Raises:
        SettingError: there is no such colour.
        UnsupportedError: the films have no genres or years, or the model no biases.
    """
    if colour not in COLOURS:
        raise SettingError(f"no colour '{colour}'. The colours are: {', '.join(COLOURS)}.")
    if colour == "genre" and not film_map.genres:
        raise UnsupportedError("The films have no genres; use --colour popularity.")
    if colour == "year" and not any(film.year for film in film_map.films):
        raise UnsupportedError("The films have no years; use --colour popularity.")
    if colour == "bias" and film_map.biases is None:
        raise UnsupportedError("This model has no biases; use --colour popularity.")


def _ramp(film_map: FilmMap, colour: str) -> _Ramp:
    from matplotlib.colors import LogNorm, Normalize

    if colour == "year":
        years = np.array([film.year or np.nan for film in film_map.films])
        return _Ramp(years, "year", "viridis", Normalize(np.nanmin(years), np.nanmax(years)))
    if colour == "bias" and film_map.biases is not None:
        most = float(np.abs(film_map.biases).max())
        return _Ramp(film_map.biases, "bias", "PuOr_r", Normalize(-most, most))
    n = film_map.n_ratings
    return _Ramp(n, "ratings", "viridis", LogNorm(n.min(), max(n.max(), 1.01 * n.min())))


def _label(axes: "Axes", film_map: FilmMap, n_labels: int, you: tuple[float, float] | None) -> None:
    """Writes titles, the best known first, each on the first side of its dot where it touches none before it."""
    taken: list[Bbox] = []
    n_written = 0
    if you is not None:
        _place(axes, "You", you, taken, bold=True)
    best = np.argsort(-film_map.n_ratings, kind="stable")[: n_labels * _CANDIDATES]
    for row in best.tolist():
        name, _ = spoken(film_map.films[row].title)
        n_written += _place(axes, short(name, 40), (float(film_map.x[row]), float(film_map.y[row])), taken)
        if n_written == n_labels:
            break


def _place(axes: "Axes", text: str, at: tuple[float, float], taken: "list[Bbox]", *, bold: bool = False) -> bool:
    """Writes one text beside its dot; says whether there was a side where it touches no text and dot in `taken`."""
    from matplotlib.patheffects import withStroke
    from matplotlib.transforms import Bbox

    style: dict[str, Any] = {"fontsize": 9 if bold else 8, "color": ACCENT if bold else "black", "zorder": 5}
    style |= {"family": font_families(), "weight": "bold" if bold else "normal"}
    style |= {"path_effects": [withStroke(linewidth=2, foreground=PAPER)]}
    written = axes.annotate(text, at, (0, 0), textcoords="offset points", **style)
    for right, up, horizontal, vertical in _SIDES:
        written.set(position=(6 * right, 5 * up), horizontalalignment=horizontal, verticalalignment=vertical)
        box = written.get_window_extent()
        inside = axes.bbox.containsx(box.x0) and axes.bbox.containsx(box.x1)
        inside = inside and axes.bbox.containsy(box.y0) and axes.bbox.containsy(box.y1)
        if inside and not any(box.padded(1.5).overlaps(other) for other in taken):
            x, y = axes.transData.transform(at)
            taken += [box, Bbox.from_extents(x - 4, y - 4, x + 4, y + 4)]
            return True
    written.remove()
    return False
