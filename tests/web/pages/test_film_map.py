"""The map page and its data."""

import re
from html import unescape
from pathlib import Path

import httpx

from matinee.data.catalog import Film
from matinee.data.ratings import Ratings
from matinee.data.vocabulary import Id
from tests.conftest import simulated
from tests.web.conftest import guide_of
from tests.web.pages.conftest import (
    browsing,
    fitted_guide,
    rate,
    send_rating,
    settings_for,
    words_on,
)


def test_the_map_loads_its_scripts_and_data_without_inline_code(
    web: httpx.Client,
) -> None:
    page = web.get("/map").text
    assert not re.search(r"<script(?![^>]* src=)", page)
    assert "style=" not in page
    for name in ("map.js", "map_canvas.js", "map_controls.js", "map.css"):
        assert web.get(f"/map/{name}").headers["cache-control"] == "no-cache"
    assert web.get("/map/report.html").status_code == 404
    films = web.get("/map/films.json")
    assert films.headers["cache-control"] == "private, max-age=86400"
    assert len(films.json()["ids"]) == 120
    assert web.get("/map/you.json").json() is None
    rate(web, 27, 5.0)
    you = web.get("/map/you.json").json()
    assert you["stars"] == [[2, 5.0]]
    assert you["note"] == ""


def test_a_film_with_few_ratings_leads_to_the_one_most_similar_to_it(tmp_path: Path) -> None:
    common = simulated()
    users = common.users.ids.tolist()[:40]
    ids: list[int] = common.items.ids[common.item_index].tolist()
    own: list[int] = common.users.ids[common.user_index].tolist()
    table = Ratings.from_ids(
        [*own, users[0], users[1]], [*ids, 9999, 9999], [*common.value.tolist(), 5.0, 1.0]
    )
    films: dict[Id, Film] = {
        9999: Film("Rare One, The (1950)", 1950),
        7: Film("Amélie (2001)", 2001),
    }
    with browsing(settings_for(fitted_guide("mf", table, films), tmp_path)) as client:
        on_map = client.get("/map/films.json").json()["ids"]
        assert 9999 not in on_map
        assert 'href="/map?film=9999"' in client.get("/films/9999").text
        page = unescape(client.get("/map?film=9999").text)
        row = re.search(r'data-row="(\d+)"', page)
        assert row
        nearest = on_map[int(row[1])]
        name = client.get(f"/api/v1/films/{nearest}").json()["display_title"]
        assert "The Rare One (1950) has too few ratings for a place on the map." in page
        assert f"most similar to it: {name}." in page
        send_rating(client, 9999, 5)
        send_rating(client, 7, 4)
        assert client.get("/map/you.json").json()["note"] == "1 of your 2 films is on the map."
        known = client.get(f"/map?film={nearest}").text
        assert f'data-row="{row[1]}" data-note=""' in known
        assert "not on the map" in client.get("/map?film=nope").text


def test_a_model_without_a_map_has_no_link_to_it(tmp_path: Path) -> None:
    with browsing(settings_for(guide_of(baseline=True), tmp_path)) as client:
        page = client.get("/films/7")
        assert "Show on map" not in page.text
        assert page.status_code == 200


def test_the_panel_shows_the_prediction_and_stars_to_rate_with(visitor: httpx.Client) -> None:
    part = visitor.get("/map/film?id=27")
    assert "Predicted for a new user" in words_on(part)
    assert 'action="/rate"' in part.text
    back = send_rating(visitor, 27, 4.5, back="/map/film?id=27")
    assert "Your rating" in words_on(back)
    assert visitor.get("/map/film?id=nope").status_code == 404
