"""The page For you: compact filters that say what they do, years outside the films', and more of a list in its place."""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.web.browser.conftest import saved

if TYPE_CHECKING:
    from playwright.sync_api import Page


def films(page: "Page") -> list[str]:
    found: list[str] = page.eval_on_selector_all(
        "#picks > li, #list > li", "cards => cards.map((card) => card.dataset.film)"
    )
    return found


def test_open_filters_leave_two_thirds_of_a_phone_to_the_list(page: "Page", address: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{address}/for-you")
    page.locator(".filters summary").click()
    box = page.locator(".filters").bounding_box()
    assert box is not None
    assert box["height"] <= 844 / 3
    page.get_by_label("Minimum number of ratings").scroll_into_view_if_needed()
    assert page.get_by_label("Minimum number of ratings").is_visible()


def test_each_genre_is_included_or_excluded_and_the_badge_counts_each(
    page: "Page", address: str
) -> None:
    page.goto(f"{address}/for-you")
    page.locator(".filters summary").click()
    assert page.get_by_role("group", name="Any of these genres").is_visible()
    for genre in ("Comedy", "Horror"):
        with page.expect_response("**/for-you?*"):
            page.locator(f"input[name=genre][value='{genre}']").check(force=True)
    with page.expect_response("**/for-you?*"):
        page.get_by_label("But not").select_option("Drama")
    page.locator(".count").get_by_text("3").wait_for()
    with page.expect_response("**/for-you?*"):
        page.get_by_label("But not").select_option("Horror")
    assert not page.locator("input[name=genre][value='Horror']").is_checked()
    page.wait_for_function("document.querySelector('.count').textContent === '2'")
    assert urlsplit(page.url).query == "genre=Comedy&not_genre=Horror"


def test_years_without_films_are_explained_and_reversed_years_swapped(
    page: "Page", address: str
) -> None:
    page.goto(f"{address}/for-you")
    page.locator(".filters summary").click()
    first, last = page.locator("[name=year_from]"), page.locator("[name=year_to]")
    first.fill("2020")
    first.press("Tab")
    page.get_by_text("Our films end in 2009.").wait_for()
    assert "year_from=2020" in page.url
    first.fill("")
    last.fill("1900")
    last.press("Enter")
    page.get_by_text("Our films start in 1950.").wait_for()
    first.fill("1999")
    last.fill("1980")
    last.press("Tab")
    page.wait_for_url("**/for-you?year_from=1980&year_to=1999")
    assert (first.input_value(), last.input_value()) == ("1980", "1999")
    page.locator("#list > li").first.wait_for()


def test_sliders_say_their_values(page: "Page", address: str) -> None:
    page.goto(f"{address}/for-you?popularity=-0.5")
    page.locator(".filters summary").click()
    value = page.locator("fieldset:has([name=popularity]) output")
    assert value.inner_text() == "50% hidden gems"
    slider = page.locator("[name=popularity]")
    slider.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert value.inner_text() == "25% well known"
    page.keyboard.press("ArrowLeft")
    assert value.inner_text() == "no preference"


def test_show_more_stays_in_its_place_and_goes_on_from_there(page: "Page", address: str) -> None:
    page.goto(f"{address}/for-you")
    before = films(page)
    more = page.get_by_role("link", name="Show more")
    more.scroll_into_view_if_needed()
    place = "document.querySelector(`li[data-film='${film}']`).getBoundingClientRect().top"
    at = f"(film) => {place}"
    more.evaluate(
        f"(link, film) => {{ link.addEventListener('click', () => {{ globalThis.top = {place}; }}, true); }}".replace(
            "globalThis.top", "globalThis.placeBefore"
        ),
        before[-1],
    )
    more.click()
    page.wait_for_url("**/for-you?k=48")
    page.wait_for_function("document.querySelectorAll('#list > li').length > 24")
    assert films(page)[: len(before)] == before
    assert abs(page.evaluate(at, before[-1]) - page.evaluate("placeBefore")) < 2
    focused = page.evaluate("document.activeElement.closest('li.card').dataset.film")
    assert focused == films(page)[24]


@pytest.mark.parametrize("sort", ["stars", "newest", "gems", "taste"])
def test_a_list_is_sorted_as_chosen(page: "Page", address: str, sort: str) -> None:
    page.goto(f"{address}/for-you")
    with page.expect_response(saved("/rate")):
        page.locator("#list > li input[value='5.0']").first.click()
    page.reload()
    usual = films(page)
    page.locator(".filters summary").click()
    with page.expect_response("**/for-you?*"):
        page.get_by_label("Sort by").select_option(sort)
    page.wait_for_url(f"**/for-you?sort={sort}")
    page.wait_for_function("() => !document.querySelector('[aria-busy=true]')")
    assert films(page) != usual
    cards = page.locator("#picks > li, #list > li")
    if sort == "stars":
        shown = [float(one) for one in cards.locator(".predicted b").all_text_contents()]
        assert shown == sorted(shown, reverse=True)
    if sort == "newest":
        years = [int(one) for one in cards.locator(".year").all_text_contents()]
        assert years == sorted(years, reverse=True)


def test_three_films_are_set_apart_and_one_is_chosen_by_chance(page: "Page", address: str) -> None:
    page.goto(f"{address}/for-you")
    assert page.get_by_role("heading", name="Three for tonight").is_visible()
    assert page.locator("#picks > li").count() == 3
    assert len(set(films(page))) == 24
    page.get_by_role("link", name="Surprise me").click()
    page.wait_for_url("**/films/*")
