"""Numbers, lists and misspelled names in sentences; and that each of these helpers is defined once."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

import matinee
from matinee.errors import UnknownNameError
from matinee.text import (
    counted,
    did_you_mean,
    find_named,
    html_table,
    joined,
    nearest,
    printable,
    share,
    span,
)

PACKAGE = Path(matinee.__file__).parent


def test_one_is_singular_and_other_numbers_are_plural() -> None:
    assert [counted(n, "rating") for n in (0, 1, 2, 1_234)] == [
        "0 ratings",
        "1 rating",
        "2 ratings",
        "1,234 ratings",
    ]
    assert [counted(1, "person", "people"), counted(2_000, "person", "people")] == [
        "1 person",
        "2,000 people",
    ]


def test_a_table_for_notebooks_is_escaped() -> None:
    assert html_table(("", "a<b"), [(1, "x & y")], ["1 < 2", ""]) == (
        "<table>\n<thead><tr><th></th><th>a&lt;b</th></tr></thead>\n<tbody>\n"
        "<tr><td>1</td><td>x &amp; y</td></tr>\n</tbody>\n</table>\n<p>1 &lt; 2</p>"
    )
    assert "thead" not in html_table((), [("x",)])


def test_words_are_joined_with_commas_and_a_conjunction() -> None:
    assert [joined(["a", "b", "c"][:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]
    assert joined(["a", "b", "c"], "or") == "a, b or c"


def test_a_fraction_becomes_a_percentage() -> None:
    shares = [share(part) for part in (0, 0.0004, 0.063, 0.34, 1)]
    assert shares == ["0%", "less than 0.1%", "6.3%", "34%", "100%"]


def test_a_range_of_one_value_is_that_value() -> None:
    assert [span(1, 20), span(7, 7), span(1, 2_000)] == ["1 to 20", "7", "1 to 2,000"]


def test_control_characters_and_bytes_that_are_not_utf8_are_escaped() -> None:
    assert printable("Amélie") == "Amélie"
    assert printable("a\nb\t\x1b") == "a\\nb\\t\\x1b"
    assert printable(b"caf\xe9".decode("utf-8", "surrogateescape")) == "caf\\xe9"


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("user-kn", ["user-knn"]),
        ("star wars", ["Star Wars: A New Hope"]),
        ("hary poter", ["Harry Potter and the Half-Blood Prince"]),
        ("zzzz", []),
        ("", []),
    ],
)
def test_the_nearest_names_come_first(name: str, found: list[str]) -> None:
    known = [
        "item-knn",
        "user-knn",
        "Star Wars: A New Hope",
        "Harry Potter and the Half-Blood Prince",
    ]
    assert nearest(name, known) == found


def test_a_suggestion_lists_what_is_close_and_is_empty_otherwise() -> None:
    assert did_you_mean("bayez", ["bayes", "ease"]) == " Did you mean 'bayes'?"
    assert (
        did_you_mean("knn", ["a-knn", "b-knn", "c-knn"])
        == " Did you mean 'a-knn', 'b-knn' or 'c-knn'?"
    )
    assert did_you_mean("zzzz", ["bayes"]) == ""
    assert did_you_mean("bayez", []) == ""


@dataclass
class Genre:
    name: str


GENRES = (Genre("drama"), Genre("comedy"))


def test_an_element_is_found_by_its_name() -> None:
    assert find_named("genre", "comedy", GENRES) is GENRES[1]


@pytest.mark.parametrize(
    ("name", "how_to_list", "expected"),
    [
        ("comedi", "", "There is no genre 'comedi'. Did you mean 'comedy'?"),
        ("zzzz", "", "There is no genre 'zzzz'. The genres are: drama, comedy."),
        ("comedi", "Ask.", "There is no genre 'comedi'. Did you mean 'comedy'? Ask."),
        ("zzzz", "Ask.", "There is no genre 'zzzz'. Ask."),
    ],
)
def test_an_unknown_name_is_refused_with_suggestions(
    name: str, how_to_list: str, expected: str
) -> None:
    with pytest.raises(UnknownNameError) as caught:
        find_named("genre", name, GENRES, how_to_list)
    assert str(caught.value) == expected


# -- one definition each -------------------------------------------------------------------------

HOMES = {
    "counted": "text",
    "joined": "text",
    "printable": "text",
    "share": "text",
    "span": "text",
    "nearest": "text",
    "did_you_mean": "text",
    "suggest": "text",
    "find_named": "text",
    "year_of": "data/titles",
    "spoken": "data/titles",
    "names_of": "data/titles",
    "fold": "data/titles",
    "title_key": "data/titles",
}


@cache
def texts_of_code() -> dict[str, str]:
    """The code of every file of the package by its home."""
    return {
        path.relative_to(PACKAGE).with_suffix("").as_posix(): path.read_text("utf-8")
        for path in sorted(PACKAGE.rglob("*.py"))
    }


def test_each_helper_has_exactly_one_definition() -> None:
    functions = [
        (home, name)
        for home, code in texts_of_code().items()
        for name in re.findall(r"^ *def _*(\w+)", code, re.MULTILINE)
    ]
    found = {name: [home for home, other in functions if other == name] for name in HOMES}
    assert found == {name: [home] for name, home in HOMES.items()}


def others_with(*parts: str) -> list[str]:
    """The files, but the two that define the helpers, whose code has one of these parts, without its spaces."""
    return [
        home
        for home, code in texts_of_code().items()
        if home not in HOMES.values() and any(part in "".join(code.split()) for part in parts)
    ]


def test_no_file_folds_titles_or_knows_articles_by_itself() -> None:
    assert others_with("unicodedata", "|las|") == []


def test_no_file_joins_words_with_a_conjunction_by_itself() -> None:
    assert others_with("join(words[:-1])", "[:-1]),") == []
