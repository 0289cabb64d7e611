"""Reasons on cards: "because" only of large parts of the exact sum, "like" only of related films, and no repetition."""

import os
import re
from pathlib import Path

import numpy as np
import pytest

from matinee.data.catalog import Catalog, Film
from matinee.data.datasets.load import load
from matinee.models.base import Recommender
from matinee.models.bayes.model import BayesianMF
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.recommendation.guide import Guide
from matinee.recommendation.model_file import Origin
from matinee.web.pages.film_cards import FilmCards
from matinee.web.pages.reasons import APART, Reasons
from matinee.web.serving.snapshot import ModelSnapshot
from tests.web.conftest import guide_of

PEOPLE = {
    "a newcomer": {"Star Wars: Episode IV": 5.0, "Titanic": 2.0, "Matrix, The (1999)": 4.5},
    "an art lover": {"Seven Samurai": 5.0, "M (1931)": 5.0, "Casablanca (1942)": 4.5, "Batman (1989)": 1.0},
    "of mixed taste": {
        "Borat": 5.0, "Apollo 13": 5.0, "Good, the Bad and the Ugly, The": 5.0, "Toy Story (1995)": 3.0,
        "Twilight": 1.0, "Forrest Gump": 4.0, "Shrek (2001)": 3.0, "Pulp Fiction": 5.0,
    },
}  # fmt: skip


def _names(why: str, name: str) -> bool:
    return re.search(rf"(Like|to|and) {re.escape(name)}(,| and | like|$)", why) is not None or bool(
        re.search(rf"like {re.escape(name)}( and | like)", why)
    )


def check(cards: FilmCards, ratings: dict[int, float]) -> int:
    """Checks all reasons of one person's list against the explanations; returns how many name films."""
    guide = cards.snapshot.guide
    profile = guide.model.fold_in({guide.model.items_.id(i): one for i, one in ratings.items()})
    listed = guide.recommend(profile, 24).items
    indices = [guide.model.items_.index(one.item_id) for one in listed]
    names = {cards.name(index): index for index in ratings}
    named_before: list[set[int]] = []
    for index, why in zip(indices, cards.reasons(indices, ratings, profile), strict=True):
        named = {film for name, film in names.items() if _names(why, name)}
        assert not named & set().union(*named_before[-(APART - 1) :]), why
        named_before.append(named)
        if why.startswith("Because"):
            (film,) = named
            reasons = guide.explain(profile, guide.model.items_.id(index)).reasons
            added = {guide.model.items_.index(one.item_id): one.contribution for one in reasons}
            assert added[film] >= 0.1
            assert added[film] >= 0.8 * max(map(abs, added.values()))
            assert ratings[film] >= np.mean(list(ratings.values()))
        if why.startswith(("Because", "Like")):
            (film,) = named
            one, other = (guide.catalog[guide.model.items_.id(place)] for place in (index, film))
            assert ({*one.genres} & {*other.genres}) or ({*one.tags} & {*other.tags})
        if not named and why:
            assert re.match("Among the best|Popular|Rated above", why)
    return sum(map(bool, named_before))


MODELS: dict[str, Recommender] = {
    "mf": MatrixFactorization(factors=16, epochs=10),
    "bayes": BayesianMF(factors=8, samples=12, burn_in=4, sets=False, side=False),
}


@pytest.fixture(scope="module", params=MODELS)
def real_cards(request: pytest.FixtureRequest) -> FilmCards:
    folder = Path(os.environ.get("MATINEE_DATA", "")) / "ml-latest-small"
    if not os.environ.get("MATINEE_DATA") or not folder.exists():
        pytest.skip("needs MATINEE_DATA with ml-latest-small")
    data = load(str(folder))
    model = MODELS[request.param]
    guide = Guide(model.fit(data.ratings), data.catalog, Origin("ml-latest-small"))
    return FilmCards(ModelSnapshot("films", guide, "1"))


@pytest.mark.parametrize("person", PEOPLE)
def test_reasons_are_reasons_for_people_of_several_kinds(
    real_cards: FilmCards, person: str
) -> None:
    guide = real_cards.snapshot.guide
    titles = [
        film.title for film in map(guide.catalog.__getitem__, guide.model.items_.ids.tolist())
    ]
    ratings = {}
    for start, stars in PEOPLE[person].items():
        ratings[next(at for at, title in enumerate(titles) if title.startswith(start))] = stars
    assert check(real_cards, ratings) > 0


def test_reasons_are_reasons_for_anybody() -> None:
    cards = FilmCards(ModelSnapshot("films", guide_of(), "1"))
    rng = np.random.default_rng(0)
    n_named = 0
    for n in (1, 2, 5, 10, 30, 60):
        for _ in range(5):
            films = rng.choice(len(cards.counts), n, replace=False).tolist()
            n_named += check(cards, {film: float(rng.integers(1, 6)) for film in films})
    assert n_named > 30


def test_films_with_a_tag_in_common_are_related() -> None:
    guide = guide_of()
    ids = guide.model.items_.ids.tolist()
    labels = {0: ((), ("heist",)), 1: (("Drama",), ("heist", "train")), 2: ((), ("train",))}
    films = {
        ids[place]: Film(f"Film {place}", genres=genres, tags=tags)
        for place, (genres, tags) in labels.items()
    }
    tagged = Guide(guide.model, Catalog(films), guide.origin)
    reasons = Reasons(ModelSnapshot("films", tagged, "1"), np.zeros((len(ids), 1), np.float32))
    assert reasons.are_related(0, 1)
    assert reasons.are_related(1, 2)
    assert not reasons.are_related(0, 2)
