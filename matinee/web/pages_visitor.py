"""Who looks at a page: what is kept of them, how the model sees them, and how their forms are read."""

from collections.abc import Mapping
from threading import Lock
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from matinee.data.vocabulary import Id
from matinee.web.access import Served
from matinee.web.live import Snapshot
from matinee.web.problems import Problem
from matinee.web.shelf import Shelf
from matinee.web.store import Created, Kept

Asked = TypeVar("Asked", bound=BaseModel)


class Shelves:
    """What pages need of the snapshots that are served: made once, and dropped when another takes their place."""

    def __init__(self) -> None:
        self._made: dict[str, Shelf] = {}
        self._making = Lock()

    def has(self, snapshot: Snapshot) -> bool:
        """Whether nobody has to wait for the shelf of a snapshot."""
        found = self._made.get(snapshot.name)
        return found is not None and found.snapshot is snapshot

    def of(self, snapshot: Snapshot) -> Shelf:
        """The shelf of a snapshot; the first who asks makes it, and others wait for it."""
        found = self._made.get(snapshot.name)
        if found is not None and found.snapshot is snapshot:
            return found
        with self._making:
            found = self._made.get(snapshot.name)
            if found is None or found.snapshot.loaded_at < snapshot.loaded_at:
                found = self._made[snapshot.name] = Shelf(snapshot)
            # Whoever still has the snapshot before gets a shelf of their own, and the newer one stays.
            return found if found.snapshot is snapshot else Shelf(snapshot)


class Visitor:
    """Somebody on a page, in the eyes of one model."""

    def __init__(self, request: Request, person: str | None, model: str | None = None) -> None:
        """Reads what is kept of them; raises Problem, 404, if there is no such model.

        Args:
            person: their id; None for somebody of whom nothing is kept.
        """
        self.serving: Served = request.app.state.served
        self.person = person
        self.snapshot = self.serving.models.snapshot(model)
        shelves: Shelves = request.app.state.shelves
        self.shelf = shelves.of(self.snapshot)
        self.kept = self.serving.store.kept(person) if person else Kept([], [])
        self.own = self.shelf.indices(self.kept.stars())
        """Index -> stars, the last rating first."""
        self.hidden = list(self.shelf.indices(dict.fromkeys(self.kept.not_interested, 0.0)))
        self.model = self.snapshot.guide.model
        self.profile = self.snapshot.run(self._folded, dict(self.kept.stars()))

    def _folded(self, stars: Mapping[Id, float]) -> Any:
        return self.snapshot.fold_in(stars, strict=False).profile

    @property
    def values(self) -> dict[str, Any]:
        """What templates need that show films to be rated."""
        return {"scale": self.model.scale_, "n_rated": len(self.own), "model": self.model}


def newcomer(request: Request) -> Created:
    """Somebody new, whose token goes into a cookie; raises Problem, 429, if too many come from one address."""
    request.state.let_in_newcomer()
    served: Served = request.app.state.served
    return served.store.create_person()


def read_query(kind: type[Asked], items: list[tuple[str, str]]) -> Asked:
    """A query as a form sends it, in which what was left empty does not count.

    Raises:
        Problem: 422, a value cannot be used.
    """
    lists = {name for name, one in kind.model_fields.items() if str(one.annotation).startswith("list")}
    found: dict[str, Any] = {}
    for name, text in items:
        if not text or name not in kind.model_fields:
            continue
        if name in lists:
            found.setdefault(name, []).append(text)
        else:
            found[name] = text
    try:
        return kind(**found)
    except ValidationError as error:
        first = error.errors()[0]
        where, what = ".".join(map(str, first["loc"])), str(first["msg"])
        raise Problem(422, "invalid-request", f"{where}: {what[:1].lower()}{what[1:]}") from None
