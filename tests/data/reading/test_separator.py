"""The separator is the one that splits all lines alike."""

from collections.abc import Sequence

import pytest

from matinee.data.reading.separator import (
    SPACES,
    WIDE_SPACES,
    separator_named,
    sniff_separator,
    split_lines,
)
from matinee.errors import SettingError
from tests.helpers import error_message

TITLES = ["The Matrix", "Heat", "Alien 3", "Good; or Bad", "Up"]

LINES: list[tuple[str, list[str]]] = [
    (",", ["User ID,Movie Title,User Rating", "1,The Matrix,5", "2,Heat,3", "2,Alien 3,4"]),
    (",", ['1,"Good, the Bad",5', "2,Heat,3", '3,"Lock, Stock",4']),
    (",", ["1,10,4,Drama|War", "1,11,5,War|Drama", "2,10,3,Drama|Comedy"]),
    (",", ["1,10,5,2020-01-01 10:00:00", "2,10,4,2020-01-02 11:00:00"]),
    (",", ["1,Film 110 (2000),5", "2,Film 105 (1995),3", "3,Film 101 (1991),4"]),
    (";", ["User ID;Movie, Title;Rating", "1;Good, Bad;5", "2;Heat;3", "3;Lock, Stock;4"]),
    (";", ["1;10;3,5", "2;10;1,5", "3;11;4,5"]),
    ("\t", ["1\tThe Matrix\t5", "2\tToy Story\t4", "3\tAlien 3\t2"]),
    ("|", ["1|10|5", "2|10|4"]),
    ("::", ["1::10::5::978300760", "2::10::4::978300761"]),
    ("||", ["1||10||5", "2||10||4"]),
    ("\x01", ["1\x0110\x015", "2\x0110\x014"]),
    (" ", ["user item rating", "1 10 3", "2 10 5"]),
    (" ", ["1 10 3,5", "2 10 4,5"]),
    (" ", ['1 "The Matrix" 5', '2 "Toy Story" 4']),
    (SPACES, ["  user   item rating", "     1     10      3", "    22     10      5"]),
    (SPACES, ["1  10 3", "2 11   4", "3 10 5"]),
    (WIDE_SPACES, ["user  title        rating", "1     The Matrix   5", "2     Heat         3"]),
]


@pytest.mark.parametrize(("separator", "lines"), LINES)
def test_the_separator_is_found(separator: str, lines: Sequence[str]) -> None:
    assert sniff_separator(lines) == separator


def test_a_line_that_differs_does_not_decide() -> None:
    lines = [f"{user};{title}, part {user};4" for user in range(30) for title in TITLES[:1]]
    assert sniff_separator([*lines, "a bad row"]) == ";"


def test_quoted_fields_may_span_lines_and_open_quotes_do_not_swallow_the_table() -> None:
    assert split_lines(['1,"a', 'b",5'], ",") == [["1", "a\nb", "5"]]
    lines = ['1,5" disc,5', "2,x,4", "3,y,3", '4,"z,2', "5,z,1"]
    assert [len(row) for row in split_lines(lines, ",")][:3] == [3, 3, 3]


def test_reviews_of_many_lines_do_not_hide_the_separator() -> None:
    text = "user;item;rating;review\n" + "".join(
        f'{number};i{number % 3};{number % 5};"It is, I say,\nlong,\nand good,\nso good."\n'
        for number in range(20)
    )
    assert sniff_separator(text.splitlines()) == ";"
    assert sniff_separator(text.splitlines()[:50]) == ";"


@pytest.mark.parametrize(
    ("text", "separator"),
    [("tab", "\t"), ("\\t", "\t"), ("space", " "), ("spaces", SPACES), (";", ";"), ("@@", "@@")],
)
def test_a_separator_may_be_a_word_or_a_sign(text: str, separator: str) -> None:
    assert separator_named(text) == separator


@pytest.mark.parametrize("text", ["", '"', "\n", "x", "and", "1"])
def test_what_cannot_separate_is_refused(text: str) -> None:
    assert "is not valid" in error_message(SettingError, separator_named, text)
