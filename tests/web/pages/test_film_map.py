"""The map page and its data."""

import re

import httpx

from tests.web.pages.conftest import rate


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
