"""Films whose ids and titles mean something to browsers, proxies and spreadsheets."""

import csv
import io
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import numpy as np
import pytest

from matinee.client import Client
from matinee.data.catalog import Catalog, Film
from matinee.data.ratings import Ratings
from matinee.models.baseline import Baseline
from matinee.recommendation.guide import Guide
from matinee.recommendation.model_file import Origin
from matinee.web.pages.rendering import film_url
from matinee.web.settings import Settings
from tests.web.conftest import UNLIMITED, newcomer, serving

ODD_IDS = (
    ".", "..", "...", "a/b", "/", "a//b", "../x", "x", "x/similar", "a%2fb", "%2e", "%", "%zz",
    "a?b", "a#b", "a;b", "a+b", "a b", "a\\b", "ä", "=1+1", "'=1", "-1", "\uff1d1",
)  # fmt: skip
STARTS = (
    "=", "+", "-", "@", "|", "%", "\uff1d", "\uff0b", "\uff0d", "\uff20", " =", "\t=", "\u200b=", "\x1b=",
    "\u00a0=", "\ufeff=", '"=', "'=", "''=", "'\"=", "'", '"', "a;=", "a;'=", "a|=", "a\t@", "a;\u200b=", ";;+",
)  # fmt: skip


@pytest.fixture(scope="module")
def odd_films(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server of films with odd ids and titles."""
    folder = tmp_path_factory.mktemp("odd_films")
    items = [*ODD_IDS, *(f"t{place}" for place in range(len(STARTS)))]
    films: dict[int | str, Film] = {
        item_id: Film(f"{start}cmd{place} (19{50 + place})", 1950 + place)
        for place, (item_id, start) in enumerate(zip(items[len(ODD_IDS) :], STARTS, strict=True))
    }
    films |= {
        item_id: Film(f"Film number {place} (2000)", 2000) for place, item_id in enumerate(ODD_IDS)
    }
    n = len(items)
    stars = np.tile([1.0, 2.0, 3.0, 4.0, 5.0], n)[: 5 * n]
    ratings = Ratings.from_ids(np.tile(np.arange(5), n), np.repeat(items, 5), stars)
    guide = Guide(Baseline().fit(ratings), Catalog(films), Origin("odd", len(ratings)))
    guide.save(folder / "odd.matinee")
    settings = Settings((folder / "odd.matinee",), str(folder / "people.db"), limits=UNLIMITED)
    with serving(settings) as url:
        yield url


@pytest.mark.parametrize("item_id", ODD_IDS)
def test_a_film_with_an_odd_id_has_addresses(odd_films: str, item_id: str) -> None:
    with httpx.Client(base_url=odd_films) as client:
        token = client.post("/api/v1/people").json()["token"]
        page = client.get(film_url(item_id))
        assert page.status_code == 200
        assert f"Film number {ODD_IDS.index(item_id)}" in page.text
    with Client(odd_films, token) as ada:
        assert ada.film(item_id).item_id == item_id
        ada.rate({item_id: 4})
        ada.hide(item_id)
        ada.watch(item_id)
        assert ada.my_ratings().ratings[0].item_id == item_id
        ada.unrate(item_id)
        assert ada.my_ratings().ratings == []


@pytest.mark.parametrize("item_id", ODD_IDS)
def test_an_id_that_is_encoded_twice_can_be_rated_by_its_address(
    odd_films: str, item_id: str
) -> None:
    address = quote(quote(item_id, safe="").replace(".", "%2E"), safe="")
    with httpx.Client(base_url=odd_films) as client:
        ada = newcomer(client)
        path = f"/api/v1/me/ratings/{address}"
        assert client.put(path, json={"stars": 4}, headers=ada).status_code == 204
        rated = client.get("/api/v1/me/ratings", headers=ada).json()["ratings"]
        assert [one["item_id"] for one in rated] == [item_id]
        assert client.get(f"/films/{address}").status_code == 200


def formulas_in(text: str) -> list[str]:
    """The cells that a spreadsheet of any country could take for formulas."""
    cells = [
        cell.lstrip('\u200b\ufeff\u00a0\x1b "')
        for separator in ",;\t|"
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        for cell in row
    ]
    signs = tuple("=+-@|%\t\r\uff1d\uff0b\uff0d\uff20")
    return [cell for cell in cells if cell.startswith(signs)]


def test_the_csv_of_odd_films_holds_no_formulas_and_can_be_imported_again(odd_films: str) -> None:
    with httpx.Client(base_url=odd_films) as browser, httpx.Client(base_url=odd_films) as other:
        browser.post("/api/v1/people?cookie=true")
        items = [*ODD_IDS, *(f"t{place}" for place in range(len(STARTS)))]
        for start in range(0, len(items), 40):
            rows = [{"item_id": one, "stars": 3} for one in items[start : start + 40]]
            assert browser.post("/api/v1/me/ratings", json={"ratings": rows}).status_code == 204
        content = browser.get("/you/ratings.csv").content
        assert formulas_in(content.decode()) == []
        ada = newcomer(other)
        answer = other.post(
            "/api/v1/me/import", files={"file": ("ratings.csv", content)}, headers=ada
        ).json()
        assert (answer["left_out"], answer["doubtful"]) == ([], [])
        again = other.get("/api/v1/me/ratings", headers=ada).json()["ratings"]
        assert {one["item_id"] for one in again} == {*items}
