"""Film cards: what a page says about a film, and why the film is on a list.

Everything here is fast because it runs again after every rating: each item is a row in one
table of directions, computed once per model. The exact reasons are on the page of the film.
"""

from collections.abc import Iterable, Mapping
from threading import Lock

import numpy as np

from matinee._types import Floats
from matinee.errors import UnsupportedError
from matinee.linalg import centered, top
from matinee.models.base import UserState
from matinee.recommendation.elicitation import Elicitation
from matinee.recommendation.intervals import likely
from matinee.web.pages import texts
from matinee.web.pages.posters import film_name
from matinee.web.serving.film_search import FilmSummary
from matinee.web.serving.snapshot import ModelSnapshot

ALIKE = 0.3
"""The smallest cosine at which a card calls one film similar to another."""
_SIMILAR = 0.2
"""The smallest cosine, shrunk where there are few ratings, at which a film is listed as
similar."""
_FEW_RATINGS = 20
_TOP_TENTH = 0.9


class FilmCard(FilmSummary):
    """A film as templates draw it, with its prediction for one person where there is one."""

    stars: float | None
    """Predicted; None if the model only ranks, or for no prediction."""
    likely: tuple[float, float] | None
    """The interval that contains 8 of 10 such ratings; None if the model cannot tell."""
    rank: int
    """Place among all items if the model only ranks; otherwise 0."""
    n_ranked: int
    why: str


class FilmCards:
    """Makes the cards of one snapshot."""

    def __init__(self, snapshot: ModelSnapshot) -> None:
        self.snapshot = snapshot
        model = snapshot.guide.model
        self.counts = model.item_counts_
        self._directions = _item_directions(snapshot)  # (I, F), rows of length 1 or 0
        self.elicitation = Elicitation(self._directions, _labels(snapshot), self.counts)
        self.years = _first_and_last_year(snapshot)
        self._popular = float(np.quantile(self.counts, _TOP_TENTH))
        means = model.item_means_[~np.isnan(model.item_means_)]
        self._best_rated = np.inf
        if len(means):
            self._best_rated = float(np.quantile(means, _TOP_TENTH))

    def card(self, index: int) -> FilmCard:
        """A film without a prediction."""
        line = self.snapshot.films.summary(index)
        return FilmCard(**line, stars=None, likely=None, rank=0, n_ranked=0, why="")

    def predicted(
        self, profile: UserState, indices: list[int], scores: Floats, own: Mapping[int, float]
    ) -> list[FilmCard]:
        """Films for one person, each with its prediction and the reason why it is listed.

        Args:
            scores: (I,), of all items.
            own: item index -> stars that the person gave.
        """
        model = self.snapshot.guide.model
        scored_items = model.scored(profile, np.array(indices, np.int64), scores)
        cards = []
        for index, scored, why in zip(
            indices, scored_items, self.reasons(indices, own), strict=True
        ):
            card = self.card(index)
            card["stars"], card["why"] = scored.stars, why
            if scored.stars is None:
                card["rank"] = 1 + int(np.count_nonzero(scores > scores[index]))
                card["n_ranked"] = len(scores)
            elif scored.deviation is not None:
                card["likely"] = likely(model.scale_, scored.stars, scored.deviation)
            cards.append(card)
        return cards

    def reasons(self, indices: list[int], own: Mapping[int, float]) -> list[str]:
        """One sentence per film: the similar film that the person likes, or what people think
        of it."""
        liked = self.liked(own)
        if not liked or not indices:
            return [self._reason_from_ratings(index) for index in indices]
        cosines = self._directions[indices] @ self._directions[liked].T  # (K, L)
        reasons = []
        for row, index in enumerate(indices):
            nearest = int(cosines[row].argmax())
            if cosines[row, nearest] >= ALIKE:
                reasons.append(self._reason_from_film(liked[nearest], own))
            else:
                reasons.append(self._reason_from_ratings(index))
        return reasons

    def liked(self, own: Mapping[int, float]) -> list[int]:
        """The films rated above the person's own mean, or highest; all of them for implicit
        feedback."""
        scale = self.snapshot.guide.model.scale_
        if not own or not scale.has_stars:
            return list(own)
        above_mean = sum(own.values()) / len(own) + 0.25
        enough = min(above_mean, max(own.values()))
        middle = (scale.lowest + scale.highest) / 2
        return [index for index, stars in own.items() if stars >= max(enough, middle)]

    def similar(self, index: int, k: int, exclude: Iterable[int]) -> list[int]:
        """The k most similar films, best first; fewer if no more are similar and have enough
        ratings."""
        enough = min(_FEW_RATINGS, int(np.median(self.counts)))
        similarity = self._directions @ self._directions[index]
        similarity = similarity * (self.counts / (self.counts + _FEW_RATINGS))  # (I,)
        similarity[[*exclude, index]] = -1
        similarity[self.counts < enough] = -1
        best = top(similarity.astype(np.float32), min(k, len(similarity))).tolist()
        return [film for film in best if similarity[film] > _SIMILAR]

    def name(self, index: int) -> str:
        """The title as people say it."""
        return film_name(self.snapshot.films.summary(index)["title"])

    def _reason_from_film(self, index: int, own: Mapping[int, float]) -> str:
        name = self.name(index)
        if not self.snapshot.guide.model.scale_.has_stars:
            return texts.FOR_YOU["why_alike_have"].format(name=name)
        return texts.FOR_YOU["why_alike"].format(name=name, stars=f"{own[index]:g}")

    def _reason_from_ratings(self, index: int) -> str:
        model = self.snapshot.guide.model
        mean, count = float(model.item_means_[index]), int(self.counts[index])
        if model.scale_.has_stars and count >= _FEW_RATINGS and mean >= self._best_rated:
            return texts.FOR_YOU["why_people"]
        if count >= self._popular:
            return texts.FOR_YOU["why_popular"]
        return texts.FOR_YOU["why_ranked"]


class FilmCardsCache:
    """The cards of the snapshots being served: made once, dropped when a new model replaces
    the old."""

    def __init__(self) -> None:
        self._by_name: dict[str, FilmCards] = {}
        self._making = Lock()

    def of(self, snapshot: ModelSnapshot) -> FilmCards:
        """The cards of a snapshot; the first caller makes them while the others wait."""
        cards = self._by_name.get(snapshot.name)
        if cards is not None and cards.snapshot is snapshot:
            return cards
        with self._making:
            cards = self._by_name.get(snapshot.name)
            if cards is None or cards.snapshot.loaded_at < snapshot.loaded_at:
                cards = self._by_name[snapshot.name] = FilmCards(snapshot)
            if cards.snapshot is snapshot:
                return cards
            # For a request that began before the model was replaced
            return FilmCards(snapshot)


def _first_and_last_year(snapshot: ModelSnapshot) -> tuple[int, int] | None:
    """None if no film has a year."""
    years = [film.year for film in snapshot.guide.catalog.films.values() if film.year]
    if not years:
        return None
    return min(years), max(years)


def _item_directions(snapshot: ModelSnapshot) -> Floats:
    """Unit rows, (I, F): item vectors about their mean, or only labels for a model without
    vectors."""
    model = snapshot.guide.model
    try:
        vectors = centered(model.item_vectors(), model.item_counts_ > 0)
    except UnsupportedError:
        vectors = _labels(snapshot)
    return _unit_rows(vectors)


def _labels(snapshot: ModelSnapshot) -> Floats:
    """Genres and decade of each film, (I, L), rows of length 1 or 0."""
    guide = snapshot.guide
    films = [guide.catalog[item_id] for item_id in guide.model.items_.ids.tolist()]
    columns = {f"genre {genre}": column for column, genre in enumerate(guide.catalog.genres)}
    for film in films:
        if film.year:
            columns.setdefault(f"{film.year // 10}", len(columns))
    labels = np.zeros((len(films), max(1, len(columns))), np.float32)
    for row, film in enumerate(films):
        for genre in film.genres:
            labels[row, columns[f"genre {genre}"]] = 1
        if film.year:
            labels[row, columns[f"{film.year // 10}"]] = 1
    return _unit_rows(labels)


def _unit_rows(vectors: Floats) -> Floats:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)
