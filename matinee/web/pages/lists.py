"""Lists of recommendations as the page "For you" shows them: sorted in several ways, and careful.

The page's list is more careful than the model's: usually it leaves out films with few ratings, if
enough others match; and a list that is varied or turned to obscure films never reaches down to
films that the person is predicted to like clearly less than what they usually watch.
"""

from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from matinee._types import Reals
from matinee.models.history import few_ratings
from matinee.models.interface import Ranking
from matinee.models.list_scores import shrunk
from matinee.recommendation.filters import Filters
from matinee.recommendation.reranking import Dials
from matinee.recommendation.suggestions import Suggestions
from matinee.web.api.schemas import ListOptions
from matinee.web.pages import texts
from matinee.web.pages.film_cards import FilmCard
from matinee.web.pages.visitor import FilmList, Visitor
from matinee.web.settings import MAX_K

BELOW_MEAN = 0.25
"""A film is predicted clearly below the person's mean if it is so many stars below."""
FLOOR_QUANTILE = 0.75
"""The floor never leaves out this upper part of all films, for people who only rate favorites."""
N_TO_SORT = 120
"""The newest films are the newest of so many best matches."""
GEMS = -0.75
"""The popularity of a list of hidden gems."""

Sort = Literal["match", "stars", "taste", "gems", "newest"]


class PageOptions(ListOptions):
    """Options of the page: those of a list, its order and a decade."""

    sort: Sort = "match"
    decade: int | None = Field(None, ge=0, le=9990)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.year_from and self.year_to and self.year_from > self.year_to:
            self.year_from, self.year_to = self.year_to, self.year_from
        return self

    def filters(self) -> Filters:
        """The filters; a decade counts where no years are given."""
        filters = super().filters()
        if self.decade is None or any(filters.years):
            return filters
        return Filters(
            filters.genres,
            filters.not_genres,
            (max(1, self.decade), self.decade + 9),
            filters.min_ratings,
        )

    def dials(self) -> Dials:
        """The re-ranking that the order asks for, unless a dial is set."""
        popularity, taste = self.popularity, self.taste
        if self.sort == "gems" and not popularity:
            popularity = GEMS
        if self.sort == "taste" and taste is None:
            taste = 1.0
        return Dials(popularity, self.diversity, taste)


def recommended(visitor: Visitor, options: PageOptions) -> FilmList:
    """The k best films for the page, with predictions and reasons."""
    return visitor.snapshot.run(_recommended, visitor, options)


def _recommended(visitor: Visitor, options: PageOptions) -> FilmList:
    dials = options.dials()
    ranking = visitor.ranking(dials.taste)
    by_stars = options.sort == "stars" and ranking.stars is not None
    used = _above_floor(visitor, ranking, dials)
    if by_stars and ranking.stars is not None:
        used = used._replace(scores=np.where(np.isinf(used.scores), used.scores, ranking.stars))
    k = options.k
    if options.sort == "newest":
        k = min(MAX_K, max(k, N_TO_SORT))
    suggestions = _suggestions(visitor, options, dials, used, k)
    indices = [visitor.snapshot.index_of(item.item_id) for item in suggestions.items]
    indices = [index for index in indices if not np.isinf(used.scores[index])]
    if options.sort == "newest":
        years = [visitor.snapshot.films.summary(index)["year"] or 0 for index in indices]
        order = sorted(range(len(indices)), key=lambda place: -years[place])
        indices = [indices[place] for place in order[: options.k]]
    films = visitor.cards.predicted(
        visitor.profile, indices, ranking, visitor.ratings, is_list=True
    )
    if by_stars:
        films.sort(key=lambda film: -(film["stars"] or 0))
    note = suggestions.note
    if len(films) < len(suggestions.items) and options.sort != "newest":
        note = texts.FOR_YOU["floor"]
    return FilmList(films, f"{note} {_about_years(visitor, options)}".strip())


def _suggestions(
    visitor: Visitor, options: PageOptions, dials: Dials, ranking: Ranking, k: int
) -> Suggestions:
    """The list, of films with enough ratings if these are enough and no number is asked for."""
    guide, filters = visitor.snapshot.guide, options.filters()
    exclude = visitor.snapshot.known_ids(visitor.data.not_interested)
    asked = "min_ratings" in options.model_fields_set
    if not asked:
        least = Filters(filters.genres, filters.not_genres, filters.years, usual_minimum(visitor))
        found = guide.recommend(
            visitor.profile, k, least, dials=dials, exclude=exclude, ranking=ranking
        )
        if len(found.items) == k:
            return found
    return guide.recommend(
        visitor.profile, k, filters, dials=dials, exclude=exclude, ranking=ranking
    )


def usual_minimum(visitor: Visitor) -> int:
    """The number of ratings that films of the usual list have at least."""
    return few_ratings(visitor.cards.counts)


def _above_floor(visitor: Visitor, ranking: Ranking, dials: Dials) -> Ranking:
    """The ranking, with the films below the person's floor at its very end."""
    if not (dials.diversity or dials.popularity < 0):
        return ranking
    scores = np.where(is_above_floor(visitor, ranking), ranking.scores, np.float32(-np.inf))
    return ranking._replace(scores=scores)


def is_above_floor(
    visitor: Visitor, ranking: Ranking, quantile: float = FLOOR_QUANTILE
) -> NDArray[np.bool_]:
    """Whether each item, (I,), is predicted well enough to be suggested for another reason than
    its place on the list; all are without stars or ratings."""
    floor = floor_of(visitor, ranking, quantile)
    if ranking.stars is None or floor is None:
        return np.ones(len(ranking.scores), np.bool_)
    return _shown(visitor, ranking.stars) >= floor


def floor_of(visitor: Visitor, ranking: Ranking, quantile: float = FLOOR_QUANTILE) -> float | None:
    """The predicted stars below which a film is left out; None without stars or ratings."""
    if ranking.stars is None or not visitor.ratings:
        return None
    mean = sum(visitor.ratings.values()) / len(visitor.ratings)
    shown = _shown(visitor, ranking.stars)
    return min(mean - BELOW_MEAN, float(np.quantile(shown, quantile)))


def _shown(visitor: Visitor, stars: Reals) -> Reals:
    """The stars of all items as cards show them."""
    return shrunk(visitor.scale, stars, visitor.cards.counts)


def _about_years(visitor: Visitor, options: PageOptions) -> str:
    """Says so where the years that are asked for lie outside those of the films."""
    years, known = options.filters().years, visitor.cards.years
    if known is None:
        return ""
    if years[0] and years[0] > known[1]:
        return texts.FOR_YOU["years_end"].format(year=known[1])
    if years[1] and years[1] < known[0]:
        return texts.FOR_YOU["years_start"].format(year=known[0])
    return ""


def n_chosen(options: PageOptions, usual_taste: float) -> int:
    """The number of filters that are set: each genre counts."""
    n = len(options.genre) + len(options.not_genre)
    n += bool(options.year_from or options.year_to) + (options.decade is not None)
    n += ("min_ratings" in options.model_fields_set) + (options.sort != "match")
    n += bool(options.popularity) + bool(options.diversity)
    return n + (options.taste not in (None, usual_taste))


def decades_of(years: tuple[int, int] | None) -> list[int]:
    """The decades of the films, latest first."""
    if years is None:
        return []
    return list(range(years[1] // 10 * 10, years[0] // 10 * 10 - 1, -10))


def shown_dial(value: float, low: str, high: str) -> str:
    """The value of a slider in words; `showDial` in `lists.js` says the same."""
    if not value:
        return low if low != texts.FOR_YOU["obscure"] else texts.FOR_YOU["off"]
    return f"{abs(value):.0%} {low if value < 0 else high}"


def three_for_tonight(films: list[FilmCard]) -> int:
    """How many of the first films the page sets apart; none of a short list."""
    return 3 if len(films) >= 9 else 0
