"""The page For you: compact filters that say what they do, years outside the films', and more of a list in its place."""

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.web.browser.conftest import films, follow, give, settle, steady, until

if TYPE_CHECKING:
    from playwright.sync_api import Page

LISTED = "#picks > li, #list > li"


def test_open_filters_leave_two_thirds_of_a_phone_to_the_list(page: "Page", address: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{address}/for-you")
    page.locator(".filters summary").click()
    box = page.locator(".filters").bounding_box()
    assert box is not None
    assert box["height"] <= 844 / 3
    expect(steady(page.get_by_label("Minimum number of ratings"))).to_be_in_viewport()


def test_each_genre_is_included_or_excluded_and_the_badge_counts_each(
    page: "Page", address: str
) -> None:
    page.goto(f"{address}/for-you")
    page.locator(".filters summary").click()
    expect(page.get_by_role("group", name="Any of these genres")).to_be_visible()
    for genre in ("Comedy", "Horror"):
        with page.expect_response("**/for-you?*"):
            page.locator(f"input[name=genre][value='{genre}']").check(force=True)
    with page.expect_response("**/for-you?*"):
        page.get_by_label("But not").select_option("Drama")
    page.locator(".count").get_by_text("3").wait_for()
    with page.expect_response("**/for-you?*"):
        page.get_by_label("But not").select_option("Horror")
    expect(page.locator("input[name=genre][value='Horror']")).not_to_be_checked()
    expect(page.locator(".count")).to_have_text("2")
    expect(page).to_have_url(f"{address}/for-you?genre=Comedy&not_genre=Horror")


def test_years_without_films_are_explained_and_reversed_years_swapped(
    page: "Page", address: str
) -> None:
    page.goto(f"{address}/for-you")
    page.locator(".filters summary").click()
    first, last = page.locator("[name=year_from]"), page.locator("[name=year_to]")
    first.fill("2020")
    first.press("Tab")
    page.get_by_text("Our films end in 2009.").wait_for()
    expect(page).to_have_url(re.compile("year_from=2020"))
    first.fill("")
    last.fill("1900")
    last.press("Enter")
    page.get_by_text("Our films start in 1950.").wait_for()
    first.fill("1999")
    last.fill("1980")
    last.press("Tab")
    page.wait_for_url("**/for-you?year_from=1980&year_to=1999")
    expect(first).to_have_value("1980")
    expect(last).to_have_value("1999")
    page.locator("#list > li").first.wait_for()


def test_sliders_say_their_values(page: "Page", address: str) -> None:
    page.goto(f"{address}/for-you?popularity=-0.5")
    page.locator(".filters summary").click()
    value = page.locator("fieldset:has([name=popularity]) output")
    expect(value).to_have_text("50% hidden gems")
    slider = page.locator("[name=popularity]")
    slider.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect(value).to_have_text("25% well known")
    page.keyboard.press("ArrowLeft")
    expect(value).to_have_text("no preference")


def test_show_more_stays_in_its_place_and_goes_on_from_there(page: "Page", address: str) -> None:
    page.goto(f"{address}/for-you")
    before = films(page, LISTED)
    more = steady(page.get_by_role("link", name="Show more"))
    place = "document.querySelector(`li[data-film='${film}']`).getBoundingClientRect().top"
    at = f"(film) => {place}"
    more.evaluate(
        f"(link, film) => {{ link.addEventListener('click', () => {{ globalThis.placeBefore = {place}; }}, true); }}",
        before[-1],
    )
    more.click()
    page.wait_for_url("**/for-you?k=48")
    settle(page)
    after = films(page, LISTED)
    assert after[: len(before)] == before
    assert len(after) > 24
    assert abs(page.evaluate(at, before[-1]) - page.evaluate("placeBefore")) < 2
    focused = "document.activeElement.closest('li.card')?.dataset.film"
    until(page, lambda: page.evaluate(focused), after[24])


def test_a_list_is_sorted_as_chosen(page: "Page", address: str) -> None:
    page.goto(f"{address}/for-you")
    give(page.locator("#list > li").first, 5.0)
    page.reload()
    usual = films(page, LISTED)
    page.locator(".filters summary").click()
    for sort in ("stars", "newest", "gems", "taste"):
        choose_order(page, sort)
        assert films(page, LISTED) != usual
        cards = page.locator(LISTED)
        if sort == "stars":
            shown = [float(one) for one in cards.locator(".predicted b").all_text_contents()]
            assert shown == sorted(shown, reverse=True)
        if sort == "newest":
            years = [int(one) for one in cards.locator(".year").all_text_contents()]
            assert years == sorted(years, reverse=True)


def choose_order(page: "Page", sort: str) -> None:
    with page.expect_response("**/for-you?*"):
        page.get_by_label("Sort by").select_option(sort)
    page.wait_for_url(f"**/for-you?sort={sort}")
    settle(page)


def test_three_films_are_set_apart_and_one_is_chosen_by_chance(page: "Page", address: str) -> None:
    page.goto(f"{address}/for-you")
    expect(page.get_by_role("heading", name="Three for tonight")).to_be_visible()
    expect(page.locator("#picks > li")).to_have_count(3)
    assert len(set(films(page, LISTED))) == 24
    follow(page.get_by_role("link", name="Surprise me"))
    expect(page).to_have_url(re.compile(f"^{address}/films/[^/]+$"))
