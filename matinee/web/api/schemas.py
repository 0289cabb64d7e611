"""Pydantic models of requests and responses, from which FastAPI makes the OpenAPI document.

Requests are validated with these models. Responses are not, for speed: they are written directly
from plain values (`problems.OrjsonResponse`), and a test compares them with the document.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from matinee.recommendation.filters import Filters
from matinee.recommendation.reranking import Dials
from matinee.web.db.schema import MAX_ITEM_ID_LENGTH, MAX_NAME_LENGTH
from matinee.web.settings import (
    MAX_BATCH,
    MAX_ITEMS,
    MAX_K,
    MAX_REQUEST_RATINGS,
    MAX_TEXT_LENGTH,
)

ItemId = Annotated[
    int | Annotated[str, Field(max_length=MAX_ITEM_ID_LENGTH)],
    Field(
        description="The id of a film, as in the training data.",
        examples=[1],
        union_mode="left_to_right",
    ),
]
Stars = Annotated[
    float,
    Field(
        allow_inf_nan=False,
        description="Number of stars, within the model's scale.",
        examples=[4.5],
    ),
]
Year = Annotated[int, Field(ge=1, le=9999)]
Genre = Annotated[str, Field(max_length=MAX_TEXT_LENGTH)]
ModelName = Annotated[
    str | None,
    Field(
        max_length=MAX_TEXT_LENGTH,
        description="Name of a model of this server; by default, the first model.",
    ),
]

_EXAMPLE_RATINGS: list[JsonValue] = [{"item_id": 1, "stars": 4.5}, {"item_id": 2, "stars": 2}]


class _StrictModel(BaseModel):
    """The base class of requests: unknown fields, such as misspelled ones, are errors."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class _FilterOptions(_StrictModel):
    genre: list[Genre] = Field(
        [],
        max_length=30,
        description="Only films with at least one of these genres.",
        examples=[["Sci-Fi"]],
    )
    not_genre: list[Genre] = Field(
        [],
        max_length=30,
        description="Only films with none of these genres.",
        examples=[["Horror"]],
    )
    year_from: Year | None = Field(
        None, description="Only films from this year or later.", examples=[1970]
    )
    year_to: Year | None = Field(None, description="Only films from this year or earlier.")
    min_ratings: int = Field(
        0, ge=0, le=10**9, description="Only films with at least this many ratings.", examples=[20]
    )
    model: ModelName = None

    def filters(self) -> Filters:
        """The filters as `Guide.recommend` expects them."""
        return Filters(
            tuple(self.genre),
            tuple(self.not_genre),
            (self.year_from, self.year_to),
            self.min_ratings,
        )


class FilmQuery(_FilterOptions):
    """A film search: filters, order and page."""

    q: str = Field(
        "",
        max_length=MAX_TEXT_LENGTH,
        description="A title as people type it: words or their beginnings, initials, a number in a "
        "series, a year of four digits. Misspelled titles find similar ones.",
        examples=["godfather 2"],
    )
    order: Literal["relevance", "popular", "best", "title", "newest", "oldest"] = Field(
        "relevance",
        description="Order of the films: by how well they match `q` (relevance), number of ratings "
        "(popular), mean rating (best), title or year. Without `q`, relevance is popular.",
    )
    page: int = Field(1, ge=1, le=100_000, description="Number of the page; the first is 1.")
    page_size: int = Field(20, ge=1, le=MAX_ITEMS, description="Number of films per page.")


class SimilarQuery(_StrictModel):
    """Options for similar films."""

    k: int = Field(10, ge=1, le=MAX_K, description="Length of the list.")
    min_ratings: int | None = Field(
        None,
        ge=0,
        le=10**9,
        description="Only films with at least this many ratings; by default, films with few "
        "ratings are left out.",
    )
    model: ModelName = None


class ListOptions(_FilterOptions):
    """Options for a list of recommendations."""

    k: int = Field(10, ge=1, le=MAX_K, description="Length of the list.", examples=[20])
    popularity: float = Field(
        0.0,
        ge=-1,
        le=1,
        description="Preference for popular films: -1 for obscure films, 0 for no preference, 1 "
        "for popular films.",
    )
    diversity: float = Field(
        0.0, ge=0, le=1, description="0 for the best films, up to 1 for the most varied list."
    )
    taste: float | None = Field(
        None,
        ge=0,
        le=1,
        description="0 for the films that the person is likely to choose, up to 1 for those that "
        "fit their taste; null for what the model usually does.",
    )
    include_rated: bool = Field(False, description="Include films that the person has rated.")
    explain: bool = Field(False, description="Explain each film, which takes longer.")

    def dials(self) -> Dials:
        """The re-ranking options as `Guide.recommend` expects them."""
        return Dials(self.popularity, self.diversity, self.taste)


class OwnRating(_StrictModel):
    """One rating of a person."""

    item_id: ItemId
    stars: Stars


class _RatingsRequest(_StrictModel):
    ratings: list[OwnRating] = Field(
        [],
        max_length=MAX_REQUEST_RATINGS,
        description="Ratings of one person. If a film is rated twice, the last rating counts.",
        examples=[_EXAMPLE_RATINGS],
    )

    def stars(self) -> dict[int | str, float]:
        """Item id -> stars."""
        return {rating.item_id: rating.stars for rating in self.ratings}


class OwnFilms(_RatingsRequest):
    """A person's ratings, and films that they do not want to see."""

    not_interested: list[ItemId] = Field(
        [], max_length=MAX_REQUEST_RATINGS, description="Ids of films to leave out."
    )


class RecommendRequest(OwnFilms, ListOptions):
    """A person's ratings, and options for the list."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"ratings": _EXAMPLE_RATINGS, "k": 5, "min_ratings": 20}]}
    )


class BatchRequest(ListOptions):
    """The ratings of several people, and options for all lists."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"people": [{"ratings": _EXAMPLE_RATINGS}, {"ratings": []}], "k": 5},
            ]
        }
    )

    people: list[OwnFilms] = Field(min_length=1, max_length=MAX_BATCH)


class PredictRequest(_RatingsRequest):
    """A person's ratings, and the films to predict ratings for."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"ratings": _EXAMPLE_RATINGS, "item_ids": [3, 4]}]}
    )

    item_ids: list[ItemId] = Field(
        min_length=1,
        max_length=MAX_ITEMS,
        description="Ids of the films to predict ratings for.",
        examples=[[3, 4]],
    )
    model: ModelName = None


class ExplainRequest(_RatingsRequest):
    """A person's ratings, and the film whose prediction to explain."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"ratings": _EXAMPLE_RATINGS, "item_id": 3, "reasons": 2}]}
    )

    item_id: ItemId
    reasons: int = Field(
        5,
        ge=0,
        le=MAX_REQUEST_RATINGS,
        description="Number of ratings to list; the effects of the others are summed up.",
    )
    model: ModelName = None


class ExplainQuery(_StrictModel):
    """Options for an explanation."""

    reasons: int = Field(
        5,
        ge=0,
        le=MAX_REQUEST_RATINGS,
        description="Number of ratings to list; the effects of the others are summed up.",
    )
    model: ModelName = None


class ModelQuery(_StrictModel):
    """The model to use."""

    model: ModelName = None


class PersonQuery(_StrictModel):
    """How to identify a new person."""

    cookie: bool = Field(
        False, description="Set the token as a cookie, instead of returning it in the response."
    )


class ImportQuery(_StrictModel):
    """What to do with the rows of a file."""

    dry_run: bool = Field(False, description="Only report what would be stored.")
    include_doubtful: bool = Field(
        False, description="Also store rows whose film is likely but not certain."
    )


class StarsBody(_StrictModel):
    """A rating of the film in the address."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"stars": 4.5}]})

    stars: Stars


class RatingsBody(_StrictModel):
    """Several ratings."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"ratings": _EXAMPLE_RATINGS}]})

    ratings: list[OwnRating] = Field(min_length=1, max_length=MAX_REQUEST_RATINGS)


class NameBody(_StrictModel):
    """The name of a member in a group."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Ada"}]})

    name: str = Field(min_length=1, max_length=MAX_NAME_LENGTH, examples=["Ada"])

    @model_validator(mode="after")
    def _is_printable(self) -> Self:
        if not self.name.isprintable() or not self.name.strip():
            raise ValueError("use letters, digits and other printable characters")
        return self


class GroupBody(NameBody):
    """The name of a new group, and that of its first member."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "Ada", "group_name": "Friday films"}]}
    )

    group_name: str = Field("", max_length=MAX_NAME_LENGTH, examples=["Friday films"])

    @model_validator(mode="after")
    def _has_printable_name(self) -> Self:
        if not self.group_name.isprintable():
            raise ValueError("use letters, digits and other printable characters")
        return self


# -- responses ---------------------------------------------------------------------------


_DEVIATION = Field(
    None,
    description="Standard deviation of the person's rating around the prediction, in stars; null "
    "if the model does not estimate it.",
)
_UNKNOWN = Field(description="Ids of rated films that the model does not know; they are ignored.")
_MODEL = Field(description="Name of the model that was used.")
_VERSION = Field(description="Version of the model; it changes when the model is replaced.")


class Film(BaseModel):
    """A film with the number and mean of its ratings."""

    item_id: int | str = Field(examples=[1])
    title: str = Field(
        description="The title as the data writes it.", examples=["Matrix, The (1999)"]
    )
    display_title: str = Field(
        description="The title as people say it, with its year.", examples=["The Matrix (1999)"]
    )
    year: int | None = Field(examples=[1979])
    genres: list[str] = Field(examples=[["Horror", "Sci-Fi"]])
    n_ratings: int = Field(description="Number of ratings in the training data.")
    mean: float | None = Field(description="Mean rating in stars; null without ratings.")
    imdb: str = Field(
        "", description="Its id on IMDb; empty if it is not known.", examples=["tt0133093"]
    )
    tmdb: int | None = Field(
        None, description="Its id on TMDB; null if it is not known.", examples=[603]
    )
    tags: list[str] = Field(
        [],
        description="Tags that several people gave it, most frequent first.",
        examples=[["cyberpunk", "dystopia"]],
    )


class Films(BaseModel):
    """A page of films."""

    films: list[Film]
    total: int = Field(description="Number of films on all pages.")
    page: int
    page_size: int
    n_guesses: int = Field(
        description="Number of films, the last ones, whose titles do not match `q` and are only "
        "similar: all if none matches, otherwise at most 4 that are much better known."
    )
    is_guess: bool = Field(description="Whether no title matches, so that all are only similar.")


class Suggested(Film):
    """A film in a list of recommendations or similar films."""

    score: float = Field(
        description="What the list is sorted by, unless popularity or diversity re-rank it: a "
        "number without a unit, comparable only within one model and taste."
    )
    stars: float | None = Field(
        description="Predicted rating in stars; null if the model does not predict stars."
    )
    percentile: float | None = Field(
        None,
        description="Share of all films with a lower score, from 0 to 1; null in a list of similar "
        "films.",
    )
    deviation: float | None = _DEVIATION
    explanation: dict[str, Any] | None = Field(
        None, description="The same as from /explain; null if it was not requested."
    )


class ListAnswer(BaseModel):
    """A list of films, best first."""

    items: list[Suggested]
    note: str = Field(description="Why the list is shorter than requested; empty if it is not.")
    unknown: list[str] = _UNKNOWN
    model: str = _MODEL
    version: str = _VERSION


class ListAnswers(BaseModel):
    """The lists of several people, in the order of the request."""

    lists: list[ListAnswer]


class ImportedRow(BaseModel):
    """A row of a file whose film is known or likely."""

    row: int = Field(description="Number of the row as in a spreadsheet; the header is row 1.")
    text: str = Field(description="The title as the file writes it.")
    item_id: int | str
    title: str
    stars: float = Field(description="The rating on the model's scale.")
    doubt: str = Field(description="Why it may be another film; empty if the film is certain.")
    rated_at: int | None = Field(description="Time of the rating in Unix seconds, if known.")


class LeftOutRow(BaseModel):
    """A row of a file that gives no rating."""

    row: int
    text: str
    reason: str


class Imported(BaseModel):
    """What was found in a file, and how many of its ratings were stored."""

    source: str = Field(description="The site that wrote the file.", examples=["Letterboxd"])
    n_stored: int
    matched: list[ImportedRow]
    doubtful: list[ImportedRow]
    left_out: list[LeftOutRow]
    notes: list[str] = Field(description="What was converted or guessed, in sentences.")


class Prediction(BaseModel):
    """The predicted rating of one film."""

    item_id: int | str
    stars: float = Field(description="Predicted rating in stars.")
    deviation: float | None = _DEVIATION


class Predictions(BaseModel):
    """Predicted ratings, in the order of the film ids in the request."""

    predictions: list[Prediction]
    unknown: list[str] = _UNKNOWN
    model: str = _MODEL
    version: str = _VERSION


class Explained(BaseModel):
    """An explanation of a prediction, and of why a list holds the film. The values of `parts` add
    up to `stars`, or to `score` if the model does not predict stars."""

    item_id: int | str
    title: str
    stars: float | None = Field(
        description="Predicted rating in stars; null if the model does not predict stars."
    )
    deviation: float | None = _DEVIATION
    score: float = Field(
        description="What the parts add up to before clipping to the scale: the stars or, if the "
        "model does not predict stars, the score of the film."
    )
    parts: dict[str, float]
    reasons: list[dict[str, Any]]
    because: list[dict[str, Any]] = Field(
        description="Films that the person likes, by id and title, because of which the film is "
        "in their list; empty if the model cannot tell."
    )
    n_other_ratings: int
    n_ratings: int
    is_exact: bool
    sentence: str


class Person(BaseModel):
    """A new person and their token, which is not shown again."""

    person_id: str
    token: str | None = Field(
        description="For the header `Authorization: Bearer TOKEN`; null if the token is in the "
        "cookie."
    )


class KeptRating(BaseModel):
    """A stored rating."""

    item_id: int | str
    title: str
    stars: float
    rated_at: int = Field(description="Time of the rating in Unix seconds.")


class KeptRatings(BaseModel):
    """A person's ratings, latest first, and the ids of the films that they have hidden."""

    ratings: list[KeptRating]
    not_interested: list[int | str]


class MarkedFilm(BaseModel):
    """A film that a person has marked."""

    item_id: int | str
    title: str


class MarkedFilms(BaseModel):
    """The films on a person's watchlist, the one added last first."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"films": [{"item_id": 1, "title": "Alien (1979)"}]}]}
    )

    films: list[MarkedFilm]


class Problem(BaseModel):
    """A problem document (RFC 9457)."""

    type: str = Field(examples=["urn:matinee:unknown-film"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(description="What is wrong and what to do, in a sentence.")
    request_id: str = Field(description="The id of the request in the server's log.")
    errors: list[dict[str, str]] | None = Field(
        None, description="The invalid fields of the request, with a sentence for each."
    )
