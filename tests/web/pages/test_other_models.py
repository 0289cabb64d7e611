"""The pages with models that rank and with data without stars, titles, genres or years."""

import json
import re
from pathlib import Path

import httpx
import numpy as np
import pytest

from matinee.data.catalog import Catalog
from matinee.data.ratings import PAIRS, Ratings
from matinee.models.ials import ImplicitALS
from matinee.recommendation.guide import Guide
from matinee.recommendation.model_file import Origin
from matinee.web.settings import Settings
from tests.conftest import simulated
from tests.web.conftest import OPERATOR, UNLIMITED, serving
from tests.web.pages.conftest import (
    SURE_ROWS,
    browsing,
    fitted_guide,
    send_rating,
    settings_for,
    upload,
    words_on,
)


@pytest.mark.parametrize("name", ["popularity", "ials", "ease"])
def test_a_ranking_model_shows_ranks_and_accepts_stars(name: str, tmp_path: Path) -> None:
    with browsing(settings_for(fitted_guide(name, simulated()), tmp_path)) as client:
        send_rating(client, 7, 5)
        response = send_rating(client, 17, 4)
        assert "#1 of 120 for you" in words_on(response)
        assert 'class="predicted"><span' not in response.text
        assert "halves" in response.text
        film = client.get("/films/27")
        assert film.status_code == 200
        assert ("cannot explain" in words_on(film)) == (name == "popularity")


def test_a_model_of_implicit_feedback_asks_for_no_stars(tmp_path: Path) -> None:
    stars = simulated()
    users, items = (
        stars.users.ids[stars.user_index].tolist(),
        stars.items.ids[stars.item_index].tolist(),
    )
    with browsing(
        settings_for(
            fitted_guide("ials", Ratings.from_ids(users, items, np.ones(len(stars)))), tmp_path
        )
    ) as client:
        start = client.get("/")
        assert "Which of these have you seen?" in words_on(start)
        assert 'type="radio"' not in start.text
        assert re.search(
            r'<button name="stars" value="1.0" aria-label="Seen it: 7">',
            client.get("/films/7").text,
        )
        response = send_rating(client, 7, 1)
        assert "#1 of 120 for you" in words_on(response)
        assert "Seen" in words_on(client.get("/films/7"))
        assert "Based on your 1 film" in words_on(response)


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
            ):
                assert client.get(path).status_code == 200, path
        link = client.post("/together", data={"name": "Ada"}).headers["location"]
        assert client.get(link).text.count('<li class="card">') == 20
        found = SURE_ROWS.search(upload(client, client.get("/you/ratings.csv").text).text)
        assert found
        assert len(json.loads(found[1].replace("&#34;", '"'))) == 1
        client.post("/operator", data={"token": OPERATOR})
        for path in ("", "/people", "/films", "/models", "/training"):
            assert client.get(f"/operator{path}").status_code == 200, path
        assert "Too few people here have rated" in client.get("/operator/models").text
