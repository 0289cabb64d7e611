"""What `matinee update` costs and achieves, next to training again and to ignoring the news.

    python benchmarks/updating.py                                    # mf, ials and hybrid, MovieLens-1M
    python benchmarks/updating.py --data ml-100k --kinds time        # the last tenth by time
    python benchmarks/updating.py --models bayes --set samples=50 --set burn_in=30

A tenth of all ratings is held out. Of the others, about a tenth are the news: random rows, all ratings of a tenth of
the users or items, the last by time, or those of one user. A model of the rest is updated with the news, and another
one is trained on both. For one user, this is repeated for 40 of them who have rated about as much as most; one model
is trained without any of them, and one with all. Printed: RMSE and NDCG@10 (lists without what is rated in either part) on the held-out ratings,
of the model that ignores the news, of the updated one and of the one trained again; the RMSE on the held-out ratings
of users and items that the news bring (new) and on the others (old); and the processor time of one thread.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee.data.datasets.load import load
from matinee.data.ratings import NO_TIME, Ratings
from matinee.data.split import random_split
from matinee.models import model_named
from matinee.models.base import Recommender
from matinee.models.implicit_feedback import liked_from
from matinee.models.stacking import ndcg
from matinee.models.updating import updated

KINDS = ("rows", "users", "items", "time", "one")
MOST_USERS = 2000
USERS_PER_BLOCK = 256


class Quality(NamedTuple):
    """How well a model does on held-out ratings."""

    rmse: float
    rmse_new: float
    rmse_old: float
    ndcg: float


def parse() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description="Updating against training again.")
    parser.add_argument("--data", default="ml-1m", help="name of a data set (default: ml-1m)")
    parser.add_argument("--models", default="mf,ials,hybrid", help="comma-separated models")
    parser.add_argument("--kinds", default="rows,users,items,one", help=f"of: {','.join(KINDS)}")
    parser.add_argument("--share", type=float, default=0.1, help="of the news (default: 0.1)")
    parser.add_argument("--set", action="append", default=[], help="of all models: samples=50")
    parser.add_argument("--updates", type=int, default=1, help="how many share the news")
    return parser.parse_args()


def is_news(kind: str, train: Ratings, share: float) -> NDArray[np.bool_]:
    """Which training ratings are the news, (N,)."""
    rng = np.random.default_rng(0)
    if kind == "users":
        return rng.random(train.n_users)[train.user_index] < share
    if kind == "items":
        return rng.random(train.n_items)[train.item_index] < share
    if kind == "one":
        middle = train.n_users // 2
        typical = np.argsort(train.user_counts, kind="stable")[middle - 20 : middle + 20]
        return np.isin(train.user_index, typical)
    if kind == "time":
        if train.timestamp is None or (train.timestamp == NO_TIME).any():
            raise SystemExit("Error: this data set has no times; leave out --kinds time.")
        return np.asarray(train.timestamp > np.quantile(train.timestamp, 1 - share))
    return rng.random(len(train)) < share


def own_ids(ratings: Ratings) -> Ratings:
    """The ratings with vocabularies of their own users and items alone."""
    return Ratings.from_ids(
        ratings.users.ids[ratings.user_index],
        ratings.items.ids[ratings.item_index],
        ratings.value,
        ratings.timestamp,
        ratings.scale,
    )


def quality(
    model: Recommender, train: Ratings, test: Ratings, is_new: NDArray[np.bool_]
) -> Quality:
    """A model on the held-out ratings; who or what it does not know gets its average answers."""
    user = model.users_.lookup(test.users.ids)[test.user_index]
    item = model.items_.lookup(test.items.ids)[test.item_index]
    errors = np.zeros(0, np.float32)
    if model.has_stars:
        stars = model.predict_at(user, item, None)
        errors = np.clip(stars, test.scale.lowest, test.scale.highest) - test.value

    def rmse(rows: NDArray[np.bool_]) -> float:
        return float(np.sqrt(np.mean(errors[rows] ** 2))) if len(errors) and rows.any() else np.nan

    every = np.ones(len(test), bool)
    return Quality(rmse(every), rmse(is_new), rmse(~is_new), lists(model, train, test))


def lists(model: Recommender, train: Ratings, test: Ratings) -> float:
    """The mean NDCG@10 of at most 2,000 users."""
    liked = test.value >= liked_from(test.scale)
    asked = np.random.default_rng(0).permutation(np.unique(test.user_index[liked]))[:MOST_USERS]
    place = train.items.lookup(model.items_.ids)  # the model's items among all
    found = []
    for first in range(0, len(asked), USERS_PER_BLOCK):
        block = asked[first : first + USERS_PER_BLOCK]
        index = model.users_.lookup(train.users.ids[block])
        vectors = np.stack([model.fold_in({}).vector] * len(block))
        vectors[index >= 0] = model.user_vectors(index[index >= 0])
        scores = np.full((len(block), train.n_items), -np.inf)
        scores[:, place] = model.scores_of(vectors)
        for row, user in enumerate(block.tolist()):
            scores[row, train.item_index[train.user_index == user]] = -np.inf
            wanted = test.item_index[liked & (test.user_index == user)]
            found.append(float(ndcg(scores[row : row + 1], wanted)[0]))
    return float(np.mean(found))


def shown(number: float) -> str:
    """A figure of the table; a dash for a model without stars."""
    return f"{number:.4f}" if np.isfinite(number) else "-".rjust(6)


def timed(function: Callable[[], Recommender]) -> tuple[Recommender, float]:
    """A model, and the processor time that it took."""
    start = time.process_time()
    return function(), time.process_time() - start


def after_all(model: Recommender, news: Ratings, n_updates: int) -> Recommender:
    """A model after one update with each of several equal parts of the news."""
    for part in np.array_split(np.arange(len(news)), n_updates):
        model = updated(model, own_ids(news.subset(part)), n_threads=1).model
    return model


def compare(
    name: str, kind: str, train: Ratings, test: Ratings, options: argparse.Namespace
) -> None:
    """Prints one line for each of the three models."""
    part = is_news(kind, train, options.share)
    base, news = own_ids(train.subset(~part)), own_ids(train.subset(part))
    is_new = (base.users.lookup(train.users.ids)[test.user_index] < 0) | (
        base.items.lookup(train.items.ids)[test.item_index] < 0
    )
    old, _ = timed(lambda: make(name, options).fit(base, n_threads=1))
    full, again = timed(lambda: make(name, options).fit(own_ids(train), n_threads=1))
    print(f"{name}, {kind}: {len(news):,} of {len(train):,} ratings are news")
    if kind == "one":
        one_by_one(old, full, train.subset(part), test)
        return
    new, update = timed(lambda: after_all(old, news, options.updates))
    for told, model, seconds in (
        ("ignored", old, ""),
        ("updated", new, f"{update:.2f} s"),
        ("trained again", full, f"{again:.2f} s"),
    ):
        figures = "  ".join(map(shown, quality(model, train, test, is_new)))
        print(f"  {told:13}  {figures}  {seconds}".rstrip(), flush=True)


def one_by_one(old: Recommender, full: Recommender, news: Ratings, test: Ratings) -> None:
    """Prints the RMSE on the held-out ratings of users each of whom is the only news."""
    errors: dict[str, list[NDArray[np.float32]]] = {"ignored": [], "updated": [], "all": []}
    seconds = 0.0
    for user in np.unique(news.user_index).tolist():
        part = own_ids(news.subset(news.user_index == user))
        one, took = timed(partial(after_all, old, part, 1))
        seconds += took
        asked = test.subset(test.user_index == user)
        for told, model in zip(errors, (old, one, full), strict=True):
            errors[told].append(model.predict_ratings(own_ids(asked)) - asked.value)
    for told, each in errors.items():
        mean = float(np.mean(np.concatenate(each) ** 2))
        print(f"  {told:13}  {np.sqrt(mean):.4f}  on {sum(map(len, each))} ratings", flush=True)
    print(f"  {seconds / len(errors['all']):.2f} s for an update")


def make(name: str, options: argparse.Namespace) -> Recommender:
    """An unfitted model with the given settings."""
    return model_named(name).from_settings(dict(each.split("=", 1) for each in options.set))


def main() -> None:
    """Prints the comparison of each model with each kind of news."""
    options = parse()
    part = random_split(load(options.data).ratings, 0.1, 0)
    for name in options.models.split(","):
        kernels = own_ids(part.train.subset(np.arange(2000)))  # compiled, or loaded, before
        updated(
            model_named(name)().fit(kernels, n_threads=1), kernels.subset(np.arange(1)), n_threads=1
        )
    print(f"{options.data}: RMSE, RMSE new, RMSE old, NDCG@10, processor time")
    for name in options.models.split(","):
        for kind in options.kinds.split(","):
            compare(name, kind, part.train, part.test, options)


if __name__ == "__main__":
    main()
