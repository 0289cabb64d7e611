"""The pages without a browser: what they say, that forms work without a script, and that nobody reads another's."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path

import httpx
import numpy as np
import pytest

from matinee.data.catalog import Catalog, Film
from matinee.data.ratings import Ratings
from matinee.data.vocabulary import Id
from matinee.models import MODELS
from matinee.recommendation.guide import Guide
from matinee.recommendation.model_file import Origin
from matinee.web.app import create_app
from matinee.web.pages import texts
from matinee.web.pages.posters import GENRES, N_OTHER, color_of, poster
from matinee.web.pages.rendering import choices, film_url, is_local
from matinee.web.pages.routes import prepare_pages
from matinee.web.settings import Limits, Settings
from tests.conftest import simulated
from tests.web.conftest import UNLIMITED, guide_of, serving

NASTY = "<script>alert(1)</script> & \"quotes\" 'n' {{ braces }} (1999)"
HTML = {"Accept": "text/html"}
FILMS = [7, 17, 27, 37, 47, 57]
ODD = ["..", ".", "../..", "//", "%2e%2e"]
PAGES = ["/", "/for-you", "/search", "/search?q=film", "/films/7"]


@pytest.fixture
def visitor(site: str) -> Iterator[httpx.Client]:
    """A browser without a script: it keeps cookies, and follows where it is led."""
    with httpx.Client(base_url=site, timeout=30, headers=HTML, follow_redirects=True) as client:
        yield client


@contextmanager
def pages_of(settings: Settings) -> Iterator[httpx.Client]:
    """A visitor of a server of a test's own."""
    with (
        serving(settings) as url,
        httpx.Client(base_url=url, headers=HTML, follow_redirects=True) as client,
    ):
        yield client


def rate(client: httpx.Client, item_id: Id, stars: float, **more: object) -> httpx.Response:
    """Sends the form of a card."""
    return client.post(
        "/rate", data={"item_id": str(item_id), "stars": str(stars), "back": "/for-you"} | more
    )


def shown(answer: httpx.Response) -> list[str]:
    """The films of the cards of a page, in their order."""
    return re.findall(r'<li class="card[^"]*" data-film="([^"]*)"', answer.text)


def words(answer: httpx.Response) -> str:
    """What a page says, without its tags."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", answer.text)).split())


def serve(guide: Guide, folder: Path, limits: Limits = UNLIMITED) -> Settings:
    """How to serve a model of a test's own."""
    path = folder / "own.matinee"
    guide.save(path)
    return Settings((path,), f"sqlite:///{folder / 'own.db'}", "", limits, log_requests=False)


def fitted(name: str, ratings: Ratings, films: dict[Id, Film] | None = None) -> Guide:
    """A model by its name."""
    model = next(model for model in MODELS if model.name == name)
    return Guide(model().fit(ratings, n_threads=1), Catalog(films or {}), Origin("own"))


# -- every page --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", PAGES)
def test_a_page_has_one_heading_and_nothing_that_the_browser_would_refuse(
    visitor: httpx.Client, address: str
) -> None:
    answer = visitor.get(address)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.text.count("<h1") == 1
    assert '<html lang="en">' in answer.text
    assert not re.search(
        r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", answer.text
    )
    assert set(re.findall(r'(?:src|href|action)="(\w+:|//)', answer.text)) == set()


def test_to_look_makes_nobody(visitor: httpx.Client) -> None:
    for address in PAGES:
        assert "set-cookie" not in visitor.get(address).headers


def test_stylesheet_and_script_are_kept_but_asked_for_again(visitor: httpx.Client) -> None:
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


def test_every_text_is_said_somewhere() -> None:
    folder = Path(texts.__file__).parents[1]
    sources = [
        *folder.rglob("*.py"),
        *folder.rglob("templates/**/*.html"),
        *folder.glob("static/*.js"),
    ]
    code = "\n".join(path.read_text("utf-8") for path in sources if path.name != "texts.py")
    for group in ("SITE", "CARD", "RATE", "FOR_YOU", "FILM", "ERROR", "SCRIPT"):
        place = "texts" if group == "SCRIPT" else group
        unsaid = [
            name
            for name in getattr(texts, group)
            if not re.search(rf'\b{place}(\.|\[")({name})\b', code)
        ]
        assert unsaid == [], group
        assert not {*getattr(texts, group)} & {*dir(dict)}  # templates would find the method


def test_what_the_first_page_needs_is_made_ready_before_it_is_asked_for(
    model_file: Path, tmp_path: Path
) -> None:
    app = create_app(
        Settings((model_file,), str(tmp_path / "own.db"), "", UNLIMITED, log_requests=False)
    )
    (live,) = app.state.server.models
    cache = app.state.film_cards

    def has_cards() -> bool:
        cards = cache._by_name.get(live.name)
        return cards is not None and cards.snapshot is live.current

    async def running() -> None:
        async with asyncio.timeout(20), app.router.lifespan_context(app):
            while not has_cards():
                await asyncio.sleep(0.01)

    asyncio.run(running())
    first = cache.of(live.current)
    prepare_pages(app)
    assert cache.of(live.current) is first
    live.reload()
    assert not has_cards()
    prepare_pages(app)
    assert cache.of(live.current).snapshot is live.current


# -- titles ------------------------------------------------------------------------------------------------------


def test_a_film_called_script_is_text_everywhere(tmp_path: Path) -> None:
    guide = guide_of()
    ids = guide.model.items_.ids.tolist()
    films = {item_id: Film(NASTY, 1999, ("Sci-Fi", "<b>bold</b>")) for item_id in ids}
    with pages_of(serve(Guide(guide.model, Catalog(films), guide.origin), tmp_path)) as client:
        answers = [
            rate(client, 7, 5),
            *(client.get(page) for page in [*PAGES, "/search?q=%3Cscript%3E%3Cb%3Ebold"]),
        ]
        for answer in answers:
            assert answer.status_code == 200
            assert "<script>alert" not in answer.text
            assert "<b>bold" not in answer.text
        assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &#34;quotes&#34;" in answers[1].text
        assert "{{ braces }}" in answers[1].text


def test_ids_of_any_letters_have_pages(tmp_path: Path) -> None:
    names = [
        "a/b",
        "a b?c=d&e#f",
        "Ünï",
        "100%",
        '"><i>',
        *ODD,
        *(f"x{n}" for n in range(25 - 5 - len(ODD))),
    ]
    rng = np.random.default_rng(0)
    user = np.repeat(np.arange(30), 8)
    item = np.concatenate([rng.permutation(25)[:8] for _ in range(30)])
    ratings = Ratings.from_ids(
        user.tolist(), [names[one] for one in item], rng.integers(1, 6, 240).astype(float)
    )
    with pages_of(serve(fitted("baseline", ratings), tmp_path)) as client:
        links = dict.fromkeys(re.findall(r'href="(/films[^"]*)"', client.get("/?n=36").text))
        texts_of_pages = [client.get(unescape(link)).text for link in links]
        titles = {title for text in texts_of_pages for title in re.findall(r"<h1>(.*?)</h1>", text)}
        assert {"a/b", "a b?c=d&amp;e#f", "Ünï", "100%", "&#34;&gt;&lt;i&gt;", *ODD} == {
            *titles
        } - {*names[-15:]}
        assert words(rate(client, "a/b", 4)).count("Based on your 1 film") == 1
        back = rate(client, "..", 2, back=film_url("..")).url
        assert (back.path, dict(back.params)) == ("/films", {"id": ".."})
        assert client.get("/films").status_code == 422
        assert client.get("/films/x1").status_code == client.get("/films/Ünï").status_code == 200


def test_an_address_of_a_film_is_a_path_only_where_nothing_would_change_it() -> None:
    assert [film_url(one) for one in (7, "tt0133093", "a.b~c")] == [
        "/films/7",
        "/films/tt0133093",
        "/films/a.b~c",
    ]
    assert [film_url(one) for one in ("..", "a/b", "50%")] == [
        "/films?id=..",
        "/films?id=a%2Fb",
        "/films?id=50%25",
    ]


# -- forms without a script --------------------------------------------------------------------------------------


def test_the_first_rating_makes_a_person_and_the_list_changes(visitor: httpx.Client) -> None:
    assert "what most people like" in words(visitor.get("/for-you"))
    before = shown(visitor.get("/for-you"))
    loved = before[0]
    answer = rate(visitor, loved, 5)
    assert answer.url.path == "/for-you"
    cookie = answer.history[0].headers["set-cookie"]
    assert answer.history[0].status_code == 303
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Based on your 1 film" in words(answer)
    assert loved not in shown(answer)
    again = rate(visitor, shown(answer)[0], 1)
    assert "set-cookie" not in again.history[0].headers
    assert shown(again) != shown(answer)


def test_a_rating_is_marked_where_the_film_is_found_and_can_be_taken_back(
    visitor: httpx.Client,
) -> None:
    rate(visitor, 17, 4.5)
    card = visitor.get("/search?q=star wars").text
    assert re.search(r'value="4.5" required checked', card)
    assert 'formaction="/unrate"' in card
    answer = visitor.post("/unrate", data={"item_id": "17", "back": "/search?q=star+wars"})
    assert "checked" not in answer.text
    assert answer.url.query == b"q=star+wars"


def test_what_is_not_of_interest_is_left_out_until_it_is_shown_again(visitor: httpx.Client) -> None:
    first = shown(visitor.get("/for-you"))[0]
    assert first not in shown(visitor.post("/hide", data={"item_id": first, "back": "/for-you"}))
    assert first not in shown(visitor.get("/"))
    assert "You marked this film as not interesting" in words(visitor.get(f"/films/{first}"))
    answer = visitor.post("/show", data={"item_id": first, "back": f"/films/{first}"})
    assert "You marked this film as not interesting" not in words(answer)
    assert first in shown(visitor.get("/for-you"))


def test_films_not_seen_give_way_to_others(visitor: httpx.Client) -> None:
    first = shown(visitor.get("/"))
    assert len(first) == len(set(first)) == 18
    second = shown(visitor.get("/", params={"skip": first[:3]}))
    assert len(second) == 18
    assert not set(first[:3]) & set(second)


def test_the_script_gets_the_page_in_one_answer_with_one_more_film(visitor: httpx.Client) -> None:
    open_now = shown(visitor.get("/"))
    more = {"back": "/", "shown": open_now, "skip": ["1177"]}
    request = {"item_id": open_now[0], "stars": "5"} | more
    answer = visitor.post("/rate", data=request, headers={"X-Part": "page"})
    assert answer.history == []
    assert "1 of 10. 9 to go." in words(answer)
    (new,) = shown(answer)
    assert new not in {*open_now, "1177"}


@pytest.mark.parametrize("stars", ["0.5", "6", "nan", "", "five"])
def test_a_rating_outside_the_scale_is_refused_and_makes_nobody(
    visitor: httpx.Client, stars: str
) -> None:
    answer = visitor.post("/rate", data={"item_id": "7", "stars": stars})
    assert answer.status_code == 422
    assert "Something went wrong" in words(answer)
    assert not visitor.cookies


def test_a_film_that_is_not_there_cannot_be_rated_and_makes_nobody(visitor: httpx.Client) -> None:
    answer = rate(visitor, 8, 4)
    assert answer.status_code == 404
    assert "No film has this address" in words(answer)
    assert not visitor.cookies


@pytest.mark.parametrize(
    "back", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:1", "x", ""]
)
def test_forms_lead_back_to_this_server_alone(visitor: httpx.Client, back: str) -> None:
    visitor.follow_redirects = False
    assert rate(visitor, 7, 4, back=back).headers["location"] == "/"
    assert not is_local(back)


# -- other people ------------------------------------------------------------------------------------------------


def test_nobody_sees_or_changes_what_is_anothers(site: str) -> None:
    with (
        httpx.Client(base_url=site, headers=HTML, follow_redirects=True) as ada,
        httpx.Client(base_url=site, headers=HTML, follow_redirects=True) as eve,
    ):
        for item_id in FILMS:
            rate(ada, item_id, 5)
        fresh = shown(eve.get("/for-you"))
        rate(eve, 1007, 3)
        assert "Based on your 1 film" in words(eve.get("/for-you"))
        assert "checked" not in eve.get("/films/17").text
        for address in ("/unrate", "/hide", "/show"):
            eve.post(address, data={"item_id": "17", "person_id": "ada", "back": "/"})
        assert "Based on your 6 films" in words(ada.get("/for-you"))
        assert "checked" in ada.get("/films/17").text
        assert "not interesting" not in words(ada.get("/films/17"))
        assert fresh == shown(httpx.get(f"{site}/for-you"))


def test_forms_of_another_site_are_refused(visitor: httpx.Client) -> None:
    answer = visitor.post(
        "/rate", data={"item_id": "7", "stars": "4"}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert answer.status_code == 403
    assert "Request blocked" in words(answer)
    assert not visitor.cookies


def test_without_a_rating_there_is_nothing_to_take_back(visitor: httpx.Client) -> None:
    answer = visitor.post("/unrate", data={"item_id": "7"})
    assert answer.status_code == 401
    assert "Rate a film first." in words(answer)


# -- lists and films ---------------------------------------------------------------------------------------------


def test_filters_and_dials_come_from_the_address_and_stay_in_it(visitor: httpx.Client) -> None:
    query = "genre=Sci-Fi&not_genre=&year_from=1960&year_to=&min_ratings=&popularity=0.5&diversity=0&k=4"
    answer = visitor.get(f"/for-you?{query}")
    assert answer.status_code == 200
    assert len(shown(answer)) == 4
    assert answer.text.count("Sci-Fi</span>") >= 4
    assert re.search(r'name="genre" value="Sci-Fi" checked', answer.text)
    assert 'name="year_from" min="1950" max="2009" placeholder="1950" value="1960"' in answer.text
    assert "/for-you?k=28&amp;genre=Sci-Fi&amp;year_from=1960&amp;popularity=0.5" in answer.text


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("genre=Nope", "No genre 'Nope'"),
        ("year_from=soon", "year_from: input should be a valid integer"),
        ("popularity=7", "popularity: input should be less than or equal to 1"),
    ],
)
def test_a_filter_that_cannot_be_says_why(visitor: httpx.Client, query: str, said: str) -> None:
    answer = visitor.get(f"/for-you?{query}")
    assert answer.status_code == 422
    assert said in words(answer)


def test_a_list_that_no_film_is_on_says_so(visitor: httpx.Client) -> None:
    answer = visitor.get("/for-you?year_from=2200")
    assert shown(answer) == []
    assert "No films match. 0 instead of 24" in words(answer)


def test_the_rows_say_why_they_are_there_and_repeat_nothing(visitor: httpx.Client) -> None:
    rate(visitor, 17, 5)
    answer = rate(visitor, 27, 5, back="/for-you?k=6")
    assert "Because you gave 5 stars to Star Wars: Episode IV" in words(answer)
    films = shown(answer)
    assert len(films) == len(set(films)) > 6


def test_a_film_says_what_its_prediction_is_made_of_and_it_adds_up(visitor: httpx.Client) -> None:
    for item_id, stars in zip(FILMS, (5, 1, 4.5, 2, 3, 5), strict=True):
        rate(visitor, item_id, stars)
    answer = visitor.get("/films/1007")
    numbers = [
        float(text.replace("\u2212", "-"))
        for text in re.findall(r'<td class="number">([^<]*)</td>', answer.text)
    ]
    assert sum(numbers[:-1]) == pytest.approx(numbers[-1], abs=1e-9)
    assert len(numbers) >= 6
    assert "your generosity is then re-estimated too" in words(answer)
    assert 'href="/map?film=1007"' in answer.text


def test_search_finds_by_words_and_says_when_it_guesses(visitor: httpx.Client) -> None:
    assert shown(visitor.get("/search?q=amelie")) == ["7"]
    assert "116 films for \u201cfilm\u201d, showing 24" in words(visitor.get("/search?q=film"))
    assert "No films found for \u201camelei\u201d. Did you mean:" in words(
        visitor.get("/search?q=amelei")
    )
    assert "No films found for \u201czz\u201d." in words(visitor.get("/search?q=zz"))
    assert shown(visitor.get("/search", params={"q": "\0 ' %"})) == []


@pytest.mark.parametrize("text", ["Amelie", "amelie", "Amélie", "Amélie (2001)", "AMELIE (2001)"])
def test_search_finds_a_title_with_and_without_its_accents(
    visitor: httpx.Client, text: str
) -> None:
    assert shown(visitor.get("/search", params={"q": text})) == ["7"]


# -- other models ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["popularity", "ials", "ease"])
def test_a_model_that_only_ranks_tells_places_and_takes_stars(name: str, tmp_path: Path) -> None:
    with pages_of(serve(fitted(name, simulated()), tmp_path)) as client:
        rate(client, 7, 5)
        answer = rate(client, 17, 4)
        assert "#1 of 120 for you" in words(answer)
        assert 'class="predicted"><span' not in answer.text
        assert "halves" in answer.text
        film = client.get("/films/27")
        assert film.status_code == 200
        assert ("cannot explain" in words(film)) == (name == "popularity")


def test_a_model_of_what_people_have_asks_for_no_stars(tmp_path: Path) -> None:
    stars = simulated()
    users, items = (
        stars.users.ids[stars.user_index].tolist(),
        stars.items.ids[stars.item_index].tolist(),
    )
    with pages_of(
        serve(fitted("ials", Ratings.from_ids(users, items, np.ones(len(stars)))), tmp_path)
    ) as client:
        start = client.get("/")
        assert "Which of these have you seen?" in words(start)
        assert 'type="radio"' not in start.text
        assert re.search(
            r'<button name="stars" value="1.0" aria-label="Seen it: 7">',
            client.get("/films/7").text,
        )
        answer = rate(client, 7, 1)
        assert "#1 of 120 for you" in words(answer)
        assert "Seen" in words(client.get("/films/7"))
        assert "Based on your 1 film" in words(answer)


def test_three_films_are_rated_until_there_are_none(tmp_path: Path) -> None:
    ratings = Ratings.from_ids(
        [1, 1, 2, 2, 3, 3], ["a", "b", "b", "c", "a", "c"], [5.0, 1.0, 4.0, 2.0, 3.0, 5.0]
    )
    with pages_of(serve(fitted("baseline", ratings), tmp_path)) as client:
        assert sorted(shown(client.get("/"))) == ["a", "b", "c"]
        for item_id in "abc":
            answer = rate(client, item_id, 4)
        assert "That's everything. 0 instead of 24: there are 3 films" in words(answer)
        assert "You have gone through all films." in words(client.get("/"))


# -- errors ------------------------------------------------------------------------------------------------------


def test_errors_are_pages_for_browsers_and_documents_for_programs(visitor: httpx.Client) -> None:
    for address, status, said in (("/nope", 404, "No page has this address"), ("/films/8", 404, "No film"),
                                  ("/rate", 405, "only takes forms")):  # fmt: skip
        answer = visitor.get(address)
        assert answer.status_code == status
        assert said in words(answer)
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
    document = visitor.get("/nope", headers={"Accept": "*/*"})
    assert document.headers["content-type"] == "application/problem+json"
    assert visitor.get("/api/v1/films/8").headers["content-type"] == "application/problem+json"


def test_too_many_requests_meet_a_page_that_says_how_long_to_wait(
    model_file: Path, tmp_path: Path
) -> None:
    limits = Limits(per_second=0.01, burst=1)
    settings = Settings(
        (model_file,), f"sqlite:///{tmp_path / 'p.db'}", "", limits, log_requests=False
    )
    with serving(settings) as url:
        first, second = (httpx.get(f"{url}/for-you?k=3", headers=HTML) for _ in range(2))
        assert (first.status_code, second.status_code) == (200, 429)
        assert int(second.headers["retry-after"]) > 0
        assert "Too many requests" in words(second)
        assert '<a class="button" href="/for-you?k=3">Try again</a>' in second.text


def test_new_people_are_counted_on_pages_too_whatever_their_cookie_says(
    model_file: Path, tmp_path: Path
) -> None:
    limits = Limits(people_per_minute=2)
    settings = Settings(
        (model_file,), f"sqlite:///{tmp_path / 'p.db'}", "", limits, log_requests=False
    )
    with serving(settings) as url:
        form = {"item_id": "7", "stars": "4"}
        made = [
            httpx.post(f"{url}/rate", data=form, cookies={"matinee": "made-up"}, headers=HTML)
            for _ in range(3)
        ]
        assert [answer.status_code for answer in made] == [303, 303, 429]
        assert "Too many new people from this address" in words(made[2])


# -- posters and scales ------------------------------------------------------------------------------------------


def test_the_rarest_genre_colours_a_poster() -> None:
    assert color_of(("Drama", "War"), "x") == "war"
    assert color_of(("Comedy", "Children's"), "x") == "children"
    assert color_of(("Sci-Fi",), "x") == color_of(("Science Fiction",), "x") == "sci-fi"
    other = color_of((), "A film")
    assert other.startswith("other-")
    assert other == color_of(("Cooking",), "A film")


def test_posters_are_set_by_length_and_time() -> None:
    def classes(title: str, year: int | None) -> str:
        return poster(title, year, ["Drama"]).classes

    assert classes("Alien (1979)", 1979) == "hue-drama size-l era-c"
    assert classes("Matrix, The (1999)", 1999) == "hue-drama size-m era-d"
    assert classes("Supercalifragilistic", None) == "hue-drama size-xs era-x"
    assert poster("Matrix, The (1999)", 1999, []).name == "The Matrix"


def test_every_colour_of_a_poster_is_in_the_stylesheet() -> None:
    style = (Path(texts.__file__).parents[1] / "static/app.css").read_text("utf-8")
    names = {f"hue-{name}" for name in (*GENRES, *(f"other-{n}" for n in range(N_OTHER)))}
    assert {name for name in names if f".{name}" not in style} == set()


def test_a_scale_is_offered_by_its_steps() -> None:
    from matinee.data.ratings import PAIRS, Scale

    assert choices(Scale(0.5, 5, 0.5)) == [0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5]
    assert choices(Scale(1, 5, 1)) == [1, 2, 3, 4, 5]
    assert len(choices(Scale(-10, 10, 1))) == 21
    assert choices(Scale(-10, 10, 0.5)) == choices(Scale(1, 5, 0)) == choices(PAIRS) == []
