"""One row of a person's file, whatever the file is."""

from typing import NamedTuple

from matinee.data.titles import year_of

_SHOWN = 80


class Row(NamedTuple):
    """One row of a person's file.

    Attributes:
        row: its number as in a spreadsheet, from 1, with the header.
        titles: names of the film, first the one to show.
        year: of the film, None if the file gives none.
        rating: as the file writes it; for a model without stars, how often, or empty.
        item: the item id, or empty.
        kind: what the file calls the film, such as "TV Series"; usually empty.
        imdb: the id on IMDb, such as "tt0114709", or empty.
        tmdb: the id on TMDB, or None.
        rated_at: seconds since 1970, or None.
        problem: why the row cannot be used, as the end of a sentence; usually empty.
        typed: a title or an id for `find_item`, in a table that a person wrote.
    """

    row: int
    titles: tuple[str, ...]
    year: int | None
    rating: str
    item: str = ""
    kind: str = ""
    imdb: str = ""
    tmdb: int | None = None
    rated_at: int | None = None
    problem: str = ""
    typed: str = ""

    @property
    def shown(self) -> str:
        """The film as the file names it, for people."""
        title = ""
        if self.titles:
            title = self.titles[0]
        elif self.item or self.imdb:
            title = f"no. {self.item or self.imdb}"
        if self.year and year_of(title) is None:
            title = f"{title} ({self.year})"
        if len(title) > _SHOWN:
            title = f"{title[: _SHOWN - 3]}..."
        return title
