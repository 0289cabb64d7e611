"""A client of the HTTP API of `matinee serve`, with types; it needs httpx.

    from matinee.client import Client

    with Client("http://127.0.0.1:8000") as client:
        for film in client.recommend({1: 5, 50: 4}, k=5).items:
            print(film.title, film.stars)

`AsyncClient` has the same methods, to be awaited.
"""

from matinee.client.answers import (
    Explanation,
    Film,
    FilmPage,
    Group,
    Imported,
    ImportedRow,
    LeftOutRow,
    ListAnswer,
    MarkedFilm,
    Model,
    Person,
    Predicted,
    Rated,
    RatedFilms,
    SuggestedFilm,
)
from matinee.errors import UnsupportedError

try:
    from matinee.client.asynchronous import AsyncClient
    from matinee.client.synchronous import Client
except ModuleNotFoundError as error:
    if error.name not in ("httpx", "h11"):
        raise
    raise UnsupportedError(
        f"matinee.client needs {error.name}, which is not installed:  pip install 'matinee[client]'"
    ) from error

__all__ = [
    "AsyncClient",
    "Client",
    "Explanation",
    "Film",
    "FilmPage",
    "Group",
    "Imported",
    "ImportedRow",
    "LeftOutRow",
    "ListAnswer",
    "MarkedFilm",
    "Model",
    "Person",
    "Predicted",
    "Rated",
    "RatedFilms",
    "SuggestedFilm",
]
