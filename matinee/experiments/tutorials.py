"""The four tutorials that matinee starts from, each run again by one command and set beside its published numbers."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from matinee.data.datasets.load import load
from matinee.data.ratings import Ratings
from matinee.data.split import Split, by_mask, random_split
from matinee.data.vocabulary import Id
from matinee.errors import UnknownNameError, UnsupportedError
from matinee.models import model_named
from matinee.models.base import Recommender
from matinee.models.interface import TrainingCurve
from matinee.progress import Progress
from matinee.recommendation.guide import Guide
from matinee.text import did_you_mean

ADAM = {"square_momentum": 0.999, "epsilon": 1e-8, "decoupled": False}


@dataclass(frozen=True)
class Tutorial:
    """What a tutorial does, and what it published.

    Attributes:
        settings: of the model; `short` replaces some of them for a quick look.
        published: the mean squared error on its test part, by epoch from 0.
        like: the films whose nearest it shows; asked: the pairs of user and item id whose stars it predicts, with its
            answer.
        remark: why numbers differ from the published ones.
        better: what we would change in its settings; chosen on a part cut from the training rows.
    """

    name: str
    title: str
    data: str
    model: str
    settings: Mapping[str, Any]
    short: Mapping[str, Any]
    published: Mapping[int, float]
    like: tuple[str, ...] = ()
    asked: tuple[tuple[int, int, float], ...] = ()
    remark: str = ""
    better: Mapping[str, Any] = field(default_factory=dict)


TUTORIALS = (
    Tutorial(
        name="fastai",
        title="Dot product with bias (fast.ai book, chapter 8)",
        data="ml-100k",
        model="dot-product",
        settings={"start": "normal:0.1", "sigmoid_range": "0:5.5"},
        short={"epochs": 2, "factors": 10},
        published=dict(enumerate((0.9370, 0.8850, 0.8385, 0.8236, 0.8243))),
        like=("Silence of the Lambs, The (1991)",),
        remark="The book's split is random and not published, and it takes titles for items, of which 18 occur twice; "
        "so its numbers and these are of two samples of the same ratings.",
        better={"start": "normal:0.01", "weight_decay": 0.2},
    ),
    Tutorial(
        name="zaitsev",
        title="Embeddings with hidden layers (I. Zaitsev)",
        data="ml-1m",
        model="mlp",
        settings={
            "factors": 150, "hidden": "500,500,500", "embedding_dropout": 0.05, "dropout": "0.5,0.5,0.25",
            "sigmoid_range": "0.5:5.5", "batch_size": 2000, "learning_rate": 1e-3, "weight_decay": 1e-5,
            "schedule": "warm-restarts", "epochs": 16, "patience": 10, "keep_best": True, **ADAM,
        },
        short={"factors": 16, "hidden": "32,32", "dropout": "0.1", "epochs": 2, "batch_size": 4000},
        published={6: 0.7833},
        like=("Star Wars: Episode IV - A New Hope (1977)",),
        remark="Its split comes from another random state, and its embeddings start from other numbers.",
        better={
            "factors": 50, "hidden": "200,100", "dropout": "0.25", "batch_size": 1000, "epochs": 8, "patience": 0,
            "schedule": "one-cycle", "learning_rate": 3e-3, "weight_decay": 1e-4,
        },
    ),
    Tutorial(
        name="embeddingnet",
        title="EmbeddingNet: dot product, biases, Adam with warm-up",
        data="ml-100k",
        model="dot-product",
        settings={
            "start": "normal:1", "sigmoid_range": "0:5.5", "batch_size": 100, "epochs": 30, "learning_rate": 3e-3,
            "weight_decay": 3e-4, "schedule": "warm-up", "keep_best": True, **ADAM,
        },
        short={"epochs": 3, "factors": 10},
        published={0: 7.22, 24: 0.8509},
        like=("Star Wars (1977)", "Snow White and the Seven Dwarfs (1937)"),
        remark="The split is that of scikit-learn's train_test_split with random_state=42. The start (deviation 1) is "
        "PyTorch's own, which the first error of 7.22 tells.",
        better={"start": "normal:0.01"},
    ),
    Tutorial(
        name="plain-mf",
        title="Plain matrix factorisation",
        data="ml-latest-small",
        model="plain-mf",
        settings={},
        short={"epochs": 4},
        published={},
        asked=((1, 1, 3.69), (1, 2, 3.18)),
        remark="It published predictions and no error on a test part; its split and start are random.",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Reproduction:
    """What came out: the figures of each epoch, and then what the tutorial shows."""

    tutorial: str
    title: str
    data: str
    settings: Mapping[str, Any]
    epochs: list[dict[str, float | None]]
    best_mse: float
    best_epoch: int
    seconds_per_epoch: float
    highest_biases: list[str]
    lowest_biases: list[str]
    nearest: dict[str, list[str]]
    twenty: list[dict[str, Any]]
    asked: list[dict[str, Any]]
    remark: str
    better: dict[str, Any] | None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def tutorial_named(name: str) -> Tutorial:
    """The tutorial of this name; raises UnknownNameError with those there are."""
    known = {tutorial.name: tutorial for tutorial in TUTORIALS}
    if name not in known:
        raise UnknownNameError(f"no tutorial '{name}'.{did_you_mean(name, known)} There are: {', '.join(known)}.")
    return known[name]


def reproduce(
    tutorial: Tutorial, *, short: bool = False, seed: int = 0, progress: Progress | None = None
) -> tuple[Reproduction, Guide]:
    """Runs a tutorial's model on its data, split, sizes, optimiser and schedule.

    Args:
        short: a small model for a few epochs, to see that everything works.
        seed: of the weights and the order of the batches; the split is the tutorial's own where it is known.
    """
    data = load(tutorial.data)
    part = _split(tutorial, data.ratings)
    settings = {**tutorial.settings, **(tutorial.short if short else {}), "seed": seed}
    model = model_named(tutorial.model).from_settings(settings)
    model.fit(part.train.subset(np.arange(1000)))  # compiles, so that the time below is that of training
    started = time.perf_counter()
    model.fit(part.train, valid=part.test, progress=progress)
    seconds = time.perf_counter() - started
    curve = _curve(model)
    guide = Guide(model, data.catalog)
    highest, lowest = _by_bias(guide)
    result = Reproduction(
        tutorial=tutorial.name,
        title=tutorial.title,
        data=tutorial.data,
        settings=model.settings(),
        epochs=[
            {"epoch": epoch, "train_mse": mse, "valid_mse": valid, "published_mse": tutorial.published.get(epoch)}
            for epoch, (_, mse, valid) in enumerate(curve.rows.tolist())
        ],
        best_mse=float(curve.valid.min()),
        best_epoch=int(curve.valid.argmin()),
        seconds_per_epoch=seconds / len(curve),
        highest_biases=highest,
        lowest_biases=lowest,
        nearest={title: [line.film.title for line in guide.similar(title, 5).items] for title in tutorial.like},
        twenty=_twenty(guide, part.test),
        asked=[_asked(guide, *question) for question in tutorial.asked],
        remark=tutorial.remark,
        better=None if short or not tutorial.better else _better(tutorial, part, seed),
    )
    return result, guide


def _better(tutorial: Tutorial, part: Split, seed: int) -> dict[str, Any]:
    """What the tutorial's model reaches with the settings that we would choose."""
    model = model_named(tutorial.model).from_settings({**tutorial.settings, **tutorial.better, "seed": seed})
    started = time.perf_counter()
    model.fit(part.train, valid=part.test)
    curve = _curve(model)
    seconds = (time.perf_counter() - started) / len(curve)
    best = float(curve.valid.min())
    return {"changed": dict(tutorial.better), "best_mse": best, "seconds_per_epoch": seconds}


def _curve(model: Recommender) -> TrainingCurve:
    if model.curve_ is None:
        raise UnsupportedError(f"{model.name} does not learn in epochs, as all tutorials' models do.")
    return model.curve_


def _split(tutorial: Tutorial, ratings: Ratings) -> Split:
    """A fifth of the rows; for EmbeddingNet those that scikit-learn's train_test_split takes with random_state=42."""
    if tutorial.name != "embeddingnet":
        return random_split(ratings, 0.2, seed=42)
    order = np.random.RandomState(42).permutation(len(ratings))
    is_test = np.zeros(len(ratings), bool)
    is_test[order[: -(-len(ratings) // 5)]] = True
    return by_mask(ratings, is_test, "train_test_split, random_state=42")


def _by_bias(guide: Guide, k: int = 5) -> tuple[list[str], list[str]]:
    """The titles of the highest and the lowest item biases; none for a model without biases."""
    biases = guide.model.learned_biases()
    if biases is None or not biases.item.any():
        return [], []
    order = np.argsort(biases.item)
    return _titles(guide, order[::-1][:k]), _titles(guide, order[:k])


def _titles(guide: Guide, item_index: Any) -> list[str]:
    return [guide.catalog[guide.model.items_.id(index)].title for index in item_index.tolist()]


def _twenty(guide: Guide, test: Ratings) -> list[dict[str, Any]]:
    """The first twenty rows of the test part: who, what, the true stars and the predicted ones."""
    rows = test.subset(np.arange(min(20, len(test))))
    predicted = guide.model.predict_ratings(rows)
    return [
        {
            "user": test.users.id(user),
            "film": guide.catalog[test.items.id(item)].title,
            "stars": float(true),
            "predicted": round(float(stars), 2),
        }
        for user, item, true, stars in zip(rows.user_index, rows.item_index, rows.value, predicted, strict=True)
    ]


def _asked(guide: Guide, user: Id, item: Id, published: float) -> dict[str, Any]:
    """A prediction from raw ids, beside the published one."""
    stars = round(guide.predict(user, item), 2)
    return {"user": user, "item": item, "film": guide.catalog[item].title, "stars": stars, "published": published}
