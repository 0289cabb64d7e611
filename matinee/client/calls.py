"""The requests of the API: what is sent, and how the answer becomes a typed value.

`Client` and `AsyncClient` send the same calls.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypedDict, TypeVar
from urllib.parse import quote

from matinee.client.answers import (
    Explanation,
    Film,
    FilmId,
    FilmPage,
    Group,
    Imported,
    ListAnswer,
    MarkedFilm,
    Model,
    Person,
    Predicted,
    RatedFilms,
)
from matinee.errors import ApiError

Answer = TypeVar("Answer")
Stars = Mapping[FilmId, float] | Mapping[int, float] | Mapping[str, float]
"""Ratings: film id -> stars."""

RETRYABLE = (429, 503)


class Filters(TypedDict, total=False):
    """Which films a list may have, and the name of the model to use."""

    genre: Sequence[str]
    not_genre: Sequence[str]
    year_from: int
    year_to: int
    min_ratings: int
    model: str


class ListOptions(Filters, total=False):
    """Options of a list; see the API reference."""

    k: int
    popularity: float
    diversity: float
    taste: float
    include_rated: bool
    explain: bool


class GroupOptions(TypedDict, total=False):
    """Options of a group's list; `how` is mean or least-misery."""

    k: int
    how: str
    genre: Sequence[str]
    model: str


class Profile(NamedTuple):
    """A person whose ratings are sent along, and the films that they do not want."""

    ratings: Stars
    not_interested: Sequence[FilmId] = ()


@dataclass(frozen=True)
class Call(Generic[Answer]):
    """A request, and the function that makes its answer from JSON."""

    method: str
    path: str
    read: Callable[[Any], Answer]
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    file: tuple[str, bytes] | None = None

    def arguments(self) -> dict[str, Any]:
        """The arguments of a request of httpx."""
        given: dict[str, Any] = {"params": dict(self.query)}
        if self.body is not None:
            given["json"] = self.body
        if self.file is not None:
            given["files"] = {"file": self.file}
        return given


def problem_of(status: int, content: Mapping[str, Any]) -> ApiError:
    """The exception for an answer that is no success."""
    kind = str(content.get("type", "")).removeprefix("urn:matinee:")
    detail = str(content.get("detail") or f"The server answered with status {status}.")
    return ApiError(detail, status=status, kind=kind, request_id=content.get("request_id", ""))


def _nothing(_: object) -> None:
    return None


def _plain(values: Any) -> Any:
    return values


def _rows(stars: Stars) -> list[dict[str, Any]]:
    return [{"item_id": item_id, "stars": value} for item_id, value in stars.items()]


def _person(profile: Profile) -> dict[str, Any]:
    return {"ratings": _rows(profile.ratings), "not_interested": list(profile.not_interested)}


def _address(item_id: FilmId) -> str:
    """An id as a part of a path. Encoded twice if clients or proxies could change it."""
    text = str(item_id)
    if text.strip(".") == "":
        return text.replace(".", "%252E")
    once = quote(text, safe="")
    return quote(once, safe="") if "/" in text or "\\" in text else once


# -- films -------------------------------------------------------------------------------


def find_films(q: str, order: str, page: int, page_size: int, filters: Filters) -> Call[FilmPage]:
    """Films by words of their titles."""
    query = {"q": q, "order": order, "page": page, "page_size": page_size, **filters}
    return Call("GET", "/films", FilmPage.of, query)


def film(item_id: FilmId) -> Call[Film]:
    """One film."""
    return Call("GET", f"/films/{_address(item_id)}", Film.of)


def similar(item_id: FilmId, k: int) -> Call[ListAnswer]:
    """The films most like one."""
    return Call("GET", f"/films/{_address(item_id)}/similar", ListAnswer.of, {"k": k})


def genres() -> Call[list[str]]:
    """All genres."""
    return Call("GET", "/genres", list)


def models() -> Call[list[Model]]:
    """The models of the server."""
    return Call("GET", "/models", lambda values: [Model.of(one) for one in values])


# -- ratings in the request --------------------------------------------------------------


def recommend(profile: Profile, options: ListOptions) -> Call[ListAnswer]:
    """A list for ratings in the request."""
    return Call("POST", "/recommend", ListAnswer.of, body={**_person(profile), **options})


def recommend_each(people: Sequence[Profile], options: ListOptions) -> Call[list[ListAnswer]]:
    """Lists for several people."""

    def read(values: Any) -> list[ListAnswer]:
        return [ListAnswer.of(one) for one in values["lists"]]

    body = {"people": [_person(one) for one in people], **options}
    return Call("POST", "/recommend/batch", read, body=body)


def predict(stars: Stars, item_ids: Sequence[FilmId]) -> Call[list[Predicted]]:
    """Predicted stars, in the order of the films."""

    def read(values: Any) -> list[Predicted]:
        return [Predicted.of(one) for one in values["predictions"]]

    body = {"ratings": _rows(stars), "item_ids": list(item_ids)}
    return Call("POST", "/predict", read, body=body)


def explain(stars: Stars, item_id: FilmId, reasons: int) -> Call[Explanation]:
    """Why a prediction is what it is."""
    body = {"ratings": _rows(stars), "item_id": item_id, "reasons": reasons}
    return Call("POST", "/explain", Explanation.of, body=body)


# -- a person whose ratings the server keeps ---------------------------------------------


def create_person() -> Call[Person]:
    """A new person."""
    return Call("POST", "/people", Person.of)


def my_ratings() -> Call[RatedFilms]:
    """The stored ratings."""
    return Call("GET", "/me/ratings", RatedFilms.of)


def rate(stars: Stars) -> Call[None]:
    """Stores ratings, all or none."""
    return Call("POST", "/me/ratings", _nothing, body={"ratings": _rows(stars)})


def unrate(item_id: FilmId) -> Call[None]:
    """Deletes a rating."""
    return Call("DELETE", f"/me/ratings/{_address(item_id)}", _nothing)


def hide(item_id: FilmId) -> Call[None]:
    """Hides a film from the lists."""
    return Call("PUT", f"/me/not-interested/{_address(item_id)}", _nothing)


def show(item_id: FilmId) -> Call[None]:
    """Allows a hidden film again."""
    return Call("DELETE", f"/me/not-interested/{_address(item_id)}", _nothing)


def watchlist() -> Call[list[MarkedFilm]]:
    """The films to watch."""

    def read(values: Any) -> list[MarkedFilm]:
        return [MarkedFilm.of(one) for one in values["films"]]

    return Call("GET", "/me/watchlist", read)


def watch(item_id: FilmId) -> Call[None]:
    """Adds a film to the watchlist."""
    return Call("PUT", f"/me/watchlist/{_address(item_id)}", _nothing)


def unwatch(item_id: FilmId) -> Call[None]:
    """Removes a film from the watchlist."""
    return Call("DELETE", f"/me/watchlist/{_address(item_id)}", _nothing)


def mark_not_seen(item_id: FilmId) -> Call[None]:
    """Remembers that the person has not seen a film."""
    return Call("PUT", f"/me/not-seen/{_address(item_id)}", _nothing)


def unmark_not_seen(item_id: FilmId) -> Call[None]:
    """Forgets that the person has not seen a film."""
    return Call("DELETE", f"/me/not-seen/{_address(item_id)}", _nothing)


def import_file(path: Path, *, dry_run: bool, include_doubtful: bool) -> Call[Imported]:
    """Imports a file of another site."""
    query = {"dry_run": dry_run, "include_doubtful": include_doubtful}
    file = (path.name, path.read_bytes())
    return Call("POST", "/me/import", Imported.of, query, file=file)


def my_groups() -> Call[list[Group]]:
    """The groups that the person is in."""

    def read(values: Any) -> list[Group]:
        return [Group.of(one) for one in values["groups"]]

    return Call("GET", "/me/groups", read)


def create_group(name: str, group_name: str) -> Call[Group]:
    """A new group."""
    body = {"name": name, "group_name": group_name}
    return Call("POST", "/me/groups", Group.of, body=body)


def group(key: str) -> Call[Group]:
    """One group."""
    return Call("GET", f"/me/groups/{_address(key)}", Group.of)


def join_group(key: str, name: str) -> Call[Group]:
    """Joins a group, or changes the name in it."""
    return Call("PUT", f"/me/groups/{_address(key)}", Group.of, body={"name": name})


def leave_group(key: str) -> Call[None]:
    """Leaves a group."""
    return Call("DELETE", f"/me/groups/{_address(key)}", _nothing)


def group_recommendations(key: str, options: GroupOptions) -> Call[ListAnswer]:
    """A list for all members of a group."""
    return Call("GET", f"/me/groups/{_address(key)}/recommendations", ListAnswer.of, options)


def my_recommendations(options: ListOptions) -> Call[ListAnswer]:
    """A list from the stored ratings."""
    return Call("GET", "/me/recommendations", ListAnswer.of, options)


def my_explanation(item_id: FilmId, reasons: int) -> Call[Explanation]:
    """Why the prediction from the stored ratings is what it is."""
    path = f"/me/films/{_address(item_id)}/explanation"
    return Call("GET", path, Explanation.of, {"reasons": reasons})


def my_taste() -> Call[dict[str, Any]]:
    """The genres and decades that the person likes more than others do."""
    return Call("GET", "/me/taste", _plain)


def export() -> Call[dict[str, Any]]:
    """All stored data of the person."""
    return Call("GET", "/me/export", _plain)


def delete_me() -> Call[None]:
    """Deletes the person and all their data."""
    return Call("DELETE", "/me", _nothing)
