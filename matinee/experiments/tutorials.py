"""Four published tutorials, run again with one command and shown beside their published numbers."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple, TypedDict

import numpy as np

from matinee.data.dataset import Dataset
from matinee.data.datasets.load import load
from matinee.data.ratings import Ratings
from matinee.data.split import Split, by_mask, random_split
from matinee.data.vocabulary import Id
from matinee.errors import UnsupportedError
from matinee.models import model_named
from matinee.models.base import Recommender
from matinee.models.hyperparameters import SettingValue
from matinee.models.interface import TrainingCurve
from matinee.progress import Progress
from matinee.recommendation.guide import Guide
from matinee.text import find_named

ADAM = {"square_momentum": 0.999, "epsilon": 1e-8, "decoupled": False}


class Question(NamedTuple):
    """A prediction that a tutorial shows: the ids of a user and an item, and the stars."""

    user: int
    item: int
    published: float


class PredictedRow(TypedDict):
    """A test rating beside its prediction."""

    user: Id
    film: str
    stars: float
    predicted: float


class Answer(TypedDict):
    """The prediction that a question asks for, beside the published one."""

    user: int
    item: int
    film: str
    stars: float
    published: float


class Better(TypedDict):
    """The result with the settings that we would change."""

    changed: dict[str, SettingValue]
    best_mse: float
    seconds_per_epoch: float


@dataclass(frozen=True)
class Tutorial:
    """What a tutorial does, and its published numbers.

    Attributes:
        data, model: names of the data set and the model.
        settings: of the model.
        short: the settings that are replaced for a quick test.
        published: the mean squared error on the test part by epoch, from 0.
        similar_to: titles of the items whose most similar ones it shows.
        asked: the predictions that it shows.
        remark: why the numbers differ from the published ones.
        better: settings that we would change; they were chosen on a part of the training rows.
    """

    name: str
    title: str
    data: str
    model: str
    settings: Mapping[str, SettingValue]
    short: Mapping[str, SettingValue]
    published: Mapping[int, float]
    similar_to: tuple[str, ...] = ()
    asked: tuple[Question, ...] = ()
    remark: str = ""
    better: Mapping[str, SettingValue] = field(default_factory=dict)


TUTORIALS = (
    Tutorial(
        name="fastai",
        title="Dot product with bias (fast.ai book, chapter 8)",
        data="ml-100k",
        model="dot-product",
        settings={"start": "normal:0.1", "sigmoid_range": "0:5.5"},
        short={"epochs": 2, "factors": 10},
        published=dict(enumerate((0.9370, 0.8850, 0.8385, 0.8236, 0.8243))),
        similar_to=("Silence of the Lambs, The (1991)",),
        remark="The book uses an unpublished random split, and identifies films by title, of which "
        "18 occur twice. So its numbers and these come from different samples of the same ratings.",
        better={"start": "normal:0.01", "weight_decay": 0.2},
    ),
    Tutorial(
        name="zaitsev",
        title="Embeddings with hidden layers (I. Zaitsev)",
        data="ml-1m",
        model="mlp",
        settings={
            "factors": 150, "hidden": "500,500,500", "embedding_dropout": 0.05,
            "dropout": "0.5,0.5,0.25", "sigmoid_range": "0.5:5.5",
            "batch_size": 2000, "learning_rate": 1e-3, "weight_decay": 1e-5,
            "schedule": "warm-restarts", "epochs": 16, "patience": 10, "keep_best": True, **ADAM,
        },
        short={"factors": 16, "hidden": "32,32", "dropout": "0.1", "epochs": 2, "batch_size": 4000},
        published={6: 0.7833},
        similar_to=("Star Wars: Episode IV - A New Hope (1977)",),
        remark="Its split and the initial values of its embeddings come from other random states.",
        better={
            "factors": 50, "hidden": "200,100", "dropout": "0.25", "batch_size": 1000,
            "epochs": 8, "patience": 0, "schedule": "one-cycle", "learning_rate": 3e-3,
            "weight_decay": 1e-4,
        },
    ),
    Tutorial(
        name="embeddingnet",
        title="EmbeddingNet: dot product, biases, Adam with warm-up",
        data="ml-100k",
        model="dot-product",
        settings={
            "start": "normal:1", "sigmoid_range": "0:5.5",
            "batch_size": 100, "epochs": 30, "learning_rate": 3e-3,
            "weight_decay": 3e-4, "schedule": "warm-up", "keep_best": True, **ADAM,
        },
        short={"epochs": 3, "factors": 10},
        published={0: 7.22, 24: 0.8509},
        similar_to=("Star Wars (1977)", "Snow White and the Seven Dwarfs (1937)"),
        remark="The split is that of scikit-learn's train_test_split with random_state=42. The "
        "initial values have PyTorch's standard deviation of 1, as the error of 7.22 after the "
        "first epoch shows.",
        better={"start": "normal:0.01"},
    ),
    Tutorial(
        name="plain-mf",
        title="Plain matrix factorization",
        data="ml-latest-small",
        model="plain-mf",
        settings={},
        short={"epochs": 4},
        published={},
        asked=(Question(1, 1, 3.69), Question(1, 2, 3.18)),
        remark="It published predictions, but no error on a test part; its split and initial "
        "values are random.",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Reproduction:
    """The result of a tutorial that was run again.

    Attributes:
        epochs: the errors of each epoch, beside the published one.
        best_mse, best_epoch: the lowest error on the test part.
        nearest: titles of the most similar items, by title.
        twenty: the first twenty test ratings, beside their predictions.
        asked: the predictions that the tutorial shows, beside the published ones.
        better: the same with the settings that we would change; None if there are none.
    """

    tutorial: str
    title: str
    data: str
    settings: Mapping[str, SettingValue]
    epochs: list[dict[str, float | None]]
    best_mse: float
    best_epoch: int
    seconds_per_epoch: float
    highest_biases: list[str]
    lowest_biases: list[str]
    nearest: dict[str, list[str]]
    twenty: list[PredictedRow]
    asked: list[Answer]
    remark: str
    better: Better | None

    def to_dict(self) -> dict[str, Any]:
        """All fields, for JSON."""
        return asdict(self)


def tutorial_named(name: str) -> Tutorial:
    """The tutorial with this name.

    Raises:
        UnknownNameError: there is none; the message suggests the nearest.
    """
    return find_named("tutorial", name, TUTORIALS)


def reproduce(
    tutorial: Tutorial,
    *,
    data: Dataset | None = None,
    short: bool = False,
    seed: int = 0,
    progress: Progress | None = None,
) -> tuple[Reproduction, Guide]:
    """Runs a tutorial with its own data, split, sizes, optimizer and schedule.

    Args:
        data: that of the tutorial; None: it is loaded.
        short: trains a small model for a few epochs, as a test.
        seed: of the initial weights and of the order of the batches. The split is that of the
            tutorial if it is known.
    """
    if data is None:
        data = load(tutorial.data)
    part = _split(tutorial, data.ratings)
    settings = dict(tutorial.settings)
    if short:
        settings |= tutorial.short
    model = model_named(tutorial.model).from_settings({**settings, "seed": seed})
    model.fit(part.train.subset(np.arange(1000)))  # compiles, which the time below must not include
    started = time.perf_counter()
    model.fit(part.train, valid=part.test, progress=progress)
    seconds = time.perf_counter() - started
    curve = _curve(model)
    guide = Guide(model, data.catalog)
    by_bias = _titles_by_bias(guide)
    better = None
    if tutorial.better and not short:
        better = _better(tutorial, part, seed)
    result = Reproduction(
        tutorial=tutorial.name,
        title=tutorial.title,
        data=tutorial.data,
        settings=model.settings(),
        epochs=_epochs(curve, tutorial.published),
        best_mse=float(curve.valid.min()),
        best_epoch=int(curve.valid.argmin()),
        seconds_per_epoch=seconds / len(curve),
        highest_biases=by_bias[:-6:-1],
        lowest_biases=by_bias[:5],
        nearest={title: _similar(guide, title) for title in tutorial.similar_to},
        twenty=_first_twenty(guide, part.test),
        asked=[_answer(guide, question) for question in tutorial.asked],
        remark=tutorial.remark,
        better=better,
    )
    return result, guide


def _epochs(curve: TrainingCurve, published: Mapping[int, float]) -> list[dict[str, float | None]]:
    return [
        {
            "epoch": epoch,
            "train_mse": train_mse,
            "valid_mse": valid_mse,
            "published_mse": published.get(epoch),
        }
        for epoch, (_, train_mse, valid_mse) in enumerate(curve.rows.tolist())
    ]


def _better(tutorial: Tutorial, part: Split, seed: int) -> Better:
    """The result with the settings that we would change."""
    settings = {**tutorial.settings, **tutorial.better, "seed": seed}
    model = model_named(tutorial.model).from_settings(settings)
    started = time.perf_counter()
    model.fit(part.train, valid=part.test)
    curve = _curve(model)
    return {
        "changed": dict(tutorial.better),
        "best_mse": float(curve.valid.min()),
        "seconds_per_epoch": (time.perf_counter() - started) / len(curve),
    }


def _curve(model: Recommender) -> TrainingCurve:
    if model.curve_ is None:
        raise UnsupportedError(
            f"{model.name} does not learn in epochs, as the models of all tutorials do."
        )
    return model.curve_


def _split(tutorial: Tutorial, ratings: Ratings) -> Split:
    """A fifth of the rows is the test part.

    For EmbeddingNet it is that of scikit-learn's train_test_split with random_state=42.
    """
    if tutorial.name != "embeddingnet":
        return random_split(ratings, 0.2, seed=42)
    order = np.random.RandomState(42).permutation(len(ratings))
    is_test = np.zeros(len(ratings), bool)
    is_test[order[: -(-len(ratings) // 5)]] = True
    return by_mask(ratings, is_test, "train_test_split, random_state=42")


def _titles_by_bias(guide: Guide) -> list[str]:
    """The titles of all items in the order of their biases; empty for a model without biases."""
    biases = guide.model.learned_biases()
    if biases is None or not biases.item.any():
        return []
    item_ids = guide.model.items_.ids[np.argsort(biases.item)]
    return [guide.catalog[item_id].title for item_id in item_ids.tolist()]


def _similar(guide: Guide, title: str) -> list[str]:
    return [suggestion.film.title for suggestion in guide.similar(title, 5).items]


def _first_twenty(guide: Guide, test: Ratings) -> list[PredictedRow]:
    """The first twenty test ratings with their users, titles, true and predicted stars."""
    rows = test.subset(np.arange(min(20, len(test))))
    predicted = guide.model.predict_ratings(rows).tolist()
    return [
        {
            "user": test.users.id(int(rows.user_index[row])),
            "film": guide.catalog[test.items.id(int(rows.item_index[row]))].title,
            "stars": float(rows.value[row]),
            "predicted": round(predicted[row], 2),
        }
        for row in range(len(rows))
    ]


def _answer(guide: Guide, question: Question) -> Answer:
    """A prediction beside the published one."""
    return {
        "user": question.user,
        "item": question.item,
        "film": guide.catalog[question.item].title,
        "stars": round(guide.predict(question.user, question.item), 2),
        "published": question.published,
    }
