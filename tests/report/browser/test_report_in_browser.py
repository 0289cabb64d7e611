"""The report in a browser: nothing is loaded, it fits a phone, and its dark and printed forms can be read."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from playwright.sync_api import expect

from matinee.data.catalog import Catalog, Film
from matinee.models.neural.dot_product import DotProduct
from matinee.recommendation.guide import Guide
from matinee.recommendation.model_file import Origin
from matinee.report import collect, save_page
from tests.conftest import simulated
from tests.report.browser.conftest import drawn, until

if TYPE_CHECKING:
    from playwright.sync_api import Page

LONG = "Supercalifragilisticexpialidocious" * 3


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a report on disk, with a title that no phone is wide enough for."""
    ratings = simulated(80, 40, 1_600)
    most = int(np.argmax(ratings.item_counts))
    ids = ratings.items.ids.tolist()
    titles = Catalog(
        {i: Film(LONG if i == ids[most] else f"Film {i} (1990)", 1990, ("Drama",)) for i in ids}
    )
    model = DotProduct(factors=8, epochs=2).fit(ratings, n_threads=1)
    path = tmp_path_factory.mktemp("report") / "report.html"
    save_page(collect(Guide(model, titles, Origin("films.csv")), n_threads=1), path)
    return path.as_uri()


def colors(page: "Page", selector: str) -> tuple[list[int], list[int]]:
    """Those of the text and of the page, as red, green, blue."""
    script = (
        "selector => [getComputedStyle(document.querySelector(selector)).color, document.body].map("
    )
    script += "one => one === document.body ? getComputedStyle(one).backgroundColor : one)"
    text, paper = (
        list(map(int, re.findall(r"\d+", color)[:3])) for color in page.evaluate(script, selector)
    )
    return text, paper


def test_the_report_loads_nothing_but_itself(page: "Page", report: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report)
    assert asked == [report]
    expect(page).to_have_title("A film recommender, explained: dot-product on films.csv")


def test_nothing_reaches_beyond_the_edge_of_the_window(page: "Page", report: str) -> None:
    page.goto(report)
    for width in (320, 390, 768, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        drawn(page)
        assert page.evaluate("document.documentElement.scrollWidth") == width


def test_without_javascript_everything_is_there(scriptless: "Page", report: str) -> None:
    scriptless.goto(report)
    for heading in (
        "The data",
        "The model",
        "How good it is",
        "What it learned",
        "Its largest errors",
        "Sources",
    ):
        expect(scriptless.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    expect(scriptless.locator("svg[role=img]")).to_have_count(14)


def test_a_link_of_the_contents_leads_to_its_section(page: "Page", report: str) -> None:
    page.goto(report)
    page.get_by_role("link", name="Its largest errors").click()
    top = "Math.round(document.querySelector('#mistakes').getBoundingClientRect().top / 2)"
    until(page, lambda: page.evaluate(top), 0)


def test_dark_pages_have_light_words_and_light_figures(page: "Page", report: str) -> None:
    page.emulate_media(color_scheme="dark")
    page.goto(report)
    for selector in ("body", "figcaption", "svg text"):
        text, paper = colors(page, selector)
        assert max(paper) < 40
        assert min(text) > 150
    blue = page.evaluate(
        "getComputedStyle(document.documentElement).getPropertyValue('--plot-blue')"
    )
    assert blue == "#6aaee8"


def test_on_paper_the_ink_is_dark_and_the_contents_are_left_out(page: "Page", report: str) -> None:
    page.goto(report)
    page.emulate_media(media="print", color_scheme="dark")
    text, paper = colors(page, "body")
    assert max(text) < 40
    assert paper == [255, 255, 255]
    expect(page.get_by_role("navigation")).not_to_be_visible()


def test_the_report_prints_on_a_few_pages(page: "Page", report: str, tmp_path: Path) -> None:
    page.goto(report)
    printed = page.pdf(path=tmp_path / "report.pdf", format="A4")
    assert 5 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 20
