"""Film cards: what a page says about a film, and why the film is on a list.

The cards are computed again after every rating, so the code must be fast: it compares items by
unit vectors that are computed once per model. The film page has the exact explanation.
"""

from collections.abc import Iterable, Mapping
from threading import Lock

import numpy as np

from matinee._types import Floats, Indices
from matinee.errors import UnsupportedError
from matinee.linalg import centered, top
from matinee.models.base import UserState
from matinee.models.interface import Ranking
from matinee.models.list_scores import shrunk
from matinee.recommendation.elicitation import Elicitation
from matinee.recommendation.intervals import likely
from matinee.web.pages.posters import film_name
from matinee.web.pages.reasons import Reasons, liked_films
from matinee.web.serving.film_search import FilmSummary
from matinee.web.serving.snapshot import ModelSnapshot

_MIN_SIMILARITY = 0.2
"""The smallest similarity at which a film is listed as similar: the cosine, shrunk toward 0 for
films with few ratings."""
_FEW_RATINGS = 20


class FilmCard(FilmSummary):
    """A film as templates show it, with a prediction for one person if there is one."""

    stars: float | None
    """Predicted stars as shown (`Suggestion.shown`); None without a prediction, or if the model
    only ranks."""
    likely: tuple[float, float] | None
    """The 80% prediction interval in stars; None if the model does not estimate uncertainty."""
    rank: int
    """Rank among all items, without those that the person rated, if the model only ranks or the
    stars do not tell the films of a list apart; otherwise 0."""
    n_ranked: int
    why: str


class FilmCards:
    """Creates the cards of one snapshot."""

    def __init__(self, snapshot: ModelSnapshot) -> None:
        self.snapshot = snapshot
        model = snapshot.guide.model
        self.counts = model.item_counts_
        self._unit_vectors = _item_unit_vectors(snapshot)  # (I, F), rows of length 1 or 0
        self.elicitation = Elicitation(self._unit_vectors, _labels(snapshot), self.counts)
        self.years = _first_and_last_year(snapshot)
        self.of_list = Reasons(snapshot, self._unit_vectors)

    def card(self, index: int) -> FilmCard:
        """The card of a film without a prediction."""
        line = self.snapshot.films.summary(index)
        return FilmCard(**line, stars=None, likely=None, rank=0, n_ranked=0, why="")

    def predicted(
        self,
        profile: UserState,
        indices: list[int],
        ranking: Ranking,
        ratings: Mapping[int, float] | None = None,
        *,
        is_list: bool = False,
    ) -> list[FilmCard]:
        """The cards of films with one person's predictions and the reasons for listing them.

        Args:
            ranking: what the model says about all items for this person.
            ratings: item index -> stars that the person gave; None: the cards give no reasons.
            is_list: whether they are the list of this ranking, so that equal stars need ranks.
        """
        model = self.snapshot.guide.model
        scores, stars = ranking
        items = np.array(indices, np.int64)
        scored_items = model.scored(profile, items, scores, stars)
        reasons = [""] * len(indices)
        if ratings is not None:
            reasons = self.reasons(indices, ratings, profile)
        cards = []
        for index, scored, why in zip(indices, scored_items, reasons, strict=True):
            card = self.card(index)
            card["why"] = why
            if scored.stars is not None and scored.deviation is not None:
                card["likely"] = likely(model.scale_, scored.stars, scored.deviation)
            cards.append(card)
        if stars is not None:
            shown = shrunk(model.scale_, stars[items], self.counts[items]).tolist()
            for card, amount in zip(cards, shown, strict=True):
                card["stars"] = amount
            is_list = is_list and len({f"{amount:.1f}" for amount in shown}) < len(shown)
        if stars is None or is_list:
            _add_ranks(cards, indices, scores, profile.item_index)
        return cards

    def reasons(
        self, indices: list[int], ratings: Mapping[int, float], profile: UserState | None = None
    ) -> list[str]:
        """One sentence per film; see `Reasons.sentences`."""
        return self.of_list.sentences(indices, ratings, profile)

    def liked(self, ratings: Mapping[int, float]) -> list[int]:
        """The films that the person likes; see `liked_films`."""
        return liked_films(self.snapshot.guide.model.scale_, ratings)

    def similar(self, index: int, k: int, exclude: Iterable[int]) -> list[int]:
        """The k most similar films, best first; fewer if fewer are similar and have enough
        ratings."""
        min_ratings = min(_FEW_RATINGS, int(np.median(self.counts)))
        similarity = self._unit_vectors @ self._unit_vectors[index]
        similarity = similarity * (self.counts / (self.counts + _FEW_RATINGS))  # (I,)
        similarity[[*exclude, index]] = -1
        similarity[self.counts < min_ratings] = -1
        best = top(similarity.astype(np.float32), min(k, len(similarity))).tolist()
        return [film for film in best if similarity[film] > _MIN_SIMILARITY]

    def name(self, index: int) -> str:
        """The title as people say it; see `film_name`."""
        return film_name(self.snapshot.films.summary(index)["title"])


def _add_ranks(cards: list[FilmCard], indices: list[int], scores: Floats, rated: Indices) -> None:
    """Adds to each card its rank among the items that the person has not rated."""
    own = scores[rated]
    for card, index in zip(cards, indices, strict=True):
        n_better = np.count_nonzero(scores > scores[index])
        card["rank"] = 1 + int(n_better - np.count_nonzero(own > scores[index]))
        card["n_ranked"] = len(scores)


class FilmCardsCache:
    """The `FilmCards` of the served snapshots: created once, dropped when a new model replaces
    the old one."""

    def __init__(self) -> None:
        self._by_name: dict[str, FilmCards] = {}
        self._lock = Lock()

    def of(self, snapshot: ModelSnapshot) -> FilmCards:
        """The cards of a snapshot. The first caller creates them while the others wait."""
        cards = self._by_name.get(snapshot.name)
        if cards is not None and cards.snapshot is snapshot:
            return cards
        with self._lock:
            cards = self._by_name.get(snapshot.name)
            if cards is None or cards.snapshot.loaded_at < snapshot.loaded_at:
                cards = self._by_name[snapshot.name] = FilmCards(snapshot)
            if cards.snapshot is snapshot:
                return cards
            # The request began before the model was replaced
            return FilmCards(snapshot)


def _first_and_last_year(snapshot: ModelSnapshot) -> tuple[int, int] | None:
    """The range of the films' years; None if no film has a year."""
    guide = snapshot.guide
    films = [guide.catalog[item_id] for item_id in guide.model.items_.ids.tolist()]
    years = [film.year for film in films if film.year]
    if not years:
        return None
    return min(years), max(years)


def _item_unit_vectors(snapshot: ModelSnapshot) -> Floats:
    """Unit rows, (I, F): the centered item vectors, or genres and decades for a model without
    vectors."""
    model = snapshot.guide.model
    try:
        vectors = centered(model.item_vectors(), model.item_counts_ > 0)
    except UnsupportedError:
        vectors = _labels(snapshot)
    return _unit_rows(vectors)


def _labels(snapshot: ModelSnapshot) -> Floats:
    """Genres and decade of each film as indicator rows, scaled to length 1 or 0, (I, L)."""
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
