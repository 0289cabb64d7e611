"""The film page: any id, and explanations that add up."""

import re
from decimal import ROUND_HALF_UP, Decimal
from html import unescape
from pathlib import Path

import httpx
import numpy as np
import pytest

from matinee.data.catalog import Catalog, Film
from matinee.data.ratings import Ratings
from matinee.recommendation.guide import Guide
from matinee.web.pages.explanation_chart import chart, with_display_titles
from matinee.web.pages.film_words import reasons_in_words
from matinee.web.pages.rendering import film_url
from tests.web.conftest import guide_of
from tests.web.pages.conftest import (
    browsing,
    films_on,
    fitted_guide,
    send_rating,
    settings_for,
    words_on,
)

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


def sum_on(response: httpx.Response) -> list[float]:
    """The numbers of the sum: the parts, then the prediction."""
    texts = re.findall(r'<td class="number">([^<]*)</td>', response.text)
    return [float(text.replace("\u2212", "-")) for text in texts]


def predicted_on(response: httpx.Response) -> str:
    found = re.search(r'class="predicted">.*?<b>([\d.]+)<', response.text, re.DOTALL)
    assert found
    return found[1]


def rate_some(client: httpx.Client) -> None:
    for item_id, stars in zip(FILM_IDS, (5, 1, 4.5, 2, 3, 5), strict=True):
        send_rating(client, item_id, stars)


def test_stars_near_the_top_are_shown_lower_with_a_reason(visitor: httpx.Client) -> None:
    for item_id in range(7, 307, 10):
        send_rating(visitor, item_id, 5)
    item_id = visitor.get("/api/v1/me/recommendations?k=1").json()["items"][0]["item_id"]
    response = visitor.get(f"/films/{item_id}")
    assert float(predicted_on(response)) < 5
    assert "Predictions this high are usually too high \u2212" in words_on(response)
    assert sum(sum_on(response)[:-1]) == pytest.approx(sum_on(response)[-1], abs=1e-9)


def test_the_sum_adds_up_to_the_prediction_that_the_page_shows(visitor: httpx.Client) -> None:
    rate_some(visitor)
    for n in range(7, 7 + 10 * 100, 10):
        response = visitor.get(f"/films/{n}")
        numbers = sum_on(response)
        assert sum(numbers[:-1]) == pytest.approx(numbers[-1], abs=1e-9), n
        shown = Decimal(f"{numbers[-1]:.2f}").quantize(Decimal("0.1"), ROUND_HALF_UP)
        assert str(shown) == predicted_on(response), n
        assert len(re.findall(r'<th scope="row">Your [\d.]+ stars? for', response.text)) <= 5, n
        assert "Rounding" not in response.text
        assert "Without" not in response.text
    assert 'href="/map?film=17"' in visitor.get("/films/17").text


def test_a_rated_film_shows_what_was_predicted_without_that_rating(visitor: httpx.Client) -> None:
    rate_some(visitor)
    predict = {"ratings": [{"item_id": 17, "stars": 1}, {"item_id": 27, "stars": 4.5},
        {"item_id": 37, "stars": 2}, {"item_id": 47, "stars": 3}, {"item_id": 57, "stars": 5}],
        "item_ids": [7]}  # fmt: skip
    (before,) = visitor.post("/api/v1/predict", json=predict).json()["predictions"]
    response = visitor.get("/films/7")
    words = words_on(response)
    assert f"You gave 5. We had predicted {before['stars']:.1f}." in words
    assert "Your own rating of this film is left out." in words
    assert "Am\u00e9lie (2001)" not in "".join(
        re.findall(r'<th scope="row">(.*?)</th>', response.text)
    )
    assert "We predict that you would give it" in words_on(visitor.get("/films/107"))


def test_the_only_rating_is_compared_with_what_a_new_user_would_get(visitor: httpx.Client) -> None:
    new = re.search(r"We predict ([\d.]+) stars for a new user", words_on(visitor.get("/films/7")))
    assert new
    send_rating(visitor, 7, 2)
    expected = f"You gave 2. For a new user, we would predict {new[1]}."
    assert expected in words_on(visitor.get("/films/7"))


def test_the_page_links_to_other_sites_and_its_tags_to_their_films(visitor: httpx.Client) -> None:
    response = visitor.get("/films/7")
    assert 'href="https://www.imdb.com/title/tt0211915/"' in response.text
    assert 'href="https://www.themoviedb.org/movie/194"' in response.text
    tags = [unescape(link) for link in re.findall(r'href="(/browse\?tag=[^"]*)"', response.text)]
    assert len(tags) == 2
    for link in tags:
        assert films_on(visitor.get(link)) == ["7"]
    assert "imdb.com" not in visitor.get("/films/17").text


def test_a_film_is_kept_hidden_or_not_seen_from_its_page_without_scripts(
    visitor: httpx.Client,
) -> None:
    form = {"item_id": "27", "back": "/films/27"}
    page = visitor.post("/not-seen", data=form)
    assert page.url.path == "/films/27"
    assert "You haven't seen this film" in words_on(page)
    assert "You haven't seen this film" not in words_on(visitor.post("/not-seen/undo", data=form))
    assert "Show it again" in words_on(visitor.post("/hide", data=form))
    assert "Show it again" not in words_on(visitor.post("/show", data=form))
    assert "On your watchlist" in visitor.post("/watchlist/add", data=form).text
    for address in ("/not-seen", "/hide", "/watchlist/remove"):
        assert f'action="{address}"' in visitor.get("/films/27").text


def test_the_poster_of_the_film_is_no_link(visitor: httpx.Client) -> None:
    text = visitor.get("/films/7").text
    assert 'href="/films/7"' not in text
    assert '<div class="poster' in text


def test_each_similar_film_says_what_it_has_in_common(visitor: httpx.Client) -> None:
    guide = guide_of()
    users = guide.model.history_.user_index
    liked = guide.model.history_.value >= 0.5 + 0.75 * 4.5
    items = guide.model.history_.item_index
    n_counted = 0
    for item_id in (7, 17, 107, 207):
        text = visitor.get(f"/films/{item_id}").text
        cards = text[text.index("Similar films") :].split('<li class="card">')[1:]
        assert cards
        for card in cards:
            why = re.search(r'<p class="why">(.+?)</p>', card)
            other = re.search(r'href="/films/(\d+)"', card)
            assert why
            assert other
            said = re.search(r"(\d+) people liked both", why[1])
            if said:
                n_counted += 1
                each = [
                    set(users[liked & (items == guide.model.items_.index(one))])
                    for one in (item_id, int(other[1]))
                ]
                assert len(each[0] & each[1]) == int(said[1])
            genres = re.search(r"Also ([A-Z][\w-]+)", why[1])
            if genres and not genres[1].startswith("from"):
                assert genres[1] in guide.catalog[item_id].genres
                assert genres[1] in guide.catalog[int(other[1])].genres
    assert n_counted


def test_an_explanation_names_films_as_people_say_them() -> None:
    named = Catalog({item_id: Film(f"Film {item_id}, The (1990)", 1990) for item_id in (7, 17, 27)})
    guide = Guide(guide_of().model, named)
    explanation = with_display_titles(guide.explain({7: 5.0, 17: 1.0}, 27))
    names = " ".join(bar.what for bar in chart(explanation).bars)
    assert "The Film 7 (1990)" in names
    assert ", The" not in names + reasons_in_words(explanation)
