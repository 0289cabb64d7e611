"""Similar users: their similarity, the sentence about each of them, and films that the same people like."""

import json
import tracemalloc
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from matinee import (
    Baseline,
    Catalog,
    DotProduct,
    Film,
    Guide,
    MatrixFactorization,
    PlainMF,
    Popularity,
    load,
)
from matinee.analysis.similar_users import NamedFilm, Neighbor, neighbors
from matinee.cli import main
from matinee.cli.neighbors import neighbors as neighbors_command
from matinee.data.ratings import Ratings, Scale
from matinee.data.vocabulary import Id
from matinee.errors import SettingError, UnknownNameError, UnsupportedError
from matinee.models.base import Recommender
from matinee.recommendation.co_rating import co_rating
from tests.conftest import real_data, simulated
from tests.helpers import all_scores, error_message, fitted

RATED_NOTHING = "There are no neighbors without ratings; rate some films first."


def two_camps() -> Ratings:
    """Forty people love twenty space films and not twenty love stories, forty the other way round; everybody has rated
    about two thirds. Eve, of the former, has not seen "space 0", which all others of her camp love."""
    rng = np.random.default_rng(0)
    names = ["eve", *(f"spacer {n:02}" for n in range(39)), *(f"lover {n:02}" for n in range(40))]
    titles = [f"{kind} {n}" for kind in ("space", "love") for n in range(20)]
    rows = []
    for person, name in enumerate(names):
        for film, title in enumerate(titles):
            likes = (person < 40) == (film < 20)
            if name == "eve" if title == "space 0" else rng.random() < 0.35:
                continue
            given = rng.integers(4, 6) if likes else rng.integers(1, 3)
            rows.append((name, title, float(5 if title == "space 0" and likes else given)))
    people, seen, stars = (list(column) for column in zip(*rows, strict=True))
    return Ratings.from_ids(people, seen, stars, scale=Scale(1, 5, 1))


@cache
def camps(model: type[Recommender] = MatrixFactorization) -> Guide:
    films: dict[Id, Film] = {
        f"space {n}": Film(f"Space {n} (1999)", 1999, ("Sci-Fi",)) for n in range(20)
    }
    return Guide(model().fit(two_camps(), n_threads=1), Catalog(films))


def bare(guide: Guide, folder: Path) -> Guide:
    replace(guide, origin=replace(guide.origin, has_history=False)).save(folder / "bare.matinee")
    return Guide.load(folder / "bare.matinee")


# -- people ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [MatrixFactorization, DotProduct, PlainMF])
def test_neighbors_are_of_the_same_camp_and_love_what_eve_has_not_seen(
    model: type[Recommender],
) -> None:
    found = neighbors(camps(model), "eve", 8)
    assert len(found.people) == 8
    assert all(str(one.user_id).startswith("spacer") for one in found.people)
    assert found.films[0].item_id == "space 0"
    assert found.films[0].film.title == "Space 0 (1999)"
    assert found.films[0].n_loved == 8
    assert found.films[0].stars == pytest.approx(camps(model).predict("eve", "space 0"), abs=1e-4)
    assert all(str(one.item_id).startswith("space") for one in found.films)
    assert found.note == ""


def test_the_statements_about_a_neighbor_are_true() -> None:
    guide = camps()
    mine = history(guide, "eve")
    for one in neighbors(guide, "eve", 5).people:
        theirs = history(guide, one.user_id)
        both = sorted(set(mine) & set(theirs))
        assert (one.n_ratings, one.n_both) == (len(theirs), len(both))
        assert one.difference == pytest.approx(
            np.mean([abs(mine[item] - theirs[item]) for item in both])
        )
        assert len(one.agreed) == 3
        assert all(mine[item] >= 4 and theirs[item] >= 4 for item, _ in one.agreed)
        means = [guide.model.item_means_[guide.model.items_.index(item)] for item, _ in one.agreed]
        agreeing = [item for item in both if mine[item] >= 4 and theirs[item] >= 4]
        every = sorted(guide.model.item_means_[guide.model.items_.index(item)] for item in agreeing)
        assert means == every[:3]  # first what others like least: it tells most about the two
        unseen = [item for item in theirs if theirs[item] >= 4 and item not in mine]
        scores = dict(zip(guide.model.items_.ids.tolist(), guide.model.scores("eve"), strict=True))
        assert [scores[item] for item, _ in one.loved] == pytest.approx(
            sorted((scores[item] for item in unseen), reverse=True)[:3]
        )


def history(guide: Guide, user: Id) -> dict[Id, float]:
    profile = guide.model.profile(user)
    return dict(
        zip(
            guide.model.items_.ids[profile.item_index].tolist(), profile.value.tolist(), strict=True
        )
    )


@pytest.mark.parametrize("model", [MatrixFactorization, DotProduct, PlainMF])
def test_similarity_is_the_shrunken_cosine_about_the_mean_taste(model: type[Recommender]) -> None:
    one: Any = fitted(model)
    tastes = one.user_factors_.astype(np.float64)
    tastes -= tastes.mean(axis=0)
    expected = {}
    for user in range(300):
        cosine = tastes[4] @ tastes[user] / np.linalg.norm(tastes[4]) / np.linalg.norm(tastes[user])
        n = one.history_.indptr[user + 1] - one.history_.indptr[user]
        expected[user + 1] = cosine * n / (n + 20)
    del expected[5]
    best = sorted(expected, key=lambda user: -expected[user])[:12]
    found = neighbors(Guide(one), 5, 12).people
    assert [neighbor.user_id for neighbor in found] == best
    assert [neighbor.likeness for neighbor in found] == pytest.approx(
        [expected[user] for user in best], abs=1e-4
    )


def test_the_films_are_counted_over_all_neighbors() -> None:
    guide = Guide(fitted())
    found = neighbors(guide, 5, 12, n_films=500)
    loved: dict[Id, int] = {}
    for one in found.people:
        for item, stars in history(guide, one.user_id).items():
            if stars >= 4 and item not in history(guide, 5):
                loved[item] = loved.get(item, 0) + 1
    assert {film.item_id: film.n_loved for film in found.films} == loved
    scores = all_scores(guide.model, 5)
    order = [(-film.n_loved, -scores[film.item_id]) for film in found.films]
    assert order == sorted(order)
    assert neighbors(guide, 5, 12, n_films=4).films == found.films[:4]


def test_a_newcomer_has_neighbors_too() -> None:
    guide = camps()
    mine: dict[Any, float] = {"space 1": 5.0, "space 2": 5.0, "love 1": 1.0, "love 2": 1.0}
    found = neighbors(guide, mine, 6)
    assert all(
        str(one.user_id).startswith("spacer") or one.user_id == "eve" for one in found.people
    )
    assert not {film.item_id for film in found.films} & set(mine)
    assert found == neighbors(guide, guide.model.fold_in(mine), 6)
    other = neighbors(guide, {title: 6 - stars for title, stars in mine.items()}, 6)
    assert all(str(one.user_id).startswith("lover") for one in other.people)


def test_a_known_user_is_not_their_own_neighbor() -> None:
    for user in (1, 150, "300"):
        assert int(user) not in {
            one.user_id for one in neighbors(Guide(fitted()), user, 300).people
        }


def test_nobody_whose_taste_points_the_other_way_is_a_neighbor() -> None:
    found = neighbors(camps(), "eve", 500)
    assert 20 < len(found.people) < 79
    assert all(one.likeness > 0 for one in found.people)
    assert found.note == (
        f"{len(found.people)} instead of 500 people: nobody else among the 79 others has similar tastes."
    )


def test_neighbors_agree_better_than_others() -> None:
    """On simulated ratings with known tastes: fewer stars apart on films that both rated."""
    guide = Guide(fitted())
    near, far = [], []
    for user in range(1, 300, 25):
        found = neighbors(guide, user, 300).people
        near += [one.difference for one in found[:5] if one.difference is not None]
        far += [one.difference for one in found[-20:] if one.difference is not None]
    assert np.mean(near) < np.mean(far) - 0.1


# -- words -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("agreed", "loved", "sentence"),
    [
        ("ab", "c", "You agree with user 42 on A and B; they loved C, which you have not rated."),
        ("abc", "", "You agree with user 42 on A, B and C."),
        ("", "ab", "User 42 has tastes like yours; they loved A and B, which you have not rated."),
        ("", "", "User 42 has tastes like yours."),
    ],
)
def test_the_sentence_about_a_neighbor(agreed: str, loved: str, sentence: str) -> None:
    lists = (
        [NamedFilm(letter, Film(letter.upper())) for letter in letters]
        for letters in (agreed, loved)
    )
    one = Neighbor(42, 0.81234, 30, 0, None, *lists)  # type: ignore[arg-type]
    assert one.sentence() == sentence
    assert one.to_dict() == {
        "user_id": 42,
        "likeness": 0.8123,
        "n_ratings": 30,
        "n_both": 0,
        "difference": None,
        "agreed": [{"item_id": letter, "title": letter.upper()} for letter in agreed],
        "loved": [{"item_id": letter, "title": letter.upper()} for letter in loved],
        "sentence": sentence,
    }


# -- edges -------------------------------------------------------------------------------------------------------


def test_who_has_rated_nothing_has_no_neighbors() -> None:
    ratings = simulated()
    without = MatrixFactorization(epochs=2).fit(ratings.subset(ratings.user_index > 0), n_threads=1)
    for found in (neighbors(Guide(without), 1), neighbors(camps(), {})):
        assert (found.people, found.films, found.note) == ([], [], RATED_NOTHING)
    assert 1 not in {one.user_id for one in neighbors(Guide(without), 2, 300).people}


def test_one_user_has_nobody_else() -> None:
    ratings = Ratings.from_ids(["ann"] * 3, ["x", "y", "z"], [1.0, 3.0, 5.0])
    model = MatrixFactorization(factors=2, epochs=1).fit(ratings, n_threads=1)
    model.user_factors_ = np.ones((1, 2), np.float32)
    found = neighbors(Guide(model), "ann")
    assert (found.people, found.films) == ([], [])
    assert (
        found.note == "0 instead of 10 people: nobody else among the 0 others has similar tastes."
    )


def test_without_histories_there_are_people_and_no_films(tmp_path: Path) -> None:
    guide = bare(camps(), tmp_path)
    found = neighbors(guide, "eve", 5)
    assert [str(one.user_id)[:6] for one in found.people] == ["spacer"] * 5
    assert {
        (one.n_ratings, one.n_both, one.difference, one.sentence()[-23:]) for one in found.people
    } == {(None, None, None, "has tastes like yours.".rjust(23))}
    assert found.films == []
    assert found.note == (
        "This file was saved without histories, so the films that the neighbors loved are unknown, and the similarity "
        "is not reduced for people with few ratings."
    )
    assert neighbors(guide, {"space 1": 5.0, "love 1": 1.0}, 3).people
    assert neighbors(guide, {}).note == RATED_NOTHING


def test_models_without_tastes_are_refused() -> None:
    for model in (Popularity, Baseline):
        told = f"{model.name} has no taste vectors to compare; use hybrid."
        assert error_message(UnsupportedError, neighbors, Guide(fitted(model)), 5) == told
    nothing = MatrixFactorization().fit(simulated(signal=0), n_threads=1)
    told = "This mf model learned only biases, so tastes cannot be compared."
    assert error_message(UnsupportedError, neighbors, Guide(nothing), 5) == told


def test_wrong_requests_are_reported() -> None:
    guide = Guide(fitted())
    assert error_message(SettingError, neighbors, guide, 1, 0) == "k must be at least 1, not 0."
    assert (
        error_message(SettingError, neighbors, guide, 1, n_films=0)
        == "n_films must be at least 1, not 0."
    )
    told = "No user '3000' among the 300 this model was trained on. Did you mean '300'"
    assert error_message(UnknownNameError, neighbors, guide, 3000).startswith(told)


def test_no_table_of_all_pairs_is_made() -> None:
    n = 6_000
    users = np.repeat(np.arange(n), 5)
    items = (np.random.default_rng(0).permutation(n).repeat(5) + 600 * np.arange(5 * n)) % 3_000
    model = MatrixFactorization(factors=4, epochs=1).fit(
        Ratings.from_ids(users, items, 1.0 + users * items % 5)
    )
    model.user_factors_ = np.random.default_rng(1).normal(size=(n, 4)).astype(np.float32)
    tracemalloc.start()
    neighbors(Guide(model), 3)
    co_rating(model, 3)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10e6  # bytes; n x n cosines would be 144 million


# -- co-rating ---------------------------------------------------------------------------------------------------


def test_co_rating_is_the_cosine_of_what_biases_leave_over() -> None:
    model = Popularity().fit(simulated(60, 20, 500), n_threads=1)
    user = np.repeat(np.arange(60), model.history_.counts)
    mean = float(model.history_.value.mean(dtype=np.float64))
    user_bias, item_bias = np.zeros(60), np.zeros(20)
    for _ in range(3):
        for item in range(20):
            mine = model.history_.item_index == item
            item_bias[item] = (model.history_.value[mine] - mean - user_bias[user[mine]]).sum() / (
                mine.sum() + 5
            )
        for one in range(60):
            mine = user == one
            left = model.history_.value[mine] - mean - item_bias[model.history_.item_index[mine]]
            user_bias[one] = left.sum() / (mine.sum() + 5)
    table = np.zeros((60, 20))
    rated = model.history_.item_index
    table[user, rated] = model.history_.value - mean - user_bias[user] - item_bias[rated]
    lengths = np.linalg.norm(table, axis=0)
    expected = table.T @ table / np.outer(lengths, lengths)
    for item in range(20):
        np.testing.assert_allclose(co_rating(model, item), expected[item], atol=1e-6)


@pytest.mark.parametrize("model", [Popularity, Baseline, MatrixFactorization])
def test_similar_by_co_rating_shrinks_and_ranks_for_every_model(model: type[Recommender]) -> None:
    guide = Guide(fitted(model))
    found = guide.similar(17, 500, by="co-rating", min_ratings=0)
    cosines = co_rating(guide.model, 1)
    counts = dict(
        zip(guide.model.items_.ids.tolist(), guide.model.item_counts_.tolist(), strict=True)
    )
    assert len(found.items) == (np.delete(cosines, 1) > 0).sum() < 119
    assert (
        found.note == f"{len(found.items)} instead of 500: no other film has a similarity above 0."
    )
    scores = [line.score for line in found.items]
    assert scores == sorted(scores, reverse=True)
    for line in found.items:
        n = counts[line.item_id]
        assert line.score == pytest.approx(
            cosines[guide.model.items_.index(line.item_id)] * n / (n + 5)
        )
    assert guide.similar(17, 5, by="co-rating", min_ratings=0).items == found.items[:5]
    floor = sorted(counts.values())[60]
    high = guide.similar(17, 500, by="co-rating", min_ratings=floor)
    assert [line.item_id for line in high.items] == [
        one.item_id for one in found.items if counts[one.item_id] >= floor
    ]
    assert high.note.endswith(f"films with fewer than {floor} ratings are left out.")


def test_co_rating_finds_the_other_films_of_the_camp() -> None:
    found = Guide(Popularity().fit(two_camps())).similar("love 3", 19, by="co-rating")
    assert all(str(line.item_id).startswith("love") for line in found.items)


def test_the_error_of_co_rating_names_what_is_missing(tmp_path: Path) -> None:
    guide = Guide(fitted(Popularity))
    assert error_message(UnsupportedError, bare(guide, tmp_path).similar, 17, by="co-rating") == (
        "This model was saved without histories, so it does not know who rated what; train it without --no-history."
    )
    assert (
        error_message(SettingError, guide.similar, 17, by="genre")
        == "by must be factors or co-rating, not 'genre'."
    )
    equal = Popularity().fit(
        Ratings.from_ids([1, 1, 2, 2], [1, 2, 1, 2], [4.0] * 4, scale=Scale(1, 5, 1))
    )
    told = "Item '1' has no similar items: it has no ratings, or only ratings that the biases predict exactly."
    assert error_message(UnsupportedError, Guide(equal).similar, 1, by="co-rating") == told
    ratings = simulated()
    never = Guide(Popularity().fit(ratings.subset(ratings.item_index > 0)))
    told = "Item '7' has no similar items: it has no ratings, or only ratings that the biases predict exactly."
    assert error_message(UnsupportedError, never.similar, 7, by="co-rating") == told
    assert 7 not in {
        line.item_id for line in never.similar(17, 500, by="co-rating", min_ratings=0).items
    }


def test_factors_are_compared_about_their_mean() -> None:
    """What all items share makes them look alike; it must not change the list."""
    model: Any = DotProduct(epochs=1).fit(simulated(), n_threads=1)
    before = model.similar(17, 119)
    model.item_factors_ = model.item_factors_ + np.float32(2)
    assert [one.item_id for one in model.similar(17, 119)][:20] == [one.item_id for one in before][
        :20
    ]


# -- the commands ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("neighbors") / "m.matinee"
    camps().save(path)
    return path


def run(*words: object) -> tuple[str, str]:
    result = CliRunner().invoke(
        neighbors_command, [str(word) for word in words], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    return result.stdout, result.stderr


def test_the_command_tells_the_story(model_file: Path) -> None:
    found = neighbors(camps(), "eve", 4, n_films=4)
    text, notes = run(model_file, "--user", "eve", "-k", 4)
    lines = text.splitlines()
    assert lines[0] == "People with similar tastes"
    assert lines[1].split("  ")[-1].strip() == "user"
    assert [line.split("  ")[-1].strip() for line in lines[2:6]] == [
        one.user_id for one in found.people
    ]
    assert lines[7:10] == [one.sentence() for one in found.people[:3]]
    assert lines[11] == "Films that they loved and you have not rated"
    assert "Space 0 (1999)" in lines[13]
    assert notes == ""


def test_the_command_as_json(model_file: Path, tmp_path: Path) -> None:
    found = json.loads(run(model_file, "--user", "eve", "-k", 4, "--json")[0])
    expected = neighbors(camps(), "eve", 4, n_films=4)
    assert found == {
        "user": "eve",
        "k": 4,
        "people": [one.to_dict() for one in expected.people],
        "films": [one.to_dict() for one in expected.films],
        "note": "",
    }
    mine = tmp_path / "mine.csv"
    mine.write_text("title,rating\nSpace 1,5\nspace 3,4\nspace 2,5\nNo Such Film,3\n")
    text, notes = run(model_file, "--ratings", mine, "-k", 4, "--json")
    assert notes.startswith(f"Skipped 1 row in {mine}: ")
    newcomer = json.loads(text)
    assert newcomer["user"] is None
    assert {one["user_id"][:6] for one in newcomer["people"]} <= {"spacer", "eve"}


def test_the_command_wants_one_person(model_file: Path) -> None:
    result = CliRunner().invoke(neighbors_command, [str(model_file)])
    assert result.exit_code == 2
    assert "Missing person: use --user ID, or --ratings FILE for a new person." in result.output
    with pytest.raises(UnknownNameError, match="Give their ratings instead:"):
        run(model_file, "--user", "nobody")


def test_similar_takes_by_on_the_command_line(model_file: Path) -> None:
    result = CliRunner().invoke(
        main, ["similar", str(model_file), "Space 3", "--by", "co-rating", "-k", "3", "--json"]
    )
    assert result.exit_code == 0
    expected = camps().similar("space 3", 3, by="co-rating").items
    assert json.loads(result.stdout)["items"] == [line.to_dict() for line in expected]


# -- real ratings ------------------------------------------------------------------------------------------------

STAR_WARS, SNOW_WHITE = "Star Wars (1977)", "Snow White and the Seven Dwarfs (1937)"
DISNEY = {
    *("Pinocchio (1940)", "Dumbo (1941)", "Fantasia (1940)", "Cinderella (1950)", "Aladdin (1992)"),
    *(
        "Beauty and the Beast (1991)",
        "Lion King, The (1994)",
        "Jungle Book, The (1994)",
        "Mary Poppins (1964)",
    ),
    *(
        "Sword in the Stone, The (1963)",
        "Alice in Wonderland (1951)",
        "101 Dalmatians (1996)",
        "Aristocats, The (1970)",
    ),
    *(
        "Fox and the Hound, The (1981)",
        "Parent Trap, The (1961)",
        "Pollyanna (1960)",
        "Toy Story (1995)",
    ),
}


def nearest(guide: Guide, title: str, by: str) -> set[str]:
    return {line.film.title for line in guide.similar(title, 5, by=by).items}


@pytest.mark.parametrize(
    ("model", "by"),
    [(MatrixFactorization, "factors"), (DotProduct, "factors"), (Popularity, "co-rating")],
)
def test_on_movielens_the_nearest_films_are_those_that_anyone_would_name(
    model: type[Recommender], by: str
) -> None:
    real_data("ml-100k")
    data = load("ml-100k")
    guide = Guide(model().fit(data.ratings, n_threads=1), data.catalog)
    assert {
        "Empire Strikes Back, The (1980)",
        "Return of the Jedi (1983)",
        "Raiders of the Lost Ark (1981)",
    } <= nearest(guide, STAR_WARS, by)
    assert len(nearest(guide, SNOW_WHITE, by) & DISNEY) >= (5 if by == "co-rating" else 3)
    if model is not DotProduct:  # of which this film has other neighbors with each order of rows
        assert len(nearest(guide, "Toy Story (1995)", by) & DISNEY) >= 3


def test_on_movielens_neighbors_are_closer_than_chance() -> None:
    real_data("ml-100k")
    data = load("ml-100k")
    guide = Guide(MatrixFactorization().fit(data.ratings, n_threads=1), data.catalog)
    near, far = [], []
    for user in range(1, 900, 150):
        found = neighbors(guide, user, 900).people
        near += [one.difference for one in found[:5] if one.difference is not None]
        far += [one.difference for one in found[-50:] if one.difference is not None]
        assert all((one.n_both or 0) > 0 for one in found[:5])
    assert np.mean(near) < np.mean(far) - 0.1
