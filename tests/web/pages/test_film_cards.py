"""Film cards: which films to rate first, reasons, similar films, and predictions."""

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
from matinee.web.pages.film_cards import FilmCards
from matinee.web.pages.reasons import MIN_COSINE_OF_REASON
from matinee.web.serving.snapshot import ModelSnapshot
from tests.conftest import simulated
from tests.web.conftest import guide_of

GENRES = ("Drama", "Comedy", "Sci-Fi", "Horror")


def cards_of(
    name: str, ratings: Ratings, films: dict[Id, Film] | None = None, **settings: bool
) -> FilmCards:
    """The cards of a model of the given name and settings, fitted to the ratings."""
    model = next(model for model in MODELS if model.name == name)
    guide = Guide(
        model.from_settings(settings).fit(ratings, n_threads=1), Catalog(films or {}), Origin("own")
    )
    return FilmCards(ModelSnapshot("own", guide, "1"))


def implicit_feedback() -> Ratings:
    """Pairs of users and items without stars."""
    table = simulated()
    users, items = (
        table.users.ids[table.user_index].tolist(),
        table.items.ids[table.item_index].tolist(),
    )
    return Ratings.from_ids(users, items, [1.0] * len(table), scale=PAIRS)


def few_ratings(n_items: int) -> Ratings:
    """Ratings of a few items with strings for ids."""
    rng = np.random.default_rng(0)
    user = np.repeat(np.arange(12), n_items)
    names = [f"item {one}" for one in range(n_items)] * 12
    return Ratings.from_ids(user.tolist(), names, rng.integers(1, 6, len(user)).astype(float))


@pytest.fixture(scope="module")
def cards() -> FilmCards:
    return FilmCards(ModelSnapshot("films", guide_of(), "1"))


# -- films to rate ----------------------------------------------------


def test_the_first_films_to_rate_cover_more_genres_and_decades_than_the_most_rated(
    cards: FilmCards,
) -> None:
    def kinds(indices: list[int]) -> set[tuple[str, int]]:
        films = [cards.card(index) for index in indices]
        return {(genre, (film["year"] or 0) // 10) for film in films for genre in film["genres"]}

    asked = cards.elicitation.next_items(18, [], [])
    popular = np.argsort(-cards.counts, kind="stable")[:18].tolist()
    assert len(set(asked)) == 18
    assert {genre for genre, _ in kinds(asked)} >= set(GENRES)
    assert len(kinds(asked)) >= len(kinds(popular))
    assert len({decade for _, decade in kinds(asked)}) >= 5


def test_similar_films_are_not_both_among_the_first_to_rate() -> None:
    # Items come in pairs that get the same ratings from the same people. One item of each pair is enough, so the
    # first half of the films to rate consists of one item of each pair.
    rng = np.random.default_rng(1)
    taste, of_pair = rng.normal(size=(200, 8)), rng.normal(size=(8, 8))
    stars = np.clip(np.round(3 + (taste @ of_pair.T) / 2), 1, 5)  # (200, 8)
    user, item = np.meshgrid(np.arange(200), np.arange(16), indexing="ij")
    given = stars[user, item // 2]
    ratings = Ratings.from_ids(user.ravel().tolist(), item.ravel().tolist(), given.ravel().tolist())
    cards = cards_of("mf", ratings, adapt=False)
    first = cards.elicitation.next_items(8, [], [])
    assert len({index // 2 for index in first}) >= 7


def test_rated_and_skipped_films_are_not_asked_about_again(cards: FilmCards) -> None:
    first = cards.elicitation.next_items(10, [], [])
    second = cards.elicitation.next_items(10, first[:5], first[5:])
    assert not set(first) & set(second)
    assert cards.elicitation.next_items(10, [], []) == first


def test_the_next_film_does_not_depend_on_the_order_of_the_ratings(cards: FilmCards) -> None:
    answered = cards.elicitation.next_items(6, [], [])
    assert (
        cards.elicitation.next_items(4, answered, [])
        == cards.elicitation.next_items(4, answered[::-1], [])
        == cards.elicitation.next_items(4, [], answered)
    )


def test_all_films_are_asked_about_once_and_then_none(cards: FilmCards) -> None:
    n = len(cards.counts)
    every = cards.elicitation.next_items(n + 50, [], [])
    assert sorted(every) == np.flatnonzero(cards.counts).tolist()
    assert cards.elicitation.next_items(5, every, []) == []
    assert cards.elicitation.next_items(5, every[1:], []) == every[:1]
    assert cards.elicitation.next_items(0, [], []) == []


def test_of_many_films_only_the_most_rated_are_asked_about() -> None:
    rng = np.random.default_rng(2)
    n_items = MAX_CANDIDATES + 200
    user = rng.integers(0, 500, 20_000)
    item = np.minimum(rng.zipf(1.3, 20_000) - 1, n_items - 1)
    pair = np.unique(np.stack([user, item]), axis=1)
    stars = rng.integers(1, 6, pair.shape[1]).astype(float)
    cards = cards_of("mf", Ratings.from_ids(pair[0].tolist(), pair[1].tolist(), stars.tolist()))
    asked = cards.elicitation.next_items(10_000, [], [])
    assert len(asked) == min(MAX_CANDIDATES, int((cards.counts > 0).sum()))
    assert cards.counts[asked].min() >= np.sort(cards.counts)[::-1][len(asked) - 1]


# -- reasons, similar films and predictions ----------------------------------------------------


def test_liked_films_are_above_the_persons_mean_and_the_middle_of_the_scale(
    cards: FilmCards,
) -> None:
    assert cards.liked({}) == []
    assert cards.liked({1: 5.0, 2: 1.0, 3: 4.0}) == [1, 3]
    assert cards.liked({1: 4.0, 2: 4.0}) == [1, 2]
    assert cards.liked({1: 2.0, 2: 1.0}) == []


def test_the_reason_names_the_most_similar_liked_film(cards: FilmCards) -> None:
    related = [film for film in cards.similar(0, 30, []) if cards.of_list.are_related(0, film)]
    name = cards.name(0)
    (why,) = cards.reasons(related[:1], {0: 4.5})
    assert why == f"Like {name}, which you gave 4.5"
    cosine = cards._unit_vectors[related[0]] @ cards._unit_vectors[0]
    assert cosine >= MIN_COSINE_OF_REASON


def test_without_ratings_the_reason_is_what_other_people_think(cards: FilmCards) -> None:
    known = {texts.FOR_YOU[name] for name in ("why_people", "why_popular", "why_above")} | {""}
    means, counts = cards.snapshot.guide.model.item_means_, cards.counts
    reasons = cards.reasons(list(range(len(counts))), {})
    assert set(reasons) == known
    assert (
        reasons[int(np.nanargmax(np.where(counts >= 20, means, np.nan)))]
        == texts.FOR_YOU["why_people"]
    )
    assert cards.reasons([], {}) == cards.reasons([], {1: 5.0}) == []


def test_a_disliked_film_is_never_the_reason(cards: FilmCards) -> None:
    assert not any(
        why.startswith("Like ") for why in cards.reasons(list(range(20)), {30: 1.0, 31: 1.5})
    )


def test_similar_films_are_sorted_and_leave_out_excluded_films(
    cards: FilmCards,
) -> None:
    similar = cards.similar(3, 5, [])
    assert 3 not in similar
    assert len(similar) == len(set(similar)) == 5
    similarity = (
        cards._unit_vectors[similar]
        @ cards._unit_vectors[3]
        * (cards.counts[similar] / (cards.counts[similar] + 20))
    )
    assert similarity.tolist() == sorted(similarity.tolist(), reverse=True)
    again = cards.similar(3, 5, similar[:2])
    assert again[:3] == similar[2:]
    assert cards.similar(3, 10_000, []) == cards.similar(3, len(cards.counts), [])


def test_predictions_and_their_intervals_lie_within_the_scale() -> None:
    cards = cards_of("bayes", simulated(n_users=80, n_items=40, n_ratings=1500))
    model = cards.snapshot.guide.model
    profile = model.fold_in({7: 5.0, 17: 1.0})
    lines = cards.predicted(profile, list(range(40)), model.ranking(profile), {0: 5.0, 1: 1.0})
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


# -- other models and data ----------------------------------------------------


@pytest.mark.parametrize("name", ["popularity", "baseline"])
def test_without_item_vectors_genres_and_decades_are_compared(name: str) -> None:
    ratings = simulated(n_users=60, n_items=24, n_ratings=900)
    ids = ratings.items.ids.tolist()
    films: dict[Id, Film] = {
        one: Film(f"Film {place} ({1950 + place})", 1950 + place, (GENRES[place % 4],))
        for place, one in enumerate(ids)
    }
    cards = cards_of(name, ratings, films)
    assert {
        genre
        for index in cards.elicitation.next_items(4, [], [])
        for genre in cards.card(index)["genres"]
    } == {*GENRES}
    assert {*cards.similar(0, 2, [])} == {4, 8}  # dramas of the 1950s
    assert cards.years == (1950, 1973)


def test_without_titles_and_item_vectors_no_films_are_similar() -> None:
    cards = cards_of("popularity", few_ratings(5))
    assert cards.years is None
    assert sorted(cards.elicitation.next_items(9, [], [])) == [0, 1, 2, 3, 4]
    assert cards.similar(0, 3, []) == []
    assert cards.name(0) == cards.card(0)["title"] == "item 0"
    assert not any(why.startswith("Like ") for why in cards.reasons([1, 2], {0: 5.0}))


@pytest.mark.parametrize(
    ("name", "n_items"), [("mf", 1), ("mf", 3), ("item-knn", 3), ("baseline", 1), ("baseline", 3)]
)
def test_one_or_three_items_are_enough(name: str, n_items: int) -> None:
    cards = cards_of(name, few_ratings(n_items))
    model = cards.snapshot.guide.model
    assert sorted(cards.elicitation.next_items(18, [], [])) == list(range(n_items))
    profile = model.fold_in({"item 0": 5.0})
    lines = cards.predicted(profile, list(range(n_items)), model.ranking(profile), {0: 5.0})
    assert [line["item_id"] for line in lines] == [f"item {one}" for one in range(n_items)]
    assert set(cards.similar(0, 5, [])) <= set(range(1, n_items))


def test_with_implicit_feedback_every_item_is_liked_and_films_have_ranks() -> None:
    cards = cards_of("ials", implicit_feedback())
    own = {4: 1.0, 9: 1.0}
    assert cards.liked(own) == [4, 9]
    similar = cards.similar(4, 1, [9])
    assert cards.reasons(similar, {4: 1.0}) == [f"Like {cards.name(4)}, which you have seen"]
    model = cards.snapshot.guide.model
    profile = model.fold_in({47: 1.0, 97: 1.0})
    ranking = model.ranking(profile)
    best = int(np.delete(ranking.scores, list(own)).argmax())
    best += sum(item <= best for item in own)
    (line,) = cards.predicted(profile, [best], ranking, own)
    assert (line["stars"], line["likely"], line["rank"], line["n_ranked"]) == (None, None, 1, 120)


def test_unknown_ids_have_no_index(cards: FilmCards) -> None:
    assert cards.snapshot.indices({"7": 4.0, "8": 5.0, "17": 2.0}) == {0: 4.0, 1: 2.0}
