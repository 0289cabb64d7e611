"""Guide: a model and a catalog for people: lists with titles, filters, and notes where
needed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles, Longs, Reals
from matinee.data.arguments import (
    RatingsLike,
    described,
    id_list,
    list_length,
    one_id,
    path_of,
    person_of,
    whole_number,
)
from matinee.data.catalog import Catalog, Labels, find_item, find_unrated
from matinee.data.vocabulary import Id, Ids
from matinee.errors import (
    DataError,
    SettingError,
    UnknownNameError,
    UnsupportedError,
)
from matinee.models.base import Person, Recommender, ScoredItem, UserState
from matinee.models.history import few_ratings
from matinee.models.interface import Ranking
from matinee.models.list_scores import shrunk
from matinee.recommendation.co_rating import co_rated
from matinee.recommendation.explanation import Explanation, explain, explain_each
from matinee.recommendation.filters import Filters, seldom
from matinee.recommendation.groups import group_scores
from matinee.recommendation.model_file import Origin, load_model, save_model
from matinee.recommendation.reranking import AS_RANKED, Dials, choose
from matinee.recommendation.shortage import is_or_are, shortage
from matinee.recommendation.suggestions import Suggestion, Suggestions
from matinee.recommendation.unrated import with_unrated
from matinee.recommendation.updating import updated_parts
from matinee.text import counted

if TYPE_CHECKING:
    import polars as pl
    from torch import nn

NO_YEARS = "No film has a known year, so a filter by years leaves none; leave it out."

_LAST_YEAR = 9999


@dataclass(frozen=True, eq=False, init=False)
class Guide:
    """A fitted model, the titles of its items, and its origin.

    Attributes:
        model: the fitted model.
        catalog: the titles; empty if there are none.
        origin: where the model comes from: the name and the size of its data, and the version of
            matinee.

    Raises:
        NotFittedError: the model is not fitted.

    Example:
        >>> guide = matinee.Guide(model, data.catalog)
        >>> me, unknown = guide.newcomer({"Alien": 5, "The Matrix": 4.5, "Titanic": 2})
        >>> for line in guide.recommend(me, k=3):
        ...     print(line.film.title)
        Inception (2010)
        The Thing (1982)
        Interstellar (2014)
        >>> guide.similar("Toy Story", k=1)[0].film.title
        'Finding Nemo (2003)'
    """

    model: Recommender
    catalog: Catalog
    origin: Origin

    def __init__(
        self,
        model: Recommender,
        catalog: Catalog | None = None,
        origin: Origin | None = None,
        *,
        catalogue: Catalog | None = None,
    ) -> None:
        """Makes a guide.

        Args:
            catalog: the titles; None: there are none.
            origin: where the model comes from; None: unknown.
            catalogue: the former spelling of `catalog`.

        Raises:
            NotFittedError: the model is not fitted.
            SettingError: both spellings are given.
        """
        model.check_fitted()
        if catalog is not None and catalogue is not None:
            raise SettingError("Give catalog or catalogue, its former spelling, not both.")
        if catalog is None:
            catalog = catalogue
        # the class is frozen, so its own assignment is refused
        object.__setattr__(self, "model", model)
        object.__setattr__(self, "catalog", Catalog() if catalog is None else catalog)
        object.__setattr__(self, "origin", Origin() if origin is None else origin)

    @property
    def catalogue(self) -> Catalog:  # the former spelling
        """The same as `catalog`; the former spelling."""
        return self.catalog

    @classmethod
    def load(
        cls,
        path: str | Path,
        module: "nn.Module | None" = None,
        models: Sequence[type[Recommender]] = (),
    ) -> Self:
        """A guide from a `.matinee` file.

        Args:
            path: of the file, which holds numbers and text and no code.
            module: the PyTorch module, for a file with a network of your own.
            models: your own model classes, for a file of one of them.

        Raises:
            ModelFileError: the file is missing, damaged or newer than this version.
        """
        model, catalog, origin = load_model(path_of(path, "model file"), module, models)
        return cls(model, catalog, origin)

    def save(self, path: str | Path) -> None:
        """Writes a `.matinee` file.

        Args:
            path: ends in .matinee. The file is written whole or not at all.
        """
        save_model(path_of(path, "model file"), self.model, self.catalog, self.origin)

    def updated(
        self,
        news: "RatingsLike | None",
        *,
        withdrawn: "RatingsLike | None" = None,
        n_threads: int | None = None,
    ) -> Self:
        """A guide that also knows new ratings, users and items, without training again.

        This guide does not change. See `matinee.models.updating` for what is solved for again.

        Args:
            news: a `Dataset` brings the titles of new items along.
            withdrawn: pairs of user and item whose ratings are removed.
            n_threads: None means all cores; they do not change the result.

        Raises:
            UnsupportedError: the model cannot be updated, or was saved without its ratings.
            DataError: the news do not fit the model.
        """
        known = self.model, self.catalog, self.origin
        return type(self)(*updated_parts(*known, news, withdrawn, n_threads)[:3])

    def item_id(self, text: Id) -> Id:
        """The id of an item, given by id or title.

        Args:
            text: an id, or a title as people write it; "id:" or "title:" before it says which is
                meant.

        Raises:
            UnknownNameError: no item or several match; the message suggests some.
        """
        model = self.model
        index = find_item(text, model.items_, self.catalog, model.item_counts_)
        return model.items_.id(index)

    def newcomer(self, ratings: Mapping[Any, float]) -> tuple[UserState, list[str]]:
        """A new person's profile from {id or title: stars}, and a message for each unknown
        item.

        Args:
            ratings: id or title -> stars.

        Raises:
            DataError: the model knows none of the items, or a rating is outside the scale.
        """
        ratings = person_of(ratings)
        if not isinstance(ratings, Mapping):
            raise DataError("Give the ratings of a new person as {id or title: stars}.")
        known: dict[Id, float] = {}
        unknown: list[str] = []
        for text, stars in ratings.items():
            try:
                known[self.item_id(text)] = stars
            except UnknownNameError as error:
                unknown.append(str(error))
        if len(unknown) == 1 and not known:
            raise DataError(f"The model does not know the only rated item: {unknown[0]}")
        if unknown and not known:
            raise DataError(
                f"The model knows none of the {len(ratings)} rated items. The first: {unknown[0]}"
            )
        return self.model.fold_in(known), unknown

    def predict(self, person: Person, item: Id) -> float:
        """The predicted stars of an item, given by id or title.

        An item of the catalog that nobody has rated is predicted from its genres and year if
        the model can (`bayes`).

        Args:
            item: id or title.

        Raises:
            UnknownNameError: there is no such item, or it has no ratings and the model needs
                some.
            UnsupportedError: the model predicts no stars.
        """
        unrated = self.unrated_id(item)
        if unrated is None:
            return self.model.predict(person, self.item_id(item))
        scored = self.score_unrated(person, unrated)
        return scored.score if scored.stars is None else scored.stars

    def unrated_id(self, item: Id) -> Id | None:
        """The id of an item of the catalog that nobody has rated, given by id or title.

        None if there is no such item, several have this title, or a rated one has this id or
        title.

        Args:
            item: id or title.
        """
        return find_unrated(one_id(item, "item"), self.model.items_, self.catalog)

    def score_unrated(self, person: Person, item_id: Id) -> ScoredItem:
        """The expected score, stars and deviation of an item of the catalog without ratings.

        Args:
            item_id: of an item that nobody has rated.

        Raises:
            UnknownNameError: the model cannot predict it.
        """
        labels = self.catalog.feature_names(item_id)
        try:
            (scored,) = self.model.score_new_items(person, [labels])
        except UnsupportedError as error:
            title = self.catalog[item_id].title
            raise UnknownNameError(
                f"'{title}' is in the catalog, but nobody has rated it, and {error}"
            ) from None
        return scored._replace(item_id=item_id)

    def explain(self, person: Person, item: Id) -> Explanation:
        """What the prediction of an item is made of: parts that add up, and reasons in words.

        Args:
            item: id or title.

        Raises:
            UnsupportedError: the model cannot explain; the message names one that can.
        """
        return explain(self.model, self.catalog, person, self.item_id(item))

    def explain_each(
        self,
        person: Person,
        item_ids: Sequence[Id],
        k: int | None = None,
        scores: Sequence[float] | None = None,
    ) -> list[Explanation]:
        """`explain` for several items, given by id only; much faster than one call per item.

        For `k` and `scores` see `recommendation.explanation.explain_each`.

        Args:
            item_ids: ids, no titles.
            k: the number of reasons of each; the others are one number. None: all.
            scores: what the parts of each item add up to (`Recommender.attributed`), if it is known
                already.
        """
        ids = id_list(item_ids, "item_ids")
        return explain_each(self.model, self.catalog, person, ids, k, scores)

    def recommend(
        self,
        person: Person,
        k: int = 10,
        filters: Filters = Filters(),
        *,
        dials: Dials = AS_RANKED,
        include_seen: bool = False,
        include_unrated: bool = False,
        exclude: Iterable[Id] = (),
        ranking: Ranking | None = None,
    ) -> Suggestions:
        """The k best items for a person that pass the filters, with a note if there are fewer.

        Args:
            dials: change the list: more obscure or more popular items, more variety (see
                `recommendation.reranking`; the scores remain the model's), or another taste (see
                `Recommender.scores`).
            include_seen: also recommend what the person has rated.
            include_unrated: also choose from the items of the catalog that nobody has rated,
                by what their genres and years promise, if the model can (`bayes`). Such a list
                is sorted by the predicted stars.
            exclude: ids of further items to leave out, rated or not.
            ranking: what the model says about all items for this person and taste
                (`Recommender.ranking`), if it is known already.

        Raises:
            UnknownNameError: an id in `exclude` is unknown.
            SettingError: dials are combined with `include_unrated`.
            UnsupportedError: the model cannot predict items without ratings, or diversity is
                requested and nothing tells how similar the items are.
        """
        profile = self.model.profile(person)
        if include_unrated:
            if dials != AS_RANKED:
                raise SettingError(
                    "A list with films that nobody has rated cannot be re-ranked; leave out the "
                    "popularity, the diversity and the taste."
                )
            excluded = frozenset(exclude)
            known = [item_id for item_id in excluded if self.model.items_.find(item_id) is not None]
            rated = self.recommend(profile, k, filters, include_seen=include_seen, exclude=known)
            return with_unrated(self.model, self.catalog, profile, k, filters, excluded, rated)
        if ranking is None:
            ranking = self.model.ranking(profile, dials.taste)
        scores, stars = ranking
        left_out = self._left_out([] if include_seen else [profile], exclude)
        chosen, note = self._choose(scores, left_out, k, filters, dials)
        lines = self._lines(self.model.scored(profile, chosen, scores, stars))
        shown = None
        if stars is not None:
            shown = shrunk(self.model.scale_, stars[chosen], self.model.item_counts_[chosen])
        return Suggestions(_placed(lines, scores, shown), note)

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
        """The k best items for several people together that none of them has rated.

        `Suggestion.members` holds the stars or score of each person. The rest is as in
        `recommend`.

        Args:
            people: a person who occurs twice counts twice.
            how: "mean" or "least-misery" (see `recommendation.groups`).
            dials, include_seen, exclude: as for `recommend`.

        Raises:
            SettingError: the group is empty, or there is no such `how`.
            DataError: `people` is the ratings of one person, not a list of people.
        """
        if isinstance(people, Mapping):
            raise DataError("people must be a list of people, not the ratings of one person.")
        profiles = [self.model.profile(person) for person in id_list(people, "people")]
        scores = group_scores(self.model, profiles, how, dials.taste)
        left_out = self._left_out([] if include_seen else profiles, exclude)
        chosen, note = self._choose(scores.ranked_by, left_out, k, filters, dials)
        lines = []
        scored = self.model.scored(None, chosen, scores.ranked_by, scores.group)
        suggestions = _placed(self._lines(scored), scores.ranked_by, None)
        members = scores.members[:, chosen].T.tolist()  # (k, M)
        for suggestion, member_scores in zip(suggestions, members, strict=True):
            lines.append(replace(suggestion, members=tuple(member_scores)))
        return Suggestions(lines, note)

    def recommend_everybody(
        self,
        k: int = 10,
        filters: Filters = Filters(),
        *,
        dials: Dials = AS_RANKED,
        include_seen: bool = False,
    ) -> "Iterator[pl.DataFrame]":
        """The lists of all users of the training data, as frames of some thousand users each.

        The frames have the columns `user_id`, `rank` (from 1), `item_id`, `title`, and
        `stars` or, if the model only ranks, `score`. Memory does not grow with the number of
        users. The arguments and errors are those of `recommend`.

        Args:
            dials, include_seen: as for `recommend`.
        """
        from matinee.recommendation.everybody import (  # Polars is slow to import
            Wanted,
            lists_of_all,
        )

        wanted = Wanted(list_length(k), self.allowed(filters), dials, include_seen)
        return lists_of_all(self.model, self.catalog, wanted)

    def predict_pairs(
        self, user_ids: Ids, item_ids: Ids, timestamps: NDArray[np.int64] | None = None
    ) -> NDArray[np.float32]:
        """The predicted stars of many pairs, (N,) float32, in the given order.

        Each pair gets its prediction, also one that occurs several times; a user or item that
        the model does not know gets NaN.

        Args:
            user_ids, item_ids: (N,), the user and the item of each pair.
            timestamps: (N,) when each rating would be given, in seconds since 1970; only used
                by models with effects of time.

        Raises:
            DataError: the columns differ in length.
            UnsupportedError: the model predicts no stars.
        """
        users, items = self.model.users_.lookup(user_ids), self.model.items_.lookup(item_ids)
        if len(users) != len(items):
            raise DataError(f"There are {len(users):,} users but {len(items):,} items.")
        if timestamps is not None:
            timestamps = _times(timestamps)
        if timestamps is not None and len(timestamps) != len(users):
            raise DataError(f"There are {len(users):,} users but {len(timestamps):,} timestamps.")
        stars = self.model.predict_known(np.maximum(users, 0), np.maximum(items, 0), timestamps)
        return np.where((users < 0) | (items < 0), np.float32(np.nan), stars)

    def _left_out(self, profiles: Sequence[UserState], exclude: Iterable[Id]) -> NDArray[np.int32]:
        """Indices of the items to leave out, each once: what people rated, and excluded
        items."""
        seen = [profile.item_index for profile in profiles]
        excluded = self.model.items_.indices(id_list(exclude, "exclude"))
        return np.unique(np.concatenate([*seen, excluded])).astype(np.int32)

    def _choose(
        self,
        scores: Reals,
        left_out: NDArray[np.int32],
        k: int,
        filters: Filters,
        dials: Dials,
    ) -> tuple[Longs, str]:
        """The items of a list by index, and its note.

        Args:
            scores: (I,), what items are ranked by.
            left_out: indices of items to leave out, each once.
        """
        k = list_length(k)
        allowed = self.allowed(filters)
        is_open = allowed.copy()
        is_open[left_out] = False
        few = few_ratings(self.model.item_counts_)
        chosen, note = choose(self.model, self.catalog, scores, is_open, k, dials, few)
        if len(chosen) < k:
            n_seen = int(allowed[left_out].sum())
            n_without_year = 0
            if any(filters.years):
                n_without_year = int((self._labels().years == 0).sum())
            if n_without_year == len(allowed):
                return chosen, f"{NO_YEARS} {note}".strip()
            has_stars = self.model.scale_.has_stars
            reason = shortage(filters, allowed, n_seen, n_without_year, has_stars)
            note = f"{len(chosen)} instead of {k}: {reason} {note}".strip()
        return chosen, f"{note} {self._unknown_items(filters)}".strip()

    def _unknown_items(self, filters: Filters) -> str:
        """A sentence on given items that the model does not know; usually empty."""
        if filters.items is None:
            return ""
        n_given = len(filters.items)
        n_unknown = int((self.model.items_.lookup(list(filters.items)) < 0).sum())
        if not n_unknown:
            return ""
        return f"The model does not know {n_unknown:,} of the {n_given:,} given items."

    def similar(
        self, item: Id, k: int = 10, *, min_ratings: int | None = None, by: str = "factors"
    ) -> Suggestions:
        """The k most similar items, by a cosine that is shrunk for items with few ratings.

        Args:
            item: id or title.
            min_ratings: leave out items with fewer ratings; None: `few_ratings`.
            by: "factors": the cosine of what the model learned about the items
                (`Recommender.similar`). "co-rating": the cosine of the ratings of people who
                rated both (`co_rating`), which needs no factors.

        Raises:
            UnsupportedError: the model has no factors or, for co-rating, its file has no
                histories.
            SettingError: `by` is neither of these.
        """
        k = list_length(k)
        if not isinstance(by, str) or by not in ("factors", "co-rating"):
            raise SettingError(f"by must be factors or co-rating, not {described(by)}.")
        few = few_ratings(self.model.item_counts_)
        if min_ratings is None:
            min_ratings = few
        allowed = self.allowed(Filters(min_ratings=whole_number(min_ratings, "min_ratings")))
        item_id = self.item_id(item)
        if by == "co-rating":
            scored = co_rated(self.model, item_id, k, allowed, few)
        else:
            scored = self._similar_by_factors(item_id, k, allowed, few)
        n_others = int(allowed.sum())
        if allowed[self.model.items_.index(item_id)]:
            n_others -= 1
        notes = []
        if len(scored) < k:
            notes.append(self._why_few_similar(len(scored), n_others, by))
        n_left_out = int((~allowed).sum())
        if n_left_out:
            films = seldom(min_ratings, self.model.scale_.has_stars)
            notes.append(f"{counted(n_left_out, 'film')} {films} {is_or_are(n_left_out)} left out")
        note = "; ".join(reason for reason in notes if reason)
        if len(scored) < k:
            note = f"{len(scored)} instead of {k}: {note}"
        if note:
            note += "."
        return Suggestions(self._lines(scored), note)

    def _why_few_similar(self, n_found: int, n_others: int, by: str) -> str:
        """Why fewer than k items are similar; empty if the floor on ratings is the only
        reason."""
        n_items = len(self.model.items_)
        if n_found == n_others:
            is_floor = n_others < n_items - 1
            return "" if is_floor else f"there are {counted(n_items, 'film')}"
        if by == "co-rating":
            return "no other film has a similarity above 0"
        return f"{self.model.name} knows no other similar films"

    def _similar_by_factors(
        self, item_id: Id, k: int, allowed: NDArray[np.bool_], few: int
    ) -> list[ScoredItem]:
        try:
            return self.model.similar(item_id, k, allowed=allowed, shrinkage=few)
        except UnsupportedError as error:
            raise UnsupportedError(f"{str(error).rstrip('.')}, or --by co-rating.") from None

    def allowed(self, filters: Filters) -> NDArray[np.bool_]:
        """Which items pass the filters, (I,).

        Raises:
            UnknownNameError: there is no such genre.
        """
        passes = self.model.item_counts_ >= filters.min_ratings
        if filters.items is not None:
            index = self.model.items_.lookup(list(filters.items))
            is_given = np.zeros(len(passes), bool)
            is_given[index[index >= 0]] = True
            passes &= is_given
        if filters.not_items:
            index = self.model.items_.lookup(list(filters.not_items))
            passes[index[index >= 0]] = False
        first, last = filters.years
        if not (filters.genres or filters.not_genres or first or last):
            return passes
        labels = self._labels()
        genre_named = self.catalog.genre_named
        if filters.genres:
            passes &= labels.has_one_of(map(genre_named, filters.genres))
        passes &= ~labels.has_one_of(map(genre_named, filters.not_genres))
        if first or last:
            years = labels.years
            passes &= (years > 0) & (years >= (first or 0)) & (years <= (last or _LAST_YEAR))
        return passes

    def _labels(self) -> Labels:
        """The labels of the model's items; made again if the model was fitted to other
        items."""
        labels: Labels | None = self.__dict__.get("labels")
        if labels is None or labels.items is not self.model.items_:
            labels = self.catalog.labels(self.model.items_)
            self.__dict__["labels"] = labels
        return labels

    def _lines(self, scored: list[ScoredItem]) -> list[Suggestion]:
        index = self.model.items_.indices(item.item_id for item in scored)
        counts = self.model.item_counts_[index].tolist()
        means = self.model.item_means_[index].tolist()
        lines = []
        for item, n_ratings, item_mean in zip(scored, counts, means, strict=True):
            mean = None
            if n_ratings > 0 and self.model.scale_.has_stars:
                mean = item_mean
            line = Suggestion(
                item_id=item.item_id,
                film=self.catalog[item.item_id],
                score=item.score,
                stars=item.stars,
                n_ratings=n_ratings,
                mean=mean,
                deviation=item.deviation,
            )
            lines.append(line)
        return lines


def _times(given: Any) -> NDArray[np.int64]:
    """Seconds since 1970, (N,)."""
    try:
        return np.array(id_list(given, "timestamps"), np.int64)
    except (TypeError, ValueError, OverflowError):
        raise DataError("timestamps must be a list of whole numbers.") from None


def _placed(lines: list[Suggestion], scores: Reals, shown: Doubles | None) -> list[Suggestion]:
    """The lines with percentiles and shown stars.

    Args:
        scores: of all items, (I,).
        shown: (k,); None for a group or a model without stars.
    """
    n_below = np.searchsorted(np.sort(scores), [line.score for line in lines])
    shares = (n_below / len(scores)).tolist()
    stars = [None] * len(lines) if shown is None else shown.tolist()
    placed = []
    for line, percentile, amount in zip(lines, shares, stars, strict=True):
        placed.append(replace(line, percentile=percentile, shown=amount))
    return placed
