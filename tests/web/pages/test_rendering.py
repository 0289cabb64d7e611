"""Rendering: page structure, static files, escaping, error pages, and the filters of the templates."""

import re
from pathlib import Path

import httpx
import pytest

from matinee.data.catalog import Catalog, Film
from matinee.data.ratings import PAIRS, Scale
from matinee.recommendation.guide import Guide
from matinee.web.pages.rendering import choices, film_url, milliseconds
from matinee.web.settings import Limits, Settings
from tests.web.conftest import guide_of, serving
from tests.web.pages.conftest import ADDRESSES, HTML, browsing, send_rating, settings_for, words_on

UNSAFE_TITLE = "<script>alert(1)</script> & \"quotes\" 'n' {{ braces }} (1999)"


@pytest.mark.parametrize("address", ADDRESSES)
def test_pages_have_one_heading_and_no_inline_code(visitor: httpx.Client, address: str) -> None:
    response = visitor.get(address)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    assert response.text.count("<h1") == 1
    assert '<html lang="en">' in response.text
    assert not re.search(
        r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", response.text
    )
    assert set(re.findall(r'(?:src|action)="(\w+:|//)', response.text)) == set()
    links = re.findall(r'<a href="(?:\w+:|//)[^>]*>', response.text)
    assert all('rel="external noopener noreferrer"' in link for link in links)
    others = re.findall(r'<(?!a )[^>]* href="(?:\w+:|//)', response.text)
    assert others == []


def test_static_files_are_cached_and_revalidated(visitor: httpx.Client) -> None:
    for name, kind in (
        ("app.css", "text/css"),
        ("app.js", "javascript"),
        ("icon.svg", "image/svg+xml"),
    ):
        first = visitor.get(f"/static/{name}")
        assert kind in first.headers["content-type"]
        assert first.headers["cache-control"] == "no-cache"
        again = visitor.get(f"/static/{name}", headers={"If-None-Match": first.headers["etag"]})
        assert again.status_code == 304
    assert visitor.get("/static/..%2Fpages.py").status_code == 404
    assert visitor.get("/static/").status_code == 404


def test_titles_and_genres_are_escaped(tmp_path: Path) -> None:
    guide = guide_of()
    ids = guide.model.items_.ids.tolist()
    films = {item_id: Film(UNSAFE_TITLE, 1999, ("Sci-Fi", "<b>bold</b>")) for item_id in ids}
    with browsing(
        settings_for(Guide(guide.model, Catalog(films), guide.origin), tmp_path)
    ) as client:
        responses = [
            send_rating(client, 7, 5),
            *(client.get(page) for page in [*ADDRESSES, "/search?q=%3Cscript%3E%3Cb%3Ebold"]),
        ]
        for response in responses:
            assert response.status_code == 200
            assert "<script>alert" not in response.text
            assert "<b>bold" not in response.text
        assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &#34;quotes&#34;" in responses[1].text
        assert "{{ braces }}" in responses[1].text


def test_the_address_of_a_film_is_a_path_only_for_safe_ids() -> None:
    assert [film_url(item_id) for item_id in (7, "tt0133093", "a.b~c")] == [
        "/films/7",
        "/films/tt0133093",
        "/films/a.b~c",
    ]
    assert [film_url(item_id) for item_id in ("..", "a/b", "50%")] == [
        "/films?id=..",
        "/films?id=a%2Fb",
        "/films?id=50%25",
    ]


def test_errors_are_html_for_browsers_and_problem_json_for_programs(visitor: httpx.Client) -> None:
    for address, status, said in (("/nope", 404, "No page has this address"), ("/films/8", 404, "No film"),
                                  ("/rate", 405, "only takes forms")):  # fmt: skip
        response = visitor.get(address)
        assert response.status_code == status
        assert said in words_on(response)
        assert response.headers["content-type"] == "text/html; charset=utf-8"
    document = visitor.get("/nope", headers={"Accept": "*/*"})
    assert document.headers["content-type"] == "application/problem+json"
    assert visitor.get("/api/v1/films/8").headers["content-type"] == "application/problem+json"


def test_too_many_requests_get_a_page_with_a_retry_link(model_file: Path, tmp_path: Path) -> None:
    limits = Limits(per_second=0.01, burst=1)
    settings = Settings(
        (model_file,), f"sqlite:///{tmp_path / 'p.db'}", "", limits, log_requests=False
    )
    with serving(settings) as url:
        first, second = (httpx.get(f"{url}/for-you?k=3", headers=HTML) for _ in range(2))
        assert (first.status_code, second.status_code) == (200, 429)
        assert int(second.headers["retry-after"]) > 0
        assert "Too many requests" in words_on(second)
        assert '<a class="button" href="/for-you?k=3">Try again</a>' in second.text


def test_a_scale_offers_its_steps_unless_there_are_too_many() -> None:
    assert choices(Scale(0.5, 5, 0.5)) == [0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5]
    assert choices(Scale(1, 5, 1)) == [1, 2, 3, 4, 5]
    assert len(choices(Scale(-10, 10, 1))) == 21
    assert choices(Scale(-10, 10, 0.5)) == choices(Scale(1, 5, 0)) == choices(PAIRS) == []


def test_long_times_are_written_in_digits() -> None:
    written = [milliseconds(value) for value in (0.2512, 12.345, 1152.0, 70_300.0, 123_456.0)]
    assert written == ["0.251", "12.3", "1,150", "70,300", "123,000"]
