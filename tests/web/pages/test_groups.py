"""The group pages: who may open them, and what members see."""

import re

import httpx
import pytest

from matinee.web.db import groups as groups_module
from matinee.web.db.groups import MAX_MEMBERS
from tests.web.conftest import newcomer
from tests.web.pages.conftest import rate, words_on


def test_before_the_first_group_the_page_says_how_it_works(web: httpx.Client) -> None:
    words = words_on(web.get("/together"))
    assert "How it works Make a group." in words
    web.post("/together", data={"name": "Ada"})
    assert "How it works" not in words_on(web.get("/together"))


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
    assert link_on(web.get(own[1])) == link
    assert friend.get(own[1]).status_code == 404
    assert friend.post(f"{own[1]}/join", data={"name": "Eve"}).status_code == 404
    rate(friend, 7, 3.0)
    assert friend.post(f"{link}/link", data={"sure": "true"}).status_code == 404
    asked = web.post(f"{own[1]}/link").headers["location"]
    assert "The present link stops working." in words_on(web.get(asked))
    assert friend.get(link).status_code == 200  # nothing has happened yet
    assert web.post(f"{own[1]}/link", data={"sure": "true"}).headers["location"] == own[1]
    renewed = link_on(web.get(own[1]))
    assert renewed != link
    assert friend.get(link).status_code == 404
    assert friend.get(renewed).status_code == 200
    assert "Leave Ada's group?" in words_on(web.get(f"{own[1]}/ask/leave"))
    assert web.post(f"{renewed}/leave").headers["location"].endswith("/ask/leave")
    assert web.post(f"{renewed}/leave", data={"sure": "true"}).headers["location"] == "/together"
    assert web.get(renewed).status_code == 404
    assert friend.get("/together/nonsense").status_code == 404


def link_on(page: httpx.Response) -> str:
    """The path of the invitation link on a group's page."""
    found = re.search(r'readonly value="[^"]*?(/together/[^"]+)"', page.text)
    assert found
    return found[1]


def test_only_the_maker_renews_the_link_and_removes_members(
    web: httpx.Client, friend: httpx.Client
) -> None:
    link = web.post("/together", data={"name": "Ada", "group_name": "Friday"}).headers["location"]
    friend.post(f"{link}/join", data={"name": "Bo"})
    page = friend.get(link)
    assert link_on(page) == link  # every member finds the link
    assert "/ask/link" not in page.text
    assert "/ask/remove" not in page.text
    for action in ("link", "remove"):
        refused = friend.post(f"{link}/{action}", data={"sure": "true", "member": "x"})
        assert refused.status_code == 403
        assert refused.json()["detail"] == "Only the person who made the group can do this."
        assert friend.get(f"{link}/ask/{action}").status_code == 403
    page = web.get(link)
    assert "Ada you made the group" in words_on(page)
    (asked,) = re.findall(r'href="([^"]*/ask/remove[^"]*)"', page.text)
    asked_page = web.get(asked.replace("&amp;", "&"))
    assert "Remove Bo?" in words_on(asked_page)
    (handle,) = re.findall(r'name="member" value="([^"]*)"', asked_page.text)
    assert "ask" in web.post(f"{link}/remove", data={"member": handle}).headers["location"]
    assert "Bo" in words_on(web.get(link))
    web.post(f"{link}/remove", data={"member": handle, "sure": "true"})
    assert "Bo" not in words_on(web.get(link))
    gone = web.post(f"{link}/remove", data={"member": handle, "sure": "true"})
    assert gone.status_code == 404
    assert "Friday" in words_on(web.get("/together"))


def test_after_the_maker_leaves_the_next_member_takes_over(
    web: httpx.Client, friend: httpx.Client
) -> None:
    link = web.post("/together", data={"name": "Ada"}).headers["location"]
    friend.post(f"{link}/join", data={"name": "Bo"})
    web.post(f"{link}/leave", data={"sure": "true"})
    assert friend.post(f"{link}/link", data={"sure": "true"}).status_code == 303


def test_two_members_of_one_name_are_told_apart(web: httpx.Client, friend: httpx.Client) -> None:
    link = web.post("/together", data={"name": "Ann"}).headers["location"]
    friend.post(f"{link}/join", data={"name": "ann"})
    assert "ann (2)" in words_on(friend.get(link))
    friend.cookies.clear()
    assert "Ann, ann (2) would like to watch something with you" in words_on(friend.get(link))


def test_the_list_says_who_likes_what(web: httpx.Client, friend: httpx.Client) -> None:
    rate(web, 7, 5.0)
    link = web.post("/together", data={"name": "Ada"}).headers["location"]
    rate(friend, 17, 1.0)
    friend.post(f"{link}/join", data={"name": "Bo"})
    page = web.get(link).text
    each = re.findall(r'<dl class="each".*?</dl>', page, re.DOTALL)
    assert len(each) == 20
    for line in each:
        assert sorted(re.findall(r"<dt>(.*?)</dt>", line)) == ["Ada", "Bo"]
        stars = [float(text) for text in re.findall(r"<dd>(.*?)</dd>", line)]
        assert stars == sorted(stars, reverse=True)
        assert all(0.5 <= one <= 5 for one in stars)


def test_seen_marks_and_vetoes(web: httpx.Client, friend: httpx.Client) -> None:
    link = web.post("/together", data={"name": "Ada"}).headers["location"]
    rate(friend, 7, 4.0)
    friend.post(f"{link}/join", data={"name": "Bo"})
    first, second = re.findall(r'href="/films/(\d+)"', web.get(link).text)[:2]
    friend.post(f"{link}/mark", data={"item_id": first, "kind": "seen"})
    assert "Seen by Bo" in words_on(web.get(link))
    assert "You've seen it" in words_on(friend.get(link))
    friend.post(f"{link}/mark", data={"item_id": first, "kind": ""})
    assert "Seen by Bo" not in words_on(web.get(link))
    answer = friend.post(
        f"{link}/mark", data={"item_id": second, "kind": "veto", "how": "least-misery"}
    )
    assert "how=least-misery" in answer.headers["location"]
    page = web.get(link)
    cards = re.findall(r'<ol class="cards">.*</ol>', page.text, re.DOTALL)[0]
    assert f'href="/films/{second}"' not in cards
    assert "Vetoed by Bo" in words_on(page)
    assert "Allow again" not in words_on(page)
    assert "Allow again" in words_on(friend.get(link))
    friend.post(f"{link}/mark", data={"item_id": second, "kind": ""})
    assert "Vetoed" not in words_on(web.get(link))
    assert web.post(f"{link}/mark", data={"item_id": "x", "kind": "veto"}).status_code == 404
    friend.cookies.clear()
    stranger = friend.post(f"{link}/mark", data={"item_id": first, "kind": "veto"})
    assert stranger.status_code == 401


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
