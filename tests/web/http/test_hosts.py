"""Host names, and addresses that answers contain."""

from pathlib import Path

import httpx
import pytest

from matinee.errors import SettingError
from matinee.web.http.hosts import (
    LOCAL,
    allowed_hosts,
    check_host,
    host_name,
    origin_of,
    parse_allowed_host,
    relative_location,
)
from matinee.web.http.problems import Problem
from matinee.web.settings import Settings
from tests.web.conftest import OPERATOR, UNLIMITED, serving


@pytest.mark.parametrize(
    ("given", "listens_on", "has_proxy", "expected"),
    [
        ([], "127.0.0.1", False, LOCAL),
        ([], "localhost", False, LOCAL),
        ([], "::1", False, LOCAL),
        ([], "127.0.0.7", False, (*LOCAL, "127.0.0.7")),
        ([], "127.0.0.1", True, ("*",)),
        ([], "0.0.0.0", False, ("*",)),
        ([], "::", False, ("*",)),
        ([], "192.0.2.7", False, ("*",)),
        (["films.example"], "0.0.0.0", True, ("films.example", *LOCAL)),
        (["films.example", "*"], "127.0.0.1", False, ("*",)),
    ],
)
def test_the_default_hosts_are_those_of_the_machine_where_no_other_can_be_meant(
    given: list[str], listens_on: str, has_proxy: bool, expected: tuple[str, ...]
) -> None:
    assert allowed_hosts(given, listens_on, has_proxy=has_proxy) == expected


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Films.Example.", "films.example"),
        ("*.films.example", "*.films.example"),
        ("*", "*"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("::1", "[::1]"),
        ("[2001:DB8:0::1]", "[2001:db8::1]"),
        ("192.0.2.7", "192.0.2.7"),
    ],
)
def test_a_host_is_written_as_browsers_send_it(text: str, name: str) -> None:
    assert parse_allowed_host(text) == name


@pytest.mark.parametrize(
    "text", ["https://films.example", "films.example:8000", "a/b", "a b", "fi*lms", "a..b", "[::g]"]
)
def test_other_texts_are_no_hosts(text: str) -> None:
    with pytest.raises(SettingError, match="no scheme, port or path"):
        parse_allowed_host(text)


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("Films.example:8000", "films.example"),
        ("films.example.", "films.example"),
        ("films.example:", "films.example"),
        ("[0:0:0:0:0:0:0:1]:8000", "[::1]"),
        ("[::1", None),
        ("::1", None),
        ("[zz]", None),
        ("a@b", None),
        ("films.example:x", None),
        ("films.example/evil", None),
        ("", None),
    ],
)
def test_the_name_in_a_host_header(header: str, name: str | None) -> None:
    assert host_name(header) == name


def test_an_origin_has_no_port_that_its_scheme_implies() -> None:
    assert origin_of("http", "Films.example:80") == "http://films.example"
    assert origin_of("https", "films.example:443") == "https://films.example"
    assert origin_of("https", "films.example:80") == "https://films.example:80"


@pytest.mark.parametrize(
    ("location", "relative"),
    [
        ("http://evil.example/you?a=1", "/you?a=1"),
        ("HTTPS://evil.example", "/"),
        ("http://evil.example?a=1", "/?a=1"),
        ("http://evil.example//other.example/", "/other.example/"),
        ("/you", "/you"),
    ],
)
def test_a_location_has_no_host(location: str, relative: str) -> None:
    assert relative_location(location) == relative


@pytest.mark.parametrize("path", ["/you/", "/api/v1/films/", "//evil.example/you/", "/together/"])
def test_no_redirect_repeats_the_host_of_the_request(site: str, path: str) -> None:
    answer = httpx.get(f"{site}{path}", headers={"host": "evil.example"})
    location = answer.headers.get("location", "/")
    assert "evil.example" not in location
    assert not location.startswith("//")


def test_a_server_answers_under_its_names_only(model_file: Path, tmp_path: Path) -> None:
    settings = Settings(
        (model_file,), str(tmp_path / "people.db"), OPERATOR, UNLIMITED, log_requests=False,
        allowed_hosts=("films.example", "*.films.example", *LOCAL),
    )  # fmt: skip
    allowed = ("films.example:81", "FILMS.example.", "a.b.films.example", "localhost", "[::1]:9")
    refused = ("evil.example", "filmsXexample", "evilfilms.example", "127.0.0.2", "[::2]", "a@b")
    with serving(settings) as url, httpx.Client(base_url=url) as client:
        for host in allowed:
            assert client.get("/api/v1/genres", headers={"host": host}).status_code == 200, host
        for host in refused:
            headers = {"host": host, "x-forwarded-host": "films.example"}
            answer = client.get("/api/v1/genres", headers=headers)
            assert (answer.status_code, answer.json()["type"]) == (400, "urn:matinee:unknown-host")
            assert "--allowed-hosts" in answer.json()["detail"]
            assert client.get("/health/ready", headers={"host": host}).status_code == 200
        page = client.get("/you", headers={"host": "evil.example", "accept": "text/html"})
        assert page.status_code == 400
        assert page.headers["content-type"].startswith("text/html")


def test_a_request_with_several_hosts_is_refused_and_one_without_is_not() -> None:
    hosts = [(b"host", b"films.example"), (b"host", b"evil.example")]
    with pytest.raises(Problem, match="several Host headers"):
        check_host({"path": "/", "headers": hosts}, ("films.example", "evil.example"))
    check_host({"path": "/", "headers": []}, LOCAL)
