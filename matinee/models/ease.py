"""EASE: a linear item-to-item model in closed form. It ranks films and does not predict stars."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles, Floats, Indices
from matinee.data.ratings import Grouped, Ratings
from matinee.errors import UnsupportedError
from matinee.models.base import Attribution, FitOptions, Recommender, UserState
from matinee.models.history import run_positions
from matinee.models.hyperparameters import hyper, learned
from matinee.models.implicit_feedback import (
    AUTO,
    check_threshold,
    find_threshold,
    random_matrix_norm,
)
from matinee.models.interface import Capabilities
from matinee.models.recency import half_life_setting, recency_weights
from matinee.models.updating import Change, placed
from matinee.system import free_memory
from matinee.threads import Run, available_cores, one_blas_thread, workers

if TYPE_CHECKING:
    from matinee.kernels.ease import Links


TINY = float(np.finfo(np.float32).tiny)

TILE = 256
"""Rows of a block in products and inversions; fixed, so that threads do not change the
result."""
LEARN_AGAIN = 0.001
"""An update learns the weights again if its news are this share of all ratings."""
SAMPLE = 2**20
BYTES_PER_PAIR = 8
"""Memory of the matrix in single precision, and of its inversion."""


@dataclass(kw_only=True, eq=False)
class EASE(Recommender):
    """The item-to-item model in closed form, for up to tens of thousands of items.

        score(u, i) = sum of B_ji over the items j that u likes

    where B minimizes |X - X B|^2 + regularization |B|^2 with a zero diagonal, and X is 1 where a
    user likes an item: with P = (X'X + regularization)^-1, B_ji = -P_ji / P_ii (Steck,
    "Embarrassingly shallow autoencoders for sparse data", 2019). Unlike the paper, the model stores
    the partial correlations of the items, c_ij = -P_ij / sqrt(P_ii P_jj), and only the largest.
    They are symmetric, serve as similarities, and give B_ji = c_ij sqrt(P_jj / P_ii).

    With a `half_life`, X holds the roots of the weights w = 2^(-D / half_life) instead of ones,
    where D is the age of a like in days (`recency.py`). So an item's entry on the diagonal of X'X
    is the sum of the weights of its likes, and a user whose likes are all equally old counts as w
    users. A known user is scored with these roots, a new person with ones.

    The cost of dropping the others, on MovieLens-1M with ratings of 4 and 5 as likes and a fifth
    held out, in NDCG@10 and the size of the model file: all .3303, 110 MB; `entries` 1000 .3299,
    30 MB; 400 .3296, 13 MB; 200 .3292, 8 MB; 100 .3275, 5 MB.

    Example:
        >>> ease = matinee.EASE().fit(few)
        >>> scores = ease.scores({107: 5.0})
        >>> scores.shape, scores.dtype.name
        ((340,), 'float32')
    """

    name: ClassVar[str] = "ease"
    summary: ClassVar[str] = (
        "It gives every pair of films a weight: how much liking one of them says about the "
        "other, beyond what all other films say already. A film's score is the sum over "
        "what the person liked; it does not predict stars."
    )
    capabilities = Capabilities(predicts_stars=False, thread_safe=True)

    regularization: float = hyper(
        1.8,
        low=1e-4,
        high=1e4,
        search=(0.5, 5),
        help="L2 penalty of the weights; 1 is enough to suppress random likes",
    )
    threshold: str = hyper(
        AUTO, help="lowest rating that counts as liked; auto: the upper quarter of the scale"
    )
    entries: int = hyper(
        600,
        low=1,
        high=1_000_000,
        help="weights stored per item on average; the largest are stored, 8 bytes each",
    )
    half_life: float = half_life_setting()

    indptr_: NDArray[np.int64] = learned("I+1", dtype=np.int64, indptr_of="N")
    related_: NDArray[np.int32] = learned("N", dtype=np.int32, index_of="items")
    correlations_: Floats = learned("N", dtype=np.float32)
    """The stored partial correlations, (N,): those of item i are at indptr_[i]:indptr_[i +
    1]."""
    root_precision_: Floats = learned("I", dtype=np.float32, least=TINY)
    """The root of the diagonal of P, (I,)."""
    popularity_: Floats = learned("I", dtype=np.float32)
    """The share of users who like each item, (I,); the vector of a person without likes."""
    threshold_: Doubles = learned(dtype=np.float64, most=np.inf)

    def __post_init__(self) -> None:
        self.threshold = check_threshold(self.threshold, self.name)
        super().__post_init__()

    # -- learning ------------------------------------------------------------------------

    def _fit(self, train: Ratings, options: FitOptions) -> None:
        weight = recency_weights(train, self.half_life, self.name)  # (N,)
        threshold = find_threshold(self.threshold, train, self.name)
        self.threshold_ = np.array(threshold)
        likers = _liked(train.by_item, threshold, weight)
        likes = _liked(train.by_user, threshold, weight)
        n_likers, n_likes = np.diff(likers.indptr), float(len(likes.indices))
        n_users = int(np.count_nonzero(np.diff(likes.indptr)))
        popularity = n_likers.astype(np.float64)
        if likers.root is not None:
            squares = np.append(0, np.cumsum(likers.root.astype(np.float64) ** 2))
            popularity, n_likes = np.diff(squares[likers.indptr]), float(squares[-1])
        self.popularity_ = (popularity / n_users).astype(np.float32)
        items = np.flatnonzero(n_likers)
        _require_memory(len(items))
        n_threads = options.n_threads or available_cores()
        with one_blas_thread(), workers(n_threads) as run:
            unit = random_matrix_norm(n_users, len(items), n_likes) ** 2
            penalty = self.regularization * unit
            if 2 * n_users < len(items):
                matrix = _inverse_by_users(run, likes, items, penalty)
            else:
                matrix = _gram(run, likers, likes, items)
                matrix.flat[:: len(items) + 1] += np.float32(penalty)
                _invert(run, matrix)
            precision = np.ones(train.n_items)
            precision[items] = matrix.diagonal()
            self.root_precision_ = np.sqrt(precision).astype(np.float32)
            links = _correlations(run, matrix, self.entries)
        counts = np.zeros(train.n_items, np.int64)
        counts[items] = np.diff(links.indptr)
        self.indptr_ = np.append(0, np.cumsum(counts))
        self.related_, self.correlations_ = items.astype(np.int32)[links.indices], links.weight

    def absorb(self, change: Change, n_threads: int | None) -> None:
        """Learns the weights again if the items that change have enough news; see `updating.py`.

        The weights of all items depend on each other, and those that the model stores do not
        suffice to change only some. Otherwise the weights stay, and new items have none yet.
        Users need no numbers of their own.

        Args:
            change: the ratings after the news, and what they touch.
        """
        changed = change.items_change
        n_news, is_gone = change.item_news[changed].sum(), self.item_counts_[changed] == 0
        if n_news >= LEARN_AGAIN * len(change.history) or is_gone.any():
            self._fit(change.history.to_training_ratings(), FitOptions(n_threads=n_threads))
            return
        source = change.item_source
        n_stored = placed(np.diff(self.indptr_), source)
        self.indptr_ = np.append(0, np.cumsum(n_stored))
        # Items keep their order, so only their numbers change
        self.related_ = np.flatnonzero(source >= 0).astype(np.int32)[self.related_]
        self.root_precision_ = placed(self.root_precision_, source)
        self.root_precision_[source < 0] = 1
        self.popularity_ = placed(self.popularity_, source)

    # -- people --------------------------------------------------------------------------

    def _user_vectors(self, user_index: Indices) -> Floats:
        row, item, value = self._rated_by(user_index)
        likes = value >= float(self.threshold_)
        vectors = np.zeros((len(user_index), len(self.items_)), np.float32)
        weight = self.history_.weights(user_index, self.half_life)
        if weight is None:
            vectors[row[likes], item[likes]] = 1
        else:
            vectors[row[likes], item[likes]] = np.sqrt(weight[likes])
        vectors[np.bincount(row[likes], minlength=len(vectors)) == 0] = self.popularity_
        return vectors

    def _fold_in(self, item_index: NDArray[np.int32], value: Floats) -> Floats:
        likes = item_index[value >= float(self.threshold_)]
        if len(likes) == 0:
            return self.popularity_
        vector = np.zeros(len(self.items_), np.float32)
        vector[likes] = 1
        return vector

    def _scores(self, vectors: Floats) -> Floats:
        weighted, sums = vectors * self.root_precision_, np.zeros_like(vectors)  # (B, I)
        if len(vectors) == 1:  # without compiled code, which takes half a second to load
            liked = np.flatnonzero(weighted[0])
            counts = np.diff(self.indptr_)[liked]
            positions = run_positions(self.indptr_[liked], counts)
            products = np.repeat(weighted[0, liked], counts) * self.correlations_[positions]
            np.add.at(sums[0], self.related_[positions], products)
        else:
            from matinee.kernels.ease import Links, spread

            spread(Links(self.indptr_, self.related_, self.correlations_), weighted, sums)
        return np.asarray(sums / self.root_precision_)

    def _attribute(self, profile: UserState, item_index: NDArray[np.int32]) -> list[Attribution]:
        scores = self._scores(profile.vector[None])[0, item_index]
        pairs = zip(item_index.tolist(), scores.tolist(), strict=True)
        return [self._parts(profile, item, score) for item, score in pairs]

    def _parts(self, profile: UserState, item_index: int, score: float) -> Attribution:
        n = len(profile.value)
        likes = np.flatnonzero(profile.value >= float(self.threshold_))
        if len(likes) == 0:
            return Attribution(0.0, 0.0, score, np.zeros(n), np.full(n, score), is_exact=True)
        weights = (
            np.nan_to_num(self._correlations(item_index))
            * self.root_precision_
            / self.root_precision_[item_index]
        )
        ratings = np.zeros(n)
        liked = profile.item_index[likes]
        ratings[likes] = weights[liked] * profile.vector[liked]
        without = score - ratings
        if len(likes) == 1:
            without[likes] = self.popularity_ @ weights
        return Attribution(0.0, 0.0, 0.0, ratings, without, is_exact=True)

    def _similarity(self, item_index: int) -> Floats:
        return self._correlations(item_index).astype(np.float32)

    def _correlations(self, item_index: int) -> Doubles:
        """The partial correlations of an item with all others, (I,); NaN where none is
        stored."""
        positions = slice(self.indptr_[item_index], self.indptr_[item_index + 1])
        out = np.full(len(self.items_), np.nan)
        out[self.related_[positions]] = self.correlations_[positions]
        return out


class Likes(NamedTuple):
    """The likes by user, or by item: row r is at indptr[r]:indptr[r + 1]."""

    indptr: NDArray[np.int64]  # (R + 1,)
    indices: NDArray[np.int32]  # (N,), ascending within a row
    root: Floats | None = None  # (N,), the roots of the weights; None if all weigh 1


def _liked(group: Grouped, threshold: float, weight: Floats | None = None) -> Likes:
    is_liked = group.value >= threshold
    likes = Likes(np.append(0, np.cumsum(is_liked))[group.indptr], group.indices[is_liked])
    if weight is None:
        return likes
    return likes._replace(root=np.sqrt(weight[group.row[is_liked]]))


def has_memory(n_items: int) -> bool:
    """Whether the matrix of all pairs of items fits into the free memory."""
    return BYTES_PER_PAIR * n_items**2 <= free_memory()


def _require_memory(n_items: int) -> None:
    """Raises UnsupportedError if the matrix of all pairs does not fit into memory."""
    needed, free = BYTES_PER_PAIR * n_items**2, free_memory()
    if needed > free:
        raise UnsupportedError(
            f"ease needs {needed / 1e9:.1f} GB of memory for {n_items:,} items, {BYTES_PER_PAIR} "
            f"bytes for each pair, but {free / 1e9:.1f} GB are free. Use ials or item-knn."
        )


def _gram(run: Run, likers: Likes, likes: Likes, items: NDArray[np.int64]) -> Floats:
    """The number of users who like both of two items, (A, A), for all A items with likes.

    With weights, each user counts as the product of the roots of their weights.
    """
    from matinee.kernels.ease import count_both, sum_both

    position = np.zeros(len(likers.indptr) - 1, np.int32)
    position[items] = np.arange(len(items))
    # Plain tuples: Numba's cache would name the class and be lost if the class moves.
    by_item = likers.indptr[np.append(items, -1)], likers.indices
    by_user = likes.indptr, position[likes.indices]
    matrix = np.zeros((len(items), len(items)), np.float32)
    n_parts = min(len(items), 64)
    parts = [(part, n_parts) for part in range(n_parts)]
    if likers.root is None or likes.root is None:
        run(count_both, [(by_item, by_user, part, matrix) for part in parts])
    else:
        rooted = (*by_item, likers.root), (*by_user, likes.root)
        run(sum_both, [(*rooted, part, matrix) for part in parts])
    run(_mirror, [(matrix, rows) for rows in _tiles(len(items))])
    return matrix


def _inverse_by_users(run: Run, likes: Likes, items: NDArray[np.int64], penalty: float) -> Floats:
    """The inverse of X'X + penalty, (A, A), for few users: X, (U, A), holds the likes.

    By (X'X + c)^-1 = (1 - X' (X X' + c)^-1 X) / c (Woodbury, "Inverting modified matrices", 1950).
    """
    position = np.zeros(int(items[-1]) + 1, np.int64)
    position[items] = np.arange(len(items))
    counts = np.diff(likes.indptr)
    user = np.repeat(np.arange(np.count_nonzero(counts)), counts[counts > 0])
    table = np.zeros((np.count_nonzero(counts), len(items)), np.float32)
    table[user, position[likes.indices]] = 1.0 if likes.root is None else likes.root
    form = (table @ table.T).astype(np.float64)
    form.flat[:: len(form) + 1] += penalty
    root = np.linalg.inv(np.linalg.cholesky(form)).astype(np.float32)
    rooted = root @ table  # (U, A)
    matrix = np.empty((len(items), len(items)), np.float32)

    def fill(rows: slice) -> None:
        np.matmul(rooted[:, rows].T, rooted, out=matrix[rows])
        matrix[rows] *= np.float32(-1 / penalty)

    run(fill, [(rows,) for rows in _tiles(len(items))])
    matrix.flat[:: len(items) + 1] += np.float32(1 / penalty)
    return matrix


def _mirror(matrix: Floats, rows: slice) -> None:
    """Copies the part of some rows left of the diagonal to the columns above the diagonal."""
    for other in _tiles(rows.stop):
        if other.start < rows.start:
            matrix[other, rows] = matrix[rows, other].T
    square = matrix[rows, rows]
    square += np.tril(square, -1).T


def _invert(run: Run, matrix: Floats) -> None:
    """Inverts a symmetric positive definite matrix in place, recursively.

    It inverts one half and the Schur complement of the other, mostly by matrix products
    (Strassen, "Gaussian elimination is not optimal", 1969). This is half the work of an
    inversion by LU, and threads can share the tiles.
    """
    n = len(matrix)
    if n <= TILE:
        matrix[:] = np.linalg.inv(matrix)
        return
    half = n // 2
    first, other, last = matrix[:half, :half], matrix[half:, :half], matrix[half:, half:]
    _invert(run, first)
    left = np.empty_like(other)
    right = np.empty_like(other)

    def share_out(change: Callable[[slice], object], n_rows: int) -> None:
        run(change, [(rows,) for rows in _tiles(n_rows)])

    def take(rows: slice) -> None:
        last[rows] -= left[rows] @ other.T

    def give(rows: slice) -> None:
        first[rows] += left[:, rows].T @ right
        matrix[rows, half:] = -right[:, rows].T

    def replace(rows: slice) -> None:
        other[rows] = -right[rows]

    share_out(lambda rows: np.matmul(other[rows], first, out=left[rows]), n - half)
    share_out(take, n - half)
    _invert(run, last)
    share_out(lambda rows: np.matmul(last[rows], left, out=right[rows]), n - half)
    share_out(give, half)
    share_out(replace, n - half)


def _tiles(n_rows: int) -> list[slice]:
    return [slice(first, min(first + TILE, n_rows)) for first in range(0, n_rows, TILE)]


def _correlations(run: Run, inverse: Floats, entries: int) -> "Links":
    """The largest partial correlations, about `entries` for each item, from the inverse, (A,
    A)."""
    from matinee.kernels.ease import Links, count_large, take_large

    n = len(inverse)
    scale = (1 / np.sqrt(inverse.diagonal())).astype(np.float32)
    least = 0.0
    if entries < n - 1:
        step = max(1, n**2 // SAMPLE) | 1
        sample = np.abs(inverse.reshape(-1)[::step])
        place = np.arange(0, n**2, step)
        sample *= scale[place // n] * scale[place % n]
        # The sample has the diagonal of 1
        n_left_out = int(len(sample) * (1 - (entries + 1) / n))
        least = float(np.partition(sample, n_left_out)[n_left_out])
    counts = np.empty(n, np.int64)
    spans = [(rows.start, rows.stop) for rows in _tiles(n)]
    run(count_large, [(inverse, scale, least, span, counts) for span in spans])
    indptr = np.append(0, np.cumsum(counts))
    links = Links(indptr, np.empty(indptr[-1], np.int32), np.empty(indptr[-1], np.float32))
    run(take_large, [(inverse, scale, least, span, links) for span in spans])
    return links
