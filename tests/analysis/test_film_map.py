"""The map of films: positions, neighbors, a person's place, the figure, the page, the table, and the command."""

import base64
import hashlib
import json
import re
import sys
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner, Result

from matinee import plots
from matinee.analysis import components
from matinee.analysis.film_map import FilmMap, Point, make_map, place_of
from matinee.cli.map import map_
from matinee.data.catalog import Catalog, Film
from matinee.data.ratings import Ratings
from matinee.data.titles import spoken
from matinee.data.vocabulary import Id
from matinee.errors import SettingError, UnsupportedError
from matinee.models.baseline import Baseline
from matinee.models.history import few_ratings
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.models.neural.dot_product import PlainMF
from matinee.models.popularity import Popularity
from matinee.plots.film_map import GENRE_COLORS, GENRE_MARKERS
from matinee.recommendation.guide import Guide
from matinee.recommendation.model_file import Origin
from matinee.report.map_page import (
    You,
    about,
    axis_sentences,
    check_map_name,
    page,
    page_data,
    save_map,
    table,
    you_on,
)
from tests.conftest import simulated
from tests.helpers import error_message

GENRES = (("Comedy",), ("Comedy", "Drama"), ("Comedy", "Romance"), ("Horror",), ())
NASTY = '</script><script>alert("1")</script><!-- & $\\alpha$ $x (1999)'


def films_of(model: MatrixFactorization) -> dict[Id, Film]:
    """Film 0 of 1900, film 1 of 1901, ...; the sixth has no year, the last no title."""
    films: dict[Id, Film] = {}
    for place, item_id in enumerate(model.items_.ids.tolist()[:-1]):
        year = None if place == 5 else 1900 + place
        films[item_id] = Film(
            f"Film no. {place}, The" + (f" ({year})" if year else ""), year, GENRES[place % 5]
        )
    return films


@pytest.fixture(scope="module")
def guide() -> Guide:
    """120 items with about 75 ratings each."""
    model = MatrixFactorization(factors=8).fit(simulated(), n_threads=1)
    return Guide(model, Catalog(films_of(model)), Origin("simulated"))


@pytest.fixture(scope="module")
def made(guide: Guide) -> FilmMap:
    return make_map(guide)


def small(ratings: Ratings) -> Guide:
    """A guide without a catalog, whose factors are made up."""
    model = MatrixFactorization(epochs=1, factors=4).fit(ratings, n_threads=1)
    model.item_factors_ = (
        np.random.default_rng(0).normal(size=model.item_factors_.shape).astype(np.float32)
    )
    return Guide(model)


def three() -> Guide:
    """Three items called a, b and c, with 40 ratings each."""
    item = np.tile(["a", "b", "c"], 40).tolist()
    stars = np.random.default_rng(0).integers(1, 6, 120).astype(float)
    return small(Ratings.from_ids(np.repeat(np.arange(40), 3).tolist(), item, stars))


# -- places and neighbors ---------------------------------------------------------------------------------------


def test_the_places_are_the_principal_components_of_the_item_vectors(
    guide: Guide, made: FilmMap
) -> None:
    vectors = guide.model.item_vectors().astype(np.float64)  # (I, F)
    left, sizes, _ = np.linalg.svd(vectors - vectors.mean(axis=0), full_matrices=False)
    for number, places in enumerate((made.x, made.y)):
        expected = left[:, number] * sizes[number]
        expected *= np.sign(expected @ places)
        np.testing.assert_allclose(places, expected, atol=1e-5)
    np.testing.assert_allclose(made.explained or (), (sizes**2 / (sizes**2).sum())[:2], rtol=1e-6)
    first, second = (round(100 * part) for part in made.explained or ())
    assert made.axis_labels == (
        f"first component: {first}% of the variance",
        f"second component: {second}% of the variance",
    )


def test_the_neighbors_are_those_of_similar(guide: Guide, made: FilmMap) -> None:
    for row in (0, 7, 119):
        alike = guide.similar(made.item_ids[row], 10).items
        assert [made.item_ids[one] for one in made.neighbors[row]] == [
            line.item_id for line in alike
        ]
        np.testing.assert_allclose(made.likeness[row], [line.score for line in alike], atol=1e-5)


def test_each_film_brings_what_people_know_of_it(guide: Guide, made: FilmMap) -> None:
    assert len(made) == 120
    assert made.films[3] == guide.catalog[made.item_ids[3]]
    assert made.films[-1].title == str(made.item_ids[-1])
    model = guide.model
    assert isinstance(model, MatrixFactorization)
    assert np.array_equal(made.n_ratings, model.item_counts_)
    assert np.array_equal(made.means, model.item_means_)
    assert made.biases is not None
    assert np.array_equal(made.biases, model.item_bias_)
    part = sum(made.explained or ())
    assert made.sentence == (
        "120 films. Those that the same people like tend to be close together. "
        f"The two axes (principal components) show {part:.0%} of what distinguishes the films."
    )
    assert made.note == ""


def test_films_with_few_ratings_are_left_out(guide: Guide) -> None:
    counts = guide.model.item_counts_
    floor = int(np.sort(counts)[40])
    found = make_map(guide, min_ratings=floor)
    n_out = int((counts < floor).sum())
    assert found.item_index.tolist() == np.flatnonzero(counts >= floor).tolist()
    assert found.note == f"{n_out} films with fewer than {floor} ratings are left out."
    assert error_message(UnsupportedError, make_map, guide, min_ratings=9_999) == (
        "A map needs two films with at least 9999 ratings; lower --min-ratings."
    )


def test_by_default_few_are_as_few_as_for_similar() -> None:
    whole = simulated(400, 6, 2_000)
    places = [np.flatnonzero(whole.item_index == item) for item in range(6)]
    found = small(whole.subset(np.concatenate([*places[:4], places[4][:4], places[5][:5]])))
    assert few_ratings(found.model.item_counts_) == 5
    assert make_map(found).item_ids == [7, 17, 27, 37, 57]
    assert make_map(found).note == "1 film with fewer than 5 ratings is left out."
    assert make_map(found, min_ratings=0).item_ids == [7, 17, 27, 37, 47, 57]


def test_films_that_nobody_rated_are_never_on_the_map() -> None:
    whole = simulated(400, 6, 2_000)
    found = small(whole.subset(np.flatnonzero(whole.item_index < 4)))
    made = make_map(found, min_ratings=0)
    assert made.item_ids == [7, 17, 27, 37]
    assert made.note == "2 films without ratings are left out."


def test_three_items_without_titles_make_a_map() -> None:
    made = make_map(three())
    assert made.item_ids == ["a", "b", "c"]
    assert made.neighbors.shape == made.likeness.shape == (3, 2)
    assert made.genres == []
    assert {*made.neighbors[0].tolist()} == {1, 2}


def test_a_model_of_ones_own_without_biases_has_none() -> None:
    model = PlainMF(epochs=1).fit(simulated(50, 20, 600), n_threads=1)
    assert make_map(Guide(model)).biases is None


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"method": "umapp"}, "The method must be pca or umap, not 'umapp'. Did you mean 'umap'?"),
        ({"method": "tsne"}, "The method must be pca or umap, not 'tsne'."),
        ({"k": 0}, "k must be at least 1, not 0."),
    ],
)
def test_wrong_settings_are_refused(guide: Guide, settings: dict[str, Any], told: str) -> None:
    assert error_message(SettingError, make_map, guide, **settings) == told


def test_models_without_factors_are_refused() -> None:
    ratings = simulated(50, 20, 600)
    assert error_message(UnsupportedError, make_map, Guide(Baseline().fit(ratings))) == (
        "baseline has no item factors, so it cannot make a map; use hybrid."
    )
    assert error_message(UnsupportedError, make_map, Guide(Popularity().fit(ratings))) == (
        "popularity has no item factors, so it cannot make a map; use hybrid."
    )
    nothing = MatrixFactorization(factors=4, epochs=1).fit(ratings, n_threads=1)
    nothing.item_factors_[:] = 0
    assert error_message(UnsupportedError, make_map, Guide(nothing)) == (
        "This mf model learned only biases, so it cannot make a map."
    )


# -- UMAP --------------------------------------------------------------------------------------------------------


def test_umap_keeps_clouds_together_and_gives_the_same_map_twice() -> None:
    found = small(simulated(200, 60, 5_000))
    cloud = np.arange(60) % 3
    rng = np.random.default_rng(1)
    clouds = 4 * np.eye(4)[cloud] + rng.normal(0, 0.3, (60, 4))
    setattr(found.model, "item_factors_", clouds.astype(np.float32))  # noqa: B010, not of every model
    made = make_map(found, method="umap")
    places = np.column_stack([made.x, made.y])
    distances = np.linalg.norm(places[:, None] - places, axis=2)
    np.fill_diagonal(distances, np.inf)
    assert np.array_equal(cloud[distances.argmin(axis=1)], cloud)
    again = make_map(found, method="umap")
    assert np.array_equal(made.x, again.x)
    assert np.array_equal(made.y, again.y)
    assert made.axis_labels == ("UMAP 1", "UMAP 2")
    assert (
        made.sentence
        == "60 films, placed by UMAP: close films are similar; large distances mean little."
    )
    assert axis_sentences(made, found) == ()
    assert np.isfinite(make_map(three(), method="umap").x).all()


def test_umap_does_not_place_two_films() -> None:
    whole = simulated(100, 2, 150)
    assert error_message(UnsupportedError, make_map, small(whole), method="umap") == (
        "UMAP needs at least three films, not 2; use --method pca."
    )


def test_without_umap_the_error_says_what_to_install(
    guide: Guide, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "umap", None)
    assert error_message(UnsupportedError, make_map, guide, method="umap") == (
        "UMAP is not installed: pip install 'matinee[map]', or use --method pca."
    )


# -- a person's position ------------------------------------------------------------------------------------------


def test_a_person_is_among_the_films_they_like_by_how_much_they_like_them(
    guide: Guide, made: FilmMap
) -> None:
    ids, means = made.item_ids, made.means
    profile = guide.model.fold_in({ids[3]: 5.0, ids[50]: 4.5, ids[80]: 1.0})
    above = np.array([5.0 - means[3], 4.5 - means[50], 1.0 - means[80]])
    weights = above - above.sum() / (3 + 5)
    assert weights[0] > 0
    assert weights[1] > 0
    assert weights[2] < 0
    expected = (weights[0] * made.x[3] + weights[1] * made.x[50]) / (weights[0] + weights[1])
    assert place_of(made, guide, profile)[0] == pytest.approx(expected, abs=1e-6)


def test_who_is_strict_has_a_place_too(guide: Guide, made: FilmMap) -> None:
    """Everything they rate lies below its mean; what lies least below is what they like."""
    rated = np.flatnonzero(made.means > 3)[:40]
    mine = {made.item_ids[row]: 1.0 for row in rated.tolist()}
    best = int(rated[7])
    mine[made.item_ids[best]] = 3.0
    x, y = place_of(made, guide, guide.model.fold_in(mine))
    middle = float(made.x[rated].mean()), float(made.y[rated].mean())
    towards = np.array([made.x[best] - middle[0], made.y[best] - middle[1]])
    assert towards @ [x - middle[0], y - middle[1]] > 0.1 * towards @ towards


def test_who_likes_nothing_on_the_map_is_in_the_middle(guide: Guide, made: FilmMap) -> None:
    middle = float(made.x.mean()), float(made.y.mean())
    assert place_of(made, guide, guide.model.fold_in({})) == middle
    assert place_of(made, guide, guide.model.fold_in({made.item_ids[0]: 1.0})) == middle
    floor = int(np.sort(guide.model.item_counts_)[-3])
    top = make_map(guide, min_ratings=floor)
    outside = int(np.argmin(guide.model.item_counts_))
    profile = guide.model.fold_in({guide.model.items_.id(outside): 5.0})
    assert place_of(top, guide, profile) == (float(top.x.mean()), float(top.y.mean()))
    assert you_on(top, guide, profile).stars == {}


def test_a_place_belongs_to_any_map_of_the_same_films(guide: Guide, made: FilmMap) -> None:
    """As a map by UMAP is one: the films are elsewhere, and so is the person."""
    profile = guide.model.fold_in({made.item_ids[3]: 5.0})
    moved = replace(made, x=made.y, y=made.x, method="umap", explained=None)
    assert place_of(moved, guide, profile) == place_of(made, guide, profile)[::-1]


# -- words -------------------------------------------------------------------------------------------------------


def test_a_film_is_in_the_rarest_of_the_frequent_genres(made: FilmMap) -> None:
    assert made.genres == ["Comedy", "Drama", "Horror", "Romance"]
    names, group = made.groups
    assert names == made.genres
    assert [names[one] if one >= 0 else "" for one in group[:5]] == [
        "Comedy",
        "Drama",
        "Romance",
        "Horror",
        "",
    ]


def test_only_as_many_genres_as_can_be_distinguished(made: FilmMap) -> None:
    many = [
        Film(str(row), None, tuple(f"g{genre:02}" for genre in range(row % 12)))
        for row in range(120)
    ]
    names, group = replace(made, films=many).groups
    assert names == ["g00", "g01", "g02", "g03", "g04", "g05", "g06"]
    assert group[:12].tolist() == [-1, 0, 1, 2, 3, 4, 5, 6, 6, 6, 6, 6]


def test_the_axes_are_described_in_words(guide: Guide, made: FilmMap) -> None:
    found = axis_sentences(made, guide)
    directions = [component.direction() for component in components(guide, 2)]
    names = ("Left to right", "Bottom to top")
    assert found == tuple(
        f"{name}: {text}." for name, text in zip(names, directions, strict=True) if text
    )
    assert not {"component", "variance"} & {*" ".join(found).lower().split()}


# -- the figure --------------------------------------------------------------------------------------------------


def boxes(axes: Any) -> list[Any]:
    return [text.get_window_extent() for text in axes.texts]


def touch(one: Any, other: Any) -> bool:
    return bool(one.x0 < other.x1 and other.x0 < one.x1 and one.y0 < other.y1 and other.y0 < one.y1)


def test_labels_do_not_touch_and_none_is_cut(made: FilmMap) -> None:
    axes: Any = plots.film_map(made, you=Point(float(made.x[5]), float(made.y[5])))
    drawn = boxes(axes)
    assert 15 < len(drawn) <= 41
    assert axes.texts[0].get_text() == "You"
    assert not [pair for pair in combinations(drawn, 2) if touch(*pair)]
    frame = axes.get_window_extent()
    assert all(
        frame.x0 <= one.x0 and one.x1 <= frame.x1 and frame.y0 <= one.y0 and one.y1 <= frame.y1
        for one in drawn
    )


def test_the_best_known_film_has_a_label_and_no_more_than_asked_for(made: FilmMap) -> None:
    axes: Any = plots.film_map(made, n_labels=3)
    best = spoken(made.films[int(made.n_ratings.argmax())].title)[0]
    assert axes.texts[0].get_text() == best
    assert len(axes.texts) == 3
    assert len(plots.film_map(made, n_labels=0).texts) == 0


def test_genres_differ_in_color_and_in_marker(made: FilmMap) -> None:
    axes: Any = plots.film_map(made, n_labels=0)
    assert [dots.get_label() for dots in axes.collections] == [
        "Comedy",
        "Drama",
        "Horror",
        "Romance",
        "other",
    ]
    assert sum(len(dots.get_offsets()) for dots in axes.collections) == 120
    shapes = {dots.get_paths()[0].vertices.tobytes() for dots in axes.collections}
    colors = {tuple(dots.get_facecolor()[0]) for dots in axes.collections}
    assert len(shapes) == len(colors) == 5
    assert len({*GENRE_MARKERS}) == len({*GENRE_COLORS}) == len(GENRE_COLORS) == 7
    (legend,) = axes.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "Comedy",
        "Drama",
        "Horror",
        "Romance",
        "other",
    ]
    assert (axes.get_xlabel(), axes.get_ylabel()) == made.axis_labels


def seen_without_green(color: str) -> Any:
    """CIE L*a*b* of a color as people with deuteranopia see it (Machado, Oliveira, Fernandes, 2009)."""
    srgb = np.array([int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    seen = [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ]
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    x, y, z = np.cbrt(
        np.array(to_xyz) @ np.clip(np.array(seen) @ linear, 0, 1) / [0.9505, 1, 1.089]
    )
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_color_blind_eyes_tell_the_genres_apart() -> None:
    pairs = combinations([seen_without_green(color) for color in GENRE_COLORS], 2)
    assert (
        min(float(np.linalg.norm(one - other)) for one, other in pairs) > 11
    )  # 2.3 is just noticeable


@pytest.mark.parametrize("color", ["year", "bias", "popularity"])
def test_numbers_are_colored_by_a_ramp(made: FilmMap, color: str) -> None:
    axes: Any = plots.film_map(made, color=color, n_labels=0)
    (dots,) = axes.collections
    bar = axes.figure.axes[1]
    assert bar.get_ylabel() == {"year": "year", "bias": "bias", "popularity": "ratings"}[color]
    order = np.argsort(made.n_ratings, kind="stable").tolist()
    shades = dots.get_facecolor()
    if color == "year":  # films 5 and 119 have none, and nothing else is gray
        gray = [row for row, (r, g, b, _) in zip(order, shades, strict=True) if r == g == b]
        assert sorted(gray) == [5, 119]
    else:
        assert len({tuple(shade) for shade in shades}) > 20


def test_what_is_not_known_colors_nothing() -> None:
    made = make_map(three())
    assert error_message(UnsupportedError, plots.film_map, made, color="genre") == (
        "The films have no genres; use --color popularity."
    )
    assert error_message(UnsupportedError, plots.film_map, made, color="year") == (
        "The films have no years; use --color popularity."
    )
    bare = replace(made, biases=None)
    assert error_message(UnsupportedError, plots.film_map, bare, color="bias") == (
        "This model has no biases; use --color popularity."
    )
    assert error_message(SettingError, plots.film_map, made, color="red") == (
        "Unknown color 'red'. Choose one of: genre, year, bias, popularity."
    )
    assert len(plots.film_map(made).texts) == 3


def with_title(made: FilmMap, title: str) -> FilmMap:
    films = list(made.films)
    films[int(made.n_ratings.argmax())] = Film(title, 1999, ("Drama",))
    return replace(made, films=films)


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_a_figure_is_written_whatever_the_titles_hold(
    made: FilmMap, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"map.{suffix}"
    save_map(with_title(made, NASTY), path, color="popularity", you=You(0.0, 0.0, {}))
    assert path.read_bytes().startswith(
        {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[suffix]
    )


# -- the table ---------------------------------------------------------------------------------------------------


def test_the_table_holds_what_embedding_atlas_reads(made: FilmMap, tmp_path: Path) -> None:
    save_map(made, tmp_path / "map.parquet")
    read = pl.read_parquet(tmp_path / "map.parquet")
    assert read.columns == [
        *("item_id", "title", "year", "genres", "n_ratings", "mean", "bias", "x", "y", "neighbors")
    ]
    assert read.schema["neighbors"] == pl.Struct(
        {"ids": pl.List(pl.Int64), "distances": pl.List(pl.Float32)}
    )
    first = read.row(0, named=True)
    assert first["neighbors"]["ids"] == made.neighbors[0].tolist()
    np.testing.assert_allclose(first["neighbors"]["distances"], 1 - made.likeness[0], rtol=1e-6)
    assert (first["item_id"], first["title"], first["year"]) == (7, "Film no. 0, The (1900)", 1900)
    assert (first["genres"], read["year"][5]) == (["Comedy"], None)
    assert np.array_equal(read["x"].to_numpy(), made.x)
    save_map(made, tmp_path / "map.parquet")  # a map may be replaced


def test_a_table_of_three_without_years_and_biases() -> None:
    bare = replace(make_map(three()), biases=None)
    found = table(bare)
    assert "bias" not in found.columns
    assert found["item_id"].to_list() == ["a", "b", "c"]
    assert found["year"].null_count() == 3
    assert found["genres"].to_list() == [[], [], []]


def test_a_table_that_is_no_map_is_not_replaced(made: FilmMap, tmp_path: Path) -> None:
    ratings = tmp_path / "ratings.parquet"
    pl.DataFrame({"user": [1], "item": [2], "rating": [3]}).write_parquet(ratings)
    told = f"'{ratings}' exists and is not a map; choose another name with --out."
    assert error_message(SettingError, save_map, made, ratings) == told
    ratings.write_bytes(b"no table")
    assert error_message(SettingError, save_map, made, ratings) == told


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("map.jpg", "'.jpg' is not a supported format; use .png, .svg, .pdf, .html, .parquet."),
        ("map", "its name has no ending; use .png, .svg, .pdf, .html, .parquet."),
        ("nowhere/map.html", "the folder '{folder}/nowhere' does not exist; create it first."),
    ],
)
def test_names_that_cannot_be_written(tmp_path: Path, name: str, told: str) -> None:
    expected = f"Cannot write the map '{tmp_path / name}': {told.format(folder=tmp_path)}"
    assert error_message(SettingError, check_map_name, tmp_path / name) == expected


def test_capital_letters_in_the_ending_are_as_good(made: FilmMap, tmp_path: Path) -> None:
    save_map(made, tmp_path / "MAP.HTML")
    save_map(made, tmp_path / "MAP.PNG")
    assert (tmp_path / "MAP.HTML").read_text("utf-8").startswith("<!doctype html>")
    assert (tmp_path / "MAP.PNG").read_bytes().startswith(b"\x89PNG")


def test_a_table_takes_neither_a_color_nor_a_person(made: FilmMap, tmp_path: Path) -> None:
    path = tmp_path / "map.parquet"
    told = f"The table '{path}' has no colors; leave out --color, or write .html or .png instead."
    assert error_message(SettingError, save_map, made, path, color="bias") == told
    told = f"The table '{path}' cannot show a person's position; write .html or .png instead."
    assert error_message(SettingError, save_map, made, path, you=You(0, 0, {})) == told


def test_letters_without_a_font_are_reported_once_without_a_warning(
    made: FilmMap, tmp_path: Path
) -> None:
    strange = replace(made, films=[Film("\U00012000 (2001)")] * len(made))  # cuneiform
    told = (
        "Some letters of the titles are in no installed font and appear as boxes. "
        "Install Noto Sans CJK, or write .html instead."
    )
    assert save_map(strange, tmp_path / "map.png") == told
    assert save_map(strange, tmp_path / "map.svg") == ""
    assert save_map(made, tmp_path / "map.png") == ""


# -- the page ----------------------------------------------------------------------------------------------------


def unpacked(column: dict[str, str]) -> Any:
    return np.frombuffer(base64.b64decode(column["base64"]), f"<{column['type']}")


def test_the_page_holds_the_whole_map(made: FilmMap) -> None:
    data = page_data(made, heading="Films", axes=("From A to B.",), you=You(0.5, 0.25, {3: 4.5}))
    columns = {name: unpacked(column) for name, column in data["columns"].items()}
    for name, values in {
        "x": made.x,
        "y": made.y,
        "mean": made.means,
        "bias": np.asarray(made.biases),
    }.items():
        assert np.array_equal(columns[name], values), name
    assert np.array_equal(columns["count"], made.n_ratings)
    assert np.array_equal(columns["neighbors"].reshape(120, 10), made.neighbors)
    np.testing.assert_allclose(
        columns["likeness"].reshape(120, 10) / 127, made.likeness, atol=0.005
    )
    assert columns["year"][[0, 5]].tolist() == [1900, 0]
    assert data["titles"][:2] == ["The Film no. 0", "The Film no. 1"]
    genres = [
        [data["genres"][one] for one in columns["genre"][start:stop]]
        for start, stop in zip(columns["genreStart"], columns["genreStart"][1:], strict=False)
    ]
    assert genres[:5] == [list(one) for one in GENRES]
    assert columns["group"].tolist() == made.groups.group.tolist()
    assert (data["heading"], data["axes"], data["about"]) == (
        "Films",
        ["From A to B."],
        about(made),
    )
    assert data["you"] == {"x": 0.5, "y": 0.25, "stars": [(3, 4.5)], "note": ""}
    assert (data["ids"], data["color"], data["groups"]) == (made.item_ids, "genre", 4)


def test_the_page_loads_nothing_and_allows_only_its_own_script_and_style(made: FilmMap) -> None:
    text = page(made, heading="Films <b>& more")
    assert "<title>Films &lt;b&gt;&amp; more</title>" in text
    policy = re.findall(r'Content-Security-Policy" content="([^"]+)"', text)[0]
    for kind, opening, closing in (
        ("script", '<script type="module">', "</script>"),
        ("style", "<style>", "</style>"),
    ):
        inside = text.split(opening)[1].split(closing)[0]
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
        assert not re.search(r"https?:|url\(|@import|^import |\bsrc=|\bhref=", inside, re.MULTILINE)
    assert policy.startswith("default-src 'none'; base-uri 'none'; form-action 'none'; ")
    assert text.count("<script") == text.count("</script>") == 2


def test_no_title_can_end_the_script_it_stands_in(made: FilmMap) -> None:
    text = page(with_title(made, NASTY))
    assert text.count("<script") == text.count("</script>") == 2
    assert "<!--" not in text
    data = json.loads(text.split('id="films">')[1].split("</script>")[0])
    row = int(made.n_ratings.argmax())
    assert data["titles"][row] == spoken(NASTY)[0]


def test_a_tab_in_a_title_is_no_border_between_its_names(made: FilmMap) -> None:
    titles = page_data(with_title(made, "One\tTwo (Drei\nVier) (1999)"))["titles"]
    assert titles[int(made.n_ratings.argmax())] == "One Two\tDrei Vier"


def test_a_page_of_three_films_without_genres_is_colored_by_popularity(tmp_path: Path) -> None:
    made = make_map(three())
    assert page_data(made)["color"] == "popularity"
    save_map(made, tmp_path / "map.html")
    assert '"titles": ["a", "b", "c"]' in (tmp_path / "map.html").read_text("utf-8")
    assert (
        error_message(UnsupportedError, page, made, color="genre")
        == "The films have no genres; use --color popularity."
    )


# -- the command -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model_file(guide: Guide, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model.matinee"
    guide.save(path)
    return path


def run(*words: object) -> Result:
    result = CliRunner().invoke(map_, [str(word) for word in words])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_the_command_reports_what_it_wrote(
    model_file: Path, made: FilmMap, guide: Guide, tmp_path: Path
) -> None:
    path = tmp_path / "map.parquet"
    result = run(model_file, "--out", path)
    size = path.stat().st_size / 1e6
    assert result.stdout.splitlines() == [
        f"Written: {path} ({size:.2f} MB)", made.sentence, *axis_sentences(made, guide)
    ]  # fmt: skip
    assert (
        result.stderr
        == f"Open it with:  embedding-atlas {path} --x x --y y --neighbors neighbors --text title\n"
    )


def test_the_command_places_a_person(
    model_file: Path, made: FilmMap, guide: Guide, tmp_path: Path
) -> None:
    found = json.loads(
        run(model_file, "--out", tmp_path / "map.html", "--user", 1, "--json").stdout
    )
    you = you_on(made, guide, guide.model.profile(1))
    assert found["you"] == {"x": round(you.x, 4), "y": round(you.y, 4), "n_rated": len(you.stars)}
    assert len(you.stars) > 10
    assert found["explained"] == list(made.explained or ())
    assert (found["method"], found["n_films"], found["note"]) == ("pca", 120, "")
    assert found["axes"] == list(axis_sentences(made, guide))
    text = (tmp_path / "map.html").read_text("utf-8")
    assert found["bytes"] == len(text.encode())
    assert "<title>Films of simulated</title>" in text


def test_the_command_places_a_newcomer(
    model_file: Path, made: FilmMap, guide: Guide, tmp_path: Path
) -> None:
    mine = tmp_path / "mine.csv"
    mine.write_text("title,rating\nThe Film no. 3,5\nNo such film,4\n")
    result = run(
        model_file, "--out", tmp_path / "map.png", "--ratings", mine, "--colour", "bias", "--json"
    )
    expected = place_of(made, guide, guide.model.fold_in({made.item_ids[3]: 5.0}))
    assert json.loads(result.stdout)["you"] == {
        "x": round(expected[0], 4),
        "y": round(expected[1], 4),
        "n_rated": 1,
    }
    assert result.stderr.startswith("Skipped 1 row in ")


def test_without_histories_a_user_has_no_place(guide: Guide, tmp_path: Path) -> None:
    path = tmp_path / "bare.matinee"
    Guide(guide.model, guide.catalog, Origin(has_history=False)).save(path)
    result = run(path, "--out", tmp_path / "map.html", "--user", 1, "--json")
    assert json.loads(result.stdout)["you"] is None
    assert json.loads(result.stdout)["note"].endswith(result.stderr.strip())
    assert result.stderr == (
        "This file was saved without histories, so the position of the user is unknown; give their ratings with "
        "--ratings.\n"
    )
    assert "<title>Map of films</title>" in (tmp_path / "map.html").read_text("utf-8")


def test_two_people_are_one_too_many(model_file: Path, tmp_path: Path) -> None:
    result = run(model_file, "--out", tmp_path / "map.html", "--user", 1, "--ratings", "mine.csv")
    assert result.exit_code == 2
    assert "Use either --user or --ratings, not both." in result.stderr


# -- in notebooks --------------------------------------------------------------------------------


def test_notebooks_show_the_map_as_svg_with_titles_to_point_at(made: FilmMap) -> None:
    svg = made._repr_html_()
    assert svg.count("<circle") == len(made) + len(made.groups.names)
    assert svg.count("</title>") == len(made) + 1
    most = int(np.argmax(made.n_ratings))
    told = f"{made.n_ratings[most]:,} ratings, mean {made.means[most]:.2f}</title>"
    assert told in svg
    numbers = [float(x) for x in re.findall(r' c[xy]="([^"]*)"', svg)]
    assert min(numbers) >= 0
    assert max(numbers) <= 720
    nasty = [replace(film, title=NASTY) for film in made.films]
    svg = replace(made, films=nasty, note="1 < 2")._repr_html_()
    assert "<script>" not in svg
    assert svg.endswith("</svg><p>1 &lt; 2</p>")


def test_a_map_of_films_in_one_place_is_shown_in_the_middle(made: FilmMap) -> None:
    svg = replace(made, x=np.ones_like(made.x), y=np.ones_like(made.y))._repr_html_()
    assert svg.count('cx="360.0" cy="240.0"') == len(made)
