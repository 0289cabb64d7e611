"""Models from Spark: their files keep every promise that files of this machine keep."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from matinee.errors import MatineeError, SettingError, UnsupportedError
from matinee.models.base import Recommender
from matinee.recommendation.guide import Guide
from matinee.spark.settings import spark_model
from tests.helpers import all_attributed, as_json, error_message, good, misused, refused, table
from tests.spark.trained import ON_SPARK, SparkFiles

pytestmark = pytest.mark.xdist_group("spark")

NAMES = ("mf", "ials", "hybrid")


@pytest.fixture(params=NAMES)
def model(request: pytest.FixtureRequest, spark_files: SparkFiles) -> Recommender:
    return spark_files.model(request.param)


def history_of(model: Recommender, user: int) -> dict[int | str, float]:
    items, value = model.history_.of(model.users_.index(user))
    ids = model.items_.ids[items].tolist()
    return dict(zip(ids, value.tolist(), strict=True))


def test_the_file_holds_the_users_the_items_and_who_rated_what(model: Recommender) -> None:
    assert (model.users_, model.items_, model.scale_) == (
        table().users,
        table().items,
        table().scale,
    )
    assert np.array_equal(model.history_.indptr, table().by_user.indptr)
    assert np.array_equal(model.history_.item_index, table().by_user.indices)
    assert np.array_equal(model.item_counts_, table().item_counts)


def test_lists_hold_unseen_items_best_first(model: Recommender) -> None:
    for user in (1, 17, 60):
        best = model.recommend(user, 5)
        scores = [one.score for one in best]
        assert scores == sorted(scores, reverse=True)
        assert not {one.item_id for one in best} & set(history_of(model, user))
        top = model.top_items(np.array([model.users_.index(user)]), 5)[0]
        assert model.items_.ids[top].tolist() == [one.item_id for one in best]


def test_a_known_user_has_the_vector_of_a_newcomer_with_the_same_ratings(
    model: Recommender,
) -> None:
    known, new = model.profile(17), model.fold_in(history_of(model, 17))
    np.testing.assert_allclose(known.vector, new.vector, atol=2e-3)
    np.testing.assert_allclose(model.scores(17), model.scores(new), atol=5e-3)


def test_the_parts_of_an_explanation_add_up(model: Recommender) -> None:
    person = model.fold_in({7: 5.0, 27: 1.0, 47: 4.0})
    whole, parts = model.parts(person, 107)
    assert whole == pytest.approx(all_attributed(model, person)[107])
    added = parts.mean + parts.user + parts.item + parts.ratings.sum()
    assert added == pytest.approx(whole, abs=1e-3)


def test_similar_items_and_tastes_come_from_the_factors(model: Recommender) -> None:
    assert len(model.similar(7, 3)) == 3
    assert len(model.user_tastes(np.arange(3))) == 3


def test_stars_are_learned(spark_files: SparkFiles) -> None:
    one = spark_files.model("mf")
    error = one.predict_ratings(table()) - table().value
    spread = table().value.std()
    assert np.sqrt(np.mean(error**2)) < 0.9 * spread
    assert one.curve_ is not None
    assert len(one.curve_) == 2


def test_the_other_commands_take_the_file(spark_files: SparkFiles, tmp_path: Path) -> None:
    for name in NAMES:
        told = good("explain", spark_files.path(name), "--user", 17, "--item", "Film 107")
        assert "Film 107" in told.stdout
    drawn = tmp_path / "map.parquet"
    good("map", spark_files.path("mf"), "--out", drawn)
    assert len(pl.read_parquet(drawn)) == 120
    assert "Best films" in good("biases", spark_files.path("mf")).stdout


# -- without users -------------------------------------------------------------------------------


def test_without_users_everybody_is_served_by_their_ratings(
    spark_files: SparkFiles, tmp_path: Path
) -> None:
    path = spark_files.path("no users")
    guide, other = Guide.load(path), spark_files.model("ials")
    assert len(guide.model.users_) == 0
    mine = history_of(other, 17)
    np.testing.assert_allclose(
        guide.model.scores(guide.model.fold_in(mine)), other.scores(17), atol=5e-3
    )
    csv = tmp_path / "mine.csv"
    csv.write_text("title,rating\nFilm 7,5\nFilm 27,1\n")
    assert len(as_json("recommend", path, "--ratings", csv)["items"]) == 10
    assert len(as_json("explain", path, "--ratings", csv, "--item", "Film 107")) > 3
    told = refused("recommend", path, "--user", 1)
    assert "No user '1'" in told or "no users" in told


def everybody(path: Path, out: Path, *words: object) -> pl.DataFrame:
    """The lists of all users."""
    good("recommend", path, "--everybody", "-k", 5, *words, "--out", out)
    return pl.read_parquet(out / "*.parquet" if out.is_dir() else out).sort("user_id", "rank")


def test_lists_for_everybody_are_those_of_this_machine(
    spark_files: SparkFiles, tmp_path: Path
) -> None:
    path, out = spark_files.path("mf"), tmp_path / "there.parquet"
    here = everybody(path, tmp_path / "here.parquet")
    words = ("recommend", path, "--everybody", "-k", 5, *ON_SPARK, "--out", out)
    assert as_json(*words) == {"users": 300, "rows": len(here), "out": str(out)}
    found = pl.read_parquet(out / "*.parquet").sort("user_id", "rank")
    assert found.drop("stars").equals(here.drop("stars"))
    assert "exists already" in refused(*words)


def test_lists_from_histories_are_those_of_known_users(
    spark_files: SparkFiles, tmp_path: Path
) -> None:
    known = everybody(spark_files.path("ials"), tmp_path / "known.parquet")
    path = spark_files.path("no users")
    ratings = spark_files.lake / "titled" / "ratings.csv"
    with spark_files.reading_once():
        histories = (*ON_SPARK, "--histories", ratings)
        folded = everybody(path, tmp_path / "folded.parquet", *histories)
    agree = (folded["item_id"] == known["item_id"]).mean()
    assert isinstance(agree, float)
    assert agree > 0.97
    out = tmp_path / "x.parquet"
    assert "--histories DATA" in refused("recommend", path, "--everybody", *ON_SPARK, "--out", out)


# -- what Spark does not do ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "settings", "kind", "told"),
    [
        ("bayes", {}, UnsupportedError, "On Spark, matinee trains mf, ials or hybrid, not bayes."),
        ("mf", {"learning_rate": "0.1"}, SettingError, "learning_rate has no effect on Spark"),
        ("ials", {"half_life": "9"}, SettingError, "half_life has no effect on Spark"),
        ("hybrid", {"mf.patience": "2"}, SettingError, "mf.patience has no effect on Spark"),
        ("hybrid", {"stars": "bayes"}, UnsupportedError, "On Spark, the members of a hybrid are"),
        ("mf", {"factor": "2"}, MatineeError, "mf has no setting 'factor'. Did you mean"),
    ],
)
def test_what_spark_does_not_train_is_said_before_the_data_are_read(
    name: str, settings: dict[str, int | str], kind: type[MatineeError], told: str
) -> None:
    assert told in error_message(kind, lambda: spark_model(name, settings))


def test_options_that_have_no_effect_are_refused(tmp_path: Path) -> None:
    out = ("--out", tmp_path / "x.matinee")
    spark = ("--engine", "spark")
    assert "--threads has no effect" in misused("train", "x.csv", *spark, "--threads", 2, *out)
    assert "--no-users needs" in misused("train", "x.csv", "--no-users", *out)
    assert "--master and --conf need" in misused("train", "x.csv", "--master", "local", *out)
    assert "is for --everybody" in misused("recommend", "x.matinee", "--user", 1, *spark)
    assert "--histories needs" in misused("recommend", "x", "--user", 1, "--histories", "y")
