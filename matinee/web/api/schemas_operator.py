"""Pydantic models of the operator's requests and responses; see `schemas`."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from matinee.web.api.operator_views import FilmSort, Window
from matinee.web.api.schemas import ModelName
from matinee.web.db.overview import PeopleSort
from matinee.web.settings import MAX_ITEMS, MAX_TEXT_LENGTH

_NOW = 1_790_000_040
_HEX = "0f3a9c51d2e84b7796a1c0de5f428b13"
_FILM: dict[str, Any] = {
    "item_id": 1,
    "title": "Matrix, The (1999)",
    "display_title": "The Matrix (1999)",
    "year": 1999,
    "genres": ["Action", "Sci-Fi"],
    "n_ratings": 278,
    "mean": 4.19,
    "n_ratings_here": 12,
    "mean_here": 4.4,
    "n_hidden": 0,
    "n_watchlists": 3,
}
_JOB: dict[str, Any] = {
    "id": _HEX,
    "model": "films",
    "state": "running",
    "started_at": _NOW,
    "finished_at": None,
    "progress": 0.42,
    "message": "Training.",
    "seconds": 13,
}


def _example(value: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [value]})


class _OperatorQuery(BaseModel):
    """The base class of the operator's requests: unknown fields are errors."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class TrafficQuery(_OperatorQuery):
    """The time to look at."""

    window: Window = Field("day", description="How far back, from now.", examples=["hour"])


class _PagedQuery(_OperatorQuery):
    page: int = Field(1, ge=1, le=100_000, description="Number of the page; the first is 1.")
    page_size: int = Field(50, ge=1, le=MAX_ITEMS, description="Number of lines per page.")


class PeopleQuery(_PagedQuery):
    """Which people, and in which order."""

    q: str = Field("", max_length=32, description="The beginning of an id.", examples=["0f3a"])
    sort: PeopleSort = Field(
        "active",
        description="Last active, newest, oldest, or most ratings first.",
        examples=["ratings"],
    )


class FilmTableQuery(_PagedQuery):
    """Which films, and in which order."""

    q: str = Field("", max_length=MAX_TEXT_LENGTH, description="A title.", examples=["matrix"])
    sort: FilmSort = Field(
        "best match",
        description="Most ratings in the model (model) or here (here), highest mean here (mean), "
        "on most watchlists, hidden by most people, or by title.",
        examples=["here"],
    )
    model: ModelName = None


class ModelOnlyQuery(_OperatorQuery):
    """The model whose films count as known."""

    model: ModelName = None


class ComparisonQuery(_OperatorQuery):
    """The models to compare; by default, the first two."""

    left: ModelName = None
    right: ModelName = None


class TrainingBody(_OperatorQuery):
    """What to retrain."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"model": "films"}]})

    model: ModelName = None


class PeriodOfTraffic(BaseModel):
    """The traffic of one period, over all processes."""

    starts_at: int = Field(description="Unix seconds.")
    requests: int
    refusals: int = Field(description="Responses with a status of 4xx.")
    errors: int = Field(description="Responses with a status of 5xx.")
    lists: int = Field(description="Lists of recommendations.")
    ratings: int = Field(description="Ratings stored.")
    people: int = Field(description="People created.")
    median_ms: float | None = Field(
        description="Half of the requests took at most this long, interpolated within narrow "
        "buckets; null without requests, or above ten seconds."
    )
    p99_ms: float | None = Field(description="The same for 99 of 100 requests.")


class TrafficOverTime(BaseModel):
    """The traffic over time, oldest period first."""

    model_config = _example(
        {
            "window": "hour",
            "seconds": 60,
            "periods": [
                {
                    "starts_at": _NOW,
                    "requests": 31,
                    "refusals": 0,
                    "errors": 0,
                    "lists": 9,
                    "ratings": 12,
                    "people": 1,
                    "median_ms": 4.2,
                    "p99_ms": 31.5,
                }
            ],
        }
    )

    window: Window
    seconds: int = Field(description="Length of a period.")
    periods: list[PeriodOfTraffic]


class TrafficOfRoute(BaseModel):
    """The traffic of one route since the server started, over all processes."""

    route: str = Field(description='The pattern of the address, or "other" for unknown ones.')
    requests: int
    refusals: int
    errors: int
    mean_ms: float
    median_ms: float | None
    p99_ms: float | None


class TrafficOfRoutes(BaseModel):
    """The traffic of all routes, busiest first, unknown addresses last."""

    model_config = _example(
        {
            "in_flight": 1,
            "routes": [
                {
                    "route": "/api/v1/recommend",
                    "requests": 120,
                    "refusals": 1,
                    "errors": 0,
                    "mean_ms": 4.1,
                    "median_ms": 3.4,
                    "p99_ms": 17.9,
                }
            ],
        }
    )

    in_flight: int = Field(description="Requests in progress.")
    routes: list[TrafficOfRoute]


class ListedPerson(BaseModel):
    """A person; times are in Unix seconds."""

    person_id: str
    created_at: int
    active_at: int = Field(description="When they last rated or marked a film.")
    n_ratings: int


class ListedPeople(BaseModel):
    """A page of people."""

    model_config = _example(
        {
            "people": [
                {"person_id": _HEX, "created_at": _NOW, "active_at": _NOW + 60, "n_ratings": 12}
            ],
            "total": 1,
            "page": 1,
            "page_size": 50,
        }
    )

    people: list[ListedPerson]
    total: int = Field(description="Number of people on all pages.")
    page: int
    page_size: int


class HereCounts(BaseModel):
    """What the people here said about a film."""

    n_ratings_here: int
    mean_here: float | None = Field(description="Mean stars; null without ratings here.")
    n_hidden: int = Field(description="People who are not interested in it.")
    n_watchlists: int = Field(description="People who want to watch it.")


class FilmHere(HereCounts):
    """A film of the model, and what the people here said about it."""

    item_id: int | str
    title: str
    display_title: str
    year: int | None
    genres: list[str]
    n_ratings: int = Field(description="Number of ratings in the training data.")
    mean: float | None


class ListedFilms(BaseModel):
    """A page of films."""

    model_config = _example(
        {"films": [_FILM], "total": 1, "n_guesses": 0, "page": 1, "page_size": 50}
    )

    films: list[FilmHere]
    total: int = Field(description="Number of films on all pages.")
    n_guesses: int = Field(description="The last ones, whose titles only resemble `q`.")
    page: int
    page_size: int


class UnknownHere(HereCounts):
    """A film that people rated or marked and the model does not know."""

    item_id: str
    title: str = Field(description="Empty if unknown.")


class UnknownFilms(BaseModel):
    """All such films, the most rated first."""

    model_config = _example(
        {
            "films": [
                {
                    "item_id": "99",
                    "title": "Metropolis (1927)",
                    "n_ratings_here": 2,
                    "mean_here": 4.5,
                    "n_hidden": 0,
                    "n_watchlists": 1,
                }
            ]
        }
    )

    films: list[UnknownHere]


class AccuracyOfModel(BaseModel):
    """How well a model predicts the last rating of people here from their earlier ones."""

    model: str
    n_people: int
    rmse: float | None = Field(description="In stars; null with too few people.")
    rmse_means: float | None = Field(description="The RMSE of the films' mean ratings.")


class AccuracyOfModels(BaseModel):
    """The accuracy of all models."""

    model_config = _example(
        {"models": [{"model": "films", "n_people": 40, "rmse": 0.86, "rmse_means": 0.95}]}
    )

    models: list[AccuracyOfModel]


class SharedLists(BaseModel):
    """How many films two models' lists share, on average over people here."""

    model_config = _example(
        {"left": "mf", "right": "bayes", "list_length": 15, "n_people": 30, "mean_shared": 8.4}
    )

    left: str
    right: str
    list_length: int
    n_people: int
    mean_shared: float | None = Field(description="Null without people.")


class Training(BaseModel):
    """A training; times are in Unix seconds."""

    model_config = _example(_JOB)

    id: str
    model: str
    state: Literal["running", "done", "failed", "canceled"]
    started_at: int
    finished_at: int | None
    progress: float = Field(description="Share that is done, 0 to 1.")
    message: str = Field(description="What came of it, or what it is doing, in a sentence.")
    seconds: int = Field(description="How long it has taken.")


class Trainings(BaseModel):
    """The latest trainings, the newest first."""

    model_config = _example({"is_enabled": True, "data": ["ml-latest-small"], "jobs": [_JOB]})

    is_enabled: bool = Field(description="Whether the server was started with --retrain.")
    data: list[str] = Field(description="What the models are trained on.")
    jobs: list[Training]
