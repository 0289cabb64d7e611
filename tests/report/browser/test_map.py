"""The page of the map, in a browser, opened from disk as people open it."""

import re
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from playwright.sync_api import expect

import matinee
from matinee.analysis.film_map import FilmMap, make_map
from matinee.data.catalog import Catalog, Film
from matinee.data.ratings import Ratings
from matinee.data.vocabulary import Id
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.recommendation.guide import Guide
from matinee.report.map_page import about, page_data, save_map, you_on
from tests.conftest import simulated
from tests.report.browser.conftest import drawn, steady, until

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

    from tests.report.browser.conftest import Watched

GENRES = (("Comedy",), ("Comedy", "Drama"), ("Comedy", "Romance"), ("Horror",), ())
NASTY = "</script><img src=x onerror=alert(1)> & <b>bold</b>"
NAMES = {
    3: "Amélie (Fabuleux destin d'Amélie Poulain, Le) (2001)",
    4: "Ærø, Łódź & Øresund (1950)",
    8: f"{NASTY} (1999)",
    10: "Matrix, The (1999)",
    11: "Matrix Reloaded, The (2003)",
    12: "Animatrix, The (2003)",
}
PAPER = "#fbfaf7"
YOU = 1
"""A user of the simulated table, who rated some of the films."""


@pytest.fixture(scope="module")
def guide() -> Guide:
    model = MatrixFactorization(factors=8, adapt=False).fit(simulated(), n_threads=1)
    films: dict[Id, Film] = {}
    for place, item_id in enumerate(model.items_.ids.tolist()):
        title = NAMES.get(place, f"Film no. {place} ({1900 + place})")
        year = None if place == 5 else int(title[-5:-1])
        films[item_id] = Film("Film no. 5" if place == 5 else title, year, GENRES[place % 5])
    return Guide(model, Catalog(films))


@pytest.fixture(scope="module")
def made(guide: Guide) -> FilmMap:
    return make_map(guide)


@pytest.fixture(scope="module")
def address(guide: Guide, made: FilmMap, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("map") / "map.html"
    you = you_on(made, guide, guide.model.profile(YOU))
    save_map(
        made, path, heading="Films of a simulation", axes=("Left to right: more horror.",), you=you
    )
    return path.as_uri()


@pytest.fixture
def opened(page: "Page", address: str) -> "Page":
    page.goto(address)
    return page


def place(page: "Page", row: int) -> tuple[float, float]:
    """Where a film is in the window."""
    drawn(page)
    x, y = page.evaluate("row => filmMap.at(row)", row)
    box = page.locator(".marks").bounding_box()
    assert box is not None
    return box["x"] + x, box["y"] + y


def color(page: "Page", x: float, y: float) -> tuple[int, ...]:
    """Of the dots' canvas at a place in the window, without what is drawn above it."""
    drawn(page)
    script = """([x, y]) => {
        const canvas = document.querySelector(".dots");
        const { left, top } = canvas.getBoundingClientRect();
        const ratio = canvas.width / canvas.clientWidth;
        return [...canvas.getContext("2d").getImageData((x - left) * ratio, (y - top) * ratio, 1, 1).data].slice(0, 3);
    }"""
    return tuple(page.evaluate(script, [x, y]))


def rgb(hex_: str) -> tuple[int, ...]:
    return tuple(int(hex_[at : at + 2], 16) for at in (1, 3, 5))


def near(one: tuple[int, ...], other: tuple[int, ...], reach: int = 40) -> bool:
    return max(abs(a - b) for a, b in zip(one, other, strict=True)) < reach


def lies(page: "Page", row: int, wanted: tuple[float, float]) -> None:
    """Waits until a film is at a place in the window."""
    until(page, lambda: place(page, row), pytest.approx(wanted, abs=1))


def distance(page: "Page") -> tuple[float, float]:
    """From the second film to the first."""
    (x, y), (other_x, other_y) = place(page, 0), place(page, 1)
    return x - other_x, y - other_y


def shows(page: "Page", row: int, hex_: str, *, is_so: bool = True) -> None:
    """Waits until the dot of a film has a color, or until it has not."""
    until(page, lambda: near(color(page, *place(page, row)), rgb(hex_), 60), is_so)


def lonely(made: FilmMap, rows: "np.ndarray[Any, Any]") -> int:
    """Of some films the one that lies farthest from all others, so that nothing covers it."""
    places = np.column_stack([made.x, made.y])
    distances = np.linalg.norm(places[rows][:, None] - places, axis=2)
    distances[distances == 0] = np.inf
    return int(rows[distances.min(axis=1).argmax()])


# -- opening -----------------------------------------------------------------------------------------------------


def test_it_opens_from_disk_and_asks_for_nothing_else(
    opened: "Page", watched: "Watched", address: str, made: FilmMap
) -> None:
    drawn(opened)
    expect(opened.locator("h1")).to_have_text("Films of a simulation")
    expect(opened.locator(".about")).to_have_text(about(made))
    expect(opened.locator(".more p").first).to_have_text("Left to right: more horror.")
    assert opened.evaluate("() => filmMap.titles().length") > 10
    assert watched.requests == [address]


def test_the_policy_of_the_page_forbids_other_scripts(opened: "Page", watched: "Watched") -> None:
    blocked = opened.evaluate("""() => new Promise((done) => {
        document.addEventListener("securitypolicyviolation", (event) => done(event.effectiveDirective));
        document.body.append(Object.assign(document.createElement("script"), { textContent: "window.broken = 1" }));
    })""")
    assert blocked == "script-src-elem"
    assert opened.evaluate("() => window.broken") is None
    (complaint,) = watched.complaints
    assert "Content Security Policy" in complaint
    watched.complaints.clear()


def test_titles_do_not_touch_at_any_zoom(opened: "Page") -> None:
    opened.mouse.move(760, 400)
    for _ in range(5):
        drawn(opened)
        titles = opened.evaluate("() => filmMap.titles()")
        assert len({title["row"] for title in titles}) == len(titles) > 5
        for one, other in combinations(titles, 2):
            apart = one["right"] <= other["left"] or other["right"] <= one["left"]
            assert apart or one["bottom"] <= other["top"] or other["bottom"] <= one["top"]
        opened.mouse.wheel(0, -350)


# -- search ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "row"),
    [
        ("amelie", 3),
        ("LE FABULEUX", 3),
        ("aero lodz oresund", 4),
        ("2001 amél", 3),
        ("matrix the", 10),
        ("img src", 8),
    ],
)
def test_search_heeds_neither_accents_nor_case_nor_the_order_of_words(
    opened: "Page", typed: str, row: int
) -> None:
    opened.get_by_label("Find a film").fill(typed)
    expect(opened.locator("[role=option]")).to_have_count(1 + (typed == "matrix the"))
    opened.keyboard.press("Enter")
    expected = {3: "Amélie", 4: "Ærø, Łódź & Øresund", 8: NASTY, 10: "The Matrix"}[row]
    more = "( Reloaded)?" if typed == "matrix the" else ""
    expect(opened.locator(".film h2")).to_have_text(re.compile(f"^{re.escape(expected)}{more}$"))


def test_arrow_keys_walk_the_suggestions(opened: "Page") -> None:
    search = opened.get_by_label("Find a film")
    search.click()
    opened.keyboard.type("the mat")
    options = opened.locator("[role=option]")
    expect(options).to_have_count(2)
    names = options.locator("span").all_inner_texts()
    assert sorted(names) == ["The Matrix", "The Matrix Reloaded"]
    expect(search).to_have_attribute("aria-activedescendant", "film-map-found-0")
    opened.keyboard.press("ArrowDown")
    expect(search).to_have_attribute("aria-activedescendant", "film-map-found-1")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    opened.keyboard.press("Enter")
    expect(opened.locator(".film h2")).to_have_text(names[1])
    until(opened, lambda: opened.evaluate("document.activeElement.textContent"), names[1])
    expect(opened.locator("[role=listbox]")).to_be_hidden()


def test_a_film_that_is_not_there_is_not_found(opened: "Page") -> None:
    opened.get_by_label("Find a film").fill("zzz")
    expect(opened.locator("[role=listbox]")).to_have_text("No films found on this map.")
    opened.keyboard.press("Enter")
    drawn(opened)
    expect(opened.locator(".film")).to_be_hidden()
    opened.keyboard.press("Escape")
    expect(opened.locator("[role=listbox]")).to_be_hidden()


def test_a_click_takes_a_suggestion(opened: "Page") -> None:
    opened.get_by_label("Find a film").fill("amelie")
    opened.locator("[role=option]").click()
    expect(opened.locator(".film h2")).to_have_text("Amélie")
    facts = ["also: Le Fabuleux destin d'Amélie Poulain", "2001 · Horror"]
    expect(opened.locator(".film p")).to_have_text(facts)


# -- films -------------------------------------------------------------------------------------------------------


def test_hovering_shows_the_facts_of_a_film(opened: "Page", made: FilmMap) -> None:
    row = lonely(made, np.arange(1, 120, 5))
    expect(opened.locator(".tip")).to_be_hidden()
    opened.mouse.move(*place(opened, row))
    film, mean, n = made.films[row], made.means[row], made.n_ratings[row]
    lines = opened.locator(".tip > *")
    expect(lines.nth(0)).to_have_text(film.title)
    expect(lines.nth(1)).to_have_text("Comedy, Drama")
    average = re.escape(f"Average {mean:.2f} ({n} ratings)")
    expect(lines.nth(2)).to_have_text(re.compile(f"^{average}"))
    opened.mouse.move(40, 40)
    expect(opened.locator(".tip")).to_be_hidden()


def test_a_click_shows_a_film_and_its_neighbors_and_these_lead_on(
    opened: "Page", made: FilmMap
) -> None:
    row = lonely(made, np.arange(1, 120, 5))
    opened.mouse.click(*place(opened, row))
    panel = opened.locator(".film")
    expect(panel.locator("h2")).to_have_text(f"Film no. {row}")
    facts = dict(
        zip(
            panel.locator("dt").all_inner_texts(),
            panel.locator("dd").all_inner_texts(),
            strict=True,
        )
    )
    assert facts["Average"] == f"{made.means[row]:.2f}"
    assert facts["Ratings"] == str(made.n_ratings[row])
    shown = panel.locator("ol small").all_inner_texts()
    years = [
        str(made.films[one].year) for one in made.neighbors[row].tolist() if made.films[one].year
    ]
    assert [text.strip() for text in shown] == years
    expect(panel).to_contain_text("most similar first")
    first = panel.locator("ol button").first
    name = first.locator("span").evaluate("span => span.firstChild.textContent")
    first.click()
    expect(panel.locator("h2")).to_have_text(name)
    opened.keyboard.press("Escape")
    expect(panel).to_be_hidden()


def test_what_is_not_chosen_fades_and_lines_lead_to_the_neighbors(
    opened: "Page", made: FilmMap
) -> None:
    row = lonely(made, np.arange(120))
    strangers = np.setdiff1d(np.arange(120), [row, *made.neighbors[row]])
    opened.evaluate("row => filmMap.choose(row)", row)
    box = opened.locator(".dots").bounding_box()
    assert box is not None
    places = np.array([place(opened, one) for one in strangers.tolist()]) - [box["x"], box["y"]]
    is_in_view = ((places > 20) & (places < [box["width"] - 20, box["height"] - 20])).all(axis=1)
    stranger = lonely(made, strangers[is_in_view])
    faded = color(opened, *place(opened, stranger))
    opened.evaluate("filmMap.choose(-1)")
    before = color(opened, *place(opened, stranger))
    opened.evaluate("row => filmMap.choose(row)", row)
    paper = rgb(PAPER)
    assert not near(before, paper)
    assert near(faded, paper, 60)
    drawn(opened)
    x, y = opened.evaluate("row => filmMap.at(row)", row)
    to_x, to_y = opened.evaluate("row => filmMap.at(row)", int(made.neighbors[row][0]))
    script = """([x, y]) => {
        const context = document.querySelector(".marks").getContext("2d");
        return Math.max(...context.getImageData(x - 2, y - 2, 5, 5).data);
    }"""
    assert opened.evaluate(script, [(x + to_x) / 2, (y + to_y) / 2]) > 0


def test_a_click_beside_all_films_lets_go(opened: "Page") -> None:
    opened.evaluate("() => filmMap.choose(0)")
    expect(opened.locator(".film")).to_be_visible()
    opened.mouse.click(300, 790)
    expect(opened.locator(".film")).to_be_hidden()


WINDOWS = [(1280, 900), (1024, 600), (768, 1024), (390, 844), (844, 390), (640, 450), (320, 225)]


def test_the_selected_film_covers_nothing_of_the_map(opened: "Page") -> None:
    for width, height in WINDOWS:
        assert_the_film_covers_nothing(opened, width, height)


def assert_the_film_covers_nothing(opened: "Page", width: int, height: int) -> None:
    opened.set_viewport_size({"width": width, "height": height})
    opened.get_by_label("Find a film").fill("amelie")
    opened.keyboard.press("Enter")
    expect(opened.locator(".film h2")).to_have_text("Amélie")
    panel, stage = (opened.locator(name).bounding_box() for name in (".film", ".stage"))
    assert panel is not None
    assert stage is not None
    is_beside = panel["x"] >= stage["x"] + stage["width"] - 1
    assert is_beside or panel["y"] >= stage["y"] + stage["height"] - 1
    assert stage["width"] >= min(300, width)
    assert stage["height"] >= 190
    drawn(opened)
    x, y = opened.evaluate("filmMap.at(3)")
    assert 0 < x < stage["width"]
    assert 0 < y < stage["height"]
    assert opened.evaluate("document.documentElement.scrollWidth") == width
    steady(opened.locator(".film ol button").last).click()
    expect(opened.locator(".film h2")).not_to_have_text("Amélie")


def test_the_page_says_in_words_what_nearness_means(opened: "Page") -> None:
    opened.evaluate("() => filmMap.choose(0)")
    expect(opened.locator(".film")).to_be_visible()
    text = opened.locator("body").inner_text()
    assert "Films that the same people like tend to lie close together." in text
    assert "neighbors can still differ" in text
    for word in ("variance", "component", "bias", "similarity", "likeness", "\nid"):
        assert word not in text.lower()


def test_more_titles_are_shown_the_closer_one_looks(opened: "Page", made: FilmMap) -> None:
    def share() -> float:
        drawn(opened)
        inside = opened.evaluate(
            """n => {
                const { clientWidth, clientHeight } = document.querySelector(".marks");
                const at = Array.from({ length: n }, (_, row) => filmMap.at(row));
                const isIn = ([x, y]) => x > 0 && y > 0 && x < clientWidth && y < clientHeight;
                return at.filter(isIn).length;
            }""",
            len(made),
        )
        n_titles = float(opened.evaluate("filmMap.titles().length"))
        return n_titles / max(1.0, float(inside))

    before = share()
    opened.locator(".marks").focus()
    for _ in range(5):
        opened.keyboard.press("+")
    assert share() > min(0.9, 1.3 * before)


def test_each_genre_has_a_color_of_its_own_while_it_is_selected(
    page: "Page", made: FilmMap, tmp_path: Path
) -> None:
    films = [Film(film.title, film.year, (f"Genre {n % 12}",)) for n, film in enumerate(made.films)]
    many = replace(made, films=films)
    save_map(many, tmp_path / "map.html")
    page.goto((tmp_path / "map.html").as_uri())
    name = many.genres[-1]
    assert name not in many.groups.names
    page.locator(".legend button", has_text=name).click()
    rows = np.array([n for n, film in enumerate(films) if name in film.genres])
    shows(page, lonely(made, rows), "#a3213a")


def test_films_that_are_not_on_the_map_are_counted(
    page: "Page", made: FilmMap, guide: Guide, tmp_path: Path
) -> None:
    you = you_on(made, guide, guide.model.profile(YOU))
    n = len(you.stars)
    save_map(made, tmp_path / "map.html", you=you._replace(n_rated=n + 2))
    page.goto((tmp_path / "map.html").as_uri())
    expect(page.locator(".legend")).to_contain_text(f"{n} of your {n + 2} films are on the map.")
    assert you.left_out == ""


def test_a_title_with_markup_is_text(opened: "Page") -> None:
    opened.get_by_label("Find a film").fill("onerror")
    expect(opened.locator("[role=option] span")).to_have_text(NASTY)
    opened.keyboard.press("Enter")
    expect(opened.locator(".film h2")).to_have_text(NASTY)
    expect(opened.locator("img, b, script[src]")).to_have_count(0)


# -- moving ------------------------------------------------------------------------------------------------------


def test_dragging_moves_and_the_wheel_zooms_where_it_points(opened: "Page") -> None:
    x, y = place(opened, 0)
    opened.mouse.move(500, 300)
    opened.mouse.down()
    opened.mouse.move(560, 340)
    opened.mouse.move(620, 350)
    opened.mouse.up()
    lies(opened, 0, (x + 120, y + 50))
    expect(opened.locator(".film")).to_be_hidden()
    moved = place(opened, 0)
    opened.mouse.move(*moved)
    near_by = 1.5 * np.hypot(*np.subtract(place(opened, 1), moved))
    opened.mouse.wheel(0, -400)
    until(
        opened,
        lambda: bool(np.hypot(*np.subtract(place(opened, 1), place(opened, 0))) > near_by),
        True,
    )
    lies(opened, 0, moved)
    opened.get_by_label("Show the whole map").click()
    lies(opened, 0, (x, y))


def test_two_fingers_zoom(opened: "Page") -> None:
    fingers = opened.context.new_cdp_session(opened)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        listed = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": listed})

    apart = distance(opened)
    touch("touchStart", (600, 400), (800, 400))
    touch("touchMove", (550, 400), (850, 400))
    touch("touchMove", (500, 400), (900, 400))
    touch("touchEnd")
    until(
        opened, lambda: distance(opened), pytest.approx(tuple(2 * one for one in apart), rel=0.02)
    )
    expect(opened.locator(".film")).to_be_hidden()


def test_the_keyboard_does_all_that_the_mouse_does(opened: "Page") -> None:
    opened.locator(".marks").focus()
    x, y = place(opened, 0)
    opened.keyboard.press("ArrowLeft")
    opened.keyboard.press("ArrowUp")
    lies(opened, 0, (x + 70, y + 70))
    opened.keyboard.press("0")
    lies(opened, 0, (x, y))
    apart = distance(opened)
    opened.keyboard.press("+")
    until(
        opened, lambda: distance(opened), pytest.approx(tuple(1.4 * one for one in apart), rel=0.01)
    )
    opened.keyboard.press("-")
    expect(opened.locator(".tip")).to_be_visible()
    named = opened.locator(".tip strong").inner_text()
    expect(opened.locator("[role=status]")).to_have_text(named)
    opened.keyboard.press("Enter")
    expect(opened.locator(".film h2")).to_have_text(re.sub(r" \(\d+\)$", "", named))
    opened.keyboard.press("Tab")
    opened.wait_for_function("() => document.activeElement.closest('.film ol') !== null")
    opened.keyboard.press("Escape")
    expect(opened.locator(".film")).to_be_hidden()
    expect(opened.locator(".marks")).to_be_focused()


# -- colors -----------------------------------------------------------------------------------------------------


def test_dots_change_their_color_with_what_it_stands_for(opened: "Page", made: FilmMap) -> None:
    row = lonely(made, np.arange(3, 120, 5))
    horror = made.groups.names.index("Horror")
    spot = place(opened, row)
    seen = [color(opened, *spot)]
    assert near(seen[0], rgb(("#0072b2", "#d55e00", "#009e73", "#cc79a7")[horror]))
    ticks = opened.locator(".legend .ticks span")
    for name in ("Year", "Liked", "Ratings"):
        opened.get_by_label(name, exact=True).check()
        expect(ticks).to_have_count(5)
        until(opened, lambda: color(opened, *spot) in seen, False)
        seen.append(color(opened, *spot))
    opened.get_by_label("Year", exact=True).check()
    years = sorted(film.year for film in made.films if film.year)
    expect(ticks.first).to_have_text(str(years[0]))
    expect(ticks.last).to_have_text(str(years[-1]))
    expect(opened.locator(".legend")).to_contain_text("unknown")


def test_a_genre_lights_up(opened: "Page", made: FilmMap) -> None:
    row = lonely(made, np.arange(0, 120, 5))
    pressed = opened.locator(".legend button[aria-pressed=true]")
    opened.locator(".legend button", has_text="Horror").click()
    expect(pressed.locator("span")).to_have_text("Horror")
    shows(opened, row, PAPER)
    shows(opened, lonely(made, np.arange(3, 120, 5)), PAPER, is_so=False)
    opened.locator(".legend button", has_text="Horror").click()
    expect(pressed).to_have_count(0)
    shows(opened, row, PAPER, is_so=False)


def test_ones_own_place_and_films_are_shown(opened: "Page", made: FilmMap, guide: Guide) -> None:
    you = you_on(made, guide, guide.model.profile(YOU))
    line = opened.locator(".legend button", has_text="Rated by you")
    expect(line.locator("small")).to_have_text(str(len(you.stars)))
    line.click()
    others = np.setdiff1d(np.arange(120), [*you.stars])
    shows(opened, lonely(made, others), PAPER)
    row = next(iter(you.stars))
    opened.evaluate("row => filmMap.choose(row)", row)
    stars = f"{you.stars[row]:g}"
    own = re.compile(rf"{re.escape(stars)}\s*Your rating|Your rating\s*{re.escape(stars)}")
    expect(opened.locator(".film dl")).to_have_text(own)


def test_the_page_is_dark_where_people_like_it_dark(opened: "Page", made: FilmMap) -> None:
    opened.emulate_media(color_scheme="dark")
    until(opened, lambda: near(color(opened, 300, 10), rgb("#15161a"), 3), True)
    shows(opened, lonely(made, np.arange(3, 120, 5)), "#15161a", is_so=False)


# -- people ------------------------------------------------------------------------------------------------------


def test_nothing_keeps_anybody_out(opened: "Page") -> None:
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="needs: pip install axe-playwright-python"
    )
    opened.evaluate("() => filmMap.choose(0)")
    opened.locator(".legend button", has_text="Horror").focus()
    rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    schemes: list[Any] = ["light", "dark"]
    for scheme in schemes:
        opened.emulate_media(color_scheme=scheme)
        drawn(opened)
        found = axe.Axe().run(opened, options=rules).response["violations"]
        assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []


def test_on_a_phone_the_film_lies_below_the_map(opened: "Page") -> None:
    opened.set_viewport_size({"width": 390, "height": 844})
    opened.get_by_label("Find a film").fill("amelie")
    opened.keyboard.press("Enter")
    box = steady(opened.locator(".film")).bounding_box()
    assert box is not None
    assert (box["x"], box["width"], box["y"] + box["height"]) == pytest.approx((0, 390, 844), abs=1)
    x, y = place(opened, 3)
    assert 0 < x < 390
    assert 100 < y < box["y"]
    assert opened.evaluate("() => document.documentElement.scrollWidth") == 390


def test_a_tap_chooses_a_film_and_nothing_in_the_panel_that_opens_there(
    opened: "Page", made: FilmMap
) -> None:
    row = lonely(made, np.arange(1, 120, 5))
    x, y = place(opened, row)
    opened.touchscreen.tap(x + 3, y)
    expect(opened.locator(".film h2")).to_have_text(f"Film no. {row}")


def test_a_page_from_a_server_can_mount_the_map_as_a_module(page: "Page", made: FilmMap) -> None:
    assets = Path(matinee.__file__).parent / "report" / "assets"
    start = """<!doctype html><link rel="stylesheet" href="map.css"><div id="here" style="height: 500px"></div>
        <script type="module">
            import { mount } from "./map.js";
            const data = await (await fetch("data.json")).json();
            globalThis.filmMap = mount(document.getElementById("here"), data);
        </script>"""

    def answer(route: "Route") -> None:
        name = route.request.url.rpartition("/")[2]
        if name == "data.json":
            route.fulfill(json=page_data(made))
        elif name:
            route.fulfill(path=assets / name)
        else:
            route.fulfill(body=start, content_type="text/html")

    page.route("http://films.test/**", answer)
    page.goto("http://films.test/")
    page.wait_for_function("() => globalThis.filmMap")
    page.evaluate("() => filmMap.choose(3)")
    expect(page.locator(".film h2")).to_have_text("Amélie")
    expect(page.locator("h1")).to_have_count(0)


def test_three_films_without_titles_make_a_page(page: "Page", tmp_path: Path) -> None:
    stars = np.random.default_rng(0).integers(1, 6, 120).astype(float)
    ratings = Ratings.from_ids(
        np.repeat(np.arange(40), 3).tolist(), np.tile(["a", "b", "c"], 40).tolist(), stars
    )
    model = MatrixFactorization(factors=4, epochs=1).fit(ratings, n_threads=1)
    model.item_factors_ = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    save_map(make_map(Guide(model)), tmp_path / "map.html")
    page.goto((tmp_path / "map.html").as_uri())
    expect(page.locator(".ways label")).to_have_text(["Liked", "Ratings"])
    page.evaluate("() => filmMap.choose(1)")
    expect(page.locator(".film h2")).to_have_text("b")
    expect(page.locator(".film ol li")).to_have_count(2)
