"""Groups: one list for several people, known or new, in units that can be compared; none of them has seen it."""

import json
from pathlib import Path

import numpy as np
import pytest

from matinee.data.ratings import Ratings, Scale
from matinee.data.vocabulary import Id
from matinee.errors import SettingError, UnknownNameError
from matinee.models.ials import ImplicitALS
from matinee.models.interface import Person
from matinee.models.knn import ItemKNN
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.models.popularity import Popularity
from matinee.recommendation.filters import Filters
from matinee.recommendation.groups import AGGREGATIONS, group_scores
from matinee.recommendation.guide import Guide
from matinee.recommendation.reranking import Dials
from tests.helpers import (
    Model,
    as_json,
    each_kind_of_model,
    error_message,
    good,
    guide,
    ids,
    misused,
    refused,
    run,
    unary,
)

NEW: dict[Id, float] = {7: 5.0, 17: 1.0, 107: 4.5}
AGAINST: dict[Id, float] = {7: 0.5, 17: 5.0, 107: 0.5}
PEOPLE: list[Person] = [3, 44, NEW]


# -- scores ------------------------------------------------------------------------------------------------------


@each_kind_of_model
@pytest.mark.parametrize("how", AGGREGATIONS)
def test_a_group_has_the_mean_or_the_least_of_what_its_members_would_give(
    model: Model, how: str
) -> None:
    one = guide(model)
    found = one.recommend_group(PEOPLE, 8, how=how)
    assert len(found.items) == 8
    alone = [
        {each.item_id: each for each in one.model.recommend(who, 1000, include_seen=True)}
        for who in PEOPLE
    ]
    for line in found.items:
        if one.model.has_stars:
            assert line.members == pytest.approx(
                [each[line.item_id].stars for each in alone], abs=1e-5
            )
            beside = line.stars
            highest = one.model.scale_.highest
            scores = np.array([min(each[line.item_id].score, highest) for each in alone])
            expected = scores.min() if how == "least-misery" else scores.mean()
            assert line.score == pytest.approx(expected, abs=1e-4)
        else:
            standard = []
            for each in alone:
                scores = np.array([scored.score for scored in each.values()], np.float64)
                standard.append((each[line.item_id].score - scores.mean()) / scores.std())
            assert line.members == pytest.approx(standard, rel=1e-3, abs=1e-3)
            assert line.stars is None
            beside = line.score
        together = min(line.members) if how == "least-misery" else sum(line.members) / 3
        assert beside == pytest.approx(together, abs=1e-6)
    scores_of_list = [line.score for line in found.items]
    assert scores_of_list == sorted(scores_of_list, reverse=True)


@each_kind_of_model
def test_of_a_whole_catalog_the_best_for_the_group_come_first(model: Model) -> None:
    one = guide(model)
    for how in AGGREGATIONS:
        everything = one.recommend_group(PEOPLE, 1000, how=how)
        assert ids(one.recommend_group(PEOPLE, 5, how=how)) == ids(everything)[:5]
        assert everything.items[0].score == max(line.score for line in everything.items)


@each_kind_of_model
def test_a_group_of_one_gets_the_list_of_the_one(model: Model) -> None:
    one = guide(model)
    for who in (5, NEW):
        for how in AGGREGATIONS:
            assert ids(one.recommend_group([who], 15, how=how)) == ids(one.recommend(who, 15))
            for taste in (0.0, 0.8):
                dials = Dials(taste=taste)
                alone = one.recommend(who, 15, dials=dials)
                assert ids(one.recommend_group([who], 15, how=how, dials=dials)) == ids(alone)
    assert one.recommend(5, 1).items[0].members == ()
    assert "members" not in one.recommend(5, 1).items[0].to_dict()


def test_who_is_in_a_group_twice_counts_twice() -> None:
    one = guide(MatrixFactorization)
    for line in one.recommend_group([3, 3, 44], 5).items:
        assert line.members[0] == line.members[1]
        assert line.stars == pytest.approx((2 * line.members[0] + line.members[2]) / 3)
    assert ids(one.recommend_group([3, 3])) == ids(one.recommend(3))


def test_the_order_of_the_members_changes_only_the_order_of_their_scores() -> None:
    one = guide(MatrixFactorization)
    found, turned = one.recommend_group([3, 44, NEW]), one.recommend_group([NEW, 3, 44])
    assert ids(found) == ids(turned)
    for line, other in zip(found.items, turned.items, strict=True):
        assert line.members == (*other.members[1:], other.members[0])


def test_people_who_contradict_each_other_are_both_heard() -> None:
    one = guide(MatrixFactorization)
    by_mean, by_least = (one.recommend_group([NEW, AGAINST], 10, how=how) for how in AGGREGATIONS)
    least = (
        [min(line.members) for line in by_mean.items],
        [min(line.members) for line in by_least.items],
    )
    mean = (
        [np.mean(line.members) for line in by_mean.items],
        [np.mean(line.members) for line in by_least.items],
    )
    assert np.mean(least[0]) <= np.mean(least[1])
    assert np.mean(mean[0]) >= np.mean(mean[1])


def test_where_all_reach_the_end_of_the_scale_what_lies_beyond_it_decides() -> None:
    one = MatrixFactorization(epochs=1, factors=4).fit(unary_but_rated(), n_threads=1)
    profiles = [one.profile(1), one.profile(2)]
    for profile in profiles:
        profile.vector[0] += 20  # generous enough to give everything the most there is
    found = group_scores(one, profiles)
    assert (found.group == one.scale_.highest).all()
    beyond = np.mean([one.scores(profile) for profile in profiles], axis=0)
    assert np.argmax(found.ranked_by) == np.argmax(beyond)


def unary_but_rated() -> Ratings:
    rng = np.random.default_rng(0)
    users, items = np.divmod(np.arange(400), 20)
    return Ratings.from_ids(
        users, items, rng.integers(1, 6, 400).astype(float), scale=Scale(1, 5, 1)
    )


def test_where_scores_have_no_unit_each_person_has_a_mean_of_0_and_a_deviation_of_1() -> None:
    one = guide(Popularity).model
    found = group_scores(one, [one.profile(who) for who in PEOPLE])
    assert np.allclose(found.members.mean(axis=1), 0)
    assert np.allclose(found.members.std(axis=1), 1)
    equal = Popularity().fit(Ratings.from_ids([1, 1, 2], [5, 6, 7], [3.0, 4.0, 5.0]), n_threads=1)
    assert group_scores(equal, [equal.profile(1)]).members.tolist() == [[0, 0, 0]]


# -- lists -------------------------------------------------------------------------------------------------------


@each_kind_of_model
def test_nobody_in_the_group_has_seen_what_it_gets_unless_asked_for(model: Model) -> None:
    one = guide(model)
    seen = set(NEW) | {
        one.model.items_.id(item) for who in (3, 44) for item in one.model.profile(who).item_index
    }
    everything = one.recommend_group(PEOPLE, 1000)
    assert set(ids(everything)) == set(one.model.items_.ids.tolist()) - seen
    assert everything.note == (
        f"{len(everything.items)} instead of 1000: there are 150 films, and {len(seen)} of them are already rated; "
        "for more, include seen films."
    )
    assert len(one.recommend_group(PEOPLE, 150, include_seen=True).items) == 150


@each_kind_of_model
def test_a_group_gets_exactly_k_with_filters_and_dials(model: Model) -> None:
    one = guide(model)
    for how in AGGREGATIONS:
        found = one.recommend_group(PEOPLE, 6, Filters(("Drama",)), how=how, dials=Dials(-0.5, 0.5))
        assert len(set(ids(found))) == 6
        assert all("Drama" in line.film.genres and len(line.members) == 3 for line in found.items)
        assert found.note.startswith("Varied by ")


def test_the_dials_turn_the_list_of_a_group() -> None:
    one = guide(MatrixFactorization)
    known = [
        np.log1p(
            [
                line.n_ratings
                for line in one.recommend_group(PEOPLE, 10, dials=Dials(popularity)).items
            ]
        ).mean()
        for popularity in (-1, 0, 1)
    ]
    assert known[0] < known[1] < known[2]


@pytest.mark.parametrize("model", [ImplicitALS, Popularity, ItemKNN], ids=lambda model: model.name)
def test_a_group_of_a_table_of_who_has_what(model: Model) -> None:
    one = Guide(model().fit(unary(), n_threads=1))
    for how in AGGREGATIONS:
        found = one.recommend_group([3, 44], 5, how=how)
        assert len(found.items) == 5
        assert all(line.stars is None and np.isfinite(line.members).all() for line in found.items)


def test_a_group_in_a_catalog_of_three_items_without_titles() -> None:
    few = Ratings.from_ids(["a", "a", "b"], ["x", "y", "z"], [4.0, 2.0, 5.0], scale=Scale(1, 5, 1))
    one = Guide(MatrixFactorization().fit(few, n_threads=1))
    found = one.recommend_group(["a", "b"], 2)
    assert (found.items, found.note) == (
        [],
        "0 instead of 2: there are 3 films, and 3 of them are already rated; for more, include seen films.",
    )
    assert [line.film.title for line in one.recommend_group(["b", {}], 2).items] in (
        ["x", "y"],
        ["y", "x"],
    )


def test_what_is_no_group_is_refused() -> None:
    one = guide(MatrixFactorization)
    assert (
        error_message(SettingError, one.recommend_group, []) == "A group needs at least one person."
    )
    assert error_message(SettingError, one.recommend_group, [3, 44], how="most") == (
        "The scores of a group are combined by mean or least-misery, not by 'most'."
    )
    assert (
        error_message(SettingError, one.recommend_group, [3, 44], 0)
        == "k must be at least 1, not 0."
    )
    assert error_message(UnknownNameError, one.recommend_group, [3, 4444]).startswith(
        "No user '4444' among the 250 "
    )


# -- the command line --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("groups") / "films.matinee"
    guide(MatrixFactorization).save(path)
    return path


@pytest.fixture
def ann(tmp_path: Path) -> Path:
    path = tmp_path / "ann.csv"
    path.write_text("item_id,rating\n7,5\n17,1\n107,4.5\n")
    return path


def test_users_and_files_make_a_group_in_any_mix(file: Path, ann: Path) -> None:
    words = ("recommend", file, "--ratings", ann, "--user", 3, "--user", 44, "-k", 4)
    one = guide(MatrixFactorization)
    found = as_json(*words)
    assert set(found) == {"group", "members", "k", "items", "note"}
    assert (found["group"], found["k"]) == ("mean", 4)
    assert found["members"] == [
        {"user": 3, "file": None},
        {"user": 44, "file": None},
        {"user": None, "file": str(ann)},
    ]
    wanted = one.recommend_group(PEOPLE, 4)
    assert [line["item_id"] for line in found["items"]] == ids(wanted)
    assert [line["members"] for line in found["items"]] == [
        [round(score, 3) for score in line.members] for line in wanted.items
    ]
    least = as_json(*words, "--group", "least-misery")
    assert least["group"] == "least-misery"
    assert [line["item_id"] for line in least["items"]] == ids(
        one.recommend_group(PEOPLE, 4, how="least-misery")
    )
    lines = good(*words).stdout.splitlines()
    assert lines[0].split() == [
        "stars",
        "user",
        "3",
        "user",
        "44",
        "ann",
        "film",
        "genres",
        "ratings",
        "mean",
        "id",
    ]
    for line, one_line in zip(lines[1:], wanted.items, strict=True):
        numbers = [f"{number:.2f}" for number in (one_line.stars, *one_line.members)]
        assert line.split()[1:5] == numbers


def test_one_person_gets_what_they_always_got_unless_a_group_is_asked_for(
    file: Path, ann: Path
) -> None:
    for who in (("--user", 3), ("--ratings", ann)):
        alone = as_json("recommend", file, *who)
        assert set(alone) == {"user", "k", "items", "note"}
        assert "members" not in alone["items"][0]
        found = as_json("recommend", file, *who, "--group", "mean")
        assert [line["item_id"] for line in found["items"]] == [
            line["item_id"] for line in alone["items"]
        ]
        assert len(found["members"]) == len(found["items"][0]["members"]) == 1


def test_a_person_given_twice_counts_once_and_a_note_says_so(file: Path, ann: Path) -> None:
    words = ("recommend", file, "--user", 3, "--ratings", ann, "--json")
    result = run(*words, "--user", 3, "--ratings", ann)
    assert result.stderr == "Repeated members of the group: 2; each counts once.\n"
    assert result.stdout == good(*words).stdout
    assert len(json.loads(result.stdout)["members"]) == 2


def test_files_of_the_same_name_are_distinguished_by_folder(
    file: Path, ann: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other" / "ann.csv"
    other.parent.mkdir()
    other.write_text("item_id,rating\n7,0.5\n17,5\n")
    heading = good("recommend", file, "--ratings", ann, "--ratings", other).stdout.splitlines()[0]
    assert [word for word in heading.split() if word != "top"][1:3] == [str(ann), str(other)]


def test_scores_without_unit_are_shown_with_decimals(tmp_path: Path) -> None:
    path = tmp_path / "popular.matinee"
    guide(Popularity).save(path)
    alone = good("recommend", path, "--user", 3, "-k", 1).stdout.splitlines()
    assert alone[0].split()[0] == "score"
    assert alone[1].split()[1].isdigit()
    together = good("recommend", path, "--user", 3, "--user", 4, "-k", 1).stdout.splitlines()
    assert len(together[1].split()[1].partition(".")[2]) == 3


def test_an_unknown_member_is_named_and_the_others_stay_in_what_to_type(
    file: Path, ann: Path
) -> None:
    told = refused(
        "recommend", file, "--user", 3, "--user", 4444, "--ratings", ann, "--group", "least-misery"
    )
    assert told.startswith("No user '4444' among the 250 this model was trained on.")
    assert told.splitlines()[1] == (
        f"Give their ratings instead:  matinee recommend {file} --ratings mine.csv --user 3 --ratings {ann} "
        "--group least-misery"
    )


def test_without_histories_the_group_gets_one_note(tmp_path: Path) -> None:
    from matinee.recommendation.model_file import Origin

    path = tmp_path / "bare.matinee"
    one = guide(MatrixFactorization)
    Guide(one.model, one.catalog, Origin(has_history=False)).save(path)
    told = good("recommend", path, "--user", 3, "--user", 44).stderr
    assert (
        told
        == "This file was saved without histories, so films that the user has rated are not left out.\n"
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "Missing person: use --user ID, or --ratings FILE for a new person."),
        (("--group", "mean"), "Missing person: use --user ID, or --ratings FILE for a new person."),
        (
            ("--user", 3, "--user", 44, "--group", "most"),
            "Invalid value for '--group': 'most' is not one of 'mean', 'least-misery'.",
        ),
    ],
)
def test_a_wrong_group_is_reported_in_one_line(
    file: Path, words: tuple[object, ...], told: str
) -> None:
    assert misused("recommend", file, *words) == told
