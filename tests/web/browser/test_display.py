"""Pages in windows and colors of all kinds: low windows, high zoom, colors of the system, and targets for fingers."""

import io
import re
from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.web.browser.conftest import drawn, give, new_page, saving, steady, until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

CONTRAST = """([inner, outer, property]) => {
  const channels = (text) => text.match(/[\\d.]+/g).slice(0, 3).map((one) => {
    const part = one / 255;
    return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  const light = (text) => channels(text).reduce((sum, one, at) => sum + one * [0.2126, 0.7152, 0.0722][at], 0.05);
  const [a, b] = [light(inner), light(outer)];
  return Math.max(a, b) / Math.min(a, b);
}"""


def shades(spot: "Locator") -> int:
    """The number of clearly different shades of gray in a picture of an element."""
    picture = np.asarray(Image.open(io.BytesIO(spot.screenshot())).convert("L"))
    return len(
        {
            level
            for level in (picture // 64).ravel().tolist()
            if (picture // 64 == level).mean() > 0.01
        }
    )


def differs(spot: "Locator", picture: bytes) -> bool:
    return spot.screenshot() != picture


@pytest.mark.parametrize("path", ["/", "/for-you", "/search?q=film", "/films/37"])
def test_stars_posters_and_progress_can_be_seen_in_forced_colors(
    browser: "Browser", address: str, path: str
) -> None:
    schemes: list[Literal["light", "dark"]] = ["dark", "light"]
    with new_page(browser, forced_colors="active") as page:
        page.goto(f"{address}{path}")
        stars, empty = steady(page.locator("main .halves").first), {}
        for scheme in schemes:
            page.emulate_media(forced_colors="active", color_scheme=scheme)
            drawn(page)
            assert shades(stars) > 1
            empty[scheme] = stars.screenshot()
        with saving(page):
            stars.locator("input").nth(5).check()
        page.mouse.move(0, 0)
        for scheme in schemes:
            page.emulate_media(forced_colors="active", color_scheme=scheme)
            drawn(page)
            until(page, partial(differs, page.locator("main .halves").first, empty[scheme]), True)
            expect(page.locator("main .poster").first).to_have_css("border-top-style", "solid")
            if path == "/":
                assert shades(page.locator("progress")) > 1


LOW = [(320, 225), (640, 450), (844, 390)]


def in_windows(page: "Page", sizes: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Gives the window of a page one size after the other; nothing reaches beyond it."""
    for width, height in sizes:
        page.set_viewport_size({"width": width, "height": height})
        drawn(page)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        yield width, height


@pytest.mark.parametrize("path", ["/", "/for-you", "/films/37", "/you"])
def test_in_low_windows_nothing_stays_over_the_films(page: "Page", address: str, path: str) -> None:
    page.set_viewport_size({"width": LOW[0][0], "height": LOW[0][1]})
    page.goto(f"{address}{path}")
    for size in in_windows(page, LOW):
        assert_nothing_stays_over_the_films(page, path, size)


def assert_nothing_stays_over_the_films(page: "Page", path: str, size: tuple[int, int]) -> None:
    stuck = page.evaluate(
        """() => [...document.querySelectorAll("body *")].filter((one) => one.offsetHeight
             && ["sticky", "fixed"].includes(getComputedStyle(one).position)
             && one.matches(":not(.told, .told *)")).map((one) => one.className)"""
    )
    assert stuck == []
    if path in ("/", "/for-you"):
        poster = page.locator("li.card .poster").nth(3)
        steady(poster)
        poster.evaluate("one => one.scrollIntoView({ block: 'start' })")
        drawn(page)
        box = poster.bounding_box()
        assert box is not None
        assert box["height"] <= size[1] or size[1] > 300
        is_seen = "one => { const { x, y } = one.getBoundingClientRect(); return one.contains(document.elementFromPoint(x + 9, y + 9)); }"
        assert poster.evaluate(is_seen)


def test_the_map_has_most_of_a_low_window(page: "Page", address: str) -> None:
    page.set_viewport_size({"width": LOW[0][0], "height": LOW[0][1]})
    page.goto(f"{address}/map")
    page.locator("#map .stage").wait_for()
    for width, height in in_windows(page, LOW):
        box = steady(page.locator("#map .stage")).bounding_box()
        assert box is not None
        assert box["height"] >= 0.6 * height
        assert box["width"] >= 0.55 * width


@pytest.mark.parametrize("path", ["/", "/for-you", "/search?q=film", "/films/37"])
def test_half_stars_are_large_enough_for_fingers_and_fit(
    page: "Page", address: str, path: str
) -> None:
    page.goto(f"{address}{path}")
    for _ in in_windows(page, [(width, 800) for width in (320, 390, 768, 1280, 1920)]):
        sizes = page.locator("main .halves label").evaluate_all(
            "labels => labels.map((one) => one.getBoundingClientRect()).map((box) => [box.width, box.height])"
        )
        assert len(sizes) >= 9
        assert min(min(size) for size in sizes) >= 24
        tops = page.locator("#grid > li, #list > li").evaluate_all(
            "cards => cards.map((one) => [one.offsetTop, one.querySelector('.halves').getBoundingClientRect().top + scrollY])"
        )
        per_row: dict[float, set[float]] = {}
        for top, star_top in tops:
            per_row.setdefault(top, set()).add(round(star_top))
        assert all(len(row) == 1 for row in per_row.values())


def test_outlines_of_empty_stars_and_the_frame_of_a_rated_film_stand_out(
    page: "Page", address: str
) -> None:
    page.goto(address)
    give(page.locator("#grid > li").first, 3.0)
    page.mouse.move(0, 0)
    schemes: list[Literal["light", "dark"]] = ["light", "dark"]
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        assert_outlines_stand_out(page)


def assert_outlines_stand_out(page: "Page") -> None:
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    colors = {
        "empty": "getComputedStyle(document.querySelector('#grid > li:nth-child(2) label'), '::before').backgroundColor",
        "filled": "getComputedStyle(document.querySelector('#grid > li label'), '::before').backgroundColor",
        "frame": "getComputedStyle(document.querySelector('#grid > li .poster')).outlineColor",
    }
    for name, code in colors.items():
        assert page.evaluate(CONTRAST, [page.evaluate(code), paper]) >= 3, name
    offset = page.locator("#grid > li .poster").first.evaluate(
        "one => getComputedStyle(one).outlineOffset"
    )
    assert float(offset.removesuffix("px")) >= 2  # the frame lies on the page, whatever the poster


@pytest.mark.parametrize("path", ["/", "/for-you", "/films/37"])
def test_prediction_mean_and_own_rating_differ_by_word_and_shape(
    page: "Page", address: str, path: str
) -> None:
    page.goto(f"{address}/films/37")
    give(page.locator("article"), 3.0)
    page.goto(f"{address}{path}")
    guess = page.locator("main .predicted, main .lines .end").first
    expect(guess).to_contain_text("predicted", ignore_case=True)
    expect(guess.locator("b, .guess").first).to_have_css("border-top-style", "solid")
    expect(guess.locator(".star")).to_have_count(0)
    expect(page.locator("main .mean").first).to_have_text(re.compile(r"^\s*[A\d]"))


def test_on_phones_the_header_shows_all_links(page: "Page", address: str) -> None:
    page.goto(address)
    for _ in in_windows(page, [(width, 800) for width in (360, 390, 430)]):
        nav = page.locator("header.site nav")
        assert nav.evaluate("nav => nav.scrollWidth - nav.clientWidth") <= 0
