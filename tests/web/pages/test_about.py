"""What the site is, and how it is installed."""

import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import httpx
import pytest

from matinee.recommendation.guide import Guide
from matinee.report.glossary import citations
from matinee.web.pages.texts import APP, FOOTER
from matinee.web.settings import Settings
from tests.web.conftest import UNLIMITED, guide_of, serving


def test_each_page_of_the_footer_is_there(web: httpx.Client) -> None:
    home = web.get("/").text
    for address, name in FOOTER:
        assert f'<a href="{address}">{name}</a>' in home
        assert web.get(address).status_code == 200


def test_about_names_the_data_and_whom_to_cite(tmp_path: Path) -> None:
    guide = guide_of(baseline=True)
    named = Guide(guide.model, guide.catalog, replace(guide.origin, dataset="ml-latest-small"))
    named.save(tmp_path / "small.matinee")
    settings = Settings((tmp_path / "small.matinee",), str(tmp_path / "p.db"), "", UNLIMITED)
    with serving(settings) as url:
        page = unescape(httpx.get(f"{url}/about").text)
    assert "ml-latest-small" in page
    assert "Research use" in page
    (cited,) = citations("ml-latest-small")
    assert cited.partition(" https")[0] in page
    assert '<a href="https://doi.org' in page


@pytest.mark.parametrize("path", ["/", "/for-you", "/films/7", "/about"])
def test_each_page_has_what_previews_show(web: httpx.Client, path: str) -> None:
    page = web.get(path).text
    told = dict(re.findall(r'<meta (?:name|property)="([a-z:_-]+)" content="([^"]*)">', page))
    title = re.search(r"<title>(.*?) · matinee</title>", page)
    assert title is not None
    assert told["og:title"] == title[1]
    assert told["og:description"] == told["description"]
    assert told["og:url"] == f"{web.base_url}".rstrip("/") + path
    assert web.get(told["og:image"]).headers["content-type"] == "image/png"
    assert len(told["description"]) > 30


def test_a_film_is_described_by_its_genres_and_mean(web: httpx.Client) -> None:
    told = re.search(r'<meta name="description" content="([^"]*)">', web.get("/films/7").text)
    assert told is not None
    assert re.match(r"Comedy, Romance\. Average \d\.\d \(\d+ ratings\)\. ", told[1])


def test_the_manifest_has_icons_of_its_sizes(web: httpx.Client) -> None:
    answer = web.get("/manifest.webmanifest")
    assert answer.headers["content-type"] == "application/manifest+json"
    manifest = answer.json()
    assert manifest["name"] == APP["name"]
    assert web.get(manifest["start_url"]).status_code == 200
    for icon in manifest["icons"]:
        content = web.get(icon["src"]).content
        if icon["type"] == "image/png":
            width = int.from_bytes(content[16:20], "big")
            assert icon["sizes"] == f"{width}x{width}"
    assert web.get("/favicon.ico").status_code == 200
