"""Why a film is on a list, in one sentence per card.

A card says "because" only of a rating that is among the largest parts of the exact sum that the
film's page shows, or of films that the model itself names (`Recommender.because`). It says "like"
only of a film with the same genre, tag or time as well, whatever the model's factors say.
Otherwise it says what everybody thinks. No film is named twice on `APART` cards in a row.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from matinee._types import Floats
from matinee.data.ratings import Scale
from matinee.errors import UnsupportedError
from matinee.models.base import UserState
from matinee.recommendation.explanation import liked_because
from matinee.text import joined
from matinee.web.pages import texts
from matinee.web.pages.posters import film_name
from matinee.web.serving.snapshot import ModelSnapshot

MIN_COSINE_OF_REASON = 0.4
"""The smallest cosine at which a card names a similar film as the reason."""
MIN_PART = 0.025
"""The smallest part of a prediction that is a reason, as a share of the scale: 0.1 of 4 stars."""
MIN_SHARE = 0.2
"""The same of a score, which has no scale: a share of all that the ratings add."""
NEAR_THE_LARGEST = 0.8
"""A reason adds at least this share of what the strongest rating adds."""
MAX_ATTRIBUTED = 100
"""With more ratings, no single one adds much, and the sum would take long."""
APART = 5
FEW_RATINGS = 20
COMMON_GENRE = 0.3
"""A genre of more than this share of the films, such as drama, does not make two films alike."""
SAME_TIME = 10
"""Years between films of one time."""
_TOP_QUANTILE = 0.9


class _Candidate(NamedTuple):
    """A sentence and the films that it names."""

    sentence: str
    named: tuple[int, ...] = ()


class Reasons:
    """The reasons of one model's cards."""

    def __init__(self, snapshot: ModelSnapshot, unit_vectors: Floats) -> None:
        self._snapshot, self._unit_vectors = snapshot, unit_vectors
        model, catalog = snapshot.guide.model, snapshot.guide.catalog
        self._scale, self._counts = model.scale_, model.item_counts_
        films = [catalog[item_id] for item_id in model.items_.ids.tolist()]
        self._genres = [frozenset(film.genres) for film in films]
        self._tags = [frozenset(film.tags) for film in films]
        self._years = [film.year or 0 for film in films]
        self._has_labels = any(self._genres) or any(self._tags) or any(self._years)
        counts: dict[str, int] = {}
        for genres in self._genres:
            for genre in genres:
                counts[genre] = counts.get(genre, 0) + 1
        self._common = {genre for genre, n in counts.items() if n > COMMON_GENRE * len(films)}
        self._popular_count = float(np.quantile(self._counts, _TOP_QUANTILE))
        self._means = model.item_means_
        known = self._means[(self._counts >= FEW_RATINGS) & ~np.isnan(self._means)]
        self._high_mean = self._usual_mean = np.inf
        if len(known):
            self._high_mean = float(np.quantile(known, _TOP_QUANTILE))
            self._usual_mean = float(np.median(known))

    def sentences(
        self, indices: Sequence[int], ratings: Mapping[int, float], profile: UserState | None
    ) -> list[str]:
        """One sentence per film of a list, in its order; empty if there is nothing to say.

        Args:
            ratings: item index -> stars that the person gave.
            profile: None: without the model's own reasons.
        """
        if not indices:
            return []
        candidates = self._candidates(indices, ratings, profile)
        named: list[set[int]] = []
        sentences = []
        for index, possible in zip(indices, candidates, strict=True):
            recent = set().union(*named[-(APART - 1) :])
            chosen = next((one for one in possible if not recent & {*one.named}), None)
            chosen = chosen or _Candidate(self._from_everybody(index))
            named.append({*chosen.named})
            sentences.append(chosen.sentence)
        return sentences

    def are_related(self, index: int, other: int) -> bool:
        """Whether two films share a tag, a genre that few films have, or any genre and the time;
        true for all films if nothing is known about any of them."""
        if not self._has_labels or self._tags[index] & self._tags[other]:
            return True
        shared = self._genres[index] & self._genres[other]
        if shared - self._common:
            return True
        years = self._years[index], self._years[other]
        return bool(shared) and all(years) and abs(years[0] - years[1]) <= SAME_TIME

    # -- reasons that name films -----------------------------------------------------------

    def _candidates(
        self, indices: Sequence[int], ratings: Mapping[int, float], profile: UserState | None
    ) -> list[list[_Candidate]]:
        """For each film, the sentences that name films, best first."""
        liked = liked_films(self._scale, ratings)
        if not liked:
            return [[] for _ in indices]
        because = self._because(indices, profile)
        parts = self._parts(indices, profile)
        cosines = self._unit_vectors[list(indices)] @ self._unit_vectors[liked].T  # (K, L)
        candidates = []
        for row, index in enumerate(indices):
            added = parts[row] if parts else {}
            found = because[row]
            if not found:
                found = self._from_parts(index, added, liked, ratings)
            for place in np.argsort(-cosines[row], kind="stable").tolist():
                if cosines[row, place] < MIN_COSINE_OF_REASON:
                    break
                other = liked[place]
                if other != index and added.get(other, 0) >= 0 and self.are_related(index, other):
                    found.append(self._alike(other, ratings))
            candidates.append(found)
        return candidates

    def _because(self, indices: Sequence[int], profile: UserState | None) -> list[list[_Candidate]]:
        """What the model itself gives as the reasons of its list."""
        if profile is None or not len(profile.item_index):
            return [[] for _ in indices]
        model = self._snapshot.guide.model
        text = self._either(texts.FOR_YOU["why_because"], texts.FOR_YOU["why_because_have"])
        found: list[list[_Candidate]] = []
        for places in liked_because(model, profile, np.array(indices, np.int32)):
            films = profile.item_index[places].tolist()
            groups = [films, *([film] for film in films)] if len(films) > 1 else [films]
            row = []
            for group in groups:
                if group:
                    names = joined([self._name(film) for film in group])
                    row.append(_Candidate(text.format(names=names), tuple(group)))
            found.append(row)
        return found

    def _parts(
        self, indices: Sequence[int], profile: UserState | None
    ) -> list[dict[int, float]] | None:
        """For each film, what each rated film adds to its exact sum; None if the model cannot
        tell."""
        if profile is None or not 0 < len(profile.item_index) <= MAX_ATTRIBUTED:
            return None
        model = self._snapshot.guide.model
        try:
            attributions = model.attribute(profile, np.array(indices, np.int32))
        except UnsupportedError:
            return None
        rated = profile.item_index.tolist()
        return [dict(zip(rated, one.ratings.tolist(), strict=False)) for one in attributions]

    def _from_parts(
        self,
        index: int,
        added: Mapping[int, float],
        liked: Sequence[int],
        ratings: Mapping[int, float],
    ) -> list[_Candidate]:
        """The liked films that add much to the sum, more than nearly all others."""
        if not added:
            return []
        amounts = [abs(amount) for amount in added.values()]
        least = NEAR_THE_LARGEST * max(amounts)
        if self._snapshot.guide.model.has_stars:
            least = max(least, MIN_PART * (self._scale.highest - self._scale.lowest))
        else:
            least = max(least, MIN_SHARE * sum(amounts))
        strong = [
            film
            for film in liked
            if 0 < added.get(film, 0) >= least and self.are_related(index, film)
        ]
        strong.sort(key=lambda film: -added[film])
        text = self._either(texts.FOR_YOU["why_part"], texts.FOR_YOU["why_part_have"])
        return [
            _Candidate(text.format(name=self._name(film), stars=f"{ratings[film]:g}"), (film,))
            for film in strong
        ]

    def _alike(self, index: int, ratings: Mapping[int, float]) -> _Candidate:
        text = self._either(texts.FOR_YOU["why_alike"], texts.FOR_YOU["why_alike_have"])
        return _Candidate(
            text.format(name=self._name(index), stars=f"{ratings[index]:g}"), (index,)
        )

    # -- what everybody thinks -------------------------------------------------------------

    def _from_everybody(self, index: int) -> str:
        """What other people's ratings say; empty if they say nothing good."""
        mean, count = float(self._means[index]), int(self._counts[index])
        if self._scale.has_stars and count >= FEW_RATINGS and mean >= self._high_mean:
            return texts.FOR_YOU["why_people"]
        if count >= self._popular_count:
            return texts.FOR_YOU["why_popular"]
        if self._scale.has_stars and count >= FEW_RATINGS and mean > self._usual_mean:
            return texts.FOR_YOU["why_above"]
        return ""

    def _either(self, with_stars: str, without: str) -> str:
        return with_stars if self._scale.has_stars else without

    def _name(self, index: int) -> str:
        return film_name(self._snapshot.films.summary(index)["title"])


def liked_films(scale: Scale, ratings: Mapping[int, float]) -> list[int]:
    """The films that a person rated clearly above their own mean, or highest if there are none;
    for implicit feedback, all of their films."""
    if not ratings or not scale.has_stars:
        return list(ratings)
    above_mean = sum(ratings.values()) / len(ratings) + 0.25
    middle = (scale.lowest + scale.highest) / 2
    threshold = max(min(above_mean, max(ratings.values())), middle)
    return [index for index, stars in ratings.items() if stars >= threshold]
