"""The person who looks at a page: their data, how the model sees them, and how forms are
read."""

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
from matinee.web.api.dependencies import ServerState
from matinee.web.api.schemas import ListOptions
from matinee.web.db.people import PersonData
from matinee.web.db.schema import MAX_ITEM_ID_LENGTH
from matinee.web.http.problems import Problem
from matinee.web.http.security import set_person_cookie
from matinee.web.pages.film_cards import FilmCard, FilmCardsCache

MAX_FILMS_IN_FORM = 500

FilmId = Annotated[str, Field(max_length=MAX_ITEM_ID_LENGTH)]
FilmIds = Annotated[list[FilmId], Field(max_length=MAX_FILMS_IN_FORM)]
Query = TypeVar("Query", bound=BaseModel)


class RatingContext(TypedDict):
    """What every template with forms for ratings needs."""

    scale: Scale
    n_rated: int


class FilmList(NamedTuple):
    """A list of recommended films, and a sentence if there is something to say about it."""

    films: list[FilmCard]
    note: str


class Visitor:
    """The person who looks at a page, as one model sees them."""

    def __init__(self, request: Request, person: str | None, model: str | None = None) -> None:
        """Reads the person's data; raises Problem, 404, if there is no such model.

        Args:
            person: their id; None for a person without any data.
        """
        serving: ServerState = request.app.state.server
        cache: FilmCardsCache = request.app.state.film_cards
        self.snapshot = serving.models.snapshot(model)
        self.cards = cache.of(self.snapshot)
        self.data = kept_of(serving, person)
        stars = self.data.stars()
        self.own = self.snapshot.indices(stars)
        """Item index -> stars, latest rating first."""
        self.hidden = list(self.snapshot.indices(dict.fromkeys(self.data.not_interested, 0.0)))
        self.model = self.snapshot.guide.model
        self.profile = self.snapshot.run(self._profile, stars)

    def _profile(self, stars: dict[str, float]) -> UserState:
        return self.snapshot.fold_in(stars, strict=False).profile

    @property
    def scale(self) -> Scale:
        """The scale of the model's ratings."""
        return self.model.scale_

    def recommend(self, k: int, options: ListOptions | None = None) -> FilmList:
        """The k best films that match the options, with predictions and reasons."""
        return self.snapshot.run(self._recommend, k, options or ListOptions.model_validate({}))

    def _recommend(self, k: int, options: ListOptions) -> FilmList:
        suggestions = self.snapshot.guide.recommend(
            self.profile,
            k,
            options.filters(),
            dials=options.dials(),
            exclude=self.snapshot.known_ids(self.data.not_interested),
        )
        indices = [self.snapshot.index_of(item.item_id) for item in suggestions.items]
        scores = self.model.scores(self.profile)
        films = self.cards.predicted(self.profile, indices, scores, self.own)
        return FilmList(films, suggestions.note)


def kept_of(serving: ServerState, person: str | None) -> PersonData:
    """A person's data; empty for a visitor without any."""
    if person is None:
        return PersonData([], [])
    return serving.store.load_person(person)


@dataclass(frozen=True)
class Writer:
    """The person whose data a form changes; `token` is set if they were created for it."""

    id: str
    token: str | None = None

    def remember(self, request: Request, response: Response) -> Response:
        """The response, with a cookie for a new person."""
        if self.token is not None:
            set_person_cookie(request, response, self.token)
        return response


@contextmanager
def person_or_newcomer(request: Request, person: str | None) -> Iterator[Writer]:
    """The person, or a new one, who is deleted again if the block fails.

    Raises:
        Problem: 429, too many new people from one address.
    """
    if person is not None:
        yield Writer(person)
        return
    serving: ServerState = request.app.state.server
    request.state.check_new_people_limit()
    created = serving.store.create_person()
    try:
        yield Writer(created.id, created.token)
    except Exception:
        serving.store.delete_person(created.id)
        raise


def read_query(kind: type[Query], params: QueryParams, **defaults: str) -> Query:
    """A query as a form sends it; empty fields do not count.

    Args:
        defaults: values of fields that the query does not hold.

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
        first = error.errors()[0]
        where, what = ".".join(map(str, first["loc"])), str(first["msg"])
        raise Problem(422, "invalid-request", f"{where}: {what[:1].lower()}{what[1:]}") from None
