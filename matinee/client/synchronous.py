"""The synchronous client; `AsyncClient` has the same methods."""

import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, Unpack

import httpx

from matinee.client import calls
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
from matinee.client.calls import Answer, Call, Filters, GroupOptions, ListOptions, Profile, Stars
from matinee.client.connection import Connection


class Client(Connection):
    """A connection to a server; see `Connection` for its arguments."""

    def __init__(
        self, url: str, token: str = "", *, seconds: float = 30.0, retries: int = 2
    ) -> None:
        super().__init__(url, token, retries=retries)
        self._http = httpx.Client(base_url=self.api, headers=self.headers, timeout=seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def send(self, call: Call[Answer]) -> Answer:
        """Sends a call; waits and sends it again where the server asks for that.

        Raises:
            ApiError: the server refuses it, or no server answers.
        """
        for attempt in range(self.retries + 1):
            with self.told(call):
                response = self._http.request(call.method, call.path, **call.arguments())
            seconds = self.seconds_to_wait(response, attempt)
            if seconds is None:
                break
            time.sleep(seconds)
        return self.answer(call, response)

    def films(
        self,
        q: str = "",
        *,
        order: str = "popular",
        page: int = 1,
        page_size: int = 20,
        **filters: Unpack[Filters],
    ) -> FilmPage:
        """Finds films by their titles; `order` is popular, best, title, newest or oldest."""
        return self.send(calls.find_films(q, order, page, page_size, filters))

    def film(self, item_id: FilmId) -> Film:
        """Gets a film by its id."""
        return self.send(calls.film(item_id))

    def similar(self, item_id: FilmId, k: int = 10) -> ListAnswer:
        """Lists the films that are most like one film."""
        return self.send(calls.similar(item_id, k))

    def genres(self) -> list[str]:
        """Lists all genres."""
        return self.send(calls.genres())

    def models(self) -> list[Model]:
        """Lists the models of the server; the first is the default."""
        return self.send(calls.models())

    def recommend(
        self,
        ratings: Stars,
        *,
        not_interested: Sequence[FilmId] = (),
        **options: Unpack[ListOptions],
    ) -> ListAnswer:
        """Recommends films to a person with these ratings, by film id."""
        return self.send(calls.recommend(Profile(ratings, not_interested), options))

    def recommend_each(
        self, people: Sequence[Profile], **options: Unpack[ListOptions]
    ) -> list[ListAnswer]:
        """Recommends films to at most 50 people at once."""
        return self.send(calls.recommend_each(people, options))

    def predict(self, ratings: Stars, item_ids: Sequence[FilmId]) -> list[Predicted]:
        """Predicts the stars of a person with these ratings, in the order of the films."""
        return self.send(calls.predict(ratings, item_ids))

    def explain(self, ratings: Stars, item_id: FilmId, *, reasons: int = 5) -> Explanation:
        """Explains a prediction."""
        return self.send(calls.explain(ratings, item_id, reasons))

    # -- a person whose ratings the server keeps: the client needs their token --------

    def create_person(self) -> Person:
        """Creates a person, whose token a new client takes."""
        return self.send(calls.create_person())

    def my_ratings(self) -> RatedFilms:
        """Lists the stored ratings and the hidden films."""
        return self.send(calls.my_ratings())

    def rate(self, stars: Stars) -> None:
        """Stores ratings by film id, all or none; they replace earlier ones of the same films."""
        self.send(calls.rate(stars))

    def unrate(self, item_id: FilmId) -> None:
        """Deletes a rating."""
        self.send(calls.unrate(item_id))

    def hide(self, item_id: FilmId) -> None:
        """Hides a film from the lists."""
        self.send(calls.hide(item_id))

    def show(self, item_id: FilmId) -> None:
        """Allows a hidden film in the lists again."""
        self.send(calls.show(item_id))

    def watchlist(self) -> list[MarkedFilm]:
        """Lists the films to watch, the one added last first."""
        return self.send(calls.watchlist())

    def watch(self, item_id: FilmId) -> None:
        """Adds a film to the watchlist."""
        self.send(calls.watch(item_id))

    def unwatch(self, item_id: FilmId) -> None:
        """Removes a film from the watchlist."""
        self.send(calls.unwatch(item_id))

    def mark_not_seen(self, item_id: FilmId) -> None:
        """Remembers that the person has not seen a film, so that Rate does not ask for it."""
        self.send(calls.mark_not_seen(item_id))

    def unmark_not_seen(self, item_id: FilmId) -> None:
        """Forgets that the person has not seen a film."""
        self.send(calls.unmark_not_seen(item_id))

    def import_file(
        self, path: str | Path, *, dry_run: bool = False, include_doubtful: bool = False
    ) -> Imported:
        """Imports the ratings in an export of another site, such as Letterboxd or IMDb."""
        return self.send(
            calls.import_file(Path(path), dry_run=dry_run, include_doubtful=include_doubtful)
        )

    def my_groups(self) -> list[Group]:
        """Lists the groups that the person is in."""
        return self.send(calls.my_groups())

    def create_group(self, name: str, group_name: str = "") -> Group:
        """Creates a group with the person, under this name, as its first member."""
        return self.send(calls.create_group(name, group_name))

    def group(self, key: str) -> Group:
        """Gets a group that the person is in, by its id."""
        return self.send(calls.group(key))

    def join_group(self, key: str, name: str) -> Group:
        """Joins a group by the last part of its link, or changes the name in it."""
        return self.send(calls.join_group(key, name))

    def leave_group(self, key: str) -> None:
        """Removes the person from a group."""
        self.send(calls.leave_group(key))

    def group_recommendations(self, key: str, **options: Unpack[GroupOptions]) -> ListAnswer:
        """Recommends films to all members of a group."""
        return self.send(calls.group_recommendations(key, options))

    def my_recommendations(self, **options: Unpack[ListOptions]) -> ListAnswer:
        """Recommends films from the stored ratings."""
        return self.send(calls.my_recommendations(options))

    def my_explanation(self, item_id: FilmId, *, reasons: int = 5) -> Explanation:
        """Explains the prediction from the stored ratings."""
        return self.send(calls.my_explanation(item_id, reasons))

    def my_taste(self) -> dict[str, Any]:
        """Shows which genres and decades the person likes more than others do."""
        return self.send(calls.my_taste())

    def export(self) -> dict[str, Any]:
        """Exports all stored data of the person."""
        return self.send(calls.export())

    def delete_me(self) -> None:
        """Deletes the person and all their data, permanently."""
        self.send(calls.delete_me())
