"""Judges the lists that a model makes: relevance, popularity, novelty, diversity and coverage.

The full ranking is judged: all items that the user has not rated in the training part are
candidates. An item is relevant to a user if its test rating is in the upper quarter of the
scale (4 and above of 1 to 5). Users without a relevant test item are left out and counted.
`among_candidates` instead ranks a few sampled items, for comparison with papers that do so.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles, Longs
from matinee.data.ratings import Ratings
from matinee.data.vocabulary import Id
from matinee.errors import DataError
from matinee.evaluation import metrics
from matinee.models.base import Recommender
from matinee.models.co_raters import rater_sets
from matinee.models.implicit_feedback import liked_from
from matinee.progress import Progress, Step

CUTS = (5, 10, 20)
#: The lists are this long, for NDCG@100.
LONGEST = 100
#: Popularity, novelty, diversity and coverage are those of the first ten places.
FIRST = 10
AT_CUTS = ("ndcg", "map", "precision", "recall", "hit_rate")
#: Of longer lists, only what the papers on variational autoencoders report (Liang et al., 2018).
LONG = (("recall", 50), ("ndcg", LONGEST))
#: Means over users. All but the last three are 0 to 1, higher is better; MRR is over twenty places.
PER_USER = (
    *(f"{name}_at_{k}" for name in AT_CUTS for k in CUTS),
    *(f"{name}_at_{k}" for name, k in LONG),
    "mrr",
    "mean_popularity",
    "novelty",
    "diversity",
)
#: If more users have a relevant item, this many are sampled, always the same ones.
MOST_USERS = 10_000
#: Scores at a time.
CELLS = 2**22
#: Diversity looks at this many users; if there are more, they are sampled.
MOST_RATERS = 2**15


class Task(NamedTuple):
    """The users whose lists are judged, and the items that are relevant to them.

    Attributes:
        users: (R,) user indices, ascending.
        relevant: user index * I + item index of each relevant item, ascending.
        n_relevant: (R,) the number of relevant items.
        n_without: users of the test part without a relevant item.
        n_not_drawn: users who were not sampled because there are more than MOST_USERS.
    """

    users: Longs
    relevant: Longs
    n_relevant: Longs
    n_without: int
    n_not_drawn: int


class Lists(NamedTuple):
    """The lists of R users, best first.

    Attributes:
        items: (R, K) item indices; K is less than LONGEST if there are fewer items.
        is_shown: (R, K) False where the unseen items are used up and seen ones follow.
    """

    items: NDArray[np.int32]
    is_shown: NDArray[np.bool_]


class Ranked(NamedTuple):
    """The measures of the lists of R users.

    Attributes:
        users: (R,) user indices.
        values: (R, M) in the order of PER_USER; the diversity of a list of one item is NaN.
        coverage: the share of all items that are among the first ten of at least one user.
        gini: the inequality of exposure over all items in the first ten places
            (`metrics.gini`).
        n_without, n_not_drawn: see `Task`.
    """

    users: Longs
    values: Doubles
    coverage: float
    gini: float
    n_without: int
    n_not_drawn: int

    def means(self) -> dict[str, float]:
        """Each measure by name; NaN if it applies to no user."""
        is_known = np.isfinite(self.values)
        counts = is_known.sum(axis=0)
        sums = np.where(is_known, self.values, 0).sum(axis=0)
        means = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
        by_name = dict(zip(PER_USER, means.tolist(), strict=True))
        return by_name | {"coverage": self.coverage, "gini": self.gini}


def ranking_task(test: Ratings) -> Task:
    """The users and relevant items of a test part; the same for every model."""
    is_liked = test.value >= liked_from(test.scale)
    user_index = test.user_index[is_liked].astype(np.int64)
    item_index = test.item_index[is_liked]
    candidates = np.unique(user_index)
    users = candidates
    if len(candidates) > MOST_USERS:
        users = np.sort(np.random.default_rng(0).permutation(candidates)[:MOST_USERS])
        is_drawn = np.isin(user_index, users)
        user_index, item_index = user_index[is_drawn], item_index[is_drawn]
    relevant = np.unique(user_index * test.n_items + item_index)
    row = np.searchsorted(users, relevant // max(1, test.n_items))
    return Task(
        users,
        relevant,
        n_relevant=np.bincount(row, minlength=len(users)),
        n_without=int(np.count_nonzero(test.user_counts)) - len(candidates),
        n_not_drawn=len(candidates) - len(users),
    )


def top_lists(model: Recommender, users: Longs, progress: Progress | None = None) -> Lists:
    """The lists of known users by index, made for a block of users at a time."""
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
    """All measures of the lists; the model supplies the training ratings."""
    columns = measures_of_hits(_hits(task, lists, len(model.items_)), task.n_relevant)
    first, is_shown = lists.items[:, :FIRST], lists.is_shown[:, :FIRST]
    n_users = int(np.count_nonzero(model.history_.counts))
    information = metrics.self_information(model.item_counts_, n_users)  # (I,)
    columns.append(mean_of_shown(model.item_counts_[first], is_shown))
    columns.append(mean_of_shown(information[first], is_shown))
    columns.append(diversity(model, first, is_shown))
    exposure = np.bincount(first[is_shown], minlength=len(model.items_))  # (I,)
    return Ranked(
        task.users,
        np.stack(columns, axis=1),
        coverage=float(np.mean(exposure > 0)),
        gini=metrics.gini(exposure),
        n_without=task.n_without,
        n_not_drawn=task.n_not_drawn,
    )


def measures_of_hits(hits: NDArray[np.bool_], n_relevant: Longs) -> list[Doubles]:
    """The measures of lists that follow from the hits, (R,) each, in the order of PER_USER.

    Args:
        hits: which places hold a relevant item, (R, LONGEST).
        n_relevant: (R,).
    """
    columns = [_at(name, hits[:, :k], n_relevant) for name in AT_CUTS for k in CUTS]
    columns += [_at(name, hits[:, :k], n_relevant) for name, k in LONG]
    return [*columns, metrics.reciprocal_rank(hits[:, : max(CUTS)])]


def _hits(task: Task, lists: Lists, n_items: int) -> NDArray[np.bool_]:
    """Which places of the lists hold a relevant item, (R, LONGEST)."""
    keys = task.users[:, None] * n_items + lists.items  # (R, K)
    places = np.minimum(np.searchsorted(task.relevant, keys), len(task.relevant) - 1)
    hits = np.zeros((len(task.users), LONGEST), bool)
    hits[:, : keys.shape[1]] = (task.relevant[places] == keys) & lists.is_shown
    return hits


def _at(name: str, hits: NDArray[np.bool_], n_relevant: Longs) -> Doubles:
    """One measure of lists cut to K places, (R,)."""
    match name:
        case "ndcg":
            return metrics.ndcg(hits, n_relevant)
        case "map":
            return metrics.average_precision(hits, n_relevant)
        case "precision":
            return metrics.precision(hits)
        case "recall":
            return metrics.recall(hits, n_relevant)
        case _:
            return metrics.hit_rate(hits)


def mean_of_shown(values: NDArray[np.number], mask: NDArray[np.bool_]) -> Doubles:
    """The mean of each row over the mask, (B, K) -> (B,); NaN if the mask is False throughout."""
    counts = mask.sum(axis=1)
    sums = np.where(mask, values, 0).sum(axis=1)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


# -- diversity ---------------------------------------------------------------------------


def diversity(model: Recommender, items: NDArray[np.int32], is_shown: NDArray[np.bool_]) -> Doubles:
    """The intra-list diversity, (R,): 1 minus the mean cosine over all pairs of items of a list.

    Ziegler et al., "Improving recommendation lists through topic diversification", 2005. The
    cosine is that of the sets of users who rated the items in the training part
    (`models.co_raters`), so it needs no genres and does not depend on the model. 1 means that
    no user rated two of the items, 0 that the same users rated all. A list without a pair has
    NaN.
    """
    shown, place = np.unique(items, return_inverse=True)
    place = place.reshape(items.shape)  # (R, K)
    left, right = np.triu_indices(items.shape[1], 1)
    is_pair = is_shown[:, left] & is_shown[:, right]  # (R, P)
    if not is_pair.any():
        return np.full(len(items), np.nan)
    low = np.minimum(place[:, left], place[:, right])
    high = np.maximum(place[:, left], place[:, right])
    pairs, pair = np.unique(low.astype(np.int64) * len(shown) + high, return_inverse=True)
    raters = rater_sets(model.history_, shown, MOST_RATERS)
    cosines = raters.cosines(pairs // len(shown), pairs % len(shown))
    return 1 - mean_of_shown(cosines[pair.reshape(is_pair.shape)], is_pair)


# -- sampled negatives -------------------------------------------------------------------


def among_candidates(
    model: Recommender, candidates: Sequence[tuple[Id, Sequence[Id]]], k: int = 10
) -> dict[str, float]:
    """Hit rate and NDCG of one held-out item among a few sampled ones.

    This is the protocol of He et al., "Neural collaborative filtering", 2017, where the last
    item of each user is ranked among 99 that the user never rated. Sampled measures are not
    estimates of those of the full ranking, and may order models differently (Krichene, Rendle,
    "On sampled metrics for item recommendation", 2020). Use them only to compare with papers
    that do.

    Args:
        candidates: for each case the user id and the item ids, of which the first is held out.
            Ties are ranked by item id.
    Returns: {"hit_rate_at_10": ..., "ndcg_at_10": ...} for k = 10.

    Raises:
        DataError: there are no candidates.
    """
    if not candidates:
        raise DataError("There are no candidates to rank.")
    hits = np.zeros((len(candidates), k), bool)
    for row, (user, item_ids) in enumerate(candidates):
        index = model.items_.lookup(np.asarray(item_ids))
        allowed = np.zeros(len(model.items_), bool)
        allowed[index[index >= 0]] = True
        best = model.recommend(user, k, allowed=allowed, include_seen=True)
        if index[0] >= 0:
            held_out = model.items_.id(int(index[0]))
            hits[row, : len(best)] = [scored.item_id == held_out for scored in best]
    n_relevant = np.ones(len(hits), np.int64)
    return {
        f"hit_rate_at_{k}": metrics.hit_rate(hits).mean().item(),
        f"ndcg_at_{k}": metrics.ndcg(hits, n_relevant).mean().item(),
    }
