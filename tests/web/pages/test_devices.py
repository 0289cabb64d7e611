"""The same ratings on another device: links, QR codes, recovery codes."""

import re
from pathlib import Path

import httpx

from matinee.web.pages.devices import qr_code
from matinee.web.settings import Limits, Settings
from tests.web.conftest import serving
from tests.web.pages.conftest import HTML, rate, stored_ratings, words_on


def link_for(client: httpx.Client) -> str:
    """The path of a new link for another device."""
    page = client.post("/devices/link")
    found = re.search(r'readonly value="[^"]*?(/devices/join/[^"]+)"', page.text)
    assert found, page.text
    return found[1]


def test_a_second_device_uses_the_same_ratings_and_the_first_keeps_working(
    web: httpx.Client, friend: httpx.Client
) -> None:
    rate(web, 7, 4.5)
    link = link_for(web)
    assert "Use your ratings on this device?" in words_on(friend.get(link))
    assert not friend.cookies  # looking at it does not use it up
    assert friend.post(link).headers["location"] == "/you"
    assert stored_ratings(friend) == {7: 4.5}
    rate(friend, 17, 2)
    assert stored_ratings(web) == {7: 4.5, 17: 2}
    friend.cookies.clear()
    used = friend.post(link)
    assert (used.status_code, used.json()["detail"]) == (
        404,
        "It was used before or has expired. Create a new one on your other device.",
    )
    assert friend.get(link).status_code == 404
    assert not friend.cookies


def test_the_ratings_of_the_second_device_come_along(
    web: httpx.Client, friend: httpx.Client
) -> None:
    rate(web, 7, 4.5)
    rate(friend, 7, 1)
    rate(friend, 17, 2)
    friend.post("/watchlist/add", data={"item_id": "27"})
    page = friend.get(link := link_for(web))
    assert "Add the 2 ratings of this browser to them" in words_on(page)
    friend.post(link, data={"brings": "true"})
    assert stored_ratings(web) == {7: 4.5, 17: 2}
    films = web.get("/api/v1/me/watchlist").json()["films"]
    assert [film["item_id"] for film in films] == [27]


def test_a_recovery_code_is_shown_once_and_finds_the_ratings(
    web: httpx.Client, friend: httpx.Client
) -> None:
    rate(web, 7, 4.5)
    page = web.post("/devices/code")
    found = re.search(r"<code>(.*?)</code>", page.text)
    assert found
    assert re.fullmatch(r"([a-z2-9]{5}-){4}[a-z2-9]{5}", found[1])
    assert found[1] not in web.get("/devices").text
    assert "You have one; a new one replaces it." in words_on(web.get("/devices"))
    wrong = friend.post("/devices/recover", data={"code": "nonsense"})
    assert wrong.status_code == 404
    assert "No ratings have this recovery code." in words_on(wrong)
    friend.post("/devices/recover", data={"code": found[1].upper().replace("-", " ")})
    assert stored_ratings(friend) == {7: 4.5}


def test_links_and_codes_are_said_after_the_tenth_rating_and_on_you(web: httpx.Client) -> None:
    for place in range(9):
        rate(web, 7 + 10 * place, 4)
    assert 'href="/devices"' not in web.get("/").text
    rate(web, 97, 4)
    assert 'href="/devices">Use on another device' in web.get("/").text
    assert 'href="/devices">Use on another device' in web.get("/you").text


def test_visitors_without_ratings_can_only_enter_a_code(web: httpx.Client) -> None:
    page = web.get("/devices").text
    assert 'action="/devices/recover"' in page
    assert 'action="/devices/link"' not in page
    for action in ("link", "code"):
        assert web.post(f"/devices/{action}").status_code == 401


def test_attempts_are_limited(model_file: Path, tmp_path: Path) -> None:
    limits = Limits(people_per_minute=6)
    settings = Settings((model_file,), str(tmp_path / "p.db"), "", limits, log_requests=False)
    with serving(settings) as url, httpx.Client(base_url=url, headers=HTML) as client:
        answers = [client.post("/devices/recover", data={"code": "x"}) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [404, 404, 404, 429]
        assert client.get("/devices/join/x").status_code == 429


def test_the_qr_code_is_plain_svg_that_the_policy_allows() -> None:
    drawn = qr_code("http://127.0.0.1:8000/devices/join/abc")
    assert drawn.startswith("<svg")
    assert "style=" not in drawn
    assert "href" not in drawn
    assert 'fill="#fff"' in drawn
