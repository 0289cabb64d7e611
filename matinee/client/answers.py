"""What the API answers, as typed values. Members that a newer server adds are ignored."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

FilmId = int | str
Values = Mapping[str, Any]


class _Answer:
    """The base class: an answer is made from the JSON object of the same members."""

    @classmethod
    def of(cls, values: Values) -> Self:
        """The answer with the members of a JSON object that it knows."""
        names = [one.name for one in fields(cls)]  # type: ignore[arg-type]
        return cls(**{name: values[name] for name in names if name in values})


@dataclass(frozen=True)
class Film(_Answer):
    """A film with the number and the mean of its ratings; `mean` is None without ratings.

    Attributes:
        imdb, tmdb: its ids on IMDb and TMDB; empty or None if they are not known.
        tags: that several people gave it, most frequent first.
    """

    item_id: FilmId
    title: str
    year: int | None
    genres: list[str]
    n_ratings: int
    mean: float | None
    imdb: str = field(default="", kw_only=True)
    tmdb: int | None = field(default=None, kw_only=True)
    tags: list[str] = field(default_factory=list, kw_only=True)


@dataclass(frozen=True)
class FilmPage:
    """A page of films; `is_guess` if no title contains the words, and these are similar."""

    films: list[Film]
    total: int
    page: int
    page_size: int
    is_guess: bool

    @classmethod
    def of(cls, values: Values) -> Self:
        """The answer in a JSON object."""
        films = [Film.of(film) for film in values["films"]]
        return cls(films, *(values[name] for name in ("total", "page", "page_size", "is_guess")))


@dataclass(frozen=True)
class SuggestedFilm(Film):
    """A film in a list.

    Attributes:
        score: what the list is sorted by.
        stars: the predicted rating; None if the model predicts none.
        percentile: the share of all films with a lower score, from 0 to 1.
        deviation: the standard deviation of the rating around the prediction, in stars, if known.
        explanation: as from `explain`, if it was asked for.
    """

    score: float
    stars: float | None
    percentile: float | None = None
    deviation: float | None = None
    explanation: dict[str, Any] | None = None


@dataclass(frozen=True)
class ListAnswer:
    """A list of films, best first.

    Attributes:
        note: why the list is shorter than asked for; empty if it is not.
        unknown: ids of rated films that the model does not know, which it ignores.
        model, version: of the model that made the list.
    """

    items: list[SuggestedFilm]
    note: str
    unknown: list[str]
    model: str
    version: str

    @classmethod
    def of(cls, values: Values) -> Self:
        """The answer in a JSON object."""
        items = [SuggestedFilm.of(film) for film in values["items"]]
        return cls(items, *(values[name] for name in ("note", "unknown", "model", "version")))


@dataclass(frozen=True)
class Predicted(_Answer):
    """The predicted rating of a film, and its standard deviation in stars, if known."""

    item_id: FilmId
    stars: float
    deviation: float | None = None


@dataclass(frozen=True)
class Explanation(_Answer):
    """Why a prediction is what it is: `parts` add up to `score`; see the API reference."""

    item_id: FilmId
    title: str
    stars: float | None
    score: float
    parts: dict[str, float]
    reasons: list[dict[str, Any]]
    because: list[dict[str, Any]]
    is_exact: bool
    sentence: str
    deviation: float | None = None


@dataclass(frozen=True)
class Model(_Answer):
    """A model of the server; `scale` has the members lowest, highest and step."""

    name: str
    kind: str
    version: str
    predicts_stars: bool
    scale: dict[str, float]
    n_items: int
    dataset: str
    n_ratings: int


@dataclass(frozen=True)
class Person(_Answer):
    """A new person; nobody can get their token again."""

    person_id: str
    token: str


@dataclass(frozen=True)
class Rated(_Answer):
    """A stored rating; `rated_at` is in Unix seconds."""

    item_id: FilmId
    title: str
    stars: float
    rated_at: int


@dataclass(frozen=True)
class RatedFilms:
    """The stored ratings of a person, latest first, and the ids of the films that they hid."""

    ratings: list[Rated]
    not_interested: list[FilmId]

    @classmethod
    def of(cls, values: Values) -> Self:
        """The answer in a JSON object."""
        return cls([Rated.of(one) for one in values["ratings"]], values["not_interested"])


@dataclass(frozen=True)
class MarkedFilm(_Answer):
    """A film on the watchlist."""

    item_id: FilmId
    title: str


@dataclass(frozen=True)
class Group(_Answer):
    """A group as a member sees it; friends join it by `link`."""

    id: str
    name: str
    link: str | None
    members: list[str]
    is_maker: bool


@dataclass(frozen=True)
class ImportedRow(_Answer):
    """A row of a file whose film is known or, if `doubt` is not empty, likely."""

    row: int
    text: str
    item_id: FilmId
    title: str
    stars: float
    doubt: str
    rated_at: int | None


@dataclass(frozen=True)
class LeftOutRow(_Answer):
    """A row of a file that gives no rating, and why."""

    row: int
    text: str
    reason: str


@dataclass(frozen=True)
class Imported:
    """What was found in a file, and how many of its ratings were stored."""

    source: str
    n_stored: int
    matched: list[ImportedRow]
    doubtful: list[ImportedRow]
    left_out: list[LeftOutRow]
    notes: list[str]

    @classmethod
    def of(cls, values: Values) -> Self:
        """The answer in a JSON object."""
        return cls(
            values["source"],
            values["n_stored"],
            [ImportedRow.of(row) for row in values["matched"]],
            [ImportedRow.of(row) for row in values["doubtful"]],
            [LeftOutRow.of(row) for row in values["left_out"]],
            values["notes"],
        )
