"""What several test files share: fitted models, tables, commands run in this process, and the texts of errors."""

import json
import pickle
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from matinee.cli import main
from matinee.data.catalog import Catalog, Film
from matinee.data.dataset import Dataset
from matinee.data.ratings import Ratings, Scale
from matinee.data.reading.options import ReadOptions
from matinee.data.reading.read import read
from matinee.data.vocabulary import Id
from matinee.errors import MatineeError
from matinee.evaluation import comparison
from matinee.evaluation.isolated import Measured, measure_here
from matinee.evaluation.ranking import judge, ranking_task, top_lists
from matinee.models import MODELS
from matinee.models.base import Recommender
from matinee.models.baseline import Baseline
from matinee.models.declarations import state_of
from matinee.models.ials import ImplicitALS
from matinee.models.knn import ItemKNN
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.models.popularity import Popularity
from matinee.recommendation.guide import Guide
from matinee.recommendation.suggestions import Suggestions
from tests.conftest import simulated

Model = type[Recommender]
every_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
each_kind_of_model = pytest.mark.parametrize(
    "model",
    [Baseline, Popularity, MatrixFactorization, ItemKNN, ImplicitALS],
    ids=lambda model: model.name,
)
"""Where only the kind of list matters: stars or scores without a unit, each with factors and without; neighbors."""
PAGE = Path(__file__).parents[1] / "docs" / "adding-a-model.md"


def model_of_the_page() -> Model:
    """The class that the first block of the page on adding a model defines."""
    code = re.search(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert code is not None
    names: dict[str, Any] = {"__name__": __name__}
    exec(compile(code[1], str(PAGE), "exec"), names)
    model: Model = names["AlsoRated"]
    return model


every_model_and_the_docs = pytest.mark.parametrize(
    "model", [*MODELS, model_of_the_page()], ids=lambda model: model.name
)
ITEM = 17
"""An item id of `table()`; its users are 1 to 300."""
READING = ("Read as ", "Ratings from ", "Timestamps (", "Columns not used: ")
TWICE = "Repeated ratings by the same user: 1 row; the last rating counts.\n"

# -- errors ------------------------------------------------------------------------------------------------------


def error_message(
    error: type[Exception], function: Callable[..., object], *args: Any, **settings: Any
) -> str:
    """The text of the error that a call raises."""
    with pytest.raises(error) as caught:
        function(*args, **settings)
    return str(caught.value)


def reading_error(source: object, options: ReadOptions | None = None) -> str:
    """The text of the error that reading a table raises."""
    return error_message(MatineeError, read, source, options or ReadOptions())


# -- tables ------------------------------------------------------------------------------------------------------


@cache
def table() -> Ratings:
    """9,000 simulated ratings by 300 users (ids 1..300) of 120 items (ids 7, 17, 27, ...), scale 1 to 5."""
    return simulated()


@cache
def small_table() -> Ratings:
    """900 simulated ratings by 60 users (1 to 60) of 40 items (7 to 397), scale 1 to 5."""
    return simulated(60, 40, 900)


@cache
def popular_table() -> Ratings:
    """7,500 ratings by 250 people of 150 items, of which the first has some 200 and the last a few."""
    rng = np.random.default_rng(3)
    chances = 1 / (np.arange(150) + 4)
    noise = rng.gumbel(size=(250, 150))
    item = np.argsort(-(np.log(chances) + noise), axis=1)[
        :, :30
    ].ravel()  # 30 each, without repetition
    user = np.repeat(np.arange(250), 30)
    tastes = rng.normal(size=(250, 3))[user], rng.normal(size=(150, 3))[item]
    value = (
        3.2
        + rng.normal(0, 0.5, 150)[item]
        + np.einsum("nf,nf->n", *tastes) / 2
        + rng.normal(0, 0.5, len(item))
    )
    stars = np.clip(np.round(value * 2) / 2, 0.5, 5)
    return Ratings.from_ids(
        (user + 1).tolist(), (item * 10 + 7).tolist(), stars, scale=Scale(0.5, 5, 0.5)
    )


def unary() -> Ratings:
    """`popular_table()` as implicit feedback, without ratings."""
    ratings = popular_table()
    return Ratings.from_ids(
        ratings.users.ids[ratings.user_index],
        ratings.items.ids[ratings.item_index],
        np.ones(len(ratings)),
    )


def relabelled(
    ratings: Ratings, user_ids: NDArray[Any], item_ids: NDArray[Any], order: NDArray[Any]
) -> Ratings:
    """The same ratings with other ids, in another order."""
    columns = (
        user_ids[ratings.user_index][order],
        item_ids[ratings.item_index][order],
        ratings.value[order],
    )
    times = None if ratings.timestamp is None else ratings.timestamp[order]
    return Ratings.from_ids(*columns, times, scale=ratings.scale)


def history(ratings: Ratings, user: Id) -> dict[int | str, float]:
    """The ratings of one user by item id."""
    mine = ratings.user_index == ratings.users.index(user)
    items = ratings.items.ids[ratings.item_index[mine]].tolist()
    return dict(zip(items, ratings.value[mine].tolist(), strict=True))


def rows_of(dataset: Dataset) -> list[tuple[int | str, int | str, float, int | None]]:
    """The ratings as rows: user id, item id, value, time."""
    ratings = dataset.ratings
    users, items = ratings.users.ids[ratings.user_index], ratings.items.ids[ratings.item_index]
    times = [None] * len(ratings) if ratings.timestamp is None else ratings.timestamp.tolist()
    return list(zip(users.tolist(), items.tolist(), ratings.value.tolist(), times, strict=True))


def write_table(path: Path, ratings: Ratings) -> Path:
    """A CSV file of the indices and values of some ratings."""
    rows = zip(
        ratings.user_index.tolist(),
        ratings.item_index.tolist(),
        ratings.value.tolist(),
        strict=True,
    )
    path.write_text(
        "user,item,rating\n" + "".join(f"{user},{item},{value:g}\n" for user, item, value in rows)
    )
    return path


# -- models, fitted once in each process: none may change them ----------------------------------------------------


QUICK: dict[str, dict[str, Any]] = {
    "bayes": {"samples": 24, "burn_in": 12},
    "blend": {"mf.adapt": False},
    "hybrid": {"mf.adapt": False},
}
"""Settings other than the defaults, for models that take long."""


def quickly_fitted(model: Model) -> Recommender:
    """A model of `table()`, fitted with few samples and steps where it takes long otherwise."""
    return fitted(model, **QUICK.get(model.name, {}))


@cache
def fitted(model: Model = MatrixFactorization, **settings: Any) -> Recommender:
    """A model of `table()`."""
    return model.from_settings(settings).fit(table(), n_threads=1)


@cache
def guide(model: Model) -> Guide:
    """A model of `popular_table()` with titles: one to three of five genres each, and every tenth has no title."""
    rng, films = np.random.default_rng(0), {}
    genres = ("Comedy", "Drama", "Horror", "Sci-Fi", "War")
    for place, item_id in enumerate(popular_table().items.ids.tolist()):
        of_film = tuple(sorted(rng.choice(genres, rng.integers(1, 4), replace=False).tolist()))
        if place % 10:
            films[item_id] = Film(f"Film {place} ({1950 + place % 60})", 1950 + place % 60, of_film)
    return Guide(model().fit(popular_table(), n_threads=1), Catalog(films))


def arrays(model: Recommender) -> dict[str, NDArray[Any]]:
    """Copies of all that a model has learned."""
    return {name: np.array(array) for name, array in state_of(model).items()}


def assert_same(one: dict[str, NDArray[Any]], other: dict[str, NDArray[Any]]) -> None:
    """The arrays of two models are equal bit for bit."""
    for name, array in one.items():
        assert array.dtype == other[name].dtype, name
        assert np.array_equal(array, other[name], equal_nan=array.dtype.kind == "f"), name


def all_scores(model: Recommender, person: Any) -> dict[int | str, float]:
    """The scores of all items by id, by which lists are sorted."""
    return {line.item_id: line.score for line in model.recommend(person, 10**6, include_seen=True)}


def scores_in_order(model: Recommender, person: Any) -> list[float]:
    """The scores of all items, in the order of the model's items."""
    scores = all_scores(model, person)
    return [scores[item] for item in model.items_.ids.tolist()]


def all_attributed(model: Recommender, person: Any) -> dict[int | str, float]:
    """The stars of all items before clipping, or the scores of a model that only ranks, by id."""
    return dict(zip(model.items_.ids.tolist(), attributed_in_order(model, person), strict=True))


def attributed_in_order(model: Recommender, person: Any) -> list[float]:
    """The stars of all items before clipping, or the scores of a model that only ranks."""
    found: list[float] = model.attributed(person).tolist()
    return found


def ids(suggestions: Suggestions) -> list[Id]:
    """The item ids of a list."""
    return [line.item_id for line in suggestions.items]


# -- commands ----------------------------------------------------------------------------------------------------


def run(*words: object) -> Result:
    """A command in this process. An exception that is neither matinee's own nor a usage error is raised here."""
    result = CliRunner().invoke(main, [str(word) for word in words], prog_name="matinee")
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert "\x1b" not in result.stdout + result.stderr
    return result


def good(*words: object) -> Result:
    """A command that succeeds."""
    result = run(*words)
    assert result.exit_code == 0, result.stderr
    return result


def as_json(*words: object) -> dict[str, Any]:
    """The one JSON object that a command prints."""
    text = good(*words, "--json").stdout
    found = json.loads(text)
    assert isinstance(found, dict)
    assert text.count("\n") == 1
    return found


def without_reading(notes: str) -> str:
    """The notes of a command without the lines that say how a table was read."""
    lines = notes.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(READING))


def refused(*words: object, has_notes: bool = False) -> str:
    """The error of a command: nothing on standard output, exit 1, no notes but `TWICE` unless some are expected."""
    result = run(*words)
    assert (result.exit_code, result.stdout) == (1, "")
    notes, error, text = without_reading(result.stderr).partition("Error: ")
    assert error
    assert notes in ("", TWICE) or has_notes
    return text.removesuffix("\n")


def misused(*words: object) -> str:
    """The error of a command that is used wrongly: nothing on standard output, exit 2."""
    result = run(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    return result.stderr.partition("Error: ")[2].removesuffix("\n")


def compare_here(patch: pytest.MonkeyPatch) -> None:
    """Lets models be compared in this process, where it is not the question that each has its own."""

    def measure(model: Recommender, data: bytes) -> Measured:
        return measure_here(model, *pickle.loads(data))

    patch.setattr(comparison, "measure_isolated", measure)


# -- measures ----------------------------------------------------------------------------------------------------


def ndcg_at_10(model: Recommender, test: Ratings) -> float:
    """The mean NDCG@10 of a fitted model's lists."""
    task = ranking_task(test)
    return judge(model, task, top_lists(model, task.users)).means()["ndcg_at_10"]
