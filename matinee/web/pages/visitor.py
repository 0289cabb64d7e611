"""The visitor of a page: their data and model profile, new people, and reading of queries."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, NamedTuple, TypedDict, TypeVar

from fastapi import Request
from fastapi.responses import Response
from pydantic import BaseModel, Field, ValidationError
from starlette.datastructures import QueryParams

from matinee.data.ratings import Scale
from matinee.models.base import UserState
from matinee.models.interface import Ranking
from matinee.web.api.dependencies import ServerState
from matinee.web.api.schemas import ListOptions
from matinee.web.db.people import PersonData
from matinee.web.db.schema import MAX_ITEM_ID_LENGTH
from matinee.web.http.client_limits import client_limits
from matinee.web.http.cookie_check import COOKIE, check_cookies, forget_check
from matinee.web.http.problems import Problem
from matinee.web.http.security import set_person_cookie
from matinee.web.pages.film_cards import FilmCard, FilmCardsCache

MAX_FILMS_IN_FORM = 500

_FIELD_NAMES = {
    "k": "The length of the list",
    "q": "The search text",
    "page": "The page number",
    "sort": "The order",
    "stars": "The number of stars",
    "genre": "A genre to include",
    "not_genre": "A genre to exclude",
    "year_from": "The first year",
    "year_to": "The last year",
    "min_ratings": "The number of ratings",
    "diversity": "The variety",
}
"""Field of a query -> its name in sentences."""
_RULES = {
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_parsing": "must be a number",
    "finite_number": "must be a number",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than_equal": "must be at most {le:,.10g}",
    "string_too_long": "must not be longer than {max_length} characters",
    "too_long": "must not be given more than {max_length} times",
}
"""Type of a Pydantic error -> what the sentence says."""

FilmId = Annotated[str, Field(max_length=MAX_ITEM_ID_LENGTH)]
FilmIds = Annotated[list[FilmId], Field(max_length=MAX_FILMS_IN_FORM)]
Query = TypeVar("Query", bound=BaseModel)


class RatingContext(TypedDict):
    """Values of every template with rating forms."""

    scale: Scale
    n_rated: int


class FilmList(NamedTuple):
    """Recommended films, and a sentence that says why they are few, if they are."""

    films: list[FilmCard]
    note: str


class Visitor:
    """The visitor's data and their profile in one model."""

    def __init__(self, request: Request, person: str | None, model: str | None = None) -> None:
        """Reads the person's data.

        Args:
            person: their id; None for a visitor without any data.
            model: name of a served model; None for the first one.

        Raises:
            Problem: 404, there is no such model.
        """
        serving: ServerState = request.app.state.server
        cache: FilmCardsCache = request.app.state.film_cards
        self.snapshot = serving.models.snapshot(model)
        self.cards = cache.of(self.snapshot)
        self.data = person_data(serving, person)
        request.state.watchlist = frozenset(self.data.watchlist)
        stars = self.data.stars()
        self.ratings = self.snapshot.indices(stars)
        """Item index -> stars, latest rating first."""
        self.hidden = list(self.snapshot.indices(dict.fromkeys(self.data.not_interested, 0.0)))
        self.not_seen = list(self.snapshot.indices(dict.fromkeys(self.data.not_seen, 0.0)))
        self.model = self.snapshot.guide.model
        self.profile = self.snapshot.run(self._profile, stars)
        self._rankings: dict[float | None, Ranking] = {}

    def _profile(self, stars: dict[str, float]) -> UserState:
        return self.snapshot.fold_in(stars, strict=False).profile

    @property
    def scale(self) -> Scale:
        """The scale of the model's ratings."""
        return self.model.scale_

    def ranking(self, taste: float | None = None) -> Ranking:
        """What the model says about all items for the person."""
        if taste not in self._rankings:
            self._rankings[taste] = self.model.ranking(self.profile, taste)
        return self._rankings[taste]

    def recommend(self, k: int, options: ListOptions | None = None) -> FilmList:
        """The k best films that match the options, with predictions and reasons."""
        return self.snapshot.run(self._recommend, k, options or ListOptions.model_validate({}))

    def _recommend(self, k: int, options: ListOptions) -> FilmList:
        ranking = self.ranking(options.taste)
        suggestions = self.snapshot.guide.recommend(
            self.profile,
            k,
            options.filters(),
            dials=options.dials(),
            exclude=self.snapshot.known_ids(self.data.not_interested),
            ranking=ranking,
        )
        indices = [self.snapshot.index_of(item.item_id) for item in suggestions.items]
        films = self.cards.predicted(self.profile, indices, ranking, self.ratings, is_list=True)
        return FilmList(films, suggestions.note)


def person_data(serving: ServerState, person: str | None) -> PersonData:
    """A person's data; empty for a visitor without any."""
    if person is None:
        return PersonData([], [])
    return serving.store.load_person(person)


@dataclass(frozen=True)
class PersonSession:
    """The person whose data a request changes; `token` is set only for a new person."""

    id: str
    token: str | None = None

    def set_cookie(self, request: Request, response: Response) -> Response:
        """Adds the cookie of a new person to the response; returns the response."""
        if self.token is not None:
            set_person_cookie(request, response, self.token)
            if COOKIE in request.cookies:
                forget_check(response)
        return response


@contextmanager
def ensure_person(request: Request, person: str | None) -> Iterator[PersonSession]:
    """Creates a person if the visitor is none yet; deletes them again if the block fails.

    Raises:
        Problem: 307, to see whether the browser keeps cookies; 403, it does not; 429, too many
            new people from one address.
    """
    if person is not None:
        yield PersonSession(person)
        return
    check_cookies(request)
    serving: ServerState = request.app.state.server
    client_limits(request).check_new_people()
    created = serving.store.create_person()
    try:
        yield PersonSession(created.id, created.token)
    except Exception:
        serving.store.delete_person(created.id)
        raise


def read_query(kind: type[Query], params: QueryParams, **defaults: str) -> Query:
    """Validates the query of a form, without its empty fields.

    Args:
        defaults: values of fields that the query does not contain.

    Raises:
        Problem: 422, a value is invalid.
    """
    values: dict[str, str | list[str]] = dict(defaults)
    for name, field in kind.model_fields.items():
        texts = [text for text in params.getlist(name) if text]
        if not texts:
            continue
        if str(field.annotation).startswith("list"):
            values[name] = texts
        else:
            values[name] = texts[-1]
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise Problem(422, "invalid-request", _sentence_about(error)) from None


def _sentence_about(error: ValidationError) -> str:
    """The first validation error in words, such as "The first year must be a whole number."."""
    first = error.errors()[0]
    name = "".join(str(part) for part in first["loc"][:1])
    rule = _RULES.get(first["type"], "is not valid").format(**first.get("ctx", {}))
    return f"{_FIELD_NAMES.get(name, f'The {name}')} {rule}."
