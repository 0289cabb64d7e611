"""How often the 80% intervals of `bayes` hold, for known people, newcomers and rarely rated films.

    python benchmarks/interval_coverage.py                                    ML-100K and MovieLens latest-small, some minutes
    python benchmarks/interval_coverage.py ml-100k --set samples=60           fewer draws

An interval is the prediction plus or minus 1.28 standard deviations; it should hold for 80% of the ratings.

    random:0.2      the test ratings of a random fifth, with their times and without; and by the number of training
                    ratings of the film
    time:0.1        the latest tenth, of people who are known by then
    newcomers       a fifth of the people, held out whole: some of their ratings, chosen at random, are folded in, and
                    the others are predicted; in every row the same others
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee.data.datasets.load import load
from matinee.data.ratings import Ratings
from matinee.data.split import random_split, time_split
from matinee.evaluation.calibration import LEVELS, coverage_of
from matinee.models.bayes.model import BayesianMF

GIVEN = (0, 1, 3, 10, 30)
"""How many ratings of a newcomer are folded in."""
FEW = (0, 1, 2, 3, 4)
"""The numbers of training ratings of films with few."""
Reals = NDArray[np.floating]


class Line(NamedTuple):
    """The ratings of one kind: true, predicted, and the deviations, (N,) each."""

    kind: str
    true: Reals
    predicted: Reals
    deviations: Reals

    def __str__(self) -> str:
        if len(self.true) == 0:
            return f"| {self.kind} | 0 | | | |"
        error = np.sqrt(np.mean((self.predicted - self.true) ** 2))
        shares = coverage_of(self.true, self.predicted, self.deviations)
        held = " | ".join(f"{share:.1%}" for share in shares)
        return f"| {self.kind} | {len(self.true):,} | {error:.4f} | {held} |"

    def where(self, kind: str, mask: NDArray[np.bool_]) -> "Line":
        """The ratings where the mask, (N,), is true."""
        return Line(kind, self.true[mask], self.predicted[mask], self.deviations[mask])


def line_of(kind: str, model: BayesianMF, test: Ratings) -> Line:
    """The predictions of test ratings."""
    return Line(kind, test.value, model.predict_ratings(test), model.predict_deviations(test))


def random_lines(ratings: Ratings, settings: dict[str, str]) -> Iterator[Line]:
    """A random fifth, with times, without, and by the number of ratings of the film."""
    part = random_split(ratings, 0.2)
    model = BayesianMF.from_settings(settings).fit(part.train)
    yield line_of("random:0.2", model, part.test)
    untimed = line_of("random:0.2, no times", model, replace(part.test, timestamp=None))
    yield untimed
    counts = part.train.item_counts[part.test.item_index]
    for n in FEW:
        yield untimed.where(f"films with {n} ratings, no times", counts == n)
    yield untimed.where("films with 0 to 4 ratings, no times", counts <= max(FEW))


def time_lines(ratings: Ratings, settings: dict[str, str]) -> Iterator[Line]:
    """The latest tenth of people who are known by then."""
    part = time_split(ratings, 0.1)
    model = BayesianMF.from_settings(settings).fit(part.train)
    is_known = part.train.user_counts[part.test.user_index] > 0
    yield line_of("time:0.1, known people", model, part.test.subset(np.flatnonzero(is_known)))


def newcomer_lines(ratings: Ratings, settings: dict[str, str]) -> Iterator[Line]:
    """A fifth of the people, who have more ratings than are folded in."""
    rng = np.random.default_rng(0)
    enough = np.flatnonzero(ratings.user_counts > max(GIVEN))
    held_out = rng.permutation(enough)[: ratings.n_users // 5]
    train = ratings.subset(np.flatnonzero(~np.isin(ratings.user_index, held_out)))
    model = BayesianMF.from_settings(settings).fit(train)
    found: dict[int, list[NDArray[np.float64]]] = {n: [] for n in GIVEN}
    for user in held_out.tolist():
        rows = rng.permutation(np.flatnonzero(ratings.user_index == user))
        own, rest = rows[: max(GIVEN)], rows[max(GIVEN) :]
        ids, stars = ratings.items.ids[ratings.item_index[own]].tolist(), ratings.value[own]
        for n in GIVEN:
            person = model.fold_in(dict(zip(ids[:n], stars[:n].tolist(), strict=True)))
            items = ratings.item_index[rest]
            predicted = np.clip(model.all_stars(person)[items], *ratings.scale[:2])
            deviations = np.asarray(model.deviations(person, items))
            found[n].append(np.stack([ratings.value[rest], predicted, deviations]))
    for n in GIVEN:
        yield Line(f"newcomers with {n} ratings", *np.concatenate(found[n], axis=1))


def main() -> None:
    """Print a table for each data set."""
    parser = argparse.ArgumentParser(description="How often the intervals of bayes hold.")
    parser.add_argument("data", nargs="*", default=["ml-100k", "ml-latest-small"])
    parser.add_argument("--set", action="append", default=[], help="a setting of the model")
    options = parser.parse_args()
    settings = dict(one.split("=", 1) for one in options.set)
    for name in options.data:
        ratings = load(name).ratings
        print(f"\n### {name}\n\n| ratings | number | RMSE |", end="")
        print(" | ".join(f" in {level:.0%}" for level in LEVELS), "|\n|---|--:|--:|--:|--:|--:|")
        for lines in (random_lines, time_lines, newcomer_lines):
            for line in lines(ratings, settings):
                print(line, flush=True)


if __name__ == "__main__":
    sys.path.pop(0)  # the folder of this script: Numba would take it for the package `coverage`
    main()
