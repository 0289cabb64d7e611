"""The operator's pages in a browser."""

import csv
from collections.abc import Iterator
from typing import TYPE_CHECKING

import httpx
import pytest

from matinee.web.settings import Settings
from tests.conftest import simulated
from tests.web.browser.conftest import Watched, violations
from tests.web.conftest import OPERATOR, UNLIMITED, guide_of, newcomer, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SIZES = {"small": (320, 480), "desktop": (1280, 900)}
PATHS = ("", "?window=week", "/people", "/films", "/films?q=zzzzzzz", "/models", "/training")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server with two models, people, and data to retrain from."""
    folder = tmp_path_factory.mktemp("operator")
    guide_of(baseline=True).save(folder / "first.matinee")
    guide = guide_of()
    guide.save(folder / "second.matinee")
    ratings = simulated()
    (folder / "data").mkdir()
    with (folder / "data" / "movies.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["movieId", "title", "genres"])
        films = [(item, guide.catalog[item]) for item in ratings.items.ids.tolist()[:118]]
        rows.writerows([item, film.title, "|".join(film.genres)] for item, film in films)
    with (folder / "data" / "ratings.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["userId", "movieId", "rating"])
        for user, item, value in zip(
            ratings.user_index, ratings.item_index, ratings.value, strict=True
        ):
            rows.writerow([ratings.users.id(int(user)), ratings.items.id(int(item)), float(value)])
    settings = Settings(
        (folder / "first.matinee", folder / "second.matinee"),
        str(folder / "people.db"),
        OPERATOR,
        UNLIMITED,
        log_requests=False,
        retrain=(str(folder / "data"),),
    )
    with serving(settings) as url, httpx.Client(base_url=url) as client:
        for shift in range(6):
            header = newcomer(client)
            stars = [{"item_id": 7 + 10 * n, "stars": 1 + (n + shift) % 5} for n in range(9)]
            client.post("/api/v1/me/ratings", json={"ratings": stars}, headers=header)
        yield url


def sign_in(page: "Page", address: str, path: str = "") -> None:
    page.goto(f"{address}/operator{path}")
    page.get_by_label("Token").fill(OPERATOR)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Sign out").wait_for()


def person_link(page: "Page", address: str) -> str:
    page.goto(f"{address}/operator/people")
    return page.locator("tbody a").first.get_attribute("href") or ""


@pytest.mark.parametrize("size", SIZES)
def test_the_operators_pages_fit_and_have_no_barriers(
    page: "Page", own: str, watched: Watched, size: str
) -> None:
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    sign_in(page, own)
    person = person_link(page, own).removeprefix("/operator")
    for path in (*PATHS, person, f"{person}/delete"):
        page.goto(f"{own}/operator{path}")
        for summary in page.locator("details summary").all():
            summary.click()
        overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(overflow) <= 0, path
        assert violations(page) == [], path
    watched.complaints.clear()  # the form of the operator comes with 401


def test_charts_are_drawn_and_said(page: "Page", own: str, watched: Watched) -> None:
    sign_in(page, own)
    for name in ("requests", "times", "lists", "ratings", "people"):
        figure = page.locator(f"figure[data-chart={name}]")
        box = figure.locator("svg").bounding_box()
        assert box is not None
        assert box["width"] > 200
        assert box["height"] > 80
        assert len(figure.locator("figcaption").inner_text()) > 10
    assert page.locator("figure[data-chart=requests] rect.everybody").count() >= 1
    colors = page.evaluate(
        "[...document.querySelectorAll('figure[data-chart=times] polyline')]"
        ".map(line => getComputedStyle(line).stroke)"
    )
    assert len(set(colors)) == 2
    assert "none" not in colors
    page.get_by_role("link", name="Last week").click()
    current = page.locator(".windows [aria-current]")
    assert current.inner_text() == "Last week"
    page.get_by_text("As a table").click()
    assert page.get_by_role("columnheader", name="99% within, ms").first.is_visible()
    watched.complaints.clear()


def test_a_click_trains_and_the_new_version_is_served(
    page: "Page", own: str, watched: Watched
) -> None:
    def version() -> str:
        return str(httpx.get(f"{own}/health/ready").json()["models"][0]["version"])

    before = version()
    sign_in(page, own, "/training")
    page.get_by_label("Replace the served model").check()
    page.get_by_role("button", name="Retrain").click()
    page.get_by_role("heading", name="Training first").wait_for()
    assert page.locator("progress").is_visible()
    assert violations(page) == []
    page.get_by_role("button", name="Cancel").focus()
    page.evaluate("globalThis.isSamePage = true")
    page.locator(".jobs tbody tr").first.wait_for(timeout=90_000)
    assert page.evaluate("globalThis.isSamePage")
    assert page.evaluate("document.activeElement.id") == "jobs"
    said = page.locator("#training-said").text_content() or ""
    assert said.startswith("Done. Added 54 ratings by 6 people from ")
    assert page.get_by_role("button", name="Retrain").is_visible()
    assert version() != before
    watched.complaints.clear()


def test_a_person_is_deleted_by_keyboard_after_a_question(
    page: "Page", own: str, watched: Watched
) -> None:
    sign_in(page, own, "/people")
    n = page.locator("tbody tr").count()
    page.locator("tbody a").first.press("Enter")
    page.get_by_role("link", name="Delete this person").press("Enter")
    page.get_by_role("heading", name="Delete this person?").wait_for()
    page.get_by_role("button", name="Delete this person").press("Enter")
    assert page.url.endswith("/delete")  # the box is not ticked
    page.get_by_label("Yes, delete everything of this person").press("Space")
    page.get_by_role("button", name="Delete this person").press("Enter")
    page.get_by_text("have been deleted").wait_for()
    assert page.locator("tbody tr").count() == n - 1
    watched.complaints.clear()


def test_everything_works_without_a_script(browser: "Browser", own: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, own, "/films")
    page.get_by_role("searchbox", name="Title").fill("amelie")
    page.get_by_role("button", name="Apply").click()
    assert page.locator("tbody th").first.inner_text().startswith("Amélie")
    page.goto(f"{own}/operator")
    page.get_by_role("button", name="Reload models").click()
    assert page.get_by_text("The models have been reloaded.").is_visible()
    page.goto(f"{own}/operator/training")
    page.get_by_label("Replace the served model").check()
    page.get_by_role("button", name="Retrain").click()
    assert page.get_by_role("link", name="Refresh").is_visible()
    page.get_by_role("button", name="Cancel").click()
    for _ in range(60):
        if not page.locator("progress").count():
            break
        page.wait_for_timeout(500)
        page.goto(f"{own}/operator/training")
    assert "Canceled; the served model is unchanged." in page.inner_text(".jobs")
    context.close()


def test_visitors_have_no_page_of_models(page: "Page", own: str, watched: Watched) -> None:
    page.goto(own)
    assert page.get_by_role("link", name="Models").count() == 0
    page.goto(f"{own}/models")
    assert "Comparing models is for the operator of this server." in page.inner_text("main")
    watched.complaints.clear()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_charts_show_in_forced_colors(
    page: "Page", own: str, scheme: str, watched: Watched
) -> None:
    page.emulate_media(forced_colors="active", color_scheme="dark" if scheme == "dark" else "light")
    sign_in(page, own)
    fill = "getComputedStyle(document.querySelector('.charts rect.everybody')).fill"
    ground = "getComputedStyle(document.querySelector('.charts .histogram')).backgroundColor"
    assert page.evaluate(fill) != page.evaluate(ground)
    watched.complaints.clear()
