"""Kernels of the neighborhood models: similarities, and means over the nearest neighbors.

A *row* is an item with its raters, or a user with their items. The similarities of one row to
all others take one pass: over the row's ratings, and for each over all ratings of the same
user (or item), adding products to one array. So there is no rows x rows matrix, the order of
the sums does not depend on threads, and the work is the sum of the squared numbers of ratings
(Sarwar, Karypis, Konstan, Riedl, "Item-based collaborative filtering recommendation
algorithms", 2001; Karypis, "Evaluation of item-based top-n recommendation algorithms", 2001).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee._types import Floats
from matinee.kernels import kernel
from matinee.kernels.top_k import smallest_first

Integers = NDArray[np.int32]

F32, F64, U64 = np.float32, np.float64, np.uint64
INDEX_BITS, ALL_ONES = U64(32), U64(0xFFFFFFFF)


class Rows(NamedTuple):
    """Ratings in groups: group g is at starts[g]:starts[g + 1] of the other arrays."""

    starts: NDArray[np.int64]  # (G + 1,)
    other: Integers  # (N,), the other index of each rating: the row in a group, the group in a row
    value: Floats  # (N,)


class Measure(NamedTuple):
    """The similarity of two rows, from the products of their values.

    co_rated: norms use only common ratings, and the similarity is multiplied by
        (n - 1) / (n - 1 + shrinkage) for n of them; otherwise norms use all ratings, and
        `shrinkage` is added to their product.
    centered: subtract the means of the common ratings (Pearson); only if co_rated.
    shrinkage: in ratings if co_rated, otherwise in squared values.
    min_overlap: the number of common ratings below which the similarity is 0.
    """

    co_rated: bool
    centered: bool
    shrinkage: float
    min_overlap: int


class Rule(NamedTuple):
    """How the values of neighbors are combined.

    The result is their mean weighted by similarity ** amplification, with `damping` added to
    the sum of the weights; unless is_mean, their weighted sum.
    """

    k: int
    amplification: float
    damping: float
    is_mean: bool


# -- similarities ------------------------------------------------------------------------


@kernel()
def similarities(
    mine: Integers, values: Floats, others: Rows, lengths: Floats, measure: Measure
) -> Floats:
    """The similarities of a row to R rows, (R,), -1 to 1; 0 with too few common ratings.

    Args:
        mine, values: the groups of the row's ratings, and these ratings, (n,).
        others: the ratings of all rows, by group.
        lengths: the norm of each row, (R,).
    """
    if measure.co_rated:
        return co_rated_similarities(mine, values, others, len(lengths), measure)
    starts, index, value = others
    out = np.zeros(len(lengths), F32)
    own = F64(0)
    for one in range(len(mine)):
        x = values[one]
        own += F64(x) * F64(x)
        for place in range(starts[mine[one]], starts[mine[one] + 1]):
            out[index[place]] += x * value[place]
    length, shrinkage = (
        F32(np.sqrt(own)),
        F32(measure.shrinkage + 1e-30),
    )  # so that nothing by nothing is 0
    for row in range(len(out)):
        out[row] /= length * lengths[row] + shrinkage
    if measure.min_overlap > 1:
        common = np.zeros(len(lengths), np.int32)
        for group in mine:
            for place in range(starts[group], starts[group + 1]):
                common[index[place]] += 1
        for row in range(len(out)):
            if common[row] < measure.min_overlap:
                out[row] = F32(0)
    return out


@kernel()
def co_rated_similarities(
    mine: Integers, values: Floats, others: Rows, n_rows: int, measure: Measure
) -> Floats:
    """`similarities` for measures whose norms use only common ratings."""
    starts, index, value = others
    sums = np.zeros((n_rows, 6))  # of 1, x, y, x x, y y, x y
    for one in range(len(mine)):
        x = F64(values[one])
        for place in range(starts[mine[one]], starts[mine[one] + 1]):
            y, sum_ = F64(value[place]), sums[index[place]]
            sum_[0] += 1
            sum_[1] += x
            sum_[2] += y
            sum_[3] += x * x
            sum_[4] += y * y
            sum_[5] += x * y
    out = np.zeros(n_rows, F32)
    for row in range(n_rows):
        n, x, y, xx, yy, xy = sums[row]
        if n < max(1, measure.min_overlap):
            continue
        if measure.centered:
            xx, yy, xy = xx - x * x / n, yy - y * y / n, xy - x * y / n
        trust = 1.0 if measure.shrinkage == 0 else (n - 1) / (n - 1 + measure.shrinkage)
        # A centered row of equal values is zero except for rounding.
        if min(xx, yy) > 1e-9 * n:
            out[row] = F32(trust * xy / np.sqrt(xx * yy))
    return out


@kernel()
def nearest_first(alike: Floats, most: int) -> NDArray[np.uint64]:
    """The rows with the highest positive similarities as sorted keys, at most `most`.

    A key decreases with the similarity, and its low bits are the row: ties keep the order of
    the rows. The bits of positive floats sort like the floats.
    """
    keys, n, bits = np.empty(len(alike), np.uint64), 0, alike.view(np.uint32)
    for row in range(len(alike)):
        if alike[row] > 0:
            keys[n] = ((ALL_ONES - U64(bits[row])) << INDEX_BITS) | U64(row)
            n += 1
    keys = keys[:n]
    if n > most:
        smallest_first(keys, most)
        keys = keys[:most]
    keys.sort()
    return keys


@kernel()
def keep_nearest(
    targets: NDArray[np.int64],
    mine: Rows,
    others: Rows,
    lengths: Floats,
    measure: Measure,
    kept: tuple[Integers, Floats],
) -> None:
    """Writes the M nearest rows of each target row, and the similarities, into `kept`, (R, M)
    each.

    The nearest come first, including the row itself. Without a neighbor, the similarity is 0.

    Args:
        mine: the same ratings as in `others`, by row; their index is the group.
    """
    neighbors, how_alike = kept
    for row in targets:
        here = slice(mine.starts[row], mine.starts[row + 1])
        alike = similarities(mine.other[here], mine.value[here], others, lengths, measure)
        keys = nearest_first(alike, neighbors.shape[1])
        neighbors[row, len(keys) :] = 0
        how_alike[row, len(keys) :] = F32(0)
        for place in range(len(keys)):
            other = np.int32(keys[place] & ALL_ONES)
            neighbors[row, place] = other
            how_alike[row, place] = alike[other]


# -- from nearest items ------------------------------------------------------------------


@kernel()
def from_item(values: Floats, neighbors: Integers, weights: Floats, rule: Rule) -> np.float32:
    """The value of an item with neighbors, (M,), from a user's values, (I,), NaN if
    unrated."""
    total, mass, n = F32(0), F32(0), 0
    for place in range(len(neighbors)):
        weight = weights[place]
        if n == rule.k or weight <= 0:
            break
        value = values[neighbors[place]]
        if not np.isnan(value):
            total += weight * value
            mass += weight
            n += 1
    return settle(total, mass, rule)


@kernel()
def settle(total: np.float32, mass: np.float32, rule: Rule) -> np.float32:
    """The mean, or the sum, from the sums of weighted values and weights; 0 without
    neighbors."""
    if not rule.is_mean:
        return F32(total)
    return F32(total / (mass + rule.damping)) if mass > 0 else F32(0)


@kernel()
def items_for_all(values: Floats, kept: tuple[Integers, Floats], rule: Rule, out: Floats) -> None:
    """`from_item` for values, (B, I), and all items: out, (B, I). `kept`: neighbors and
    weights."""
    neighbors, weights = kept
    for person in range(len(values)):
        for item in range(len(neighbors)):
            out[person, item] = from_item(values[person], neighbors[item], weights[item], rule)


@kernel()
def items_for_pairs(
    values: Floats,
    pairs: tuple[NDArray[np.int64], Integers],
    kept: tuple[Integers, Floats],
    rule: Rule,
    out: Floats,
) -> None:
    """`from_item` for the items at starts[b]:starts[b + 1] of each user b, (n,) as out."""
    neighbors, weights = kept
    starts, items = pairs
    for person in range(len(values)):
        for place in range(starts[person], starts[person + 1]):
            item = items[place]
            out[place] = from_item(values[person], neighbors[item], weights[item], rule)


# -- from nearest users ------------------------------------------------------------------


class People(NamedTuple):
    """The ratings of all known users."""

    raters: Rows
    """By item: its raters, and the values that are averaged."""
    compared: Floats
    """At the same positions, the values that are compared, (N,)."""
    lengths: Floats
    """The norm of each user's compared values, (U,)."""
    given: Rows
    """By user: their items and ratings."""
    offsets: tuple[Floats, Floats]
    """The offsets of users, (U,), and items, (I,), subtracted from ratings before
    averaging."""


@kernel()
def alike_people(values: Floats, people: People, measure: Measure) -> Floats:
    """The similarities of a person's compared values, (I,), NaN if unrated, to all users,
    (U,)."""
    mine = np.flatnonzero(~np.isnan(values)).astype(np.int32)
    raters = people.raters
    return similarities(
        mine,
        values[mine],
        Rows(raters.starts, raters.other, people.compared),
        people.lengths,
        measure,
    )


@kernel()
def people_for_all(
    values: Floats, people: People, measure: Measure, rule: Rule, out: Floats
) -> None:
    """The mean over the k nearest raters of each item, for compared values, (B, I): out, (B,
    I)."""
    for person in range(len(values)):
        people_for_one(values[person], people, measure, rule, out[person])


@kernel()
def people_for_one(
    values: Floats, people: People, measure: Measure, rule: Rule, out: Floats
) -> None:
    """`people_for_all` for one person: values and out, (I,).

    One pass over the ratings of similar users, nearest first; an item is complete after k
    ratings.
    """
    starts, index, value = people.given
    of_person, of_item = people.offsets
    total, mass, n = np.zeros(len(out), F32), np.zeros(len(out), F32), np.zeros(len(out), np.int32)
    alike = alike_people(values, people, measure)
    for key in nearest_first(alike, len(alike)):
        other = np.int64(key & ALL_ONES)
        weight = F32(alike[other] ** rule.amplification)
        for place in range(starts[other], starts[other + 1]):
            item = index[place]
            if n[item] < rule.k:
                total[item] += weight * ((value[place] - of_person[other]) - of_item[item])
                mass[item] += weight
                n[item] += 1
    for item in range(len(out)):
        out[item] = settle(total[item], mass[item], rule)


@kernel()
def people_for_pairs(
    values: Floats,
    pairs: tuple[NDArray[np.int64], Integers],
    people: People,
    measure: Measure,
    rule: Rule,
    out: Floats,
) -> None:
    """`people_for_all` for the items at starts[b]:starts[b + 1] of each user b."""
    starts, items = pairs
    first, index, value = people.raters
    for person in range(len(values)):
        if starts[person] == starts[person + 1]:
            continue
        alike = alike_people(values[person], people, measure)
        for place in range(starts[person], starts[person + 1]):
            here = slice(first[items[place]], first[items[place] + 1])
            total, mass = F32(0), F32(0)
            for key in nearest_first(alike[index[here]], rule.k):
                rater = here.start + np.int64(key & ALL_ONES)
                weight = F32(alike[index[rater]] ** rule.amplification)
                total += weight * value[rater]
                mass += weight
            out[place] = settle(total, mass, rule)
