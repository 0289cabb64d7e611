"""The film page, the map with stars to rate, and rows of an import matched by hand, in a browser."""

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.web.browser.conftest import Watched, drawn, follow, give, steady, violations
from tests.web.pages.conftest import LETTERBOXD_CSV

if TYPE_CHECKING:
    from playwright.sync_api import FilePayload, Page

RATINGS: "FilePayload" = {
    "name": "ratings.csv",
    "mimeType": "text/csv",
    "buffer": LETTERBOXD_CSV.encode(),
}
WINDOWS = [(1280, 900), (768, 1024), (390, 844), (640, 450), (320, 225)]


def test_a_film_page_has_no_large_blank_area(page: "Page", address: str) -> None:
    page.goto(f"{address}/films/7")
    for width, height in [(1920, 1080), (1280, 900), (390, 844), (320, 225)]:
        page.set_viewport_size({"width": width, "height": height})
        drawn(page)
        assert_no_large_blank_area(page, width)


def assert_no_large_blank_area(page: "Page", width: int) -> None:
    box = {}
    for name in (".head", ".body", ".film .poster", ".aside", ".film + .row"):
        found = page.locator(name).bounding_box()
        assert found is not None, name
        box[name] = found
    end = {name: one["y"] + one["height"] for name, one in box.items()}
    ends = [end[".body"], end[".aside"]]
    assert box[".film + .row"]["y"] - max(ends) < 60
    if width > 704:
        assert abs(ends[0] - ends[1]) < 200
    else:  # the poster stands beside the title
        assert box[".film .poster"]["x"] + box[".film .poster"]["width"] <= box[".head"]["x"]
        assert box[".film .poster"]["width"] < 0.4 * width
    assert page.evaluate("document.documentElement.scrollWidth") == width
    expect(page.locator(".film a.poster")).to_have_count(0)


def test_axe_finds_nothing_on_the_film_page_with_its_sum(page: "Page", address: str) -> None:
    page.goto(f"{address}/films/17")
    give(page.locator("article"), 2.0)
    page.goto(f"{address}/films/7")
    page.get_by_text("Show the sum").click()
    expect(page.locator(".bars")).to_be_visible()
    assert violations(page) == []


def test_a_film_is_hidden_from_its_page_and_shown_again(page: "Page", address: str) -> None:
    page.goto(f"{address}/films/27")
    page.get_by_role("button", name="Not interested in").click()
    page.get_by_role("button", name="Show it again").wait_for()
    page.get_by_role("button", name="Show it again").click()
    page.get_by_role("button", name="Not interested in").wait_for()
    page.get_by_role("button", name="Haven't seen it").click()
    page.get_by_role("button", name="I have seen it").wait_for()
    expect(page).to_have_url(f"{address}/films/27")


@pytest.mark.parametrize(("width", "height"), WINDOWS)
def test_a_film_is_rated_on_the_map(page: "Page", address: str, width: int, height: int) -> None:
    page.set_viewport_size({"width": width, "height": height})
    page.goto(f"{address}/map?film=27")
    panel = page.get_by_role("region", name="Selected film")
    panel.get_by_text("Predicted for a new user").first.wait_for()
    box, stage = steady(panel).bounding_box(), page.locator(".stage").bounding_box()
    assert box is not None
    assert stage is not None
    assert (
        box["x"] >= stage["x"] + stage["width"] - 1 or box["y"] >= stage["y"] + stage["height"] - 1
    )
    with page.expect_response("**/map/you.json"):
        steady(panel.locator("input[value='4.5']")).click()
    panel.get_by_role("button", name="Undo").wait_for()
    page.get_by_role("button", name="Rated by you 1").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_the_map_is_used_by_keyboard_alone(page: "Page", address: str) -> None:
    page.set_viewport_size({"width": 640, "height": 450})
    page.goto(f"{address}/map")
    page.get_by_label("Find a film").focus()
    page.keyboard.type("amelie")
    page.locator("#film-map-found [role=option]", has_text="Am\u00e9lie").wait_for()
    page.keyboard.press("Enter")
    panel = page.get_by_role("region", name="Selected film")
    panel.locator("[data-part=map-film]").wait_for()
    is_in_panel = "() => document.activeElement.closest('section.film') !== null"
    page.wait_for_function(is_in_panel)
    page.keyboard.press("Tab")
    expect(panel.get_by_role("link", name="Film page")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    with page.expect_response("**/map/film?id=7"):
        page.keyboard.press("Enter")
    panel.get_by_role("button", name="Undo").wait_for()
    page.wait_for_function(is_in_panel)
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(page.locator(".marks")).to_be_focused()


def test_a_row_is_matched_while_one_types(page: "Page", watched: Watched, address: str) -> None:
    page.goto(f"{address}/you/import")
    page.get_by_label("Your file").set_input_files(RATINGS)
    follow(page.get_by_role("button", name="Preview"))
    box = page.get_by_label("Film for Nothing Like It (1999)")
    box.fill("film 17")
    choice = page.get_by_label("Choice for Nothing Like It (1999)")
    choice.wait_for()
    expect(choice.locator("option").first).to_have_text("Film 17 (1967)")
    assert violations(page) == []
    box.fill("")
    choice.wait_for(state="detached")
    box.fill("film 17")
    choice.wait_for()
    follow(page.get_by_role("button", name="Save these ratings"))
    page.get_by_text("4 ratings imported.").wait_for()
    page.goto(f"{address}/films/177")
    page.get_by_text(re.compile("^You gave 2\\.")).wait_for()
    assert watched.complaints == []


def test_a_row_is_matched_without_a_script(scriptless: "Page", address: str) -> None:
    page = scriptless
    page.goto(f"{address}/you/import")
    page.get_by_label("Your file").set_input_files(RATINGS)
    follow(page.get_by_role("button", name="Preview"))
    page.get_by_label("Film for Nothing Like It (1999)").fill("film 17")
    follow(page.get_by_role("button", name="Save these ratings"))
    page.get_by_role("heading", name="Choose the films").wait_for()
    follow(page.get_by_role("button", name="Save these ratings"))
    page.get_by_text("4 ratings imported.").wait_for()


def test_all_pages_begin_at_the_edge_of_the_header(
    page: "Page", watched: Watched, address: str
) -> None:
    edges = {}
    for path in (
        "/",
        "/for-you",
        "/films/7",
        "/you",
        "/you/import",
        "/together",
        "/nope",
        "/about",
    ):
        page.goto(f"{address}{path}")
        for width in (1920, 1280, 390):
            page.set_viewport_size({"width": width, "height": 900})
            drawn(page)
            brand, heading = (
                page.locator(name).first.bounding_box() for name in (".brand", "main > *")
            )
            assert brand is not None
            assert heading is not None
            edges[path, width] = heading["x"] - brand["x"]
    assert {path: edge for path, edge in edges.items() if abs(edge) > 1} == {}
    watched.complaints.clear()  # 404
