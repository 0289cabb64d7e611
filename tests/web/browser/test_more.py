"""The pages beside those for rating in a browser: a newcomer brings a file and deletes themselves, two people make a
group, and the map is found through by mouse and keyboard."""

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.web.browser.conftest import Watched, violations
from tests.web.conftest import OPERATOR

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SIZES = {"phone": (390, 844), "desktop": (1280, 800)}
at_both = pytest.mark.parametrize("size", SIZES)
FILE = """Date,Name,Year,Letterboxd URI,Rating
2024-01-01,Amélie,2001,u,5
2024-01-01,Star Wars,1977,u,4
2024-01-01,Film 6,1956,u,1.5
2024-01-01,Film 7,1957,u,3.5
2024-01-01,Nothing Like It,1999,u,2
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "ratings.csv"
    path.write_text(FILE, "utf-8")
    return path


IMPORTED = re.compile(r"/you\?imported=\d+$")


def sized(page: "Page", size: str) -> "Page":
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    return page


def import_file(page: "Page", address: str, file: Path) -> None:
    page.goto(f"{address}/you/import")
    page.get_by_label("Your file").set_input_files(file)
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("heading", name="Check your import").wait_for()


@at_both
def test_a_newcomer_imports_a_file_reviews_it_and_deletes_themselves(
    page: "Page", watched: Watched, address: str, file: Path, size: str
) -> None:
    sized(page, size)
    page.goto(address)
    page.get_by_role("link", name="You", exact=True).click()
    page.get_by_role("link", name="Import ratings").first.click()
    import_file(page, address, file)
    assert page.locator(".tally dd").all_inner_texts() == ["3", "1", "1"]
    by_hand = page.get_by_role("group", name="Which films are these?")
    assert "Nothing Like It (1999)" in by_hand.inner_text()
    page.locator(".doubts input").uncheck()
    page.get_by_role("button", name="Save these ratings").click()
    page.wait_for_url(IMPORTED)
    assert "You have rated 3 films" in page.locator(".lead").inner_text()
    assert page.locator(".histogram rect.own").count() == 3
    page.get_by_text("As a table").click()
    assert page.locator("figure + details tbody tr").count() == 9
    with page.expect_download() as download:
        page.get_by_role("link", name="Export as CSV").click()
    assert download.value.suggested_filename == "ratings.csv"

    page.get_by_role("link", name="Delete my data").click()
    page.get_by_label("Yes, delete everything").check()
    delete = page.get_by_role("button", name="Delete my data")
    background = delete.evaluate("one => getComputedStyle(one).backgroundColor")
    assert background == "rgba(0, 0, 0, 0)"  # filled buttons are next steps
    delete.click()
    page.get_by_role("heading", name="Your data has been deleted").wait_for()
    assert page.context.cookies() == []
    page.goto(f"{address}/you")
    assert "Rate a few films to see your taste profile." in page.locator(".lead").inner_text()
    assert {urlsplit(asked).netloc for asked in watched.requests} == {urlsplit(address).netloc}


@at_both
def test_two_people_make_a_group_and_get_one_list(
    page: "Page", browser: "Browser", watched: Watched, address: str, file: Path, size: str
) -> None:
    import_file(sized(page, size), address, file)
    page.get_by_role("button", name="Save these ratings").click()
    page.wait_for_url(IMPORTED)
    page.get_by_role("link", name="Together").click()
    page.get_by_label("Your name in the group").fill("Ada")
    page.get_by_role("button", name="Make a group").click()
    link = page.get_by_label("Invitation link").input_value()
    assert link == page.url

    context = browser.new_context(reduced_motion="reduce")
    other = context.new_page()
    watched.watch(other)
    other.goto(link)
    assert (
        other.get_by_role("heading", level=1).inner_text()
        == "Ada would like to watch something with you"
    )
    other.get_by_label("Your name in the group").fill("Bo")
    other.get_by_role("button", name="Join").click()
    other.get_by_role("heading", name="Picks for the group").wait_for()
    page.reload()
    lists = [one.locator(".cards .name").all_text_contents() for one in (page, other)]
    assert lists[0] == lists[1]
    assert len(lists[0]) == 20
    members = page.locator(".members li").all_inner_texts()
    said = sorted(" ".join(text.split()) for text in members)
    assert said == ["Ada you made the group", "Bo no ratings yet Remove"]
    page.get_by_label("Nobody hates it").check()
    page.get_by_label("Genre").select_option("Horror")
    page.get_by_role("button", name="Show", exact=True).click()
    page.wait_for_url("**how=least-misery&genre=Horror")
    assert all("Horror" in facts for facts in page.locator(".cards .facts").all_text_contents())
    other.get_by_role("link", name="Leave the group").click()
    other.get_by_role("button", name="Leave the group").click()
    other.wait_for_url("**/together")
    context.close()
    page.reload()
    assert "Bo" not in page.locator(".members").inner_text()


@at_both
def test_the_map_finds_a_film_shows_its_neighbours_and_where_you_are(
    page: "Page", watched: Watched, address: str, file: Path, size: str
) -> None:
    import_file(sized(page, size), address, file)
    page.get_by_role("button", name="Save these ratings").click()
    page.wait_for_url(IMPORTED)
    page.goto(f"{address}/map")
    page.locator(".film-map").wait_for()
    assert page.get_by_role("button", name="Rated by you 4").count() == 1
    page.get_by_label("Find a film").fill("amelie")
    page.get_by_label("Find a film").press("Enter")
    panel = page.get_by_role("region", name="Selected film")
    assert panel.get_by_role("heading", level=2).inner_text() == "Amélie"
    assert panel.locator("ol li").count() == 10
    box = panel.bounding_box()
    assert box is not None
    assert 0 <= box["x"] < box["x"] + box["width"] <= SIZES[size][0]
    panel.get_by_role("link", name="Film page").click()
    page.wait_for_url("**/films/7")
    page.goto(f"{address}/map?film=17")
    assert panel.get_by_role("heading", level=2).inner_text() == "Star Wars: Episode IV"
    assert {urlsplit(asked).netloc for asked in watched.requests} == {urlsplit(address).netloc}


@at_both
def test_axe_finds_nothing_serious_and_nothing_reaches_beyond_the_window(
    page: "Page", watched: Watched, address: str, file: Path, size: str
) -> None:
    sized(page, size)
    found = {}

    def look(name: str) -> None:
        found[name] = violations(page)
        assert page.evaluate("document.documentElement.scrollWidth") == SIZES[size][0], name

    for path in ("/you", "/you/import", "/together"):
        page.goto(f"{address}{path}")
        look(f"{path} of nobody")
    import_file(page, address, file)
    look("the review")
    page.get_by_role("button", name="Save these ratings").click()
    page.wait_for_url(IMPORTED)
    page.get_by_text("As a table").click()
    look("/you")
    for path in ("/you/ratings", "/you/delete"):
        page.goto(f"{address}{path}")
        look(path)
    page.goto(f"{address}/together")
    page.get_by_label("Your name in the group").fill("Ada")
    page.get_by_role("button", name="Make a group").click()
    look("a group")
    page.goto(f"{address}/map?film=7")
    page.locator(".film h2").wait_for()
    look("/map")
    page.goto(f"{address}/operator")
    look("the operator's form")
    page.get_by_label("Token").fill(OPERATOR)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Traffic since the start").wait_for()
    for path in ("", "/people", "/films", "/films?q=zz", "/models", "/training"):
        page.goto(f"{address}/operator{path}")
        look(f"/operator{path}")
    assert {name: told for name, told in found.items() if told} == {}
    watched.complaints.clear()  # the form of the operator comes with 401, which is an error on the console


def test_a_file_of_another_kind_is_refused_in_the_page(
    page: "Page", watched: Watched, address: str, file: Path
) -> None:
    file.write_text("a,b\n1,2\n")
    page.goto(f"{address}/you/import")
    page.get_by_label("Your file").set_input_files(file)
    page.get_by_role("button", name="Preview").click()
    assert "so it is a header" in page.get_by_role("alert").inner_text()
    watched.complaints.clear()  # 422


def test_the_pages_work_without_a_script(browser: "Browser", address: str, file: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    import_file(page, address, file)
    page.get_by_role("button", name="Save these ratings").click()
    assert "You have rated 4 films" in page.locator(".lead").inner_text()
    page.goto(f"{address}/you/ratings")
    page.get_by_role("button", name="Remove your rating of Amélie (2001)").click()
    assert page.locator("li[data-film]").count() == 3
    page.goto(f"{address}/map")
    assert page.locator("noscript .loading").is_visible()
    assert not page.get_by_text("Drawing the map").is_visible()
    context.close()
