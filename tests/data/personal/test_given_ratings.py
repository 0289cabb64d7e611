"""Ratings and dates as people and sites write them."""

import pytest

from matinee.data.personal.given_ratings import Given, highest_in_name, rating_in, time_in


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("4", Given(4)),
        ("-2.5", Given(-2.5)),
        ("4,5", Given(4.5)),
        ("4/5", Given(4, 5)),
        ("7.5 out of 10", Given(7.5, 10)),
        ("4 stars", Given(4)),
        ("3.5 out of 5 Stars", Given(3.5, 5)),
        ("stars", None),
        ("80%", Given(80, 100)),
        ("★★★½", Given(3.5, 5)),
        ("★★★☆☆", Given(3, 5)),
        ("½", Given(0.5, 5)),
        ("", None),
        ("good", None),
        ("nan", None),
        ("1e3", None),
        ("4/0", None),
    ],
)
def test_a_rating_is_read_in_every_usual_form(text: str, given: Given | None) -> None:
    assert rating_in(text) == given


@pytest.mark.parametrize(
    ("name", "highest"),
    [("Rating10", 10), ("Rating (1-10)", 10), ("score /100", 100), ("rating", None), ("r15", None)],
)
def test_a_column_may_say_what_its_ratings_are_out_of(name: str, highest: float | None) -> None:
    assert highest_in_name(name) == highest


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2021-02-28", 1614470400),
        ("2021/02/28", 1614470400),
        ("2021-02-28T00:00:00.000Z", 1614470400),
        ("2021-02-28T01:00:00+01:00", 1614470400),
        ("1614470400", 1614470400),
        ("1614470400000", 1614470400),
        ("2021", None),
        ("2021-02-30", None),
        ("soon", None),
        ("", None),
    ],
)
def test_a_date_is_read_in_every_usual_form(text: str, seconds: int | None) -> None:
    assert time_in(text) == seconds
