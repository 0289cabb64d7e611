"""Lists: their length, lines and frames, and how notebooks show them."""

import copy
import pickle

import numpy as np
import polars as pl
import pytest

from matinee.data.catalog import Catalog, Film
from matinee.models.base import Recommender
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.models.popularity import Popularity
from matinee.recommendation.filters import Filters
from matinee.recommendation.guide import Guide
from matinee.recommendation.suggestions import Suggestion, Suggestions
from tests.helpers import fitted, guide, small_table

COLUMNS = [
    *("rank", "item_id", "title", "year", "genres", "score", "stars", "n_ratings", "mean"),
    *("deviation", "percentile"),
]


def suggestions() -> Suggestions:
    return guide(MatrixFactorization).recommend(1, 4)


def test_a_list_has_a_length_lines_and_positions() -> None:
    listed = suggestions()
    assert len(listed) == 4
    assert [*listed] == listed.items
    assert (listed[0], listed[-1], listed[1:3]) == (
        listed.items[0],
        listed.items[-1],
        listed.items[1:3],
    )
    with pytest.raises(IndexError):
        listed[4]


def test_a_frame_has_a_row_for_each_item() -> None:
    listed = suggestions()
    frame = listed.to_frame()
    assert frame.columns == COLUMNS
    assert frame["rank"].to_list() == [1, 2, 3, 4]
    for name in ("item_id", "score", "stars", "n_ratings", "mean", "deviation", "percentile"):
        assert frame[name].to_list() == [getattr(line, name) for line in listed]
    for name in ("title", "year"):
        assert frame[name].to_list() == [getattr(line.film, name) for line in listed]
    assert frame["genres"].to_list() == [list(line.film.genres) for line in listed]


def test_a_list_for_a_group_has_the_scores_of_its_members() -> None:
    listed = guide(MatrixFactorization).recommend_group([1, 2, 3], 3)
    assert listed.to_frame()["members"].to_list() == [list(line.members) for line in listed]


def test_an_empty_list_has_the_same_columns() -> None:
    frame = guide(MatrixFactorization).recommend(1, 4, Filters(items=())).to_frame()
    assert (frame.columns, frame.height) == (COLUMNS, 0)
    assert frame["score"].dtype == pl.Float64


def shown(model: Recommender, title: str) -> str:
    films = dict.fromkeys(model.items_.ids.tolist(), Film(title))
    return Guide(model, Catalog(films)).recommend(1, 1)._repr_html_()


def test_notebooks_show_a_table_with_escaped_titles() -> None:
    html = shown(fitted(), "<b onclick='x'>Tom & \"Jerry\"</b>")
    assert "<td>&lt;b onclick=&#x27;x&#x27;&gt;Tom &amp; &quot;Jerry&quot;&lt;/b&gt;</td>" in html
    assert "<b" not in html.replace("<tbody>", "")
    assert "<th>stars</th>" in html
    assert html.count("<tr>") == 2


def of_stars(*stars: float, shown: tuple[float, ...]) -> Suggestions:
    """A list of films by their stars, with percentiles that fall from the best."""
    n = len(stars)
    lines = [
        Suggestion(
            place,
            Film(f"Film {place}"),
            9.0 - place,
            one,
            9,
            4.0,
            None,
            (),
            1 - place / 1500,
            other,
        )
        for place, (one, other) in enumerate(zip(stars, shown, strict=True), 1)
    ]
    assert len(lines) == n
    return Suggestions(lines)


def test_equal_stars_are_told_apart_by_their_place_among_all_items() -> None:
    listed = of_stars(5.0, 5.0, 5.0, 4.2, shown=(4.81, 4.772, 4.768, 4.2))
    assert listed.numbers(3) == ["4.81", "4.77", "4.77", "4.20"]
    assert listed.tops(3) == ["0.067%", "0.13%", "0.2%", "0.27%"]
    assert "<th>top</th>" in listed._repr_html_()
    assert "<td>0.067%</td>" in listed._repr_html_()


def test_without_equal_stars_there_are_no_places() -> None:
    listed = of_stars(5.0, 5.0, shown=(4.81, 4.77))
    assert listed.tops(3) == []
    assert "<th>top</th>" not in listed._repr_html_()


def test_no_list_shows_the_top_of_the_scale_again_and_again() -> None:
    """Someone who gives only the highest rating is predicted to give nothing else."""
    one = guide(MatrixFactorization)
    fan = dict.fromkeys(one.model.items_.ids[:60].tolist(), one.model.scale_.highest)
    listed = one.recommend(fan, 8)
    assert sum(line.stars == one.model.scale_.highest for line in listed) > 1
    assert one.model.scale_.highest not in [line.shown for line in listed]
    assert len(set(zip(listed.numbers(3), listed.tops(3) or range(8), strict=True))) == 8
    percentiles = [line.percentile or 0 for line in listed]
    assert percentiles == sorted(percentiles, reverse=True)
    every = one.model.scores(fan)
    assert percentiles[0] == np.mean(every < listed[0].score)


def test_models_without_stars_show_scores() -> None:
    assert "<th>score</th>" in shown(Popularity().fit(small_table()), "Film")


def test_the_note_stands_below_the_table() -> None:
    html = Suggestions([], "1 < 2: nothing.")._repr_html_()
    assert html.endswith("</table>\n<p>1 &lt; 2: nothing.</p>")


def test_lists_are_copied_and_pickled_whole() -> None:
    listed = suggestions()
    assert pickle.loads(pickle.dumps(listed)) == copy.deepcopy(listed) == listed
