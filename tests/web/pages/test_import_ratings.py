"""The import pages: what a file contains, what is stored, and what is refused."""

import json
import time

import httpx
import pytest

from tests.web.conftest import OPERATOR
from tests.web.pages.conftest import LETTERBOXD_CSV, SURE_ROWS, stored_ratings, upload


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
    assert (done.status_code, done.headers["location"]) == (303, "/you")
    assert stored_ratings(web) == {7: 5.0, 17: 4.0, found[1][0]: 3.5}
    again = upload(web)
    assert "2 ratings of yours will be overwritten." in again.text
    assert "you have rated this film; tick to overwrite your rating" in again.text
    assert 'value="[[17,4.0]]">' in again.text.replace("&#34;", '"')


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
    assert "are not those of a known site" in response.text
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
