"""Malformed forms and files, which the pages never send, and very large ones."""

import html
import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from matinee.data.catalog import Catalog, Film
from matinee.data.ratings import Ratings, Scale
from matinee.data.vocabulary import Id
from matinee.models.baseline import Baseline
from matinee.recommendation.guide import Guide
from matinee.web.settings import Settings
from tests.web.conftest import UNLIMITED, newcomer, serving

N_FILMS = 1_300


@pytest.fixture
def either(model_file: Path, database: str) -> Iterator[httpx.Client]:
    """A client, signed in as a new person, of a server on either database."""
    settings = Settings((model_file,), database, limits=UNLIMITED, log_requests=False)
    with serving(settings) as url, httpx.Client(base_url=url, timeout=30) as client:
        client.headers.update(newcomer(client))
        yield client


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server with many films: Film 0 (1950), Film 1 (1951), ..."""
    folder = tmp_path_factory.mktemp("large")
    items = list(range(N_FILMS))
    ratings = Ratings.from_ids(
        [1] * N_FILMS, items, [1 + item % 5 for item in items], scale=Scale(0.5, 5, 0.5)
    )
    films: dict[Id, Film] = {
        item: Film(f"Film {item} ({1950 + item % 60})", 1950 + item % 60) for item in items
    }
    Guide(Baseline().fit(ratings, n_threads=1), Catalog(films)).save(folder / "large.matinee")
    settings = Settings(
        (folder / "large.matinee",), str(folder / "p.db"), limits=UNLIMITED, log_requests=False
    )
    with serving(settings) as url:
        yield url


def test_nul_characters_in_addresses_and_ids_are_not_found(
    either: httpx.Client, capfd: pytest.CaptureFixture[str]
) -> None:
    asked = [
        either.get("/together/%00"),
        either.post("/together/a%00b/join", data={"name": "Ada"}),
        either.post("/together/a%00b/leave"),
        either.post("/together/a%00b/link"),
        *(either.post(path, data={"item_id": "a\0b"}) for path in ("/unrate", "/show", "/hide")),
        either.post("/rate", data={"item_id": "a\0b", "stars": 3}),
    ]
    assert [answer.status_code for answer in asked] == [404] * len(asked)
    assert "database failed" not in capfd.readouterr().err


@pytest.mark.parametrize("part", ["", "page"])
def test_an_invalid_return_address_leads_to_the_start_page(web: httpx.Client, part: str) -> None:
    ada = newcomer(web) | {"x-part": part}
    for back in (
        "//[",
        "//[/",
        "http://[",
        "//evil.example",
        "/\\evil.example",
        "https://evil.example/",
        "/a\nb",
    ):
        for path in ("/rate", "/hide", "/show", "/unrate"):
            sent = web.post(path, data={"item_id": "7", "stars": "3", "back": back}, headers=ada)
            assert (sent.status_code, sent.headers.get("location")) == (303, "/"), (path, back)


@pytest.mark.parametrize("packing", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA], ids=str)
def test_a_damaged_zip_file_is_explained_on_the_page(web: httpx.Client, packing: int) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", packing) as archive:
        archive.writestr("ratings.csv", "".join(f"{number * number}\n" for number in range(500)))
    damaged = bytearray(packed.getvalue())
    for place in range(60, 90):
        damaged[place] ^= 0xFF
    response = web.post("/you/import", files={"file": ("ratings.zip", bytes(damaged))})
    assert response.status_code == 422
    assert "The zip file is damaged or locked; unpack it and give its ratings.csv." in response.text


def test_a_large_number_of_doubtful_films_can_be_stored(large: str) -> None:
    rows = (f"2024-01-01,Film {item},{1951 + item % 60},u,4" for item in range(N_FILMS))
    file = "Date,Name,Year,Letterboxd URI,Rating\n" + "\n".join(rows)
    with httpx.Client(base_url=large, timeout=30) as browser:
        review = browser.post("/you/import", files={"file": ("ratings.csv", file.encode())}).text
        doubtful = [
            html.unescape(one) for one in re.findall(r'name="doubtful" value="([^"]*)"', review)
        ]
        sure = html.unescape(re.findall(r'name="sure" value="([^"]*)"', review)[0])
        assert len(doubtful) == N_FILMS
        parts = [
            ("sure", (None, sure)),
            *(("doubtful", (None, one)) for one in doubtful),
        ]  # as browsers send this form
        done = browser.post("/you/import/keep", files=parts)
        assert (done.status_code, done.headers["location"]) == (303, f"/you?imported={N_FILMS}")
        assert browser.get("/api/v1/me").json()["n_ratings"] == N_FILMS
        first = browser.get("/api/v1/me/ratings").json()["ratings"][0]
        assert first["item_id"] == N_FILMS - 1  # the last one in the file


def test_a_form_with_too_many_films_is_refused(
    web: httpx.Client,
) -> None:
    refused = web.post("/you/import/keep", data={"doubtful": ["[]"] * 5_002})
    assert refused.status_code == 422
    assert refused.json()["detail"] == (
        "The form was damaged in transit, or it contains more than the 5,000 films that one person can rate."
    )
    nothing = web.post("/you/import/keep", files={"doubtful": ("a file", b"[[7, 3]]")})
    assert nothing.status_code == 422
    assert not web.cookies
