"""What requests and answers look like; from these classes the OpenAPI document is made.

Requests are checked against them. Answers are not: they are written straight from plain values
(`problems.Answer`), and a test compares them with the document.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from matinee.recommendation.filters import Filters
from matinee.recommendation.reranking import Dials
from matinee.web.db.schema import LONGEST_ITEM_ID, LONGEST_NAME
from matinee.web.settings import MOST_ITEMS, MOST_K, MOST_OWN_RATINGS, MOST_TEXT

ItemId = Annotated[
    int | Annotated[str, Field(max_length=LONGEST_ITEM_ID)],
    Field(
        description="The id of a film, as in the training data.",
        examples=[1],
        union_mode="left_to_right",
    ),
]
Stars = Annotated[
    float, Field(allow_inf_nan=False, description="Within the model's scale.", examples=[4.5])
]
Year = Annotated[int, Field(ge=1, le=9999)]
Genre = Annotated[str, Field(max_length=MOST_TEXT)]
ModelName = Annotated[
    str | None,
    Field(max_length=MOST_TEXT, description="Which of the served models; the first if none."),
]

_RATINGS: list[JsonValue] = [{"item_id": 1, "stars": 4.5}, {"item_id": 2, "stars": 2}]
"""Of the examples."""


class _Asked(BaseModel):
    """A part of a request: a misspelt field is an error and not ignored."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class _Filtered(_Asked):
    genre: list[Genre] = Field(
        [], max_length=30, description="At least one of these.", examples=[["Sci-Fi"]]
    )
    not_genre: list[Genre] = Field(
        [], max_length=30, description="None of these.", examples=[["Horror"]]
    )
    year_from: Year | None = Field(None, examples=[1970])
    year_to: Year | None = None
    min_ratings: int = Field(
        0, ge=0, le=10**9, description="Leave out films with fewer ratings.", examples=[20]
    )
    model: ModelName = None

    def filters(self) -> Filters:
        """For `Guide.recommend`."""
        return Filters(
            tuple(self.genre),
            tuple(self.not_genre),
            (self.year_from, self.year_to),
            self.min_ratings,
        )


class FilmQuery(_Filtered):
    """Which films, in which order, and which page of them."""

    q: str = Field(
        "",
        max_length=MOST_TEXT,
        description="Words of the title, or how they begin.",
        examples=["godf"],
    )
    order: Literal["popular", "best", "title", "newest", "oldest"] = "popular"
    page: int = Field(1, ge=1, le=100_000)
    page_size: int = Field(20, ge=1, le=MOST_ITEMS)


class SimilarQuery(_Asked):
    """How many similar films, and how many ratings they need."""

    k: int = Field(10, ge=1, le=MOST_K)
    min_ratings: int | None = Field(
        None, ge=0, le=10**9, description="Leave out rarer films; by default those with few."
    )
    model: ModelName = None


class Wish(_Filtered):
    """What a list should be like."""

    k: int = Field(10, ge=1, le=MOST_K, description="Length of the list.", examples=[20])
    popularity: float = Field(0.0, ge=-1, le=1, description="-1: obscure films; 1: popular ones.")
    diversity: float = Field(
        0.0, ge=0, le=1, description="0: the best as they are; 1: as varied as can be."
    )
    include_rated: bool = Field(False, description="Keep films that are rated already.")
    explain: bool = Field(
        False, description="Say of each film which ratings made its prediction; takes longer."
    )

    def dials(self) -> Dials:
        """For `Guide.recommend`."""
        return Dials(self.popularity, self.diversity)


class OwnRating(_Asked):
    """One rating of a person."""

    item_id: ItemId
    stars: Stars


class _WithRatings(_Asked):
    ratings: list[OwnRating] = Field(
        [],
        max_length=MOST_OWN_RATINGS,
        description="Of one person; of two for the same film the last one counts.",
        examples=[_RATINGS],
    )

    def stars(self) -> dict[int | str, float]:
        """{item id: stars}."""
        return {one.item_id: one.stars for one in self.ratings}


class RecommendRequest(_WithRatings, Wish):
    """A person's ratings, and what the list should be like."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"ratings": _RATINGS, "k": 5, "min_ratings": 20}]}
    )

    not_interested: list[ItemId] = Field(
        [], max_length=MOST_OWN_RATINGS, description="Films to leave out."
    )


class PredictRequest(_WithRatings):
    """A person's ratings, and the films to predict."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"ratings": _RATINGS, "item_ids": [3, 4]}]}
    )

    item_ids: list[ItemId] = Field(min_length=1, max_length=MOST_ITEMS, examples=[[3, 4]])
    model: ModelName = None


class ExplainRequest(_WithRatings):
    """A person's ratings, and the film whose prediction is to be explained."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"ratings": _RATINGS, "item_id": 3, "reasons": 2}]}
    )

    item_id: ItemId
    reasons: int = Field(
        5,
        ge=0,
        le=MOST_OWN_RATINGS,
        description="So many ratings are named; the others are one sum.",
    )
    model: ModelName = None


class ExplainQuery(_Asked):
    """How many ratings an explanation names."""

    reasons: int = Field(5, ge=0, le=MOST_OWN_RATINGS)
    model: ModelName = None


class ModelQuery(_Asked):
    """Which of the served models."""

    model: ModelName = None


class PersonQuery(_Asked):
    """How a new person is to be recognised."""

    cookie: bool = Field(
        False, description="In a cookie, as pages need it, instead of a token in the answer."
    )


class StarsBody(_Asked):
    """A rating of the film in the address."""

    stars: Stars


class RatingsBody(_Asked):
    """Several ratings at once, such as from a file."""

    ratings: list[OwnRating] = Field(min_length=1, max_length=MOST_OWN_RATINGS)


class NameBody(_Asked):
    """The name of a member in a group."""

    name: str = Field(min_length=1, max_length=LONGEST_NAME, examples=["Ada"])

    @model_validator(mode="after")
    def _is_printable(self) -> Self:
        if not self.name.isprintable() or not self.name.strip():
            raise ValueError("a name is made of letters, digits and signs")
        return self


# -- answers -----------------------------------------------------------------------------


_DEVIATION = Field(
    None,
    description="How far, in stars, the rating would be from it; null if the model cannot tell.",
)


class Film(BaseModel):
    """A film and what people gave it."""

    item_id: int | str = Field(examples=[1])
    title: str = Field(examples=["Alien (1979)"])
    year: int | None = Field(examples=[1979])
    genres: list[str] = Field(examples=[["Horror", "Sci-Fi"]])
    n_ratings: int
    mean: float | None = Field(description="None without ratings.")


class Films(BaseModel):
    """A page of films."""

    films: list[Film]
    total: int = Field(description="On all pages.")
    page: int
    page_size: int
    is_guess: bool = Field(description="No title holds the words; these resemble them.")


class Suggested(Film):
    """A film of a list."""

    score: float = Field(description="What the list is sorted by; comparable only within a model.")
    stars: float | None = Field(description="Predicted; null if the model only ranks.")
    deviation: float | None = _DEVIATION
    explanation: dict[str, Any] | None = Field(
        None, description="As of /explain; if it was asked for."
    )


class ListAnswer(BaseModel):
    """A list, best first."""

    items: list[Suggested]
    note: str = Field(description="Says why the list is short, if it is.")
    unknown: list[str] = Field(
        description="Rated items that the model does not know; they do not count."
    )
    model: str
    version: str = Field(description="Changes when the model does.")


class Prediction(BaseModel):
    """Stars of one film."""

    item_id: int | str
    stars: float
    deviation: float | None = _DEVIATION


class Predictions(BaseModel):
    """In the order in which they were asked for."""

    predictions: list[Prediction]
    unknown: list[str]
    model: str
    version: str


class Explained(BaseModel):
    """What a prediction is made of; the values of `parts` add up to `stars`, or to `score`
    where there are none."""

    item_id: int | str
    title: str
    stars: float | None
    deviation: float | None = _DEVIATION
    score: float
    parts: dict[str, float]
    reasons: list[dict[str, Any]]
    n_other_ratings: int
    n_ratings: int
    is_exact: bool
    sentence: str


class Person(BaseModel):
    """A person; the token is shown this once."""

    person_id: str
    token: str | None = Field(
        description="For the header `Authorization: Bearer ...`; null if it is in the cookie."
    )


class KeptRating(BaseModel):
    """A rating that is kept."""

    item_id: int | str
    title: str
    stars: float
    rated_at: int = Field(description="Seconds since 1970.")


class KeptRatings(BaseModel):
    """All ratings of a person, the last one first, and what they are not interested in."""

    ratings: list[KeptRating]
    not_interested: list[int | str]


class Problem(BaseModel):
    """A problem document (RFC 9457)."""

    type: str = Field(examples=["urn:matinee:unknown-film"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(description="One sentence: what is wrong, and what to do.")
    request_id: str
    errors: list[dict[str, str]] | None = Field(None, description="Each wrong field of a request.")
