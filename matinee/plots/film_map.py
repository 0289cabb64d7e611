"""The map of films for paper: colored dots, and the titles of the best known films."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee._types import Indices, Reals
from matinee.analysis.film_map import FilmMap, Point
from matinee.data.titles import spoken
from matinee.errors import SettingError, UnsupportedError
from matinee.plots.figure import (
    PAPER,
    figure_of,
    font_families,
    new_axes,
    shorten_title,
    without_glyph_warnings,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize
    from matplotlib.transforms import Bbox

COLORS = ("genre", "year", "bias", "popularity")
#: Okabe and Ito, "Color universal design", 2008, without the yellow, which is invisible on white.
GENRE_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#222222")
GENRE_MARKERS = ("o", "^", "s", "D", "v", "P", "X")
OTHER = "#9a9a9a"
ACCENT = "#a3213a"

#: Films that are tried for each label, as the titles of some do not fit.
_CANDIDATES = 8
#: Where a label may be: steps to the right and up from its dot, and its alignment.
_SIDES = (
    (1, 0, "left", "center"),
    (-1, 0, "right", "center"),
    (0, 1, "center", "bottom"),
    (0, -1, "center", "top"),
)
_TITLE_STYLE = {"fontsize": 8, "color": "black", "weight": "normal"}
_YOU_STYLE = {"fontsize": 9, "color": ACCENT, "weight": "bold"}


class _ColorScale(NamedTuple):
    """A number for each film, and the colors for it."""

    values: Indices | Reals  # (M,), NaN where unknown
    label: str
    cmap: str
    norm: "Normalize"


def film_map(
    layout: FilmMap,
    *,
    color: str | None = None,
    n_labels: int = 40,
    you: Point | None = None,
    colour: str | None = None,
) -> "Axes":
    """Films as dots, larger with more ratings, and as many titles as fit, the best known
    first.

    Args:
        layout: the map, from `make_map`.
        color: "genre" (the main one, `FilmMap.groups`, with a marker for each), "year", "bias"
            or "popularity"; None: genre, or popularity if the films have no genres.
        n_labels: the largest number of titles.
        you: the position of a person, (x, y), marked by a star.
        colour: British spelling of `color`.

    Raises:
        SettingError: an unknown color.
        UnsupportedError: the films have no genres or years, or the model has no biases.
    """
    color = color or colour or default_color(layout)
    check_color(layout, color)
    axes = new_axes(*layout.axis_labels)
    figure = figure_of(axes)
    figure.set_dpi(120)
    figure.set_size_inches(9.6, 8)
    axes.set_aspect("equal", adjustable="datalim")
    if layout.explained is None:
        axes.tick_params(labelbottom=False, labelleft=False)  # UMAP has no units
    axes.margins(0.04)
    crowding = min(1.0, np.sqrt(1_000 / len(layout)))
    size = crowding * (
        8 + 72 * np.sqrt(layout.n_ratings / layout.n_ratings.max())
    )  # points^2, (M,)
    if color == "genre":
        _draw_by_genre(axes, layout, size)
    else:
        _draw_by_number(axes, layout, size, _color_scale(layout, color))
    if you is not None:
        axes.plot(
            *you,
            marker="*",
            markersize=17,
            color=ACCENT,
            markeredgecolor=PAPER,
            linestyle="",
            zorder=4,
        )
    with without_glyph_warnings():
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # the labels below must keep their positions
        _draw_labels(axes, layout, n_labels, you)
    return axes


def default_color(layout: FilmMap) -> str:
    """Genre if the films have genres, otherwise popularity."""
    return "genre" if layout.genres else "popularity"


def check_color(layout: FilmMap, color: str) -> None:
    """Checks that this map can be colored in this way.

    Raises:
        SettingError: an unknown color.
        UnsupportedError: the films have no genres or years, or the model has no biases.
    """
    if color not in COLORS:
        raise SettingError(f"Unknown color '{color}'. Choose one of: {', '.join(COLORS)}.")
    if color == "genre" and not layout.genres:
        raise UnsupportedError("The films have no genres; use --color popularity.")
    if color == "year" and not any(film.year for film in layout.films):
        raise UnsupportedError("The films have no years; use --color popularity.")
    if color == "bias" and layout.biases is None:
        raise UnsupportedError("This model has no biases; use --color popularity.")


def _draw_by_genre(axes: "Axes", layout: FilmMap, size: NDArray[np.float64]) -> None:
    names, group = layout.groups
    for number, name in enumerate(names):
        _draw_group(
            axes, layout, size, group == number, name, GENRE_COLORS[number], GENRE_MARKERS[number]
        )
    _draw_group(axes, layout, size, group == -1, "other", OTHER, ".")
    if names:
        legend = axes.figure.legend(
            loc="outside lower center", ncols=len(names) + 1, frameon=False, fontsize=9
        )
        for handle in legend.legend_handles:
            handle.set_sizes([42])  # type: ignore[union-attr]


def _draw_group(
    axes: "Axes",
    layout: FilmMap,
    size: NDArray[np.float64],
    rows: NDArray[np.bool_],
    label: str,
    color: str,
    marker: str,
) -> None:
    if not rows.any():
        return
    axes.scatter(
        layout.x[rows],
        layout.y[rows],
        size[rows],
        label=label,
        color=color,
        marker=marker,
        edgecolors=PAPER,
        linewidths=0.4,
        alpha=0.85,
        zorder=2,
    )


def _draw_by_number(
    axes: "Axes", layout: FilmMap, size: NDArray[np.float64], scale: _ColorScale
) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import to_rgba

    mappable = ScalarMappable(scale.norm, scale.cmap)
    colors = np.array(mappable.to_rgba(scale.values))  # (M, 4)
    colors[np.isnan(scale.values)] = to_rgba(OTHER)
    order = np.argsort(layout.n_ratings, kind="stable")  # the best known on top
    axes.scatter(
        layout.x[order],
        layout.y[order],
        size[order],
        colors[order],
        edgecolors="#555555",
        linewidths=0.4,
        zorder=2,
    )
    bar = axes.figure.colorbar(mappable, ax=axes, shrink=0.6, aspect=30, label=scale.label)
    if scale.label == "ratings":  # plain numbers, not powers of ten
        ticks = _count_ticks(int(scale.values.min()), int(scale.values.max()))
        bar.set_ticks(ticks, labels=[f"{tick:,}" for tick in ticks], minor=False)
        bar.minorticks_off()
    bar.outline.set_visible(False)


def _count_ticks(fewest: int, most: int) -> list[int]:
    """The numbers 1, 2, 5, 10, ... between two counts, or the counts if fewer than two are."""
    steps = [digit * 10**power for power in range(10) for digit in (1, 2, 5)]
    inside = [step for step in steps if fewest <= step <= most]
    if len(inside) > 1:
        return inside
    return sorted({fewest, most})


def _color_scale(layout: FilmMap, color: str) -> _ColorScale:
    from matplotlib.colors import LogNorm, Normalize

    if color == "year":
        years = np.array([film.year or np.nan for film in layout.films])
        return _ColorScale(years, "year", "viridis", Normalize(np.nanmin(years), np.nanmax(years)))
    if color == "bias" and layout.biases is not None:
        largest = float(np.abs(layout.biases).max())
        return _ColorScale(layout.biases, "bias", "PuOr_r", Normalize(-largest, largest))
    n = layout.n_ratings
    return _ColorScale(n, "ratings", "viridis", LogNorm(n.min(), max(n.max(), 1.01 * n.min())))


def _draw_labels(axes: "Axes", layout: FilmMap, n_labels: int, you: Point | None) -> None:
    """Writes the titles of the best known films, each beside its dot and without overlap."""
    taken: list[Bbox] = []
    if you is not None:
        _place_label(axes, "You", you, taken, _YOU_STYLE)
    n_placed = 0
    best_known = np.argsort(-layout.n_ratings, kind="stable")[: n_labels * _CANDIDATES]
    for row in best_known.tolist():
        name, _ = spoken(layout.films[row].title)
        position = Point(float(layout.x[row]), float(layout.y[row]))
        n_placed += _place_label(axes, shorten_title(name, 40), position, taken, _TITLE_STYLE)
        if n_placed == n_labels:
            break


def _place_label(
    axes: "Axes", text: str, at: Point, taken: "list[Bbox]", style: dict[str, Any]
) -> bool:
    """Writes a label on the first side where it overlaps nothing in `taken`; False if none
    is."""
    from matplotlib.patheffects import withStroke
    from matplotlib.transforms import Bbox

    label = axes.annotate(
        text,
        at,
        (0, 0),
        textcoords="offset points",
        zorder=5,
        family=font_families(),
        path_effects=[withStroke(linewidth=2, foreground=PAPER)],
        **style,
    )
    for right, up, horizontal, vertical in _SIDES:
        label.set(
            position=(6 * right, 5 * up), horizontalalignment=horizontal, verticalalignment=vertical
        )
        box = label.get_window_extent()
        is_inside = (
            axes.bbox.containsx(box.x0)
            and axes.bbox.containsx(box.x1)
            and axes.bbox.containsy(box.y0)
            and axes.bbox.containsy(box.y1)
        )
        if is_inside and not any(box.padded(1.5).overlaps(other) for other in taken):
            x, y = axes.transData.transform(at)
            taken.append(box)
            taken.append(Bbox.from_extents(x - 4, y - 4, x + 4, y + 4))
            return True
    label.remove()
    return False
