"""Cookies, and protection from requests that other sites make."""

import re
import signal
from pathlib import Path

import httpx
import pytest

from matinee.web.settings import Settings
from tests.web.conftest import UNLIMITED, Process, newcomer, serving

ME = "/api/v1/me"
RATE = f"{ME}/ratings/7"


def cookie_of(answer: httpx.Response) -> dict[str, str]:
    """The parts of Set-Cookie, names in lower case."""
    parts = [part.strip().partition("=") for part in answer.headers["set-cookie"].split(";")]
    return {"name": parts[0][0], "token": parts[0][2]} | {
        name.lower(): value for name, _, value in parts[1:]
    }


def test_scripts_and_other_sites_cannot_use_the_cookie(site: str) -> None:
    with httpx.Client(base_url=site) as browser:
        made = browser.post("/api/v1/people?cookie=true")
        assert made.json()["token"] is None
        cookie = cookie_of(made)
        assert re.fullmatch(r"matinee-[0-9a-f]{8}", cookie["name"])
        assert len(cookie["token"]) >= 43
        assert cookie | {"token": "", "name": ""} == {
            "token": "", "name": "", "httponly": "", "samesite": "lax", "path": "/", "max-age": str(400 * 86400),
        }  # fmt: skip
        assert browser.put(RATE, json={"stars": 4}).status_code == 204
        again = browser.post("/api/v1/people?cookie=true")
        assert again.json()["person_id"] == made.json()["person_id"]
        assert "set-cookie" not in again.headers
        gone = browser.delete(ME)
        assert gone.status_code == 204
        assert cookie_of(gone)["max-age"] == "0"
        assert browser.cookies == httpx.Cookies()


def test_behind_a_trusted_https_proxy_the_cookie_is_secure(
    model_file: Path, tmp_path: Path
) -> None:
    server = Process(
        str(model_file), "--db", str(tmp_path / "people.db"), "--trust-proxy", "127.0.0.1"
    )
    server.wait()
    assert " for any host name at " in server.told
    secure = {"x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.9"}
    made = httpx.post(f"{server.url}/api/v1/people?cookie=true", headers=secure)
    cookie = cookie_of(made)
    assert re.fullmatch(r"__Host-matinee-[0-9a-f]{8}", cookie["name"])
    assert "secure" in cookie
    assert "domain" not in cookie
    assert made.headers["strict-transport-security"] == "max-age=31536000"
    for scheme, status in (("https", 201), ("http", 403)):  # the scheme that the browser sees
        origin = {"host": "films.example", "origin": f"{scheme}://films.example"}
        forged = secure | origin | {"x-forwarded-host": "evil.example"}
        assert httpx.post(f"{server.url}/api/v1/people", headers=forged).status_code == status
    header = {"cookie": f"{cookie['name']}={cookie['token']}"}
    assert httpx.get(f"{server.url}{ME}", headers=secure | header).status_code == 200
    assert httpx.get(f"{server.url}{ME}", headers=header).status_code == 401
    assert server.stop() == -signal.SIGTERM


def test_forwarded_headers_of_untrusted_clients_are_ignored(
    web: httpx.Client,
) -> None:
    made = web.post("/api/v1/people?cookie=true", headers={"x-forwarded-proto": "https"})
    assert cookie_of(made)["name"].startswith("matinee-")
    web.cookies.clear()


def test_every_full_page_renews_the_cookie_for_400_days(site: str) -> None:
    with httpx.Client(base_url=site) as browser:
        token = cookie_of(browser.post("/api/v1/people?cookie=true"))["token"]
        for path in ("/", "/for-you", "/you", "/films/7", "/together"):
            renewed = cookie_of(browser.get(path))
            assert (renewed["token"], renewed["max-age"]) == (token, str(400 * 86400)), path
        for path in ("/map/you.json", "/static/app.css", "/api/v1/me"):
            assert "set-cookie" not in browser.get(path).headers, path
        browser.delete(ME)
        assert "set-cookie" not in browser.get("/").headers
    anybody = {"Authorization": f"Bearer {httpx.post(f'{site}/api/v1/people').json()['token']}"}
    for headers in ({}, anybody):  # who brings a token by themselves wants no cookie
        assert "set-cookie" not in httpx.get(f"{site}/", headers=headers).headers


def test_two_servers_on_one_host_have_separate_cookies(model_file: Path, tmp_path: Path) -> None:
    first, second, third = (
        Settings((model_file,), str(tmp_path / name), limits=UNLIMITED, log_requests=False)
        for name in ("a.db", "b.db", "a.db")
    )
    with serving(first) as one, serving(second) as other, httpx.Client() as browser:
        for stars, url in ((5, one), (2, other), (4, one), (1, other)):
            assert (
                browser.post(f"{url}/rate", data={"item_id": 7, "stars": stars}).status_code == 303
            )
        assert len(browser.cookies) == 2  # a browser sends both to both, whatever their ports
        for stars, url in ((4, one), (1, other)):
            assert [
                rated["stars"] for rated in browser.get(f"{url}{ME}/ratings").json()["ratings"]
            ] == [stars]
        with serving(third) as later:  # the same database at another port knows its people
            assert browser.get(f"{later}{ME}").json()["n_ratings"] == 1


@pytest.mark.parametrize(
    ("headers", "is_let_in"),
    [
        ({}, True),
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site", "origin": "SELF"}, False),
        ({"origin": "SELF"}, True),
        ({"origin": "https://evil.example"}, False),
        ({"origin": "null"}, False),
        ({"origin": "http://127.0.0.1:1"}, False),
        ({"origin": "OTHER SCHEME"}, False),
        ({"origin": "SELF/"}, False),
        ({"origin": "http://["}, False),
    ],
)
def test_changes_from_other_sites_are_refused(
    site: str, headers: dict[str, str], is_let_in: bool
) -> None:
    own = {"SELF": site, "SELF/": f"{site}/", "OTHER SCHEME": site.replace("http:", "https:")}
    headers = {name: own.get(value, value) for name, value in headers.items()}
    with httpx.Client(base_url=site) as browser:
        browser.post("/api/v1/people?cookie=true")
        answer = browser.put(RATE, json={"stars": 1}, headers=headers)
        assert answer.status_code == (204 if is_let_in else 403)
        assert len(browser.get(f"{ME}/ratings").json()["ratings"]) == is_let_in
        assert (
            browser.get(ME, headers=headers).status_code == 200
        )  # to read is let in: another site sees no answer
    if not is_let_in:
        assert (
            answer.json()["detail"]
            == "The request came from a page of another site; open this site and try again there."
        )


def test_other_sites_cannot_read_responses(web: httpx.Client) -> None:
    answer = web.get("/api/v1/films", headers={"origin": "https://evil.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]
    preflight = web.options(
        RATE, headers={"origin": "https://evil.example", "access-control-request-method": "PUT"}
    )
    assert preflight.status_code == 405


def test_a_form_is_not_accepted_as_json(web: httpx.Client) -> None:
    ada = newcomer(web)
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        answer = web.put(RATE, content=b'{"stars": 1}', headers=ada | {"content-type": kind})
        assert answer.status_code == 422
