"""Refuses models whose ids mean other films than the ratings in the database."""

from matinee.data.kept_films import kept_films
from matinee.web.db.catalog import ServedCatalog
from matinee.web.db.people import Store
from matinee.web.http.logs import log
from matinee.web.serving.registry import RegisteredModel
from matinee.web.serving.snapshot import ModelSnapshot


class CatalogCheck:
    """Compares snapshots with what the ids mean in a database."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, model: RegisteredModel, snapshot: ModelSnapshot) -> None:
        """Adds the films of a snapshot to the database.

        Raises:
            CatalogConflictError: the snapshot contradicts the database.
            StoreError: the database does not respond.
        """
        sentence = self._store.catalogs.accept(
            catalog_of(snapshot), f"'{model.path}'", str(model.path)
        )
        if sentence:
            log("ratings were given titles", detail=sentence)


def catalog_of(snapshot: ModelSnapshot) -> ServedCatalog:
    """What a snapshot says about its films."""
    model, guide = snapshot.guide.model, snapshot.guide
    return ServedCatalog(
        kept_films(model.items_, guide.catalog), model.scale_, guide.origin.dataset
    )
