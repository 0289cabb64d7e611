"""The texts of the pages."""

import re
from pathlib import Path

from matinee.web.pages import search_texts, texts


def test_every_text_is_used() -> None:
    folder = Path(texts.__file__).parents[1]
    sources = [
        *folder.rglob("*.py"),
        *folder.rglob("templates/**/*.html"),
        *folder.glob("static/*.js"),
    ]
    code = "\n".join(path.read_text("utf-8") for path in sources if path.name != "texts.py")
    for group in ("SITE", "CARD", "RATE", "FOR_YOU", "ERROR", "SCRIPT"):
        place = "texts" if group == "SCRIPT" else group
        used = set(re.findall(rf'\b{place}(?:\.|\[")(\w+)', code))
        assert {*getattr(texts, group)} - used == set(), group
        assert not {*getattr(texts, group)} & {*dir(dict)}  # templates would find the method


def test_every_text_of_search_and_browse_is_used() -> None:
    folder = Path(search_texts.__file__).parents[1]
    code = "\n".join(
        path.read_text("utf-8")
        for path in [*folder.glob("pages/*.py"), *folder.glob("templates/*.html")]
        if path.name != "search_texts.py"
    )
    for place, group in (("search", search_texts.SEARCH), ("words", search_texts.BROWSE)):
        pattern = rf'\b(?:{place}\.|BROWSE\[")({{name}})\b'
        assert [name for name in group if not re.search(pattern.format(name=name), code)] == []
        assert not {*group} & {*dir(dict)}  # templates would find the method


def test_every_text_of_the_film_page_is_used() -> None:
    folder = Path(texts.__file__).parents[1]
    paths = [folder / "templates" / "film.html"]
    paths += [folder / "pages" / f"{name}.py" for name in ("film_words", "explanation_chart")]
    code = "\n".join(path.read_text("utf-8") for path in paths)
    unused = [name for name in texts.FILM if not re.search(rf'FILM\.{name}\b|"{name}"', code)]
    assert unused == []
    assert not {*texts.FILM} & {*dir(dict)}  # templates would find the method
