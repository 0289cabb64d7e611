"""The pages beside those for rating, without a browser: what they say, and to whom. Each works without a script."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from matinee.analysis.taste import StarCount
from matinee.data.catalog import Catalog
from matinee.data.ratings import PAIRS, Ratings, Scale
from matinee.models.ials import ImplicitALS
from matinee.models.popularity import Popularity
from matinee.recommendation.guide import Guide
from matinee.recommendation.model_file import Origin
from matinee.web.pages.charts import columns_of, histogram, lean_bar
from matinee.web.pages.operator import Route, traffic_of
from matinee.web.settings import Settings
from tests.conftest import simulated
from tests.web.conftest import OPERATOR, UNLIMITED, guide_of, serving, wait_for_answer

FILE = """Date,Name,Year,Letterboxd URI,Rating
2024-01-01,Amélie,2001,u,5
2024-01-01,Star Wars,1977,u,4
2024-01-01,Film 6,1956,u,3.5
2024-01-01,Nothing Like It,1999,u,2
"""
HIDDEN = re.compile(r'name="sure" value="([^"]*)"')


@pytest.fixture
def browser(site: str) -> Iterator[httpx.Client]:
    """Somebody with a cookie jar."""
    with httpx.Client(base_url=site, timeout=30) as client:
        yield client


@pytest.fixture
def friend(site: str) -> Iterator[httpx.Client]:
    """Somebody else."""
    with httpx.Client(base_url=site, timeout=30) as client:
        yield client


def reviewed(client: httpx.Client, content: str = FILE) -> httpx.Response:
    return client.post("/you/import", files={"file": ("ratings.csv", content.encode())})


def rate(client: httpx.Client, item_id: int, stars: float) -> None:
    assert client.post("/rate", data={"item_id": item_id, "stars": stars}).status_code == 303


def kept(client: httpx.Client) -> dict[int, float]:
    ratings = client.get("/api/v1/me/ratings").json()["ratings"]
    return {one["item_id"]: one["stars"] for one in ratings}


# -- you, import, export, delete -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "n_rows"),
    [("a" + " " * 131_000 + "b", 15), ("(a) " * 300, 1_500), ("(a) " * 30_000, 15)],
    ids=["spaces", "brackets", "more brackets"],
)
def test_a_file_of_long_titles_stops_nobody(browser: httpx.Client, title: str, n_rows: int) -> None:
    table = "Date,Name,Year,Letterboxd URI,Rating\n" + f"2020,{title},,x,4\n" * n_rows
    started = time.process_time()  # the server is a thread of this process
    answer = reviewed(browser, table)
    assert time.process_time() - started < 3
    assert answer.status_code == 200
    assert f"Letterboxd: {n_rows:,} rows." in answer.text
    assert browser.get("/health/live").status_code == 200


def test_an_import_keeps_nothing_before_it_is_confirmed_and_then_what_was_ticked(
    browser: httpx.Client,
) -> None:
    page = reviewed(browser)
    assert page.status_code == 200
    assert "Letterboxd: 4 rows. Nothing is kept yet." in page.text
    assert "its title here is longer or shorter" in page.text
    assert "row 5: no film here has this title" in page.text
    assert not browser.cookies
    sure = HIDDEN.search(page.text)
    assert sure
    told = json.loads(sure[1].replace("&#34;", '"'))
    assert [pair[1] for pair in told] == [5.0, 3.5]
    done = browser.post(
        "/you/import/keep", data={"sure": json.dumps(told), "doubtful": ["[[17,4]]"]}
    )
    assert (done.status_code, done.headers["location"]) == (303, "/you")
    assert kept(browser) == {7: 5.0, 17: 4.0, told[1][0]: 3.5}
    again = reviewed(browser)
    assert "2 ratings of yours will be replaced by that of the file." in again.text
    assert "you have rated it, and that stays unless you tick this" in again.text
    assert 'value="[[17,4.0,1704067200]]">' in again.text.replace("&#34;", '"')


@pytest.mark.parametrize(
    ("sure", "status", "sentence"),
    [
        ("not json", 422, "The form was damaged on its way"),
        ("[[7]]", 422, "The form was damaged on its way"),
        ('[[{"a": 1}, 5]]', 422, "The form was damaged on its way"),
        ("[[7, 50]]", 422, "50 stars for film &#39;7&#39; are outside the scale"),
        ("[[123456, 5]]", 404, "There is nothing here"),
        ("[]", 422, "Nothing was chosen, so nothing was kept."),
    ],
)
def test_a_form_that_was_tampered_with_keeps_nothing(
    browser: httpx.Client, site: str, sure: str, status: int, sentence: str
) -> None:
    operator = {"Authorization": f"Bearer {OPERATOR}"}
    before = httpx.get(f"{site}/api/v1/operator/counts", headers=operator).json()
    answer = browser.post("/you/import/keep", data={"sure": sure}, headers={"Accept": "text/html"})
    assert answer.status_code == status
    assert sentence in answer.text
    assert not browser.cookies
    assert httpx.get(f"{site}/api/v1/operator/counts", headers=operator).json() == before


def test_a_file_that_cannot_be_read_says_so_in_the_page(browser: httpx.Client) -> None:
    answer = reviewed(browser, "a,b\n1,<script>\n")
    assert answer.status_code == 422
    assert "so it is a header" in answer.text
    assert (
        "<script>" not in reviewed(browser, FILE + "2024,<script>alert(1)</script>,1990,u,3\n").text
    )
    assert "No file was given" in browser.post("/you/import").text


def test_a_file_may_be_larger_than_other_requests_but_not_than_two_megabytes(
    browser: httpx.Client,
) -> None:
    rows = "".join(
        f"2024-01-01,Film {n % 117},{1950 + n % 60},https://boxd.it/abcdefgh,3\n"
        for n in range(9_000)
    )
    assert len(rows) > 300_000
    assert "9,004 rows" in reviewed(browser, FILE + rows).text
    assert (
        browser.post("/you/import", files={"file": ("x.csv", b"x" * 3 * 1024**2)}).status_code
        == 413
    )


def test_the_page_tells_somebody_from_the_crowd(browser: httpx.Client) -> None:
    assert "You have rated nothing yet" in browser.get("/you").text
    for item_id, stars in ((7, 5.0), (17, 1.5), (27, 4.0), (37, 3.0)):
        rate(browser, item_id, stars)
    page = browser.get("/you").text
    assert "You have rated 4 films, with 3.38 stars on average." in page
    assert page.count("<svg") == 1 + page.count('class="lean"')
    assert page.count('<rect class="own"') == 4
    assert page.index(">Comedy <small>") > 0
    assert "Where you and the crowd disagree most" in page
    ratings = browser.get("/you/ratings").text
    assert ratings.count('action="/rate"') == 4
    assert 'formaction="/unrate"' in ratings


def test_what_is_exported_can_be_imported(browser: httpx.Client, friend: httpx.Client) -> None:
    for item_id, stars in ((7, 5.0), (1187, 2.0)):
        rate(browser, item_id, stars)
    exported = browser.get("/you/ratings.csv")
    assert exported.headers["content-type"].startswith("text/csv")
    assert "attachment" in exported.headers["content-disposition"]
    found = HIDDEN.search(reviewed(friend, exported.text).text)
    assert found
    lines = sorted(json.loads(found[1].replace("&#34;", '"')))
    assert [line[:2] for line in lines] == [[7, 5.0], [1187, 2.0]]
    friend.post("/you/import/keep", data={"sure": json.dumps([[7, 5.0, 1_600_000_000]])})
    kept_at = friend.get("/api/v1/me/export").json()["ratings"][0]["rated_at"]
    assert kept_at == 1_600_000_000
    assert "1600000000" in friend.get("/you/ratings.csv").text
    friend.cookies.clear()
    assert {one["item_id"] for one in browser.get("/you/matinee.json").json()["ratings"]} == {
        "7",
        "1187",
    }
    for path in ("/you/ratings.csv", "/you/matinee.json", "/you/delete"):
        assert friend.get(path).status_code == 303


def test_somebody_is_deleted_when_they_have_confirmed_it(browser: httpx.Client) -> None:
    rate(browser, 7, 5.0)
    assert "Your 1 rating, what you are not interested in" in browser.get("/you/delete").text
    assert browser.post("/you/delete").status_code == 303
    assert kept(browser) == {7: 5.0}
    gone = browser.post("/you/delete", data={"sure": "true"})
    assert "All of it is deleted" in gone.text
    assert not browser.cookies
    assert browser.get("/api/v1/me").status_code == 401


# -- together ------------------------------------------------------------------------------------------------------


def test_two_friends_get_one_list_and_see_names_but_no_ratings(
    browser: httpx.Client, friend: httpx.Client
) -> None:
    rate(browser, 7, 5.0)
    made = browser.post("/together", data={"name": "Ada"})
    link = made.headers["location"]
    invited = friend.get(link).text
    assert "Ada would like to watch something with you" in invited
    assert 'class="cards"' not in invited
    rate(friend, 17, 1.0)
    assert friend.post(f"{link}/join", data={"name": "<b>Bo</b>"}).headers["location"] == link
    for client, rated in ((browser, 7), (friend, 17)):
        page = client.get(link).text
        assert "Ada" in page
        assert "&lt;b&gt;Bo&lt;/b&gt;" in page
        assert page.count('<li class="card">') == 20
        for item_id in (
            7,
            17,
        ):  # what one of them has rated is in nobody's list, and its stars are nowhere
            assert f'href="/films/{item_id}"' not in page
        del rated
    fewest = browser.get(link, params={"how": "least-misery", "genre": "Horror"}).text
    assert fewest.count('<p class="facts">') == 20
    assert 'value="least-misery" checked' in fewest


def test_a_group_is_for_who_has_its_link_or_is_in_it(
    browser: httpx.Client, friend: httpx.Client
) -> None:
    link = browser.post("/together", data={"name": "Ada"}).headers["location"]
    own = re.search(r'href="(/together/[0-9a-f]{32})"', browser.get("/together").text)
    assert own
    assert "The link is kept nowhere" in browser.get(own[1]).text
    assert friend.get(own[1]).status_code == 404
    assert friend.post(f"{own[1]}/join", data={"name": "Eve"}).status_code == 404
    rate(friend, 7, 3.0)
    assert friend.post(f"{link}/link").status_code == 404
    renewed = browser.post(f"{own[1]}/link").headers["location"]
    assert renewed != link
    assert friend.get(link).status_code == 404
    assert friend.get(renewed).status_code == 200
    assert browser.post(f"{renewed}/leave").headers["location"] == "/together"
    assert browser.get(renewed).status_code == 404
    assert friend.get("/together/nonsense").status_code == 404


def test_a_name_must_be_one(browser: httpx.Client) -> None:
    for name in ("", " ", "x" * 41, "a\nb"):
        assert browser.post("/together", data={"name": name}).status_code == 422


# -- the map -------------------------------------------------------------------------------------------------------


def test_the_map_is_a_page_its_scripts_and_data_without_anything_inline(
    browser: httpx.Client,
) -> None:
    page = browser.get("/map").text
    assert not re.search(r"<script(?![^>]* src=)", page)
    assert "style=" not in page
    for name in ("map.js", "map_canvas.js", "map_controls.js", "map.css"):
        assert browser.get(f"/map/{name}").headers["cache-control"] == "no-cache"
    assert browser.get("/map/report.html").status_code == 404
    films = browser.get("/map/films.json")
    assert films.headers["cache-control"] == "private, max-age=86400"
    assert len(films.json()["ids"]) == 120
    assert browser.get("/map/you.json").json() is None
    rate(browser, 27, 5.0)
    you = browser.get("/map/you.json").json()
    assert you["stars"] == [[2, 5.0]]


# -- models and the operator ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of three models."""
    folder = tmp_path_factory.mktemp("several")
    guide_of().save(folder / "mf.matinee")
    guide_of(baseline=True).save(folder / "baseline.matinee")
    Guide(Popularity().fit(simulated()), Catalog()).save(folder / "plain.matinee")
    files = tuple(folder / f"{name}.matinee" for name in ("mf", "baseline", "plain"))
    with serving(
        Settings(files, str(folder / "people.db"), OPERATOR, UNLIMITED, log_requests=False)
    ) as url:
        yield url


def test_two_models_stand_side_by_side_on_somebodys_ratings(several: str) -> None:
    with httpx.Client(base_url=several) as client:
        assert "these are the lists of the average person" in client.get("/models").text
        for place in range(8):
            rate(client, 7 + 10 * place, 1.5 + place % 4)
        page = client.get("/models").text
        assert page.count("Off on your ratings, each predicted from the others") == 2
        assert "Where they differ most" in page
        other = client.get("/models", params={"left": "baseline", "right": "plain"}).text
        assert "no, it ranks" in other
        assert "Where they differ most" not in other
        assert client.get("/models", params={"left": "nonsense"}).status_code == 200


def test_the_operators_page_needs_the_token_and_its_cookie_opens_nothing_else(several: str) -> None:
    with httpx.Client(base_url=several) as client:
        assert client.get("/operator").status_code == 401
        assert "That is not the operator" in client.post("/operator", data={"token": "wrong"}).text
        assert client.post("/operator/reload").status_code == 401
        signed = client.post("/operator", data={"token": OPERATOR})
        cookie = signed.headers["set-cookie"]
        for part in ("HttpOnly", "SameSite=strict", "Path=/operator", "Max-Age=1800"):
            assert part in cookie
        assert OPERATOR not in cookie
        page = client.get("/operator").text
        assert "mf" in page
        assert "/models" in page
        assert client.post("/operator/reload").status_code == 303
        assert client.get("/api/v1/operator/counts").status_code == 401
        client.post("/operator/leave")
        assert client.get("/operator").status_code == 401
        ends = str(int(time.time()) + 9999)
        for forged in (
            f"{ends}.",
            f"{ends}.{'0' * 64}",
            "x.y",
            f"1.{cookie.partition('.')[2][:64]}",
        ):
            assert (
                client.get(
                    "/operator", headers={"Cookie": f"matinee-operator={forged}"}
                ).status_code
                == 401
            )


def test_a_server_without_an_operator_has_no_such_page(model_file: Path, tmp_path: Path) -> None:
    with serving(Settings((model_file,), str(tmp_path / "people.db"), limits=UNLIMITED)) as url:
        assert "This server has no operator" in httpx.get(f"{url}/operator").text
        assert httpx.post(f"{url}/operator", data={"token": ""}).status_code == 401
        assert "Only one model is served" in httpx.get(f"{url}/models").text


def test_traffic_is_summed_over_methods_and_told_by_route() -> None:
    figures = """
# TYPE matinee_requests counter
matinee_requests_total{method="GET",route="/a",status="200"} 8.0
matinee_requests_total{method="POST",route="/a",status="422"} 1.0
matinee_requests_total{method="GET",route="/b",status="500"} 1.0
# TYPE matinee_request_seconds histogram
matinee_request_seconds_bucket{le="0.01",route="/a"} 8.0
matinee_request_seconds_bucket{le="0.1",route="/a"} 9.0
matinee_request_seconds_bucket{le="+Inf",route="/a"} 9.0
matinee_request_seconds_sum{route="/a"} 0.09
"""
    told = traffic_of(figures)
    assert (told.requests, told.refusals, told.errors) == (10, 1, 1)
    assert told.routes[0]._replace(mean_ms=0) == Route("/a", 9, 1, 0, 0, 100.0)
    assert told.routes[0].mean_ms == pytest.approx(10)


# -- other models --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ranks", "pairs"])
def test_all_pages_work_without_stars_titles_genres_and_years(kind: str, tmp_path: Path) -> None:
    table = simulated()
    if kind == "pairs":
        ones = [1.0] * len(table)
        users, items = (
            table.users.ids[table.user_index],
            [f"item {one}" for one in table.item_index],
        )
        table = Ratings.from_ids(users.tolist(), items, ones, scale=PAIRS)
    Guide(ImplicitALS(factors=4, epochs=2).fit(table, n_threads=1), Catalog(), Origin("x")).save(
        tmp_path / "m.matinee"
    )
    item = "item 3" if kind == "pairs" else "7"
    with (
        serving(
            Settings((tmp_path / "m.matinee",), str(tmp_path / "people.db"), OPERATOR, UNLIMITED)
        ) as url,
        httpx.Client(base_url=url, timeout=30) as client,
    ):
        for has_rated in (False, True):
            if has_rated:
                assert client.post("/rate", data={"item_id": item, "stars": 1}).status_code == 303
            for path in (
                "/you",
                "/you/ratings",
                "/you/import",
                "/together",
                "/map",
                "/map/films.json",
                "/models",
            ):
                assert client.get(path).status_code == 200, path
        link = client.post("/together", data={"name": "Ada"}).headers["location"]
        assert client.get(link).text.count('<li class="card">') == 20
        found = HIDDEN.search(reviewed(client, client.get("/you/ratings.csv").text).text)
        assert found
        assert len(json.loads(found[1].replace("&#34;", '"'))) == 1
        client.post("/operator", data={"token": OPERATOR})
        assert "Too few people here" in client.get("/operator").text


# -- charts --------------------------------------------------------------------------------------------------------


def test_columns_are_the_steps_of_a_scale_or_tenths_of_it() -> None:
    halves = columns_of(
        [StarCount(5.0, 3), StarCount(0.5, 1)], [StarCount(3.0, 10)], Scale(0.5, 5, 0.5)
    )
    assert [one.label for one in halves] == [
        "0.5",
        "1",
        "1.5",
        "2",
        "2.5",
        "3",
        "3.5",
        "4",
        "4.5",
        "5",
    ]
    assert (halves[-1].own, halves[0].own, halves[5].everyone) == (0.75, 0.25, 1.0)
    tenths = columns_of([StarCount(100.0, 1), StarCount(0.0, 1)], None, Scale(0, 100, 1))
    assert (len(tenths), tenths[0].own, tenths[-1].own, tenths[0].everyone) == (10, 0.5, 0.5, None)
    assert columns_of([], None, PAIRS) == []
    assert 'height="100"' in histogram(halves)


def test_a_bar_goes_to_the_side_of_its_sign_and_never_beyond_the_end() -> None:
    assert 'class="more" x="50" y="2" width="25"' in lean_bar(0.5, 1)
    assert 'class="less" x="0" y="2" width="50"' in lean_bar(-7, 1)


# -- the demo ------------------------------------------------------------------------------------------------------


def test_the_demo_serves_a_model_that_is_there_and_says_where_in_one_sentence(
    model_file: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "demo.matinee"
    copy.write_bytes(model_file.read_bytes())
    code = "from matinee.cli import main; main()"
    command = [sys.executable, "-c", code, "demo", "--serve", "--port", "0", "--out", str(copy)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            told = re.fullmatch(
                r"Open (http://127\.0\.0\.1:\d+) in a browser [^.]*\. Press Ctrl\+C to stop\.\n",
                line,
            )
            assert told, line
            wait_for_answer(told[1])
            assert "Which of these have you seen?" in httpx.get(told[1]).text
        finally:
            process.terminate()
        assert process.stdout.read() == ""
    assert (tmp_path / "demo.db").exists()
