"""How good the lists are that a model makes for people, and what they are like besides.

The full ranking is measured: of all items that the person has not rated in the training part, which come first? An
item is relevant to somebody if its test rating is in the upper quarter of the scale (4 and above of 1 to 5). Users
without a relevant test item are left out and counted. `among_candidates` ranks a few sampled items instead, for
comparison with papers that do.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee.data.ratings import Ratings
from matinee.data.vocabulary import Id
from matinee.errors import DataError
from matinee.evaluation import metrics
from matinee.models.base import Recommender
from matinee.models.co_raters import rater_sets
from matinee.models.implicit_feedback import liked_from
from matinee.progress import Progress, Step

CUTS = (5, 10, 20)
LONGEST = max(CUTS)
FIRST = 10
"""What is said of lists besides their hits is said of their first ten."""
AT_CUTS = ("ndcg", "map", "precision", "recall", "hit_rate")
PER_USER = (*(f"{name}_at_{k}" for name in AT_CUTS for k in CUTS), "mrr", "mean_popularity", "novelty", "diversity")
"""Means over users. All but the last three are 0 to 1, more is better; MRR looks at twenty places."""
MOST_USERS = 10_000
"""If more have a relevant item, so many are drawn at random, always the same."""
CELLS = 2**22
"""Scores at a time."""
MOST_RATERS = 2**15
"""Of whom diversity asks who rated what; of more users, so many are drawn."""


class Task(NamedTuple):
    """Whose lists are judged, and what is relevant to them."""

    users: NDArray[np.int64]  # (R,) their index, ascending
    relevant: NDArray[np.int64]  # user index * I + item index, ascending
    n_relevant: NDArray[np.int64]  # (R,)
    n_without: int
    """Users of the test part to whom none of its items is relevant."""
    n_not_drawn: int
    """Users who were not drawn because there are more than MOST_USERS."""


class Lists(NamedTuple):
    """The lists of R users, best first."""

    items: NDArray[np.int32]  # (R, K); K is less than LONGEST if there are fewer items
    is_shown: NDArray[np.bool_]  # (R, K); after the unseen items come seen ones, which nobody would show


class Ranked(NamedTuple):
    """What lists are worth.

    Attributes:
        users: (R,) their index.
        values: (R, M) in the order of PER_USER; the diversity of a list of one item is NaN.
        coverage: the part of all items that is in somebody's first ten.
        gini: how unequally the places of all first tens are spread over all items (`metrics.gini`).
    """

    users: NDArray[np.int64]
    values: NDArray[np.float64]
    coverage: float
    gini: float
    n_without: int
    n_not_drawn: int

    def means(self) -> dict[str, float]:
        """Every measure by name; NaN where it applies to nobody."""
        known = np.isfinite(self.values)
        n = known.sum(axis=0)
        means = np.where(n > 0, np.where(known, self.values, 0).sum(axis=0) / np.maximum(n, 1), np.nan)
        return dict(zip(PER_USER, means.tolist(), strict=True)) | {"coverage": self.coverage, "gini": self.gini}


def ranking_task(test: Ratings) -> Task:
    """Who is to be ranked for on this test part; the same for every model."""
    liked = test.value >= liked_from(test.scale)
    user_index, item_index = test.user_index[liked].astype(np.int64), test.item_index[liked]
    everybody = np.unique(user_index)
    users = everybody
    if len(everybody) > MOST_USERS:
        users = np.sort(np.random.default_rng(0).permutation(everybody)[:MOST_USERS])
        mine = np.isin(user_index, users)
        user_index, item_index = user_index[mine], item_index[mine]
    relevant = np.unique(user_index * test.n_items + item_index)
    n_relevant = np.bincount(np.searchsorted(users, relevant // max(1, test.n_items)), minlength=len(users))
    n_without = int(np.count_nonzero(test.user_counts)) - len(everybody)
    return Task(users, relevant, n_relevant, n_without, len(everybody) - len(users))


def top_lists(model: Recommender, users: NDArray[np.int64], progress: Progress | None = None) -> Lists:
    """The lists of known users by index. No users x items matrix is made, only a block of users."""
    n_items = len(model.items_)
    at_once = int(np.clip(CELLS // max(1, n_items), 1, 512))
    blocks = []
    for first in range(0, len(users), at_once):
        blocks.append(model.top_items(users[first : first + at_once], LONGEST))
        if progress:
            progress(Step(min(first + at_once, len(users)), len(users), "lists for all users"))
    items = np.concatenate(blocks).astype(np.int32)  # (R, K)
    n_unseen = n_items - model.history_.counts[users]  # (R,)
    return Lists(items, np.arange(items.shape[1]) < n_unseen[:, None])


def judge(model: Recommender, task: Task, lists: Lists) -> Ranked:
    """Everything that is said of lists; `model` tells what it was trained on."""
    n_items = len(model.items_)
    keys = task.users[:, None] * n_items + lists.items  # (R, K)
    places = np.minimum(np.searchsorted(task.relevant, keys), len(task.relevant) - 1)
    hits = np.zeros((len(task.users), LONGEST), bool)
    hits[:, : keys.shape[1]] = (task.relevant[places] == keys) & lists.is_shown
    columns = [_at(name, hits[:, :k], task.n_relevant) for name in AT_CUTS for k in CUTS]
    first, shown = lists.items[:, :FIRST], lists.is_shown[:, :FIRST]
    n_users = int(np.count_nonzero(model.history_.counts))
    surprise = metrics.self_information(model.item_counts_, n_users)
    columns.append(metrics.reciprocal_rank(hits))
    columns.append(_mean(model.item_counts_[first], shown))
    columns.append(_mean(surprise[first], shown))
    columns.append(diversity(model, first, shown))
    exposure = np.bincount(first[shown], minlength=n_items)  # (I,)
    coverage = float(np.mean(exposure > 0))
    values = np.stack(columns, axis=1)
    return Ranked(task.users, values, coverage, metrics.gini(exposure), task.n_without, task.n_not_drawn)


def _at(name: str, hits: NDArray[np.bool_], n_relevant: NDArray[np.int64]) -> NDArray[np.float64]:
    if name == "precision":
        return metrics.precision(hits)
    if name == "hit_rate":
        return metrics.hit_rate(hits)
    of_both = {"ndcg": metrics.ndcg, "map": metrics.average_precision, "recall": metrics.recall}
    return of_both[name](hits, n_relevant)


def _mean(of: NDArray[np.number], where: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The mean of each row where the mask holds, (B, K) -> (B,); NaN where it nowhere does."""
    n = where.sum(axis=1)
    return np.where(n > 0, np.where(where, of, 0).sum(axis=1) / np.maximum(n, 1), np.nan)


# -- diversity -----------------------------------------------------------------------------------------------------


def diversity(model: Recommender, items: NDArray[np.int32], is_shown: NDArray[np.bool_]) -> NDArray[np.float64]:
    """How unlike each other the items of each list are, (R,): 1 less the mean cosine over all pairs of its items.

    Intra-list diversity (Ziegler et al., "Improving recommendation lists through topic diversification", 2005). The
    cosine is that of who rated them in the training part: the users that two items have in common, divided by the
    root of the product of their numbers of users. So it needs no genres and is the same measure for every model. 1
    means that nobody rated two of the items, 0 that the same people rated all; NaN for a list without a pair.
    """
    shown, place = np.unique(items, return_inverse=True)
    place = place.reshape(items.shape)  # (R, K)
    one, other = np.triu_indices(items.shape[1], 1)
    is_pair = is_shown[:, one] & is_shown[:, other]  # (R, P)
    if not is_pair.any():
        return np.full(len(items), np.nan)
    a, b = place[:, one], place[:, other]
    codes = np.minimum(a, b).astype(np.int64) * len(shown) + np.maximum(a, b)
    pairs, back = np.unique(codes, return_inverse=True)
    raters = rater_sets(model.history_, shown, MOST_RATERS)
    cosines = raters.cosines(pairs // len(shown), pairs % len(shown))
    return 1 - _mean(cosines[back.reshape(codes.shape)], is_pair)


# -- sampled negatives -----------------------------------------------------------------------------------------------


def among_candidates(
    model: Recommender, candidates: Sequence[tuple[Id, Sequence[Id]]], k: int = 10
) -> dict[str, float]:
    """Hit rate and NDCG of one held-out item among a few others: the protocol of He et al., "Neural collaborative
    filtering", 2017, where each user's last item is ranked among 99 drawn from those they never rated.

    Sampled measures are other quantities than those of the full ranking, and may order systems differently (Krichene,
    Rendle, "On sampled metrics for item recommendation", 2020). Use them only beside papers that have them.

    Args:
        candidates: for each case a user id and item ids, the held-out one first. Equal scores rank by item id.
    Returns: {"hit_rate_at_10": ..., "ndcg_at_10": ...} for k = 10.

    Raises:
        DataError: there are none.
    """
    if not candidates:
        raise DataError("There are no candidates to rank.")
    hits = np.zeros((len(candidates), k), bool)
    for row, (user, item_ids) in enumerate(candidates):
        index = model.items_.lookup(np.asarray(item_ids))
        allowed = np.zeros(len(model.items_), bool)
        allowed[index[index >= 0]] = True
        best = model.recommend(user, k, allowed=allowed, include_seen=True)
        held_out = model.items_.id(int(index[0])) if index[0] >= 0 else None
        hits[row, : len(best)] = [one.item_id == held_out for one in best]
    ones = np.ones(len(hits), np.int64)
    return {
        f"hit_rate_at_{k}": metrics.hit_rate(hits).mean().item(),
        f"ndcg_at_{k}": metrics.ndcg(hits, ones).mean().item(),
    }
