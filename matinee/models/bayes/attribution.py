"""The attribution of scores to a person's ratings.

Given a draw of the items, a person's mean less that of the average person is linear in their
ratings and in the set of rated items, and so is its average over the draws.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles
from matinee.models.bayes.fold_in import Posterior, ScoreParts
from matinee.models.bayes.ordered_probit import Link
from matinee.models.interface import Attribution, UserState

if TYPE_CHECKING:
    from matinee.models.bayes.model import BayesianMF

SHORT = 0.01
"""The smallest difference of scores whose value in stars can be measured."""


def attribute(
    model: "BayesianMF", profile: UserState, item_index: NDArray[np.int32]
) -> list[Attribution]:
    """The attribution of scores, exact without a link.

    Given a draw of the items, a person's mean less that of the average person is linear in
    their ratings and in the set of rated items, and so is its average over the draws. The
    part of `user` is the change of the bias.
    """
    unit, n, effect = float(model.deviation_), len(profile.value), float(profile.vector[0])
    items = model.item_draws_[item_index].astype(np.float64)
    average = model._people[-1].astype(np.float64)
    bias = items[..., -1].copy()  # (K, S)
    items[..., -1] = 1
    mean = float(model.global_mean_)
    average_score = (bias + (items * average).sum(axis=2)).mean(axis=1)  # (K,)
    if n == 0:
        own = unit * model._rating(profile.vector, item_index)[0]
        return [
            Attribution(mean, 0.0, item, np.zeros(0), np.zeros(0), is_exact=True)
            for item in own.tolist()
        ]
    posterior = model._posterior(profile.item_index, profile.value)
    # The directions: the factors of each item alone, then the bias alone.
    directions = np.concatenate([items, np.zeros((1, *average.shape))])
    directions = directions.transpose(1, 2, 0)  # (S, F + 1, K + 1)
    directions[:, -1] = np.append(np.zeros(len(items)), 1)
    inverse = np.asarray(np.linalg.inv(posterior.form), np.float64)
    solved = inverse @ directions
    shares = posterior.shares(solved, average, model._prior(n).mean).T  # (K + 1, n)
    taste, bias_change = shares[:-1], float(shares[-1].sum())
    whole = taste.sum(axis=1) + bias_change
    left_out = -whole[:, None]  # (K, n)
    if n > 1:
        left_out = _without_each(model, profile, posterior.solve(), directions[..., :-1])
    total = average_score + whole + effect
    if model._link is not None:
        scores = ScoreParts(item_index, average_score, total, taste, left_out)
        return _linked_parts(model, model._link, profile, posterior, scores)
    user, item = unit * (bias_change + effect), (unit * average_score).tolist()
    ratings, without = unit * taste, mean + unit * (total[:, None] + left_out)
    return [
        Attribution(mean, user, item[row], ratings[row], without[row], is_exact=True)
        for row in range(len(item_index))
    ]


def _without_each(
    model: "BayesianMF", profile: UserState, mean: Doubles, directions: Doubles
) -> Doubles:
    """The change of the scores of K items without each rating, in deviations, (K, n).

    Args:
        mean: the posterior mean with all ratings, (S, F + 1).
        directions: the factors of the items, with 0 for the bias, (S, F + 1, K).
    """
    rows = directions.copy()
    rows[:, -1] = 1
    n = len(profile.value)
    fewer = model._posterior(profile.item_index, profile.value, n - 1)
    inverse = np.asarray(np.linalg.inv(fewer.form), np.float64)
    step = fewer.solve() - mean
    shift = (step[:, None] @ rows)[:, 0].mean(axis=0)  # (K,)
    return np.asarray(fewer.changes(inverse, inverse @ rows).T + shift[:, None])


def _linked_parts(
    model: "BayesianMF", link: Link, profile: UserState, posterior: Posterior, scores: ScoreParts
) -> list[Attribution]:
    """The parts of scores, converted to stars.

    The part of the item is the average person's stars. The other parts are multiplied by
    the value in stars of a unit of the score, averaged from there to the person's own
    score. The difference due to averaging over draws is in the part of `user`.
    """
    unit, mean, n_items = float(model.deviation_), float(model.global_mean_), len(scores.total)
    vector = model._vector(posterior)
    vector[:2] = profile.vector[:2]
    average_person = model._user_vectors(np.array([-1]))[0]
    item = unit * model._rating(average_person, scores.item_index)[0]  # (K,)
    stars = unit * model._rating(vector, scores.item_index)[0]
    step = scores.total - scores.average
    step = np.where(np.abs(step) > SHORT, step, SHORT)
    ends = np.concatenate([scores.average, scores.average + step]).astype(np.float32)
    draws, noise = np.tile(ends, (model._n_draws, 1)), np.full(len(ends), vector[1])
    at_ends = link.mean_and_variance(draws, noise)[0].astype(np.float64)
    worth = (unit * (at_ends[n_items:] - at_ends[:n_items]) / step)[:, None]  # (K, 1)
    taste, without = worth * scores.taste, mean + worth * scores.changes + stars[:, None]
    user = (stars - item - taste.sum(axis=1)).tolist()
    return [
        Attribution(mean, user[row], own, taste[row], without[row], is_exact=False)
        for row, own in enumerate(item.tolist())
    ]
