"""What pages show of one model: which films to ask about first, why a film is on a list, and lists around a film.

All of it is quick, for it is made anew with each rating: one table of vectors, made once, in which every item is its
place among the model's item vectors and its genres and decade. The exact reasons are on the page of a film.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matinee._types import Floats
from matinee.data.vocabulary import Id
from matinee.errors import UnsupportedError
from matinee.linalg import centered, top
from matinee.models.base import Profile
from matinee.recommendation.intervals import likely
from matinee.web import texts
from matinee.web.live import Snapshot

KNOWN_ENOUGH = 400
"""Films that are asked about are among the most rated; of others few people can say anything."""
_LABELS = 0.6
"""How much genres and decade count beside the place on the map, both as vectors of length 1."""
_NOISE = 0.5
"""The smaller, the less a second film of the same kind tells after the first."""
ALIKE = 0.3
"""A film is called like another from this cosine on."""

Values = dict[str, Any]


class Shelf:
    """One snapshot, ready for pages."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        model = snapshot.guide.model
        self.counts = model.item_counts_
        self._places = _places(snapshot)  # (I, F) rows of length 1 or 0
        labels = _labels(snapshot)  # (I, L)
        years = [film.year for film in snapshot.guide.catalog.films.values() if film.year]
        self.years = (min(years), max(years)) if years else None
        """Of the first film and of the last; None if no film has a year."""
        self._many, self._loved = _bounds(snapshot)
        rows = top(np.asarray(self.counts, np.float32), min(KNOWN_ENOUGH, int((self.counts > 0).sum())))
        self._asked = rows
        vectors = np.hstack([self._places[rows], _LABELS * labels[rows]]).astype(np.float64)
        # Directions that few of these films differ in say little: at most as many as there are films.
        self._vectors = _shortened(vectors)

    # -- which films to ask about ----------------------------------------------------------------------------------

    def telling(self, n: int, rated: Iterable[int], passed: Iterable[int]) -> list[int]:
        """The n films to ask about next, by index: such as many know, and each far from all that are answered.

        One after the other that film is taken whose score people know least about, times the root of how many rated it.
        What is not known of a score is x' A^-1 x, the variance of a ridge regression on the films answered so far, A =
        c I + sum x x' (the greedy D-optimal design; Wynn, "The sequential generation of D-optimum experimental
        designs", 1970). It needs no answers, so the first films are spread by the same rule as later ones.

        Args:
            rated, passed: indices of films that are rated, and of others that are not to be shown: open already, or
                not seen. Those that are open count as answered, or the next would resemble them.
        """
        x = self._vectors  # (M, D)
        place = {index: row for row, index in enumerate(self._asked.tolist())}
        inverse = np.eye(x.shape[1]) / _NOISE  # A^-1, (D, D)
        gone = np.zeros(len(x), bool)
        for index in {*rated, *passed}:
            row = place.get(index)
            if row is not None:
                gone[row] = True
                inverse = _learnt(inverse, x[row])
        known = np.sqrt(self.counts[self._asked] / max(1, self.counts.max()))
        chosen: list[int] = []
        while len(chosen) < min(n, int((~gone).sum()) + len(chosen)) and not gone.all():
            unknown = np.einsum("md,md->m", x @ inverse, x)  # (M,)
            row = int(np.where(gone, -np.inf, known * unknown).argmax())
            gone[row] = True
            inverse = _learnt(inverse, x[row])
            chosen.append(int(self._asked[row]))
        return chosen

    # -- lists -----------------------------------------------------------------------------------------------------

    def line(self, index: int) -> Values:
        """A film as `answers` gives it, not predicted."""
        return self.snapshot.films.line(index) | {"stars": None, "likely": None, "rank": 0, "why": ""}

    def lines(self, profile: Profile, indices: list[int], scores: Floats, own: Mapping[int, float]) -> list[Values]:
        """Films for somebody, each with what it is predicted and why it is there.

        Args:
            scores: (I,), of all items.
            own: index -> what the person gave.
        """
        model = self.snapshot.guide.model
        found = model.scored(profile, np.array(indices, np.int64), scores)
        reasons = self.whys(indices, own)
        made = []
        for index, one, why in zip(indices, found, reasons, strict=True):
            line = self.line(index) | {"stars": one.stars, "why": why}
            if one.stars is None:
                line |= {"rank": 1 + int(np.count_nonzero(scores > scores[index])), "of": len(scores)}
            elif one.deviation is not None:
                line["likely"] = likely(model.scale_, one.stars, one.deviation)
            made.append(line)
        return made

    def whys(self, indices: list[int], own: Mapping[int, float]) -> list[str]:
        """One line for each film: the film that the person likes and that is most like it, if one is, or what people
        think of it."""
        liked = self.liked(own)
        if liked and indices:
            alike = self._places[indices] @ self._places[liked].T  # (K, L)
            nearest = alike.argmax(axis=1).tolist()
            return [
                self._alike(liked[best], own) if alike[row, best] >= ALIKE else self._of_people(index)
                for row, (index, best) in enumerate(zip(indices, nearest, strict=True))
            ]
        return [self._of_people(index) for index in indices]

    def liked(self, own: Mapping[int, float]) -> list[int]:
        """The films that somebody gave more than their own mean, or their highest; all where there are no stars."""
        if not own or not self.snapshot.guide.model.scale_.has_stars:
            return list(own)
        enough = min(sum(own.values()) / len(own) + 0.25, max(own.values()))
        middle = (self.snapshot.guide.model.scale_.lowest + self.snapshot.guide.model.scale_.highest) / 2
        return [index for index, stars in own.items() if stars >= max(enough, middle)]

    def near(self, index: int, k: int, without: Iterable[int]) -> list[int]:
        """The k films most like one, best first, that are alike at all and that enough people know."""
        enough = min(20, int(np.median(self.counts)))
        likeness = self._places @ self._places[index] * (self.counts / (self.counts + 20))
        likeness[[*without, index]] = -1
        likeness[self.counts < enough] = -1
        return [one for one in top(likeness.astype(np.float32), min(k, len(likeness))).tolist() if likeness[one] > 0.2]

    def _alike(self, index: int, own: Mapping[int, float]) -> str:
        name = self.name(index)
        if not self.snapshot.guide.model.scale_.has_stars:
            return texts.FOR_YOU["why_alike_have"].format(name=name)
        return texts.FOR_YOU["why_alike"].format(name=name, stars=f"{own[index]:g}")

    def _of_people(self, index: int) -> str:
        model = self.snapshot.guide.model
        mean, count = float(model.item_means_[index]), int(self.counts[index])
        if model.scale_.has_stars and count >= 20 and mean >= self._loved:
            return texts.FOR_YOU["why_people"]
        if count >= self._many:
            return texts.FOR_YOU["why_popular"]
        return texts.FOR_YOU["why_ranked"]

    def name(self, index: int) -> str:
        """What people call a film."""
        from matinee.data.titles import spoken

        title = self.snapshot.films.line(index)["title"]
        return spoken(title)[0] or title

    def indices(self, stars: Mapping[str, float] | Mapping[Id, float]) -> dict[int, float]:
        """index -> stars, of the films that the model knows."""
        found = ((self.snapshot.find(item_id), given) for item_id, given in stars.items())
        return {index: given for index, given in found if index is not None}


def _bounds(snapshot: Snapshot) -> tuple[float, float]:
    """The number of ratings, and the mean rating, that a tenth of all films reach."""
    model = snapshot.guide.model
    means = model.item_means_[~np.isnan(model.item_means_)]
    many = float(np.quantile(model.item_counts_, 0.9))
    return many, float(np.quantile(means, 0.9)) if len(means) else np.inf


def _places(snapshot: Snapshot) -> Floats:
    """Directions of the model's item vectors about their mean, (I, F); labels alone for a model without vectors."""
    try:
        vectors = centered(snapshot.guide.model.item_vectors(), snapshot.guide.model.item_counts_ > 0)
    except UnsupportedError:
        vectors = _labels(snapshot)
    return _units(vectors)


def _labels(snapshot: Snapshot) -> Floats:
    """Genres and decade of each film, (I, L), rows of length 1 or 0."""
    guide = snapshot.guide
    films = [guide.catalog[item_id] for item_id in guide.model.items_.ids.tolist()]
    columns = {f"genre {genre}": column for column, genre in enumerate(guide.catalog.genres)}
    for film in films:
        if film.year:
            columns.setdefault(f"{film.year // 10}", len(columns))
    made = np.zeros((len(films), max(1, len(columns))), np.float32)
    for row, film in enumerate(films):
        of_film = [f"genre {genre}" for genre in film.genres] + ([f"{film.year // 10}"] if film.year else [])
        made[row, [columns[label] for label in of_film]] = 1
    return _units(made)


def _units(vectors: Floats) -> Floats:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)


def _shortened(vectors: NDArray[np.float64], most: int = 48) -> NDArray[np.float64]:
    """The same rows in fewer columns, with nearly the same products, (M, at most D)."""
    if vectors.shape[1] <= most or len(vectors) == 0:
        return vectors
    left, sizes, _ = np.linalg.svd(vectors, full_matrices=False)
    return np.asarray(left[:, :most] * sizes[:most])


def _learnt(inverse: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """(A + x x')^-1 from A^-1 (Sherman and Morrison, 1950)."""
    along = inverse @ x
    return np.asarray(inverse - np.outer(along, along) / (1 + x @ along))
