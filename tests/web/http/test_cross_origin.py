"""Scripts on pages of other origins: which may use the API, and what they cannot do."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from matinee.cli.serve import serve
from matinee.errors import SettingError
from matinee.web.http.cross_origin import parse_origin
from matinee.web.settings import Settings
from tests.web.conftest import OPERATOR, UNLIMITED, newcomer, serving

FRIEND = "https://films.example"
FROM_FRIEND = {"origin": FRIEND, "sec-fetch-site": "cross-site"}
FROM_STRANGER = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}


@pytest.fixture(scope="module")
def open_site(model_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server that allows one origin."""
    database = f"sqlite:///{tmp_path_factory.mktemp('open') / 'people.db'}"
    settings = Settings((model_file,), database, OPERATOR, UNLIMITED, allowed_origins=(FRIEND,))
    assert Settings.from_json(settings.to_json()) == settings
    with serving(settings) as url:
        yield url


def preflight(url: str, origin: str) -> httpx.Response:
    asked = {
        "access-control-request-method": "PUT",
        "access-control-request-headers": "authorization, content-type",
    }
    return httpx.options(f"{url}/api/v1/me/ratings/7", headers={"origin": origin} | asked)


def test_a_script_of_an_allowed_origin_stores_a_rating_with_its_token(open_site: str) -> None:
    allowed = preflight(open_site, FRIEND)
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == FRIEND
    assert "PUT" in allowed.headers["access-control-allow-methods"]
    assert "access-control-allow-credentials" not in allowed.headers
    made = httpx.post(f"{open_site}/api/v1/people", headers=FROM_FRIEND)
    assert made.headers["access-control-allow-origin"] == FRIEND
    token = {"authorization": f"Bearer {made.json()['token']}"}
    url = f"{open_site}/api/v1/me/ratings/7"
    assert httpx.put(url, json={"stars": 4}, headers=FROM_FRIEND | token).status_code == 204
    missing = httpx.get(f"{open_site}/api/v1/films/none", headers=FROM_FRIEND)
    assert missing.status_code == 404
    assert missing.headers["access-control-allow-origin"] == FRIEND  # so that it can read why


def test_a_script_of_an_allowed_origin_does_not_act_for_a_visitor(open_site: str) -> None:
    with httpx.Client(base_url=open_site) as browser:
        browser.post("/api/v1/people?cookie=true")
        assert browser.get("/api/v1/me").status_code == 200
        assert browser.get("/api/v1/me", headers=FROM_FRIEND).status_code == 401
        assert browser.delete("/api/v1/me", headers=FROM_FRIEND).status_code == 401
        assert browser.get("/api/v1/me").status_code == 200


def test_other_origins_and_other_addresses_are_as_before(open_site: str, site: str) -> None:
    for url, headers in ((open_site, FROM_STRANGER), (site, FROM_FRIEND)):
        refused = httpx.post(f"{url}/api/v1/recommend", json={}, headers=headers)
        assert refused.status_code == 403
        assert "access-control-allow-origin" not in refused.headers
    assert preflight(open_site, FROM_STRANGER["origin"]).status_code == 400
    page = httpx.get(open_site, headers=FROM_FRIEND)
    assert "access-control-allow-origin" not in page.headers
    form = httpx.post(f"{open_site}/together", data={"name": "Ada"}, headers=FROM_FRIEND)
    assert form.status_code == 403
    with httpx.Client(base_url=open_site) as browser:  # the pages of the server itself
        own = {"origin": open_site, "sec-fetch-site": "same-origin"}
        browser.post("/api/v1/people?cookie=true", headers=own)
        assert browser.get("/api/v1/me", headers=own).status_code == 200


def test_every_origin_is_allowed_if_asked(model_file: Path, tmp_path: Path) -> None:
    database = str(tmp_path / "people.db")
    with serving(Settings((model_file,), database, "", UNLIMITED, allowed_origins=("*",))) as url:
        found = httpx.post(f"{url}/api/v1/recommend", json={}, headers=FROM_STRANGER)
        assert found.status_code == 200
        assert found.headers["access-control-allow-origin"] == "*"
        with httpx.Client(base_url=url) as client:
            token = newcomer(client)
        assert httpx.get(f"{url}/api/v1/me", headers=FROM_STRANGER | token).status_code == 200


@pytest.mark.parametrize("text", ["films.example", "ftp://films.example", "https://a.b/c", ""])
def test_an_origin_is_a_scheme_and_a_host(text: str, model_file: Path) -> None:
    with pytest.raises(SettingError, match="An allowed origin is a scheme and a host"):
        parse_origin(text)
    done = CliRunner().invoke(serve, [str(model_file), "--allow-origin", text])
    assert isinstance(done.exception, SettingError)


def test_origins_are_compared_as_browsers_send_them() -> None:
    assert parse_origin("https://Films.example/") == "https://films.example"
    assert parse_origin("http://127.0.0.1:8000") == "http://127.0.0.1:8000"
    assert parse_origin("*") == "*"
