"""Updated model files: titles and features of new items, the origin, and what a loaded file answers."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from matinee.data.catalog import Catalog, Film
from matinee.data.dataset import Dataset
from matinee.data.ratings import Ratings, Scale
from matinee.errors import DataError, UnsupportedError
from matinee.models.ease import EASE
from matinee.models.hybrid import Hybrid
from matinee.models.ials import ImplicitALS
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.recommendation.guide import Guide
from matinee.recommendation.model_file import Origin
from tests.helpers import (
    Model,
    all_scores,
    arrays,
    assert_same,
    error_message,
    guide,
    popular_table,
)

SETTINGS = {"mf.factors": 8, "ials.factors": 8, "ials-all.factors": 8}
each = pytest.mark.parametrize(
    "model", [MatrixFactorization, ImplicitALS, EASE, Hybrid], ids=lambda one: one.name
)
NEW = Film("The New One (2001)", 2001, ("Comedy", "Unheard-of"))


def news() -> Dataset:
    """A new comedy, which 30 people love, and a new person."""
    users = [*range(1, 31), 999, 999]
    items = [*[5000] * 30, 7, 5000]
    stars = [5.0] * 31 + [4.5]
    ratings = Ratings.from_ids(users, items, stars, scale=Scale(0.5, 5, 0.5))
    return Dataset("news", ratings, Catalog({5000: NEW, 7: Film("Another title")}))


@cache
def with_genres(model: Model) -> Guide:
    """A model of `popular_table()`, whose items have genres if the model uses them."""
    titled = guide(EASE)
    ratings = popular_table().with_vocabularies(popular_table().users, popular_table().items)
    object.__setattr__(ratings, "item_features", titled.catalog.features(ratings.items))
    settings: dict[str, int] = SETTINGS if model is Hybrid else {}
    if model is ImplicitALS:
        settings = {"factors": 8}
    fitted = model.from_settings(settings).fit(ratings, n_threads=1)
    return Guide(fitted, titled.catalog, Origin("films", len(ratings)))


@each
def test_the_file_of_an_updated_model_loads_and_answers_like_it(
    model: Model, tmp_path: Path
) -> None:
    new = with_genres(model).updated(news(), n_threads=1)
    new.save(tmp_path / "new.matinee")
    loaded = Guide.load(tmp_path / "new.matinee")
    assert_same(arrays(new.model), arrays(loaded.model))
    assert loaded.origin == new.origin
    assert loaded.catalog.films == new.catalog.films
    for person in (1, 999):
        assert all_scores(loaded.model, person) == all_scores(new.model, person)
        lines = loaded.recommend(person, 5).items
        explained = loaded.explain(person, lines[0].item_id)
        assert explained.to_dict() == new.explain(person, lines[0].item_id).to_dict()
    assert loaded.similar(5000, 3).items


def test_a_file_that_was_loaded_can_be_updated_and_gives_the_same(tmp_path: Path) -> None:
    known = with_genres(Hybrid)
    known.save(tmp_path / "old.matinee")
    loaded = Guide.load(tmp_path / "old.matinee").updated(news(), n_threads=1)
    assert_same(arrays(known.updated(news(), n_threads=1).model), arrays(loaded.model))


def test_new_items_bring_their_titles_and_known_ones_keep_theirs() -> None:
    known = guide(MatrixFactorization)
    new = known.updated(news())
    assert new.catalog[5000] == NEW
    assert 5000 not in known.catalog.films
    assert new.catalog[17] == known.catalog[17]
    assert new.item_id("The New One") == 5000
    assert known.updated(news().ratings).catalog is known.catalog


def test_a_new_item_has_the_genres_of_its_title_in_a_hybrid() -> None:
    known, new = with_genres(Hybrid).model, with_genres(Hybrid).updated(news()).model
    assert isinstance(known, Hybrid)
    assert isinstance(new, Hybrid)
    features = known.history_.item_features
    assert features is not None
    assert new.history_.item_features is not None
    comedy = features.names.index("genre: Comedy")
    assert new.history_.item_features.table[-1, comedy] == pytest.approx(2**-0.5)
    assert new.history_.item_features.names == features.names
    other = int(np.argmax(features.table[:, comedy] == np.float32(2**-0.5)))
    columns = [name for name in features.names if name.startswith("genre: ")]
    place = columns.index("genre: Comedy")
    assert new.features_[-1, place] == pytest.approx(known.features_[other, place], abs=1e-6)
    assert np.array_equal(new.features_[:-1], known.features_)


def test_the_origin_says_how_many_ratings_came_in_all_updates() -> None:
    known = with_genres(MatrixFactorization)
    once = known.updated(news())
    assert once.origin.note == "Updated with 32 new, changed or withdrawn ratings."
    assert once.origin.dataset == "films"
    gone = Ratings.from_ids([999], [7], [1.0])
    twice = once.updated(None, withdrawn=gone)
    assert twice.origin.note == "Updated with 33 new, changed or withdrawn ratings."
    assert twice.origin.n_ratings == len(popular_table()) + 31


def test_a_path_of_one_rating_is_read_on_the_scale_of_the_model(tmp_path: Path) -> None:
    path = tmp_path / "one.csv"
    path.write_text("user,item,rating\n999,7,4\n")
    known = guide(MatrixFactorization)
    new = known.updated(path)
    assert new.model.history_.counts[-1] == 1
    back = new.updated(None, withdrawn=path).model
    assert back.history_.counts[-1] == 0
    path.write_text("user,item,rating\n999,7,4\n999,17,9\n")
    assert "one.csv, line 3: the rating '9' is outside the scale 0.5 to 5." in error_message(
        DataError, known.updated, path
    )
    path.write_text("user,item\n999,7\n")
    assert error_message(DataError, known.updated, path) == (
        "The new table has no ratings, only pairs, but the model learned from ratings; name their "
        "column with --rating-column."
    )


def test_a_model_without_history_cannot_be_updated(tmp_path: Path) -> None:
    known = guide(MatrixFactorization)
    bare = Guide(known.model, known.catalog, Origin(has_history=False))
    bare.save(tmp_path / "bare.matinee")
    loaded = Guide.load(tmp_path / "bare.matinee")
    assert error_message(UnsupportedError, loaded.updated, news()) == (
        "This model was saved without histories, so it cannot be updated; train it without "
        "--no-history."
    )
