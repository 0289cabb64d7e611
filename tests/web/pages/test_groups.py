"""The group pages: who may open them, and what members see."""

import re

import httpx
import pytest

from matinee.web.db import groups as groups_module
from matinee.web.db.groups import MAX_MEMBERS
from tests.web.conftest import newcomer
from tests.web.pages.conftest import rate


def test_two_friends_get_one_list_and_see_names_but_no_ratings(
    web: httpx.Client, friend: httpx.Client
) -> None:
    rate(web, 7, 5.0)
    made = web.post("/together", data={"name": "Ada"})
    link = made.headers["location"]
    invited = friend.get(link).text
    assert "Ada would like to watch something with you" in invited
    assert 'class="cards"' not in invited
    rate(friend, 17, 1.0)
    assert friend.post(f"{link}/join", data={"name": "<b>Bo</b>"}).headers["location"] == link
    for client in (web, friend):
        page = client.get(link).text
        assert "Ada" in page
        assert "&lt;b&gt;Bo&lt;/b&gt;" in page
        assert page.count('<li class="card">') == 20
        for item_id in (7, 17):  # a film that one member has rated is not on the list
            assert f'href="/films/{item_id}"' not in page
    fewest = web.get(link, params={"how": "least-misery", "genre": "Horror"}).text
    assert fewest.count('<p class="facts">') == 20
    assert 'value="least-misery" checked' in fewest


def test_only_members_and_people_with_the_link_can_open_a_group(
    web: httpx.Client, friend: httpx.Client
) -> None:
    link = web.post("/together", data={"name": "Ada"}).headers["location"]
    own = re.search(r'href="(/together/[0-9a-f]{32})"', web.get("/together").text)
    assert own
    assert "store the link. Create a new one" in web.get(own[1]).text
    assert friend.get(own[1]).status_code == 404
    assert friend.post(f"{own[1]}/join", data={"name": "Eve"}).status_code == 404
    rate(friend, 7, 3.0)
    assert friend.post(f"{link}/link").status_code == 404
    renewed = web.post(f"{own[1]}/link").headers["location"]
    assert renewed != link
    assert friend.get(link).status_code == 404
    assert friend.get(renewed).status_code == 200
    assert web.post(f"{renewed}/leave").headers["location"] == "/together"
    assert web.get(renewed).status_code == 404
    assert friend.get("/together/nonsense").status_code == 404


def test_an_invalid_name_is_refused(web: httpx.Client) -> None:
    for name in ("", " ", "x" * 41, "a\nb"):
        assert web.post("/together", data={"name": name}).status_code == 422


def test_a_full_group_refuses_a_newcomer_and_creates_no_person(
    web: httpx.Client, site: str
) -> None:
    link = web.post("/together", data={"name": "Ada"}).headers["location"]
    web.cookies.clear()
    for number in range(MAX_MEMBERS - 1):
        joined = httpx.post(f"{site}{link}/join", data={"name": f"Bo {number}"})
        assert joined.status_code == 303
    late = httpx.post(f"{site}{link}/join", data={"name": "Cy"})
    assert (late.status_code, late.json()["detail"]) == (
        409,
        "This group is full: it has 20 members.",
    )
    assert "set-cookie" not in late.headers


def test_joining_too_many_groups_is_refused(
    web: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups_module, "MAX_GROUPS", 2)
    ada = newcomer(web)
    responses = [web.post("/together", data={"name": "Ada"}, headers=ada) for _ in range(3)]
    assert [response.status_code for response in responses] == [303, 303, 422]
    assert responses[2].json()["detail"] == "A person can be in at most 2 groups; leave one first."
    page = web.get("/together", headers=ada).text
    assert page.count("Only you so far") == 2
