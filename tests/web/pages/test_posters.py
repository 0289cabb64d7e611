"""Posters: colors and layouts."""

from pathlib import Path

from matinee.web.pages import texts
from matinee.web.pages.posters import GENRES, N_OTHER, color_of, poster


def test_the_rarest_genre_determines_the_color() -> None:
    assert color_of(("Drama", "War"), "x") == "war"
    assert color_of(("Comedy", "Children's"), "x") == "children"
    assert color_of(("Sci-Fi",), "x") == color_of(("Science Fiction",), "x") == "sci-fi"
    other = color_of((), "A film")
    assert other.startswith("other-")
    assert other == color_of(("Cooking",), "A film")


def test_the_layout_depends_on_the_title_and_the_year() -> None:
    def classes(title: str, year: int | None) -> str:
        return poster(title, year, ["Drama"]).classes

    assert classes("Alien (1979)", 1979) == "hue-drama size-l era-c"
    assert classes("Matrix, The (1999)", 1999) == "hue-drama size-m era-d"
    assert classes("Supercalifragilistic", None) == "hue-drama size-xs era-x"
    assert poster("Matrix, The (1999)", 1999, []).name == "The Matrix"


def test_every_color_is_in_the_stylesheet() -> None:
    style = (Path(texts.__file__).parents[1] / "static/app.css").read_text("utf-8")
    names = {f"hue-{name}" for name in (*GENRES, *(f"other-{n}" for n in range(N_OTHER)))}
    assert {name for name in names if f".{name}" not in style} == set()
