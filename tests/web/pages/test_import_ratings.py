"""The import pages: what a file contains, what is stored, and what is refused."""

import io
import json
import re
import time
import zipfile
from html import unescape

import httpx
import pytest

from tests.web.conftest import OPERATOR
from tests.web.pages.conftest import LETTERBOXD_CSV, SURE_ROWS, stored_ratings, upload, words_on


@pytest.mark.parametrize(
    ("title", "n_rows"),
    [("a" + " " * 131_000 + "b", 15), ("(a) " * 300, 1_500), ("(a) " * 30_000, 15)],
    ids=["spaces", "brackets", "more brackets"],
)
def test_long_titles_do_not_block_the_server(web: httpx.Client, title: str, n_rows: int) -> None:
    table = "Date,Name,Year,Letterboxd URI,Rating\n" + f"2020,{title},,x,4\n" * n_rows
    started = time.process_time()  # the server is a thread of this process
    response = upload(web, table)
    assert time.process_time() - started < 3
    assert response.status_code == 200
    assert f"Letterboxd: {n_rows:,} rows." in response.text
    assert web.get("/health/live").status_code == 200


def test_an_import_stores_the_ticked_ratings_after_confirmation(
    web: httpx.Client,
) -> None:
    page = upload(web)
    assert page.status_code == 200
    assert "Letterboxd: 4 rows. Nothing is saved yet." in page.text
    assert "the title differs slightly" in page.text
    assert "row 5: no film here has this title" in page.text
    assert not web.cookies
    sure = SURE_ROWS.search(page.text)
    assert sure
    found = json.loads(sure[1].replace("&#34;", '"'))
    assert [pair[1] for pair in found] == [5.0, 3.5]
    done = web.post("/you/import/keep", data={"sure": json.dumps(found), "doubtful": ["[[17,4]]"]})
    assert (done.status_code, done.headers["location"]) == (303, "/you?imported=3")
    assert "3 ratings imported." in web.get("/you?imported=3").text
    assert stored_ratings(web) == {7: 5.0, 17: 4.0, found[1][0]: 3.5}
    again = upload(web)
    assert "2 ratings of yours will be overwritten." in again.text
    assert "you have rated this film; tick to overwrite your rating" in again.text
    assert 'value="[[17,4.0,1704067200]]">' in again.text.replace("&#34;", '"')


@pytest.mark.parametrize(
    ("sure", "status", "sentence"),
    [
        ("not json", 422, "The form was damaged in transit"),
        ("[[7]]", 422, "The form was damaged in transit"),
        ('[[{"a": 1}, 5]]', 422, "The form was damaged in transit"),
        ("[[7, 50]]", 422, "50 stars for film &#39;7&#39; are outside the scale"),
        ("[[123456, 5]]", 404, "Page not found"),
        ("[]", 422, "Nothing was selected, so nothing was saved."),
    ],
)
def test_an_invalid_form_stores_nothing(
    web: httpx.Client, site: str, sure: str, status: int, sentence: str
) -> None:
    operator = {"Authorization": f"Bearer {OPERATOR}"}
    before = httpx.get(f"{site}/api/v1/operator/counts", headers=operator).json()
    response = web.post("/you/import/keep", data={"sure": sure}, headers={"Accept": "text/html"})
    assert response.status_code == status
    assert sentence in response.text
    assert not web.cookies
    assert httpx.get(f"{site}/api/v1/operator/counts", headers=operator).json() == before


def test_an_unreadable_file_is_explained_on_the_page(web: httpx.Client) -> None:
    response = upload(web, "a,b\n1,<script>\n")
    assert response.status_code == 422
    assert "so it is a header" in response.text
    assert (
        "<script>"
        not in upload(web, LETTERBOXD_CSV + "2024,<script>alert(1)</script>,1990,u,3\n").text
    )
    assert "No file was chosen" in web.post("/you/import").text


def test_a_file_may_be_larger_than_other_requests_up_to_two_megabytes(
    web: httpx.Client,
) -> None:
    rows = "".join(
        f"2024-01-01,Film {n % 117},{1950 + n % 60},https://boxd.it/abcdefgh,3\n"
        for n in range(9_000)
    )
    assert len(rows) > 300_000
    assert "9,004 rows" in upload(web, LETTERBOXD_CSV + rows).text
    assert web.post("/you/import", files={"file": ("x.csv", b"x" * 3 * 1024**2)}).status_code == 413


def test_the_dates_of_imported_ratings_are_stored(web: httpx.Client) -> None:
    rows = json.dumps([[7, 5.0, 1_600_000_000], [17, 4.0]])
    assert web.post("/you/import/keep", data={"sure": rows}).status_code == 303
    ratings = web.get("/api/v1/me/export").json()["ratings"]
    rated_at = {one["item_id"]: one["rated_at"] for one in ratings}
    assert rated_at["7"] == 1_600_000_000
    assert rated_at["17"] > 1_700_000_000


def fields_of(page: httpx.Response) -> dict[str, str]:
    """The hidden fields of a form, as a browser would send them."""
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', page.text)
    return {name: unescape(value) for name, value in found}


def test_a_left_out_row_is_matched_by_hand_without_scripts(web: httpx.Client) -> None:
    page = upload(web)
    assert 'name="q-5"' in page.text
    assert "row 5: no film here has this title (1 Jan 2024)" in words_on(page)
    form = fields_of(page) | {"q-5": "film 17"}
    found = web.post("/you/import/keep", data=form)
    assert found.status_code == 200
    assert not web.cookies  # nothing is stored yet
    (chosen,) = re.findall(r'<option value="(\d+)" selected>Film 17 \(1967\)</option>', found.text)
    assert fields_of(found)["found-5"] == "film 17"
    done = web.post(
        "/you/import/keep", data=fields_of(found) | {"q-5": "film 17", "film-5": chosen}
    )
    assert done.headers["location"] == "/you?imported=3"
    assert stored_ratings(web)[int(chosen)] == 2.0
    kept = web.get("/api/v1/me/export").json()["ratings"]
    assert {one["rated_at"] for one in kept} == {1704067200}


def test_a_row_can_be_searched_for_again_and_left_out(web: httpx.Client) -> None:
    first = web.post("/you/import/keep", data=fields_of(upload(web)) | {"q-5": "film 17"})
    again = web.post("/you/import/keep", data=fields_of(first) | {"q-5": "amelie", "film-5": "177"})
    assert again.status_code == 200
    assert ">Amélie (2001)</option>" in again.text
    done = web.post("/you/import/keep", data=fields_of(again) | {"q-5": "amelie", "film-5": ""})
    assert done.headers["location"] == "/you?imported=2"
    nothing = web.post("/you/import/keep", data=fields_of(upload(web)) | {"q-5": "\u2603"})
    assert "No films found. Try other words, or leave it out." in nothing.text


@pytest.mark.parametrize(
    "rows",
    ["no json", "[[1]]", '[["a", "b", 3, null]]', '[[1, "b", "x", null]]', '[[1, "b", 3, "y"]]'],
)
def test_invalid_rows_to_match_are_refused(web: httpx.Client, rows: str) -> None:
    response = web.post("/you/import/keep", data={"sure": "[[7, 5]]", "by_hand": rows})
    assert response.status_code == 422
    assert not web.cookies


def test_the_watchlist_in_a_zip_file_goes_to_the_watchlist(web: httpx.Client) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("ratings.csv", LETTERBOXD_CSV)
        archive.writestr(
            "watchlist.csv",
            "Date,Name,Year,Letterboxd URI\n2023-05-04,Film 17,1967,u\n2023-05-05,Not Here,1990,u\n",
        )
    page = web.post("/you/import", files={"file": ("letterboxd.zip", packed.getvalue())})
    words = words_on(page)
    assert "Add 1 film to your watchlist" in words
    assert "Not here, of your watchlist: Not Here (1990)." in words
    done = web.post("/you/import/keep", data=fields_of(page) | {"watchlist": "1"})
    assert done.headers["location"] == "/you?imported=2&listed=1"
    assert "1 film added to your watchlist." in web.get(done.headers["location"]).text
    listed = web.get("/api/v1/me/export").json()["watchlist"]
    assert [(one["item_id"], one["added_at"]) for one in listed] == [("177", 1683158400)]


def test_a_watchlist_alone_goes_to_the_watchlist(web: httpx.Client) -> None:
    content = b"Date,Name,Year,Letterboxd URI\n2023-05-04,Film 17,1967,u\n"
    page = web.post("/you/import", files={"file": ("watchlist.csv", content)})
    assert "Add 1 film to your watchlist" in words_on(page)
    left_out = web.post("/you/import/keep", data=fields_of(page))
    assert left_out.status_code == 422
    done = web.post("/you/import/keep", data=fields_of(page) | {"watchlist": "1"})
    assert done.headers["location"] == "/you?listed=1"
    bad = web.post("/you/import/keep", data={"watchlist": "1", "wanted": "[[7]]"})
    assert bad.status_code == 422


@pytest.mark.parametrize(
    "table",
    [
        "Movie Name,Release Year,My Score\nAmélie,2001,5\nFilm 6,1956,4\n",
        "Filmtitel;Jahr;Bewertung (1-10)\nAmélie;2001;10\nFilm 6;1956;8\n",
        "Rank,Film,Stars out of 5,Seen on\n1,Amélie (2001),5,2020-02-03\n2,Film 6 (1956),4,2021-02-03\n",
        "Title,Year,WatchedDate,Rating10\nAmélie,2001,2020-01-01,10\nFilm 6,1956,2020-01-01,8\n",
        "title,year,rating\nAmélie,2001,5\nFilm 6,1956,4\n",
        "name,my points of 100\nAmélie (2001),100\nFilm 6 (1956),80\n",
    ],
)
def test_any_table_with_a_title_and_a_rating_is_read(web: httpx.Client, table: str) -> None:
    page = upload(web, table)
    assert page.status_code == 200, words_on(page)
    assert json.loads(fields_of(page)["sure"])[0][:2] == [7, 5.0]
    assert json.loads(fields_of(page)["sure"])[1][1] == 4.0


def test_the_review_shows_the_dates(web: httpx.Client) -> None:
    assert "1 Jan 2024" in words_on(upload(web, LETTERBOXD_CSV))
