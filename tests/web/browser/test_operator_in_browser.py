"""The operator's pages in a browser."""

import csv
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import httpx
import pytest
from playwright.sync_api import expect

from matinee.web.settings import Settings
from tests.conftest import simulated
from tests.web.browser.conftest import Watched, follow, until, violations
from tests.web.conftest import OPERATOR, UNLIMITED, guide_of, newcomer, serving

if TYPE_CHECKING:
    from playwright.sync_api import Page

SMALL = (320, 480)
PATHS = ("", "?window=week", "/people", "/films", "/films?q=zzzzzzz", "/models", "/training")


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file without which no training starts: a `nice` of our own waits for it."""
    folder = tmp_path_factory.mktemp("gate")
    nice = folder / "nice"
    wait = f"while [ ! -e {folder}/open ]; do sleep 0.05; done"
    nice.write_text(f'#!/bin/sh\n{wait}\nshift 2\nexec "$@"\n')
    nice.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(folder), prepend=os.pathsep)
        yield folder / "open"


@pytest.fixture
def closed(gate: Path) -> Path:
    """The gate, closed: the training that a test starts goes on when the test makes this file."""
    gate.unlink(missing_ok=True)
    return gate


@pytest.fixture(scope="module")
def own(gate: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server with two models, people, and data to retrain from."""
    gate.touch()
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
    follow(page.get_by_role("button", name="Sign in"))
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def person_link(page: "Page", address: str) -> str:
    page.goto(f"{address}/operator/people")
    return page.locator("tbody a").first.get_attribute("href") or ""


def test_the_operators_pages_fit_and_have_no_barriers(
    page: "Page", own: str, watched: Watched
) -> None:
    sign_in(page, own)
    person = person_link(page, own).removeprefix("/operator")
    for path in (*PATHS, person, f"{person}/delete"):
        page.goto(f"{own}/operator{path}")
        for summary in page.locator("details summary").all():
            summary.click()
        assert violations(page, SMALL) == [], path
    watched.complaints.clear()  # the form of the operator comes with 401


def test_charts_are_drawn_and_said(page: "Page", own: str, watched: Watched) -> None:
    sign_in(page, own)
    for name in ("requests", "times", "lists", "ratings", "people"):
        figure = page.locator(f"figure[data-chart={name}]")
        box = figure.locator("svg").bounding_box()
        assert box is not None
        assert box["width"] > 200
        assert box["height"] > 80
        expect(figure.locator("figcaption")).to_have_text(re.compile(r"\S.{10,}", re.DOTALL))
    expect(page.locator("figure[data-chart=requests] rect.everybody").first).to_be_attached()
    colors = page.evaluate(
        "[...document.querySelectorAll('figure[data-chart=times] polyline')]"
        ".map(line => getComputedStyle(line).stroke)"
    )
    assert len(set(colors)) == 2
    assert "none" not in colors
    follow(page.get_by_role("link", name="Last week"))
    expect(page.locator(".windows [aria-current]")).to_have_text("Last week")
    page.get_by_text("As a table").click()
    expect(page.get_by_role("columnheader", name="99% within, ms").first).to_be_visible()
    watched.complaints.clear()


def test_a_click_trains_and_the_new_version_is_served(
    page: "Page", own: str, closed: Path, watched: Watched
) -> None:
    def version() -> str:
        return str(httpx.get(f"{own}/health/ready").json()["models"][0]["version"])

    before = version()
    sign_in(page, own, "/training")
    page.get_by_label("Replace the served model").check()
    follow(page.get_by_role("button", name="Retrain"))
    expect(page.get_by_role("heading", name="Training first")).to_be_visible()
    expect(page.locator("progress")).to_be_visible()
    assert violations(page) == []
    page.get_by_role("button", name="Cancel").focus()
    page.evaluate("globalThis.isSamePage = true")
    closed.touch()
    said = re.compile(r"^Done\. Added 54 ratings by 6 people from ")
    expect(page.locator("#training-said")).to_have_text(said, timeout=90_000)
    assert page.evaluate("globalThis.isSamePage")
    expect(page.locator("#jobs")).to_be_focused()
    expect(page.locator(".jobs tbody tr").first).to_be_visible()
    expect(page.get_by_role("button", name="Retrain")).to_be_visible()
    assert version() != before
    watched.complaints.clear()


def test_a_person_is_deleted_by_keyboard_after_a_question(
    page: "Page", own: str, watched: Watched
) -> None:
    sign_in(page, own, "/people")
    people = page.locator("tbody tr")
    expect(people.first).to_be_visible()
    n = len(people.all())
    page.locator("tbody a").first.press("Enter")
    page.get_by_role("link", name="Delete this person").press("Enter")
    page.get_by_role("heading", name="Delete this person?").wait_for()
    box = page.get_by_label("Yes, delete everything of this person")
    page.get_by_role("button", name="Delete this person").press("Enter")
    expect(box).to_be_focused()  # where the browser asks for the tick
    expect(page).to_have_url(re.compile("/delete$"))
    box.press("Space")
    page.get_by_role("button", name="Delete this person").press("Enter")
    page.get_by_text("have been deleted").wait_for()
    expect(people).to_have_count(n - 1)
    watched.complaints.clear()


def test_everything_works_without_a_script(scriptless: "Page", own: str, closed: Path) -> None:
    page = scriptless
    sign_in(page, own, "/films")
    page.get_by_role("searchbox", name="Title").fill("amelie")
    follow(page.get_by_role("button", name="Apply"))
    expect(page.locator("tbody th").first).to_have_text(re.compile("^Amélie"))
    page.goto(f"{own}/operator")
    follow(page.get_by_role("button", name="Reload models"))
    expect(page.get_by_text("The models have been reloaded.")).to_be_visible()
    page.goto(f"{own}/operator/training")
    page.get_by_label("Replace the served model").check()
    follow(page.get_by_role("button", name="Retrain"))
    expect(page.get_by_role("link", name="Refresh")).to_be_visible()
    follow(page.get_by_role("button", name="Cancel"))

    def latest() -> str:
        follow(page.get_by_role("link", name="Training", exact=True))
        return page.locator("#training").inner_text()

    until(page, lambda: "Canceled; the served model is unchanged." in latest(), True)
    assert not closed.exists()


def test_visitors_have_no_page_of_models(page: "Page", own: str, watched: Watched) -> None:
    page.goto(own)
    expect(page.get_by_role("link", name="Models")).to_have_count(0)
    page.goto(f"{own}/models")
    expect(page.locator("main")).to_contain_text(
        "Comparing models is for the operator of this server."
    )
    watched.complaints.clear()


def test_charts_show_in_forced_colors(page: "Page", own: str, watched: Watched) -> None:
    sign_in(page, own)
    fill = "getComputedStyle(document.querySelector('.charts rect.everybody')).fill"
    ground = "getComputedStyle(document.querySelector('.charts .histogram')).backgroundColor"
    schemes: list[Literal["light", "dark"]] = ["light", "dark"]
    for scheme in schemes:
        page.emulate_media(forced_colors="active", color_scheme=scheme)
        assert page.evaluate(fill) != page.evaluate(ground)
    watched.complaints.clear()
