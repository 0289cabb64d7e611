"""New, changed and withdrawn ratings in a fitted model: as after training again, for what they touch."""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from matinee.data.ratings import Ratings, Scale
from matinee.data.split import Split, random_split
from matinee.errors import DataError, UnsupportedError
from matinee.models import MODELS, updating
from matinee.models.base import Recommender
from matinee.models.bayes.model import BayesianMF
from matinee.models.ease import EASE
from matinee.models.hybrid import Hybrid
from matinee.models.ials import ImplicitALS
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.models.updating import NewsTally, can_update, updated
from tests.helpers import (
    Model,
    arrays,
    assert_same,
    error_message,
    fitted,
    history,
    scores_in_order,
    table,
    unary,
)

MF, SMALL = MatrixFactorization, {"factors": 8}
SETTINGS: dict[str, dict[str, Any]] = {
    "mf": SMALL,
    "ials": SMALL,
    "bayes": {"factors": 4, "samples": 60, "burn_in": 20, "kept": 16, "set_rank": 10},
    "ease": {},
    "hybrid": {"mf.factors": 8, "ials.factors": 8, "ials-all.factors": 8},
}
EXACT: list[Model] = [MF, ImplicitALS, EASE, Hybrid]
each = pytest.mark.parametrize("model", [*EXACT, BayesianMF], ids=lambda one: one.name)
each_exact = pytest.mark.parametrize("model", EXACT, ids=lambda one: one.name)
AGAIN = "Train it again on all ratings:  matinee train DATA MORE_DATA --out NEW"


def of(users: list[Any], items: list[Any], stars: list[float]) -> Ratings:
    """A few ratings, on the scale of `table()`."""
    return Ratings.from_ids(users, items, stars, scale=Scale(1, 5, 0.5))


@cache
def known(model: Model) -> Recommender:
    """A model of `table()`."""
    return fitted(model, **SETTINGS[model.name])


def after(model: Model, news: Ratings | None, withdrawn: Ratings | None = None) -> Recommender:
    """A model of `table()` after news."""
    return updated(known(model), news, withdrawn=withdrawn, n_threads=1).model


def again(model: Model, ratings: Ratings) -> Recommender:
    """The same model of other ratings."""
    return model.from_settings(SETTINGS[model.name]).fit(ratings, n_threads=1)


def rmse(model: Recommender, test: Ratings) -> float:
    return float(np.sqrt(np.mean((model.predict_ratings(test) - test.value) ** 2)))


def new_item(stars: float) -> Ratings:
    """A new item, which 40 users rate alike."""
    return of(list(range(1, 41)), [2000] * 40, [stars] * 40)


@pytest.fixture
def many_ratings(monkeypatch: pytest.MonkeyPatch) -> None:
    """One more rating is no more, to an item of `table()`, than to one that hundreds have rated."""
    monkeypatch.setattr(updating, "SHARE", 0.02)


# -- what changes ------------------------------------------------------------------------


@pytest.mark.usefixtures("many_ratings")
@each_exact
def test_a_new_user_gets_the_vector_of_a_new_person_with_the_same_ratings(model: Model) -> None:
    ratings: dict[int | str, float] = {7: 5.0, 17: 1.0, 27: 4.5, 37: 5.0}
    news = of([900] * 4, list(ratings), list(ratings.values()))
    one, before = after(model, news), known(model)
    assert 900 in one.users_.ids
    assert 900 not in before.users_.ids
    assert history(news, 900) == ratings
    expected = before.fold_in(ratings).vector
    assert np.allclose(one.profile(900).vector, expected, atol=2e-4)
    ours, theirs = scores_in_order(one, 900)[4:], scores_in_order(before, ratings)[4:]
    assert ours == pytest.approx(theirs, abs=0.02)  # the hybrid's depend on all counts a little


@pytest.mark.usefixtures("many_ratings")
@each
def test_who_has_no_news_keeps_everything_if_no_item_changes(model: Model) -> None:
    one, before = after(model, of([900, 900], [7, 17], [5, 1])), known(model)
    users = before.users_.ids[[3, 100, 250]].tolist()
    for user in users:
        assert np.array_equal(one.profile(user).vector, before.profile(user).vector)
    assert (one.item_counts_[:3] - before.item_counts_[:3]).tolist() == [1, 1, 0]


@each
@pytest.mark.parametrize("stars", [1.0, 5.0])
def test_a_new_item_scores_as_after_training_again(model: Model, stars: float) -> None:
    news = new_item(stars)
    one = after(model, news)
    assert one.item_counts_[-1] == 40
    assert one.item_means_[-1] == stars
    assert one.items_.id(len(one.items_) - 1) == 2000
    full = again(model, joined(table(), news))
    ours = np.array([scores_in_order(one, user)[-1] for user in range(100, 200)])
    theirs = np.array([scores_in_order(full, user)[-1] for user in range(100, 200)])
    spread = np.std([scores_in_order(full, user) for user in range(100, 110)])
    assert abs(ours.mean() - theirs.mean()) < 0.35 * spread


@each_exact
def test_every_user_still_has_the_vector_of_their_ratings_after_items_change(model: Model) -> None:
    one = after(model, new_item(4.0))
    for user in (1, 20, 150, 300):
        items, value = one.history_.of(one.users_.index(user))
        ratings = dict(zip(one.items_.ids[items].tolist(), value.tolist(), strict=True))
        assert np.allclose(one.profile(user).vector, one.fold_in(ratings).vector, atol=1e-3)


def joined(base: Ratings, news: Ratings) -> Ratings:
    """The ratings of both."""
    users = np.concatenate([part.users.ids[part.user_index] for part in (base, news)])
    items = np.concatenate([part.items.ids[part.item_index] for part in (base, news)])
    value = np.concatenate([base.value, news.value])
    return Ratings.from_ids(users, items, value, scale=base.scale)


def first_of(user: int) -> tuple[int, float]:
    """The first item of a user of `table()`, and its rating."""
    item, stars = next(iter(history(table(), user).items()))
    return int(item), stars


@pytest.mark.parametrize("stars", [1.0, 5.0])
def test_a_changed_rating_moves_user_and_item_as_training_again_does(stars: float) -> None:
    users = list(range(1, 61))
    rated = {user: first_of(user)[0] for user in users}
    news = of(users, list(rated.values()), [stars] * 60)
    one, before = after(MF, news), known(MF)
    assert len(one.history_) == len(before.history_)
    others = np.isin(
        table().user_index * 10_000 + table().item_index,
        table().users.lookup(users) * 10_000 + table().items.lookup(list(rated.values())),
    )
    full = again(MF, joined(table().subset(~others), news))
    for user in users[:5]:
        items, value = one.history_.of(user - 1)
        assert value[items == one.items_.index(rated[user])] == stars
    ours = one.predict_ratings(news) - before.predict_ratings(news)
    theirs = full.predict_ratings(news) - before.predict_ratings(news)
    assert np.corrcoef(ours, theirs)[0, 1] > 0.8
    assert 0.7 < ours.mean() / theirs.mean() < 1.3


def test_a_withdrawn_rating_no_longer_counts() -> None:
    item, before = 17, known(MF)
    of_item = table().item_index == table().items.index(item)
    low = of_item & (table().value <= np.median(table().value[of_item]))
    rows = table().subset(low)
    one, full = after(MF, None, rows), again(MF, table().subset(~low))
    place = before.items_.index(item)
    assert len(one.history_) == len(table()) - low.sum()
    assert one.item_counts_[place] == of_item.sum() - low.sum()
    assert one.item_means_[place] == pytest.approx(float(full.item_means_[place]))
    was, ours, theirs = (
        float(model.predict_ratings(table().subset(of_item & ~low)).mean())
        for model in (before, one, full)
    )
    assert was < ours
    assert abs(ours - theirs) < 0.5 * (theirs - was)


@each
def test_an_item_whose_ratings_are_all_withdrawn_is_as_if_unrated(model: Model) -> None:
    one = after(model, None, table().subset(table().item_index == 3))
    assert one.item_counts_[3] == 0
    assert np.isnan(one.item_means_[3])
    if model is MF:
        assert isinstance(one, MatrixFactorization)
        assert not one.item_factors_[3].any()
        assert one.item_bias_[3] == 0


@each
def test_a_user_whose_ratings_are_all_withdrawn_is_the_average_person(model: Model) -> None:
    one = after(model, None, table().subset(table().user_index == 5))
    assert one.history_.counts[5] == 0
    assert np.allclose(one.profile(6).vector, one.fold_in({}).vector)


@each
def test_the_same_ratings_again_change_nothing(model: Model) -> None:
    news = table().subset(np.arange(500))
    found = updated(known(model), news, n_threads=1)
    assert found.tally == NewsTally(0, 0, 0, 0, 0)
    assert_same(arrays(known(model)), arrays(found.model))


@each
def test_the_given_model_does_not_change(model: Model) -> None:
    one = again(model, table())
    before = {name: array.copy() for name, array in arrays(one).items()}
    updated(one, new_item(5.0), withdrawn=table().subset(np.arange(50)), n_threads=1)
    assert_same(before, arrays(one))
    assert len(one.history_) == len(table())


@each
def test_threads_do_not_change_the_result(model: Model) -> None:
    news, gone = new_item(2.0), table().subset(np.arange(0, 900, 3))
    one = updated(known(model), news, withdrawn=gone, n_threads=1).model
    other = updated(known(model), news, withdrawn=gone, n_threads=3).model
    assert_same(arrays(one), arrays(other))
    for name, member in one.members().items():
        assert_same(arrays(member), arrays(other.members()[name]))


def test_ease_waits_until_the_items_that_change_have_enough_news() -> None:
    one, before = after(EASE, of([1, 2, 3], [2000, 12, 2000], [5.0] * 3)), known(EASE)
    assert isinstance(one, EASE)
    assert isinstance(before, EASE)
    assert np.array_equal(one.correlations_, before.correlations_)
    assert one.items_.ids[1] == 12
    assert one.likeness(2)[3] == before.likeness(1)[2] != 0
    assert np.isnan(one.likeness(1)).all()
    learned = after(EASE, new_item(5.0))
    assert isinstance(learned, EASE)
    assert not np.isnan(learned.likeness(120)).all()


# -- how good it is ----------------------------------------------------------------------


@cache
def trained_on_all(model: Model) -> tuple[Split, float]:
    """A split, and the error of training on all of its first part."""
    part = random_split(table(), 0.2, 0)
    return part, rmse(again(model, part.train), part.test)


@pytest.mark.parametrize("model", [MF, BayesianMF], ids=lambda one: one.name)
@pytest.mark.parametrize("kind", ["rows", "users", "items"])
def test_stars_are_better_than_without_the_news_and_nearly_those_of_training_again(
    kind: str, model: Model
) -> None:
    part, error_of_all = trained_on_all(model)
    train, column = part.train, {"users": "user_index", "items": "item_index"}
    numbers = np.arange(len(part.train))
    if kind in column:
        numbers = getattr(train, column[kind])
    is_news = numbers % 10 == 0
    old = again(model, train.subset(~is_news))
    new = updated(old, train.subset(is_news), n_threads=1).model
    assert rmse(new, part.test) < rmse(old, part.test)
    assert rmse(new, part.test) < error_of_all + 0.02


def test_weighted_counts_add_up() -> None:
    base = unary()
    one = ImplicitALS(factors=4, weights="log").fit(base, n_threads=1)
    found = updated(one, base.subset(np.arange(10)), n_threads=1)
    assert found.tally == NewsTally(0, 10, 0, 0, 0)
    assert found.model.history_.value.sum() == len(base) + 10


def test_members_that_cannot_be_updated_are_trained_again() -> None:
    settings = {"stars": "baseline", "ials.factors": 4, "ials-all.factors": 4}
    one = Hybrid.from_settings(settings).fit(table(), n_threads=1)
    news = new_item(5.0)
    member = updated(one, news, n_threads=1).model.members()["baseline"]
    full = MODELS[0]().fit(joined(table(), news))
    assert member.name == full.name == "baseline"
    assert_same(arrays(full), arrays(member))


@pytest.mark.usefixtures("many_ratings")
def test_an_item_changes_from_a_share_of_news() -> None:
    one, before = after(MF, of([900], [7], [5.0])), known(MF)
    n_ratings = int(before.item_counts_[0])
    assert n_ratings * updating.SHARE > 1
    assert isinstance(one, MatrixFactorization)
    assert isinstance(before, MatrixFactorization)
    assert np.array_equal(one.item_factors_, before.item_factors_)
    few = list(range(900, 910))
    moved = after(MF, of(few, [7] * 10, [5.0] * 10))
    assert isinstance(moved, MatrixFactorization)
    assert not np.array_equal(moved.item_factors_[0], before.item_factors_[0])
    assert np.array_equal(moved.item_factors_[1:], before.item_factors_[1:])


# -- refusals ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "model", [one for one in MODELS if one.name not in SETTINGS], ids=lambda one: one.name
)
def test_other_models_say_so(model: Model) -> None:
    unfitted = model()
    assert not can_update(unfitted)


def test_a_model_that_cannot_be_updated_says_what_to_type() -> None:
    news = of([900], [7], [5.0])
    one = MODELS[0]().fit(table())
    told = "baseline cannot be updated; hybrid, mf, bayes, ials and ease can. " + AGAIN
    assert error_message(UnsupportedError, updated, one, news) == told


def test_the_ordered_probit_cannot_be_updated() -> None:
    settings = SETTINGS["bayes"] | {"likelihood": "probit", "samples": 2, "burn_in": 0}
    one = BayesianMF.from_settings(settings).fit(table().subset(np.arange(500)), n_threads=1)
    told = "bayes cannot be updated with these settings; hybrid, mf, bayes, ials and ease can. "
    news = of([900], [7], [5.0])
    assert error_message(UnsupportedError, updated, one, news) == told + AGAIN


def test_the_moments_of_a_user_stay_theirs_when_users_come_before_them() -> None:
    """The effects of days are found by the row of the user."""
    base = replace(table(), timestamp=np.arange(len(table())) * 50_000)
    settings = SETTINGS["bayes"] | {"samples": 4, "burn_in": 2}
    one = BayesianMF.from_settings(settings).fit(base, n_threads=1)
    new = updated(one, of([0, 0], [7, 17], [5.0, 1.0]), n_threads=1).model
    rows = base.subset(base.user_index == 5)
    assert new.users_.index(int(base.users.ids[5])) == 6
    timed = replace(rows, timestamp=np.full(len(rows), 10))
    before, after = (
        each.predict_ratings(rows) - each.predict_ratings(timed) for each in (one, new)
    )
    assert np.abs(before).max() > 1e-4
    assert np.allclose(before, after, atol=2e-3)


def test_certainty_grows_with_the_ratings_of_a_new_user() -> None:
    few, many = (dict.fromkeys(range(1, n), 4.0) for n in (4, 60))
    news = of([900] * len(few) + [901] * len(many), [*few, *many], [*few.values(), *many.values()])
    one = after(BayesianMF, news)
    asked = of([900, 901] * 20, [item for item in range(80, 100) for _ in (1, 2)], [3.0] * 40)
    assert isinstance(one, BayesianMF)
    deviations = one.predict_deviations(asked).reshape(20, 2).mean(axis=0)
    assert deviations[1] < deviations[0]


def test_a_half_life_is_refused_also_in_a_member() -> None:
    told = (
        "A model with a half-life cannot be updated, because each new rating makes all others "
        "older. " + AGAIN
    )
    news = of([900], [7], [5.0])
    one = EASE(half_life=100.0).fit(table(), n_threads=1)
    assert error_message(UnsupportedError, updated, one, news) == told
    settings = {"stars": "baseline", "ease.half_life": 100, "lists": "ease"}
    both = Hybrid.from_settings(settings).fit(table(), n_threads=1)
    assert error_message(UnsupportedError, updated, both, news) == told


@pytest.mark.parametrize(
    ("news", "told"),
    [
        (
            of([1], [7], [3.7]),
            "The rating of item '7' by user '1' is 3.7, but the scale of the model is 1 to 5 in "
            "steps of 0.5. Convert the new ratings to this scale, or train a model on all "
            "ratings.",
        ),
        (
            of([1, 2], [7, 7], [3, 9]),
            "The rating of item '7' by user '2' is 9, but the scale of the model is 1 to 5 in "
            "steps of 0.5. Convert the new ratings to this scale, or train a model on all "
            "ratings.",
        ),
        (
            Ratings.from_ids([1, 2], [7, 17], [1, 1]),
            "The model learned from ratings of 1 to 5 in steps of 0.5, but the new table has "
            "none, only pairs of users and items; name their column with --rating-column.",
        ),
        (
            of(["u1"], [7], [3]),
            "The user ids of the model are whole numbers, such as '1', but those of the new table "
            "are text, such as 'u1'. Give the ids of the training data.",
        ),
        (
            of([1], ["x"], [3]),
            "The item ids of the model are whole numbers, such as '7', but those of the new table "
            "are text, such as 'x'. Give the ids of the training data.",
        ),
    ],
    ids=["between steps", "outside", "pairs", "users", "items"],
)
def test_news_that_do_not_fit_are_refused(news: Ratings, told: str) -> None:
    assert error_message(DataError, updated, known(MF), news) == told


def test_a_model_of_pairs_refuses_stars() -> None:
    one = ImplicitALS(factors=4).fit(unary(), n_threads=1)
    assert error_message(DataError, updated, one, of([1], [7], [3.0])) == (
        "The model learned from pairs of users and items, but the new table has ratings of 1 to 5 "
        "in steps of 0.5; read it with --pairs."
    )


def test_withdrawing_what_is_not_there_is_refused() -> None:
    item, _ = first_of(1)
    missing = next(int(one) for one in table().items.ids if one not in history(table(), 1))
    for user, other in ((1, missing), (900, 7), (1, 12345)):
        told = error_message(
            DataError, updated, known(MF), None, withdrawn=of([user], [other], [1])
        )
        assert told == (
            f"The rating of item '{other}' by user '{user}' is withdrawn, but the model has no "
            "such rating; remove the row."
        )
    both = of([1], [item], [2.0])
    assert error_message(DataError, updated, known(MF), both, withdrawn=both) == (
        f"The rating of item '{item}' by user '1' is both new and withdrawn; remove one of the two "
        "rows."
    )
    assert error_message(DataError, updated, known(MF), None, withdrawn=table()) == (
        "No rating would remain; a model needs some."
    )


def test_nothing_at_all_is_refused() -> None:
    assert error_message(DataError, updated, known(MF), None) == (
        "There is nothing to update with: give new ratings or withdrawn ones."
    )
