"""Texts of a model as pages, JSON and databases take them.

Titles from files that are not valid UTF-8 hold halves of surrogates, one for each bad byte, and may
hold zeros. The command line prints them; neither JSON nor PostgreSQL can hold them.
"""

import re
from dataclasses import replace

from matinee.data.catalog import Catalog, Film
from matinee.data.vocabulary import Id
from matinee.errors import ModelFileError
from matinee.recommendation.guide import Guide
from matinee.text import printable

_NO_LETTER = re.compile("[\0\ud800-\udfff]")


def servable(guide: Guide, name: str) -> Guide:
    """The guide, in whose titles, genres and tags the replacement character stands for what is no
    letter.

    Args:
        name: of the model, for messages.

    Raises:
        ModelFileError: the id of a film can have no address.
    """
    for item_id in guide.model.items_.ids.tolist():
        if isinstance(item_id, str) and _NO_LETTER.search(item_id):
            raise ModelFileError(
                f"The model '{name}' cannot be served: the item id '{printable(item_id)}' has no "
                "address, because it holds a zero or is not valid Unicode. Train it on a table "
                "with valid ids; --encoding names the encoding of a file."
            )
    changed: dict[Id, Film] = {}
    for item_id, film in guide.catalog.films.items():
        texts = film.title, film.imdb, *film.genres, *film.tags
        if _NO_LETTER.search("".join(texts)):
            changed[item_id] = replace(
                film,
                title=_valid(film.title),
                imdb=_valid(film.imdb),
                genres=tuple(map(_valid, film.genres)),
                tags=tuple(map(_valid, film.tags)),
            )
    if not changed:
        return guide
    return Guide(guide.model, Catalog({**guide.catalog.films, **changed}), guide.origin)


def _valid(text: str) -> str:
    return _NO_LETTER.sub("\N{REPLACEMENT CHARACTER}", text)
