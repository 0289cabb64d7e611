"""All ratings with their dates: sorted, searched, filtered; and the taste over time."""

import re
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from matinee.data.ratings import Scale
from matinee.web.db.people import Store, StoredRating
from matinee.web.pages.taste_over_time import MAX_PERIODS, Period, chart_over_time, periods_of
from matinee.web.settings import Settings
from tests.web.conftest import UNLIMITED, guide_of, serving
from tests.web.pages.conftest import rate, upload, words_on


@pytest.fixture
def rater(web: httpx.Client) -> httpx.Client:
    """A client whose person has imported four ratings with dates."""
    content = """item_id,title,year,stars,rated_at
7,Amélie,2001,5,1583020800
17,Star Wars: Episode IV,1977,4,1617321600
67,Film 6,1956,1.5,1651536000
77,Film 7,1957,3.5,1654300800
"""
    page = upload(web, content)
    found = re.search(r'name="sure" value="([^"]*)"', page.text)
    assert found
    web.post("/you/import/keep", data={"sure": found[1].replace("&#34;", '"')})
    return web


def shown(client: httpx.Client, query: str = "") -> list[str]:
    """The ids of the films on the page, in order."""
    page = client.get(f"/you/ratings{query}").text
    return re.findall(r'<li data-film="(\d+)"', page)


def test_ratings_have_dates_and_can_be_sorted(rater: httpx.Client) -> None:
    page = rater.get("/you/ratings")
    assert '<time datetime="2020-03-01">Mar 1, 2020</time>' in page.text
    assert len(re.findall(r"predicted \d\.\d", page.text)) == 4
    assert shown(rater) == ["77", "67", "17", "7"]
    assert shown(rater, "?sort=oldest") == ["7", "17", "67", "77"]
    assert shown(rater, "?sort=highest") == ["7", "17", "77", "67"]
    assert shown(rater, "?sort=lowest") == ["67", "77", "17", "7"]
    assert shown(rater, "?sort=title") == ["7", "67", "77", "17"]
    text = rater.get("/you/ratings?sort=difference").text
    stars = {"7": 5, "17": 4, "67": 1.5, "77": 3.5}
    given = [stars[film] for film in re.findall(r'<li data-film="(\d+)"', text)]
    predicted = [float(one) for one in re.findall(r"predicted (\d\.\d)", text)]
    apart = [abs(one - other) for one, other in zip(given, predicted, strict=True)]
    assert all(one >= other - 0.11 for one, other in pairwise(apart))


def test_ratings_can_be_searched_and_filtered(rater: httpx.Client) -> None:
    assert shown(rater, "?q=amelie") == ["7"]
    assert shown(rater, "?q=FILM") == ["77", "67"]
    assert shown(rater, "?stars=4") == ["17"]
    assert shown(rater, "?q=film&stars=1.5") == ["67"]
    page = rater.get("/you/ratings?q=film")
    assert "2 of 4 ratings." in words_on(page)
    assert 'value="film"' in page.text
    assert shown(rater, "?q=nothing") == []
    assert rater.get("/you/ratings?sort=nonsense").status_code == 422


def test_pages_of_the_list_keep_the_order_and_the_search(web: httpx.Client) -> None:
    for place in range(45):
        rate(web, 7 + 10 * (place + 2), 4)
    page = web.get("/you/ratings?sort=oldest&q=film").text
    assert "page=2&amp;q=film&amp;sort=oldest" in page
    assert len(shown(web, "?sort=oldest&q=film&page=2")) == 5


def test_a_film_of_another_model_has_its_title_and_can_be_removed(tmp_path: Path) -> None:
    path, database = tmp_path / "m.matinee", str(tmp_path / "p.db")
    guide_of().save(path)
    settings = Settings((path,), database, "", UNLIMITED, log_requests=False)
    with serving(settings) as url, httpx.Client(base_url=url) as client:
        rate(client, 7, 4)
        store = Store.open(database)
        (person,) = [
            row[0]
            for row in store.database.engine.connect().exec_driver_sql("SELECT id FROM people")
        ]
        store.rate(person, "9999", 2)
        with store.database.writing() as connection:
            connection.exec_driver_sql(
                "INSERT INTO films VALUES ('9999', 'Solaris (1972)', 1972, '', NULL)"
            )
        store.close()
        page = client.get("/you/ratings")
        assert "Solaris (1972) not in this catalog" in words_on(page)
        client.post("/unrate", data={"item_id": "9999", "back": "/you/ratings"})
        assert "Solaris" not in client.get("/you/ratings").text


def test_you_shows_the_taste_over_time(rater: httpx.Client, friend: httpx.Client) -> None:
    page = rater.get("/you")
    assert "Your ratings over time" in words_on(page)
    assert '<polyline class="mean"' in page.text
    rate(friend, 7, 4)
    assert "Your ratings over time" not in words_on(friend.get("/you"))


def test_periods_are_days_months_or_years() -> None:
    day = 86_400

    def ratings(*times: int) -> list[StoredRating]:
        return [StoredRating(str(place), place % 5 + 1, time) for place, time in enumerate(times)]

    assert periods_of([]) == []
    assert periods_of(ratings(5, 6)) == []
    two = periods_of(ratings(0, 1, day))
    assert two == [Period("Jan 1, 1970", 2, 1.5), Period("Jan 2, 1970", 1, 3.0)]
    months = periods_of(ratings(*range(0, 40 * day, day)))
    assert [period.label for period in months] == ["Jan 1970", "Feb 1970"]
    years = periods_of(ratings(*range(0, 365 * day * 5, 20 * day)))
    assert [period.label for period in years][:2] == ["1970", "1971"]
    assert len(periods_of(ratings(*range(0, 365 * day * 40, 100 * day)))) == MAX_PERIODS


def test_the_chart_over_time_draws_bars_and_means() -> None:
    drawn = chart_over_time([Period("a", 2, 1), Period("b", 4, 5)], Scale(1, 5, 1))
    assert 'height="45"' in drawn
    assert 'height="90"' in drawn
    assert 'points="5,100 15,0"' in drawn
    assert "polyline" not in chart_over_time([Period("a", 2, 1)] * 2, Scale(1, 1, 0))
