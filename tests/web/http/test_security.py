"""Who may do what: nobody reads or changes what is another's, no other site acts for anybody, and headers say so."""

import re
import signal
from pathlib import Path

import httpx
import pytest

from matinee.web.settings import Settings
from tests.web.conftest import OPERATOR, UNLIMITED, Process, newcomer, serving

ME = "/api/v1/me"
RATE = f"{ME}/ratings/7"


def cookie_of(answer: httpx.Response) -> dict[str, str]:
    """The parts of Set-Cookie, names in lower case."""
    parts = [part.strip().partition("=") for part in answer.headers["set-cookie"].split(";")]
    return {"name": parts[0][0], "token": parts[0][2]} | {
        name.lower(): value for name, _, value in parts[1:]
    }


@pytest.fixture
def pair(web: httpx.Client) -> tuple[dict[str, str], dict[str, str]]:
    """Two people; the first has rated."""
    ada, eve = newcomer(web), newcomer(web)
    web.put(RATE, json={"stars": 5}, headers=ada)
    web.put(f"{ME}/not-interested/27", headers=ada)
    return ada, eve


# -- one person and another ----------------------------------------------------------------------------------------


def test_nobody_reads_or_changes_what_is_anothers(
    web: httpx.Client, pair: tuple[dict[str, str], dict[str, str]]
) -> None:
    ada, eve = pair
    hers = web.get(f"{ME}/export", headers=ada).json()
    eves = web.get(f"{ME}/export", headers=eve).json()
    assert (eves["ratings"], eves["not_interested"]) == ([], [])
    assert eves["person_id"] != hers["person_id"]
    assert web.get(f"{ME}/ratings", headers=eve).json() == {"ratings": [], "not_interested": []}
    assert web.delete(RATE, headers=eve).status_code == 404
    assert web.delete(f"{ME}/not-interested/27", headers=eve).status_code == 404
    web.put(RATE, json={"stars": 1}, headers=eve)
    web.delete(ME, headers=eve)
    assert web.get(f"{ME}/export", headers=ada).json() == hers


def test_an_id_of_a_person_opens_nothing(
    web: httpx.Client, pair: tuple[dict[str, str], dict[str, str]]
) -> None:
    ada, eve = pair
    person = web.get(ME, headers=ada).json()["person_id"]
    assert web.get(ME, headers={"Authorization": f"Bearer {person}"}).status_code == 401
    assert web.get(f"{ME}?person_id={person}", headers=eve).json()["person_id"] != person
    for path in (f"/api/v1/people/{person}", f"{ME}/{person}", f"{ME}/ratings/{person}"):
        assert web.get(path, headers=eve).status_code in (404, 405)


def test_every_address_of_a_person_needs_the_token(web: httpx.Client) -> None:
    document = web.get("/api/v1/openapi.json").json()
    asked = 0
    for path, operations in document["paths"].items():
        for method in operations if path.startswith(ME) else ():
            body = {"stars": 3, "ratings": [{"item_id": 7, "stars": 3}]}
            json = {
                name: body[name]
                for name in ("stars", "ratings")
                if (name == "ratings") == path.endswith("ratings")
            }
            for header in (
                {},
                {"Authorization": "Bearer wrong"},
                {"Authorization": f"Bearer {OPERATOR}"},
            ):
                answer = web.request(
                    method, path.replace("{item_id}", "7"), json=json, headers=header
                )
                assert (answer.status_code, answer.json()["status"]) == (401, 401), (method, path)
                assert answer.headers["www-authenticate"] == "Bearer"
                asked += 1
    assert asked >= 30


def test_every_address_of_the_operator_needs_their_token(web: httpx.Client) -> None:
    paths = web.get("/api/v1/openapi.json").json()["paths"]
    for path, operations in paths.items():
        for method in operations if "/operator/" in path else ():
            assert web.request(method, path, headers=newcomer(web)).status_code == 401


def test_without_an_operators_token_there_is_no_operator(model_file: Path, tmp_path: Path) -> None:
    with serving(Settings((model_file,), str(tmp_path / "people.db"), limits=UNLIMITED)) as url:
        for header in ({}, {"Authorization": "Bearer"}, {"Authorization": "Bearer x"}):
            answer = httpx.post(f"{url}/api/v1/operator/reload", headers=header)
            assert answer.status_code == 403
            assert answer.json()["detail"].startswith(
                "The operator endpoints are disabled; to enable them, start the server with a secret in MATINEE"
            )
        assert httpx.get(f"{url}/metrics").status_code == 200


# -- cookies -------------------------------------------------------------------------------------------------------


def test_a_cookie_is_out_of_reach_of_scripts_and_of_other_sites(site: str) -> None:
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


def test_behind_a_proxy_with_https_the_cookie_is_bound_to_it(
    model_file: Path, tmp_path: Path
) -> None:
    server = Process(
        str(model_file), "--db", str(tmp_path / "people.db"), "--trust-proxy", "127.0.0.1"
    )
    server.wait()
    secure = {"x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.9"}
    made = httpx.post(f"{server.url}/api/v1/people?cookie=true", headers=secure)
    cookie = cookie_of(made)
    assert re.fullmatch(r"__Host-matinee-[0-9a-f]{8}", cookie["name"])
    assert "secure" in cookie
    assert "domain" not in cookie
    assert made.headers["strict-transport-security"] == "max-age=31536000"
    header = {"cookie": f"{cookie['name']}={cookie['token']}"}
    assert httpx.get(f"{server.url}{ME}", headers=secure | header).status_code == 200
    assert httpx.get(f"{server.url}{ME}", headers=header).status_code == 401
    assert server.stop() == -signal.SIGTERM


def test_nobodys_word_on_the_client_is_believed_unless_it_is_a_trusted_proxy(
    web: httpx.Client,
) -> None:
    made = web.post("/api/v1/people?cookie=true", headers={"x-forwarded-proto": "https"})
    assert cookie_of(made)["name"].startswith("matinee-")
    web.cookies.clear()


def test_every_full_page_gives_somebody_known_their_cookie_for_another_400_days(site: str) -> None:
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


def test_two_servers_on_one_host_do_not_take_each_others_visitors(
    model_file: Path, tmp_path: Path
) -> None:
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


# -- other sites ---------------------------------------------------------------------------------------------------


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
        ({"origin": "http://["}, False),
    ],
)
def test_what_another_site_sends_in_somebodys_browser_changes_nothing(
    site: str, headers: dict[str, str], is_let_in: bool
) -> None:
    headers = {name: site if value == "SELF" else value for name, value in headers.items()}
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


def test_no_other_site_may_read_an_answer(web: httpx.Client) -> None:
    answer = web.get("/api/v1/films", headers={"origin": "https://evil.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]
    preflight = web.options(
        RATE, headers={"origin": "https://evil.example", "access-control-request-method": "PUT"}
    )
    assert preflight.status_code == 405


def test_a_form_of_another_site_cannot_pass_for_json(web: httpx.Client) -> None:
    ada = newcomer(web)
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        answer = web.put(RATE, content=b'{"stars": 1}', headers=ada | {"content-type": kind})
        assert answer.status_code == 422


# -- headers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/api/v1/films", "/api/v1/films/9", "/nothing", "/health/live"])
def test_every_answer_carries_the_headers(web: httpx.Client, path: str) -> None:
    headers = web.get(path).headers
    assert headers["content-security-policy"].startswith(
        "default-src 'none'; script-src 'self'; style-src 'self';"
    )
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert len(headers["x-request-id"]) == 32
    assert "server" not in headers
    assert "strict-transport-security" not in headers


def test_a_request_id_of_a_proxy_is_kept_if_it_is_one(web: httpx.Client) -> None:
    given = "0af7651916cd43dd8448eb211c80319c"
    assert web.get("/health/live", headers={"x-request-id": given}).headers["x-request-id"] == given
    assert web.get("/health/live", headers={"x-request-id": "a b"}).headers["x-request-id"] != "a b"


def test_no_page_of_the_document_loads_from_another_host(web: httpx.Client) -> None:
    assert [web.get(path).status_code for path in ("/docs", "/redoc", "/openapi.json")] == [
        404,
        404,
        404,
    ]
