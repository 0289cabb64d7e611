"""The film page: any id, and explanations that add up."""

import re
from html import unescape
from pathlib import Path

import httpx
import numpy as np
import pytest

from matinee.data.catalog import Catalog, Film
from matinee.data.ratings import Ratings
from matinee.recommendation.guide import Guide
from matinee.web.pages.explanation_chart import chart, with_display_titles
from matinee.web.pages.rendering import film_url
from tests.web.conftest import guide_of
from tests.web.pages.conftest import browsing, fitted_guide, send_rating, settings_for, words_on

FILM_IDS = [7, 17, 27, 37, 47, 57]
ODD_IDS = ["..", ".", "../..", "//", "%2e%2e"]


def test_any_id_has_a_film_page(tmp_path: Path) -> None:
    names = [
        "a/b",
        "a b?c=d&e#f",
        "Ünï",
        "100%",
        '"><i>',
        *ODD_IDS,
        *(f"x{n}" for n in range(25 - 5 - len(ODD_IDS))),
    ]
    rng = np.random.default_rng(0)
    user = np.repeat(np.arange(30), 8)
    item = np.concatenate([rng.permutation(25)[:8] for _ in range(30)])
    ratings = Ratings.from_ids(
        user.tolist(), [names[index] for index in item], rng.integers(1, 6, 240).astype(float)
    )
    with browsing(settings_for(fitted_guide("baseline", ratings), tmp_path)) as client:
        links = dict.fromkeys(re.findall(r'href="(/films[^"]*)"', client.get("/?n=36").text))
        texts_of_pages = [client.get(unescape(link)).text for link in links]
        titles = {title for text in texts_of_pages for title in re.findall(r"<h1>(.*?)</h1>", text)}
        assert {"a/b", "a b?c=d&amp;e#f", "Ünï", "100%", "&#34;&gt;&lt;i&gt;", *ODD_IDS} == {
            *titles
        } - {*names[-15:]}
        assert words_on(send_rating(client, "a/b", 4)).count("Based on your 1 film") == 1
        back = send_rating(client, "..", 2, back=film_url("..")).url
        assert (back.path, dict(back.params)) == ("/films", {"id": ".."})
        assert client.get("/films").status_code == 422
        assert client.get("/films/x1").status_code == client.get("/films/Ünï").status_code == 200


def test_stars_near_the_top_are_shown_lower_with_a_reason(visitor: httpx.Client) -> None:
    for item_id in range(7, 307, 10):
        send_rating(visitor, item_id, 5)
    item_id = visitor.get("/api/v1/me/recommendations?k=1").json()["items"][0]["item_id"]
    response = visitor.get(f"/films/{item_id}")
    (shown,) = re.findall(r"<h2>Why ([\d.]+) stars</h2>", response.text)
    assert float(shown) < 5
    assert f"usually too high, so {shown} stars are shown." in words_on(response)
    low = words_on(visitor.get("/films/7?"))
    assert "Why" in low


def test_the_explanation_adds_up_to_the_prediction(visitor: httpx.Client) -> None:
    for item_id, stars in zip(FILM_IDS, (5, 1, 4.5, 2, 3, 5), strict=True):
        send_rating(visitor, item_id, stars)
    response = visitor.get("/films/1007")
    numbers = [
        float(text.replace("\u2212", "-"))
        for text in re.findall(r'<td class="number">([^<]*)</td>', response.text)
    ]
    assert sum(numbers[:-1]) == pytest.approx(numbers[-1], abs=1e-9)
    assert len(numbers) >= 6
    assert "If you hadn't rated it" in words_on(response)
    assert 'href="/map?film=1007"' in response.text


def test_an_explanation_names_films_as_people_say_them() -> None:
    named = Catalog({item_id: Film(f"Film {item_id}, The (1990)", 1990) for item_id in (7, 17, 27)})
    guide = Guide(guide_of().model, named)
    explanation = with_display_titles(guide.explain({7: 5.0, 17: 1.0}, 27))
    names = " ".join(bar.what for bar in chart(explanation).bars)
    assert "The Film 7 (1990)" in names
    assert ", The" not in names + chart(explanation).sentence
