"""Guide: a model and its catalog, for people: titles in, titles out, filters, and a sentence where one is needed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from matinee.data.catalog import Catalog, Labels, find_item
from matinee.data.vocabulary import Id
from matinee.errors import DataError, NotFittedError, SettingError, UnknownNameError, UnsupportedError
from matinee.models.base import Person, Profile, Recommender, Scored
from matinee.models.history import few_ratings
from matinee.recommendation.co_rating import _co_rated
from matinee.recommendation.explanation import Explanation, explain, explain_each
from matinee.recommendation.filters import Filters, seldom
from matinee.recommendation.groups import group_scores
from matinee.recommendation.model_file import Origin, load_model, save_model
from matinee.recommendation.reranking import AS_RANKED, Dials, choose
from matinee.recommendation.suggestions import Suggestion, Suggestions


@dataclass(frozen=True, eq=False)
class Guide:
    """A fitted model, what its items are called, and where it comes from."""

    model: Recommender
    catalog: Catalog = field(default_factory=Catalog)
    origin: Origin = field(default_factory=Origin)

    @property
    def catalogue(self) -> Catalog:  # the former spelling
        """The same as `catalog`; the former spelling."""
        return self.catalog

    def __post_init__(self) -> None:
        if not self.model.is_fitted:
            raise NotFittedError(f"This {self.model.name} model has learnt nothing yet: call fit(ratings) first.")

    @classmethod
    def load(cls, path: str | Path, module: Any = None, models: Sequence[type[Recommender]] = ()) -> Self:
        """From a `.matinee` file; raises ModelFileError if it is not a good one.

        Args:
            module: the PyTorch module, for a file with a network of your own.
            models: classes of your own, for a file of one of them.
        """
        return cls(*load_model(path, module, models))

    def save(self, path: str | Path) -> None:
        """Into a `.matinee` file."""
        save_model(path, self.model, self.catalog, self.origin)

    def item_id(self, text: Id) -> Id:
        """The id of an item given by id or by title; raises UnknownNameError with suggestions."""
        return self.model.items_.id(find_item(text, self.model.items_, self.catalog))

    def newcomer(self, ratings: Mapping[Any, float]) -> tuple[Profile, list[str]]:
        """A new person's profile from {id or title: stars}, and the items among them that nobody knows.

        Raises:
            DataError: none of the items is known, or a rating is outside the scale.
        """
        known: dict[Id, float] = {}
        unknown: list[str] = []
        for text, stars in ratings.items():
            try:
                known[self.item_id(text)] = stars
            except UnknownNameError as error:
                unknown.append(str(error))
        if len(unknown) == 1 and not known:
            raise DataError(f"The only item rated is not known to this model: {unknown[0]}")
        if unknown and not known:
            raise DataError(f"None of the {len(ratings)} items rated is known to this model. The first: {unknown[0]}")
        return self.model.fold_in(known), unknown

    def predict(self, person: Person, item: Id) -> float:
        """Stars for an item given by id or title."""
        return self.model.predict(person, self.item_id(item))

    def explain(self, person: Person, item: Id) -> Explanation:
        """What the prediction of an item, given by id or title, is made of: parts that add up, and reasons in words.

        Raises:
            UnsupportedError: the model cannot explain; names one that can.
        """
        return explain(self.model, self.catalog, person, self.item_id(item))

    def explain_each(
        self, person: Person, item_ids: Sequence[Id], k: int | None = None, scores: Sequence[float] | None = None
    ) -> list[Explanation]:
        """`explain` of several items, given by their ids alone; much faster than one by one (see `explain_each`)."""
        return explain_each(self.model, self.catalog, person, item_ids, k, scores)

    def recommend(
        self,
        person: Person,
        k: int = 10,
        filters: Filters = Filters(),
        *,
        dials: Dials = AS_RANKED,
        include_seen: bool = False,
        exclude: Iterable[Id] = (),
    ) -> Suggestions:
        """The k best items for somebody that pass the filters; a sentence says why there are fewer, if so.

        Args:
            dials: turn the list towards the obscure or the popular, or make it more varied; see `matinee.dials`.
                The scores remain the model's.
            exclude: ids of further items to leave out, rated or not.

        Raises:
            UnknownNameError: an id in `exclude` is unknown.
            UnsupportedError: a varied list is wanted, and nothing tells how alike the items are.
        """
        profile = self.model.profile(person)
        scores = self.model.scores(profile)  # (I,)
        left_out = self._left_out([] if include_seen else [profile], exclude)
        chosen, note = self._choose(scores, left_out, k, filters, dials)
        return Suggestions(self._lines(self.model.scored(profile, chosen, scores)), note)

    def recommend_group(
        self,
        people: Sequence[Person],
        k: int = 10,
        filters: Filters = Filters(),
        *,
        how: str = "mean",
        dials: Dials = AS_RANKED,
        include_seen: bool = False,
        exclude: Iterable[Id] = (),
    ) -> Suggestions:
        """The k best items for several people together, which none of them has rated; otherwise as `recommend`.

        Args:
            people: who is in it twice counts twice.
            how: "mean" or "least-misery"; see `matinee.groups`, also for the scores of each in `Suggestion.members`.

        Raises:
            SettingError: there is nobody in the group, or no such `how`.
        """
        profiles = [self.model.profile(person) for person in people]
        scores = group_scores(self.model, profiles, how)
        left_out = self._left_out([] if include_seen else profiles, exclude)
        chosen, note = self._choose(scores.ranked_by, left_out, k, filters, dials)
        scored = self.model.scored(None, chosen, scores.group)
        lines = zip(self._lines(scored), scores.members[:, chosen].T.tolist(), strict=True)
        return Suggestions([replace(line, members=tuple(of_each)) for line, of_each in lines], note)

    def _left_out(self, profiles: Sequence[Profile], exclude: Iterable[Id]) -> NDArray[np.int32]:
        """Indices of the items that a list leaves out, each once: what the people rated, and the excluded items."""
        seen = [profile.item_index for profile in profiles]
        return np.unique(np.concatenate([*seen, self.model.items_.indices(exclude)])).astype(np.int32)

    def _choose(
        self, scores: NDArray[Any], seen: NDArray[np.int32], k: int, filters: Filters, dials: Dials
    ) -> tuple[NDArray[np.int64], str]:
        """The items of a list by index, and what must be said of it.

        Args:
            scores: (I,), what items are ranked by; seen: indices of items to leave out, each once.
        """
        if k < 1:
            raise SettingError(f"k must be at least 1, not {k}.")
        allowed = self.allowed(filters)
        is_open = allowed.copy()
        is_open[seen] = False
        few = few_ratings(self.model.item_counts_)
        chosen, note = choose(self.model, self.catalog, scores, is_open, k, dials, few)
        if len(chosen) < k:
            why = _shortage(filters, allowed, int(allowed[seen].sum()), self.model.scale_.has_stars)
            note = f"{len(chosen)} instead of {k}: {why} {note}".strip()
        return chosen, note

    def similar(self, item: Id, k: int = 10, *, min_ratings: int | None = None, by: str = "factors") -> Suggestions:
        """The k items most alike, by a cosine that shrinks where there are few ratings (see `few_ratings`).

        Args:
            min_ratings: leave out items with fewer ratings; None: with few.
            by: "factors": of what the model has learnt of the items (`Recommender.similar`). "co-rating": of what the
                same people gave both, which needs no factors (`co_rating`).

        Raises:
            UnsupportedError: the model has no factors, or for co-rating, the file was saved without histories.
        """
        if k < 1:
            raise SettingError(f"k must be at least 1, not {k}.")
        if by not in ("factors", "co-rating"):
            raise SettingError(f"by must be factors or co-rating, not '{by}'.")
        few = few_ratings(self.model.item_counts_)
        if min_ratings is None:
            min_ratings = few
        allowed, item_id = self.allowed(Filters(min_ratings=min_ratings)), self.item_id(item)
        if by == "co-rating":
            scored = _co_rated(self.model, item_id, k, allowed, few)
        else:
            scored = self._alike(item_id, k, allowed, few)
        short = f"{len(scored)} instead of {k}: " if len(scored) < k else ""
        left_out = int((~allowed).sum())
        n_others = int(allowed.sum()) - int(allowed[self.model.items_.index(item_id)])
        why = f"there are {len(allowed):,} films"
        if len(scored) < n_others:
            why = "no more have a likeness above 0" if by == "co-rating" else f"{self.model.name} knows no more like it"
        note = f"{short}{why}." if short else ""
        if left_out:
            others = f"{left_out:,} films {seldom(min_ratings, self.model.scale_.has_stars)} are left out."
            note = f"{short}{why}; {others}" if short and len(scored) < n_others else f"{short}{others}"
        return Suggestions(self._lines(scored), note)

    def _alike(self, item_id: Id, k: int, allowed: NDArray[np.bool_], few: int) -> list[Scored]:
        try:
            return self.model.similar(item_id, k, allowed=allowed, shrinkage=few)
        except UnsupportedError as error:
            raise UnsupportedError(f"{str(error).rstrip('.')}, or --by co-rating.") from None

    def allowed(self, filters: Filters) -> NDArray[np.bool_]:
        """Which items pass, (I,).

        Raises:
            UnknownNameError: there is no such genre.
        """
        passes = self.model.item_counts_ >= filters.min_ratings
        named, (first, last) = self.catalog.genre_named, filters.years
        if not (filters.genres or filters.not_genres or first or last):
            return passes
        _, years, of_genre = self._labels()
        if filters.genres:
            passes &= np.any([of_genre[named(genre)] for genre in filters.genres], axis=0)
        for genre in filters.not_genres:
            passes &= ~of_genre[named(genre)]
        if first or last:
            passes &= (years > 0) & (years >= (first or 0)) & (years <= (last or 9999))
        return passes

    def _labels(self) -> Labels:
        """Of the model's items; made again if the model has been fitted to others since."""
        found: Labels | None = self.__dict__.get("labels")
        if found is None or found.items is not self.model.items_:
            found = self.__dict__["labels"] = self.catalog.labels(self.model.items_)
        return found

    def _lines(self, scored: list[Scored]) -> list[Suggestion]:
        lines, index = [], self.model.items_.indices(one.item_id for one in scored)
        counts, means = self.model.item_counts_[index].tolist(), self.model.item_means_[index].tolist()
        for (item_id, score, stars, deviation), count, mean in zip(scored, counts, means, strict=True):
            shown = mean if count > 0 and self.model.scale_.has_stars else None
            lines.append(Suggestion(item_id, self.catalog[item_id], score, stars, count, shown, deviation))
        return lines


def _shortage(filters: Filters, allowed: NDArray[np.bool_], n_seen: int, has_ratings: bool) -> str:
    """Why a list is short, and what would make it longer."""
    what = f"{int(allowed.sum()):,} of the {len(allowed):,} films are {filters}" if str(filters) else ""
    what = what or f"there are {len(allowed):,} films"
    done = "rated" if has_ratings else "in the history"
    seen = f", and {n_seen:,} of them {'is' if n_seen == 1 else 'are'} {done} already" if n_seen else ""
    tight = {
        "genre": filters.genres or filters.not_genres,
        "years": any(filters.years),
        f"number of {'ratings' if has_ratings else 'people'}": filters.min_ratings,
    }
    loosen = " or ".join(name for name, is_set in tight.items() if is_set)
    ways = [f"loosen the {loosen}" if loosen else "", "include seen films" if n_seen else ""]
    advice = ", or ".join(way for way in ways if way)
    return f"{what}{seen}{f'; for more, {advice}' if advice else ''}."
