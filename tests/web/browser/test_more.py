"""The pages beside those for rating in a browser: a newcomer brings a file and deletes themselves, two people make a
group, and the map is found through by mouse and keyboard."""

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.web.browser.conftest import Watched, follow, violations
from tests.web.conftest import OPERATOR

if TYPE_CHECKING:
    from playwright.sync_api import Page

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
    follow(page.get_by_role("button", name="Preview"))
    expect(page.get_by_role("heading", name="Check your import")).to_be_visible()


def save_import(page: "Page") -> None:
    follow(page.get_by_role("button", name="Save these ratings"))
    expect(page).to_have_url(IMPORTED)


@at_both
def test_a_newcomer_imports_a_file_reviews_it_and_deletes_themselves(
    page: "Page", watched: Watched, address: str, file: Path, size: str
) -> None:
    sized(page, size)
    page.goto(address)
    follow(page.get_by_role("link", name="You", exact=True))
    follow(page.get_by_role("link", name="Import ratings").first)
    import_file(page, address, file)
    expect(page.locator(".tally dd")).to_have_text(["3", "1", "1"])
    by_hand = page.get_by_role("group", name="Which films are these?")
    expect(by_hand).to_contain_text("Nothing Like It (1999)")
    page.locator(".doubts input").uncheck()
    save_import(page)
    expect(page.locator(".lead")).to_contain_text("You have rated 3 films")
    expect(page.locator(".histogram rect.own")).to_have_count(3)
    page.get_by_text("As a table").click()
    expect(page.locator("figure + details tbody tr")).to_have_count(9)
    with page.expect_download() as download:
        page.get_by_role("link", name="Export as CSV").click()
    assert download.value.suggested_filename == "ratings.csv"

    follow(page.get_by_role("link", name="Delete my data"))
    page.get_by_label("Yes, delete everything").check()
    delete = page.get_by_role("button", name="Delete my data")
    expect(delete).to_have_css("background-color", "rgba(0, 0, 0, 0)")  # filled: next steps
    follow(delete)
    expect(page.get_by_role("heading", name="Your data has been deleted")).to_be_visible()
    assert page.context.cookies() == []
    page.goto(f"{address}/you")
    expect(page.locator(".lead")).to_have_text("Rate a few films to see your taste profile.")
    assert {urlsplit(asked).netloc for asked in watched.requests} == {urlsplit(address).netloc}


@at_both
def test_two_people_make_a_group_and_get_one_list(
    page: "Page", other: "Page", watched: Watched, address: str, file: Path, size: str
) -> None:
    import_file(sized(page, size), address, file)
    save_import(page)
    follow(page.get_by_role("link", name="Together"))
    page.get_by_label("Your name in the group").fill("Ada")
    follow(page.get_by_role("button", name="Make a group"))
    link = page.get_by_label("Invitation link").input_value()
    expect(page).to_have_url(link)

    watched.watch(other)
    other.goto(link)
    heading = other.get_by_role("heading", level=1)
    expect(heading).to_have_text("Ada would like to watch something with you")
    other.get_by_label("Your name in the group").fill("Bo")
    follow(other.get_by_role("button", name="Join"))
    expect(other.get_by_role("heading", name="Picks for the group")).to_be_visible()
    page.reload()
    listed = [one.locator(".cards .name").all_text_contents() for one in (page, other)]
    assert listed[0] == listed[1]
    assert len(listed[0]) == 20
    members = page.locator(".members li").all_inner_texts()
    said = sorted(" ".join(text.split()) for text in members)
    assert said == ["Ada you made the group", "Bo no ratings yet Remove"]
    page.get_by_label("Nobody hates it").check()
    page.get_by_label("Genre").select_option("Horror")
    follow(page.get_by_role("button", name="Show", exact=True))
    expect(page).to_have_url(re.compile("how=least-misery&genre=Horror$"))
    expect(page.locator(".cards .facts").first).to_be_visible()
    expect(page.locator(".cards .facts").filter(has_not_text="Horror")).to_have_count(0)
    follow(other.get_by_role("link", name="Leave the group"))
    follow(other.get_by_role("button", name="Leave the group"))
    expect(other).to_have_url(f"{address}/together")
    page.reload()
    expect(page.locator(".members")).to_contain_text("Ada")
    expect(page.locator(".members")).not_to_contain_text("Bo")


@at_both
def test_the_map_finds_a_film_shows_its_neighbours_and_where_you_are(
    page: "Page", watched: Watched, address: str, file: Path, size: str
) -> None:
    import_file(sized(page, size), address, file)
    save_import(page)
    page.goto(f"{address}/map")
    page.locator(".film-map").wait_for()
    expect(page.get_by_role("button", name="Rated by you 4")).to_have_count(1)
    page.get_by_label("Find a film").fill("amelie")
    page.locator("#film-map-found [role=option]", has_text="Amélie").wait_for()
    page.get_by_label("Find a film").press("Enter")
    panel = page.get_by_role("region", name="Selected film")
    expect(panel.get_by_role("heading", level=2)).to_have_text("Amélie")
    expect(panel.locator("ol li")).to_have_count(10)
    box = panel.bounding_box()
    assert box is not None
    assert 0 <= box["x"] < box["x"] + box["width"] <= SIZES[size][0]
    follow(panel.get_by_role("link", name="Film page"))
    expect(page).to_have_url(f"{address}/films/7")
    page.goto(f"{address}/map?film=17")
    expect(panel.get_by_role("heading", level=2)).to_have_text("Star Wars: Episode IV")
    assert {urlsplit(asked).netloc for asked in watched.requests} == {urlsplit(address).netloc}


def test_axe_finds_nothing_serious_and_nothing_reaches_beyond_the_window(
    page: "Page", watched: Watched, address: str, file: Path
) -> None:
    found = {}

    def look(name: str) -> None:
        found[name] = violations(page, SIZES["phone"])

    for path in ("/you", "/you/import", "/together"):
        page.goto(f"{address}{path}")
        look(f"{path} of nobody")
    import_file(page, address, file)
    look("the review")
    save_import(page)
    page.get_by_text("As a table").click()
    look("/you")
    for path in ("/you/ratings", "/you/delete"):
        page.goto(f"{address}{path}")
        look(path)
    page.goto(f"{address}/together")
    page.get_by_label("Your name in the group").fill("Ada")
    follow(page.get_by_role("button", name="Make a group"))
    look("a group")
    page.goto(f"{address}/map?film=7")
    page.locator(".film h2").wait_for()
    look("/map")
    page.goto(f"{address}/operator")
    look("the operator's form")
    page.get_by_label("Token").fill(OPERATOR)
    follow(page.get_by_role("button", name="Sign in"))
    expect(page.get_by_role("heading", name="Traffic since the start")).to_be_visible()
    for path in ("", "/training"):  # the others are as in `test_operator_in_browser`
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
    follow(page.get_by_role("button", name="Preview"))
    expect(page.get_by_role("alert")).to_contain_text("so it is a header")
    watched.complaints.clear()  # 422


def test_the_pages_work_without_a_script(scriptless: "Page", address: str, file: Path) -> None:
    page = scriptless
    import_file(page, address, file)
    save_import(page)
    expect(page.locator(".lead")).to_contain_text("You have rated 4 films")
    page.goto(f"{address}/you/ratings")
    follow(page.get_by_role("button", name="Remove your rating of Amélie (2001)"))
    expect(page.locator("li[data-film]")).to_have_count(3)
    page.goto(f"{address}/map")
    expect(page.locator("noscript .loading")).to_be_visible()
    expect(page.get_by_text("Drawing the map")).not_to_be_visible()
