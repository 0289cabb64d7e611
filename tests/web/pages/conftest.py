"""Helpers for tests of the pages without a browser."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path

import httpx
import pytest

from matinee.data.catalog import Catalog, Film
from matinee.data.ratings import Ratings
from matinee.data.vocabulary import Id
from matinee.models import MODELS
from matinee.models.popularity import Popularity
from matinee.recommendation.guide import Guide
from matinee.recommendation.model_file import Origin
from matinee.web.settings import Limits, Settings
from tests.conftest import simulated
from tests.web.conftest import OPERATOR, UNLIMITED, guide_of, serving

HTML = {"Accept": "text/html"}
ADDRESSES = ["/", "/for-you", "/search", "/search?q=film", "/films/7"]
"""Addresses of pages that a visitor without data can open."""
LETTERBOXD_CSV = """Date,Name,Year,Letterboxd URI,Rating
2024-01-01,Amélie,2001,u,5
2024-01-01,Star Wars,1977,u,4
2024-01-01,Film 6,1956,u,3.5
2024-01-01,Nothing Like It,1999,u,2
"""
SURE_ROWS = re.compile(r'name="sure" value="([^"]*)"')
"""Matches the certain rows on the review page of an import."""


@pytest.fixture
def visitor(site: str) -> Iterator[httpx.Client]:
    """A client like a browser without scripts: it keeps cookies and follows redirects."""
    with httpx.Client(base_url=site, timeout=30, headers=HTML, follow_redirects=True) as client:
        yield client


@pytest.fixture
def friend(site: str) -> Iterator[httpx.Client]:
    """A second client of `site` beside `web`, with its own cookies."""
    with httpx.Client(base_url=site, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def three_models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server with three models, one of which only ranks."""
    folder = tmp_path_factory.mktemp("three_models")
    guide_of().save(folder / "mf.matinee")
    guide_of(baseline=True).save(folder / "baseline.matinee")
    Guide(Popularity().fit(simulated()), Catalog()).save(folder / "plain.matinee")
    files = tuple(folder / f"{name}.matinee" for name in ("mf", "baseline", "plain"))
    with serving(
        Settings(files, str(folder / "people.db"), OPERATOR, UNLIMITED, log_requests=False)
    ) as url:
        yield url


@contextmanager
def browsing(settings: Settings) -> Iterator[httpx.Client]:
    """A client like `visitor` for a server that is started for one test."""
    with (
        serving(settings) as url,
        httpx.Client(base_url=url, headers=HTML, follow_redirects=True) as client,
    ):
        yield client


def send_rating(client: httpx.Client, item_id: Id, stars: float, **more: object) -> httpx.Response:
    """Sends the rating form of a card as a browser does; returns the page that follows."""
    return client.post(
        "/rate", data={"item_id": str(item_id), "stars": str(stars), "back": "/for-you"} | more
    )


def rate(client: httpx.Client, item_id: int, stars: float) -> None:
    """Rates a film."""
    assert client.post("/rate", data={"item_id": item_id, "stars": stars}).status_code == 303


def stored_ratings(client: httpx.Client) -> dict[int, float]:
    """Item id -> the stars that the server has stored."""
    ratings = client.get("/api/v1/me/ratings").json()["ratings"]
    return {rating["item_id"]: rating["stars"] for rating in ratings}


def upload(client: httpx.Client, content: str = LETTERBOXD_CSV) -> httpx.Response:
    """Uploads a file for import; returns the review page."""
    return client.post("/you/import", files={"file": ("ratings.csv", content.encode())})


def films_on(response: httpx.Response) -> list[str]:
    """The ids of the films whose cards are on a page, in order."""
    return re.findall(r'<li class="card[^"]*" data-film="([^"]*)"', response.text)


def words_on(response: httpx.Response) -> str:
    """The text of a page, without tags."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", response.text)).split())


def settings_for(guide: Guide, folder: Path, limits: Limits = UNLIMITED) -> Settings:
    """Saves a model and returns settings that serve it."""
    path = folder / "own.matinee"
    guide.save(path)
    return Settings((path,), f"sqlite:///{folder / 'own.db'}", "", limits, log_requests=False)


def fitted_guide(name: str, ratings: Ratings, films: dict[Id, Film] | None = None) -> Guide:
    """A model of the given name, fitted to the ratings."""
    model = next(model for model in MODELS if model.name == name)
    return Guide(model().fit(ratings, n_threads=1), Catalog(films or {}), Origin("own"))
