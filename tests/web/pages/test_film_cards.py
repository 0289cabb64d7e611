"""What pages show of a model: what is asked about first, why a film is on a list, and lists around a film."""

import numpy as np
import pytest

from matinee.data.catalog import Catalog, Film
from matinee.data.ratings import PAIRS, Ratings
from matinee.data.vocabulary import Id
from matinee.models import MODELS
from matinee.recommendation.elicitation import MAX_CANDIDATES
from matinee.recommendation.guide import Guide
from matinee.recommendation.intervals import LEVEL, interval
from matinee.recommendation.model_file import Origin
from matinee.web.pages import texts
from matinee.web.pages.film_cards import ALIKE, FilmCards
from matinee.web.serving.snapshot import ModelSnapshot
from tests.conftest import simulated
from tests.web.conftest import guide_of

GENRES = ("Drama", "Comedy", "Sci-Fi", "Horror")


def shelf_of(name: str, ratings: Ratings, films: dict[Id, Film] | None = None) -> FilmCards:
    """A model by its name, fitted and ready for pages."""
    model = next(model for model in MODELS if model.name == name)
    guide = Guide(model().fit(ratings, n_threads=1), Catalog(films or {}), Origin("own"))
    return FilmCards(ModelSnapshot("own", guide, "1"))


def pairs() -> Ratings:
    """Who has what, without stars."""
    table = simulated()
    users, items = (
        table.users.ids[table.user_index].tolist(),
        table.items.ids[table.item_index].tolist(),
    )
    return Ratings.from_ids(users, items, [1.0] * len(table), scale=PAIRS)


def few(n_items: int) -> Ratings:
    """Some people's ratings of a handful of items with texts for ids."""
    rng = np.random.default_rng(0)
    user = np.repeat(np.arange(12), n_items)
    names = [f"item {one}" for one in range(n_items)] * 12
    return Ratings.from_ids(user.tolist(), names, rng.integers(1, 6, len(user)).astype(float))


@pytest.fixture(scope="module")
def shelf() -> FilmCards:
    return FilmCards(ModelSnapshot("films", guide_of(), "1"))


# -- what is asked about -------------------------------------------------------------------------------------------


def test_the_first_films_are_spread_over_genres_and_decades_more_than_the_most_rated_are(
    shelf: FilmCards,
) -> None:
    def kinds(indices: list[int]) -> set[tuple[str, int]]:
        films = [shelf.card(index) for index in indices]
        return {(genre, (film["year"] or 0) // 10) for film in films for genre in film["genres"]}

    asked = shelf.elicitation.next_items(18, [], [])
    popular = np.argsort(-shelf.counts, kind="stable")[:18].tolist()
    assert len(set(asked)) == 18
    assert {genre for genre, _ in kinds(asked)} >= set(GENRES)
    assert len(kinds(asked)) >= len(kinds(popular))
    assert len({decade for _, decade in kinds(asked)}) >= 5


def test_two_films_of_one_kind_at_one_place_are_not_both_asked_about_first() -> None:
    # Items come in twins: the same people give both the same. Of each pair one is enough, so the first half of all
    # that is asked is one of each.
    rng = np.random.default_rng(1)
    taste, of_pair = rng.normal(size=(200, 8)), rng.normal(size=(8, 8))
    stars = np.clip(np.round(3 + (taste @ of_pair.T) / 2), 1, 5)  # (200, 8)
    user, item = np.meshgrid(np.arange(200), np.arange(16), indexing="ij")
    given = stars[user, item // 2]
    found = shelf_of(
        "mf", Ratings.from_ids(user.ravel().tolist(), item.ravel().tolist(), given.ravel().tolist())
    )
    first = found.elicitation.next_items(8, [], [])
    assert len({index // 2 for index in first}) >= 7


def test_what_is_answered_or_passed_is_not_asked_about_again(shelf: FilmCards) -> None:
    first = shelf.elicitation.next_items(10, [], [])
    second = shelf.elicitation.next_items(10, first[:5], first[5:])
    assert not set(first) & set(second)
    assert shelf.elicitation.next_items(10, [], []) == first


def test_the_next_film_does_not_depend_on_the_order_of_the_answers(shelf: FilmCards) -> None:
    answered = shelf.elicitation.next_items(6, [], [])
    assert (
        shelf.elicitation.next_items(4, answered, [])
        == shelf.elicitation.next_items(4, answered[::-1], [])
        == shelf.elicitation.next_items(4, [], answered)
    )


def test_all_films_are_asked_about_once_and_then_none(shelf: FilmCards) -> None:
    n = len(shelf.counts)
    every = shelf.elicitation.next_items(n + 50, [], [])
    assert sorted(every) == np.flatnonzero(shelf.counts).tolist()
    assert shelf.elicitation.next_items(5, every, []) == []
    assert shelf.elicitation.next_items(5, every[1:], []) == every[:1]
    assert shelf.elicitation.next_items(0, [], []) == []


def test_of_many_films_only_those_that_people_know_are_asked_about() -> None:
    rng = np.random.default_rng(2)
    n_items = MAX_CANDIDATES + 200
    user = rng.integers(0, 500, 20_000)
    item = np.minimum(rng.zipf(1.3, 20_000) - 1, n_items - 1)
    pair = np.unique(np.stack([user, item]), axis=1)
    stars = rng.integers(1, 6, pair.shape[1]).astype(float)
    found = shelf_of("mf", Ratings.from_ids(pair[0].tolist(), pair[1].tolist(), stars.tolist()))
    asked = found.elicitation.next_items(10_000, [], [])
    assert len(asked) == min(MAX_CANDIDATES, int((found.counts > 0).sum()))
    assert found.counts[asked].min() >= np.sort(found.counts)[::-1][len(asked) - 1]


# -- lists ---------------------------------------------------------------------------------------------------------


def test_what_is_liked_is_above_ones_own_mean_and_the_middle_of_the_scale(shelf: FilmCards) -> None:
    assert shelf.liked({}) == []
    assert shelf.liked({1: 5.0, 2: 1.0, 3: 4.0}) == [1, 3]
    assert shelf.liked({1: 4.0, 2: 4.0}) == [1, 2]
    assert shelf.liked({1: 2.0, 2: 1.0}) == []


def test_a_film_is_there_because_of_the_liked_one_that_is_most_like_it(shelf: FilmCards) -> None:
    near = shelf.similar(0, 3, [])
    name = shelf.name(0)
    (why,) = shelf.reasons(near[:1], {0: 4.5})
    assert why == f"Like {name}, which you gave 4.5"
    cosine = shelf._directions[near[0]] @ shelf._directions[0]
    assert cosine >= ALIKE


def test_without_ratings_a_film_is_there_because_of_what_people_think(shelf: FilmCards) -> None:
    known = {texts.FOR_YOU[name] for name in ("why_people", "why_popular", "why_ranked")}
    means, counts = shelf.snapshot.guide.model.item_means_, shelf.counts
    said = shelf.reasons(list(range(len(counts))), {})
    assert set(said) == known
    assert (
        said[int(np.nanargmax(np.where(counts >= 20, means, np.nan)))]
        == texts.FOR_YOU["why_people"]
    )
    assert shelf.reasons([], {}) == shelf.reasons([], {1: 5.0}) == []


def test_nothing_disliked_is_a_reason(shelf: FilmCards) -> None:
    assert not any(
        why.startswith("Like ") for why in shelf.reasons(list(range(20)), {30: 1.0, 31: 1.5})
    )


def test_near_films_are_alike_others_best_first_and_none_of_those_left_out(
    shelf: FilmCards,
) -> None:
    near = shelf.similar(3, 5, [])
    assert 3 not in near
    assert len(near) == len(set(near)) == 5
    likeness = (
        shelf._directions[near]
        @ shelf._directions[3]
        * (shelf.counts[near] / (shelf.counts[near] + 20))
    )
    assert likeness.tolist() == sorted(likeness.tolist(), reverse=True)
    again = shelf.similar(3, 5, near[:2])
    assert again[:3] == near[2:]
    assert shelf.similar(3, 10_000, []) == shelf.similar(3, len(shelf.counts), [])


def test_lines_say_stars_between_the_ends_of_the_scale_and_how_sure_they_are() -> None:
    found = shelf_of("bayes", simulated(n_users=80, n_items=40, n_ratings=1500))
    model = found.snapshot.guide.model
    profile = model.fold_in({7: 5.0, 17: 1.0})
    scores = model.scores(profile)
    lines = found.predicted(profile, list(range(40)), scores, {0: 5.0, 1: 1.0})
    assert len(lines) == 40
    (deviation,) = model.deviations(profile, np.array([5]))  # type: ignore[misc]
    stars = [line["stars"] or 0.0 for line in lines]
    intervals = [line["likely"] or (0.0, 0.0) for line in lines]
    low, high = interval(stars[5], float(deviation), LEVEL)
    assert intervals[5] == pytest.approx((max(low, 1.0), min(high, 5.0)), abs=1e-6)
    assert all(
        1.0 <= ends[0] <= star <= ends[1] <= 5.0
        for star, ends in zip(stars, intervals, strict=True)
    )


# -- other data ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["popularity", "baseline"])
def test_a_model_without_vectors_is_shown_by_genre_and_decade(name: str) -> None:
    ratings = simulated(n_users=60, n_items=24, n_ratings=900)
    ids = ratings.items.ids.tolist()
    films: dict[Id, Film] = {
        one: Film(f"Film {place} ({1950 + place})", 1950 + place, (GENRES[place % 4],))
        for place, one in enumerate(ids)
    }
    found = shelf_of(name, ratings, films)
    assert {
        genre
        for index in found.elicitation.next_items(4, [], [])
        for genre in found.card(index)["genres"]
    } == {*GENRES}
    assert {*found.similar(0, 2, [])} == {4, 8}  # dramas of the fifties
    assert found.years == (1950, 1973)


def test_without_titles_and_vectors_nothing_is_alike_and_all_can_be_asked_about() -> None:
    found = shelf_of("popularity", few(5))
    assert found.years is None
    assert sorted(found.elicitation.next_items(9, [], [])) == [0, 1, 2, 3, 4]
    assert found.similar(0, 3, []) == []
    assert found.name(0) == found.card(0)["title"] == "item 0"
    assert not any(why.startswith("Like ") for why in found.reasons([1, 2], {0: 5.0}))


@pytest.mark.parametrize(
    ("name", "n_items"), [("mf", 1), ("mf", 3), ("item-knn", 3), ("baseline", 1), ("baseline", 3)]
)
def test_three_items_or_one_are_enough(name: str, n_items: int) -> None:
    found = shelf_of(name, few(n_items))
    model = found.snapshot.guide.model
    assert sorted(found.elicitation.next_items(18, [], [])) == list(range(n_items))
    profile = model.fold_in({"item 0": 5.0})
    lines = found.predicted(profile, list(range(n_items)), model.scores(profile), {0: 5.0})
    assert [line["item_id"] for line in lines] == [f"item {one}" for one in range(n_items)]
    assert set(found.similar(0, 5, [])) <= set(range(1, n_items))


def test_of_data_without_stars_all_that_somebody_has_counts_and_films_have_a_rank() -> None:
    found = shelf_of("ials", pairs())
    own = {4: 1.0, 9: 1.0}
    assert found.liked(own) == [4, 9]
    near = found.similar(4, 1, [9])
    assert found.reasons(near, {4: 1.0}) == [f"Like {found.name(4)}, which you have seen"]
    model = found.snapshot.guide.model
    profile = model.fold_in({47: 1.0, 97: 1.0})
    scores = model.scores(profile)
    best = int(scores.argmax())
    (line,) = found.predicted(profile, [best], scores, own)
    assert (line["stars"], line["likely"], line["rank"], line["n_ranked"]) == (None, None, 1, 120)


def test_ids_that_the_model_does_not_know_have_no_index(shelf: FilmCards) -> None:
    assert shelf.snapshot.indices({"7": 4.0, "8": 5.0, "17": 2.0}) == {0: 4.0, 1: 2.0}
