"""Both clients against a running server."""

import asyncio
import importlib
import inspect
import re
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from matinee.client import AsyncClient, Client, calls
from matinee.client.calls import Profile
from matinee.errors import ApiError, UnsupportedError

ROOT = Path(__file__).parents[2]
STARS = {7: 5.0, 17: 1.5, 27: 4.0}
EXPORT = "Date,Name,Year,Letterboxd URI,Rating\n2024-01-01,Amélie,2001,u,5\n"


def message(call: Callable[..., Any], *arguments: Any, **options: Any) -> str:
    with pytest.raises(ApiError) as raised:
        call(*arguments, **options)
    return str(raised.value)


class Waiting:
    """The asynchronous client, each method of which is awaited at once."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._arguments, self._options = arguments, options

    def __enter__(self) -> "Waiting":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __getattr__(self, name: str) -> Callable[..., Any]:
        async def call(*arguments: Any, **options: Any) -> Any:
            async with AsyncClient(*self._arguments, **self._options) as client:
                return await getattr(client, name)(*arguments, **options)

        return lambda *arguments, **options: asyncio.run(call(*arguments, **options))


both = pytest.mark.parametrize("kind", [Client, Waiting], ids=["sync", "async"])


@both
def test_films_are_found(site: str, kind: Any) -> None:
    with kind(site) as client:
        page = client.films("amelie", page_size=3)
        assert [film.title for film in page.films] == ["Amélie (2001)"]
        assert (page.total, page.is_guess) == (1, False)
        assert client.films(genre=["Horror"], year_from=1970, order="newest").total > 3
        assert client.film(7) == page.films[0]
        assert (page.films[0].imdb, page.films[0].tmdb) == ("tt0211915", 194)
        assert page.films[0].tags == ["quirky", "R&B?"]
        assert len(client.similar(7, 4).items) == 4
        assert "Sci-Fi" in client.genres()
        assert client.models()[0].predicts_stars


@both
def test_ratings_in_the_request_give_lists_and_predictions(site: str, kind: Any) -> None:
    with kind(site) as client:
        found = client.recommend(STARS, not_interested=[37], k=5, explain=True)
        assert len(found.items) == 5
        assert found.items[0].explanation is not None
        assert {film.item_id for film in found.items}.isdisjoint({*STARS, 37})
        each = client.recommend_each([Profile(STARS, [37]), Profile({})], k=5, explain=True)
        assert each[0] == found
        assert each[1] != found
        first = found.items[0]
        (predicted,) = client.predict(STARS, [first.item_id])
        assert predicted.stars == pytest.approx(first.stars, abs=0.002)
        explained = client.explain(STARS, first.item_id, reasons=2)
        assert sum(explained.parts.values()) == pytest.approx(explained.score, abs=0.01)


@both
def test_a_person_rates_imports_and_leaves(site: str, kind: Any, tmp_path: Path) -> None:
    file = tmp_path / "ratings.csv"
    file.write_text(EXPORT, "utf-8")
    with kind(site) as anonymous:
        person = anonymous.create_person()
        refused = message(anonymous.my_ratings)
        assert "needs a person's token" in refused
    with kind(site, person.token) as client:
        client.rate({17: 4, 27: 2.5})
        assert client.import_file(file, dry_run=True).n_stored == 0
        assert client.import_file(file).n_stored == 1
        client.unrate(27)
        client.hide(47)
        client.hide(57)
        client.show(57)
        kept = client.my_ratings()
        assert {rated.item_id: rated.stars for rated in kept.ratings} == {7: 5.0, 17: 4.0}
        assert kept.not_interested == [47]
        client.watch(67)
        client.watch(77)
        client.unwatch(77)
        assert [film.item_id for film in client.watchlist()] == [67]
        client.mark_not_seen(87)
        client.unmark_not_seen(87)
        best = client.my_recommendations(k=3, genre=["Drama"]).items
        assert [film.genres for film in best] == [["Drama"]] * 3
        assert client.my_explanation(best[0].item_id).title == best[0].title
        assert client.my_taste()["n_ratings"] == 2
        assert len(client.export()["ratings"]) == 2
        client.delete_me()
        with pytest.raises(ApiError) as gone:
            client.my_ratings()
        assert (gone.value.status, gone.value.kind) == (401, "unknown-person")
        assert gone.value.request_id


@both
def test_friends_make_a_group(site: str, kind: Any) -> None:
    with kind(site) as anonymous:
        tokens = [anonymous.create_person().token for _ in range(3)]
    with kind(site, tokens[0]) as ada, kind(site, tokens[1]) as grace:
        made = ada.create_group("Ada", "Friday films")
        assert (made.name, made.members, made.is_maker) == ("Friday films", ["Ada"], True)
        assert made.link is not None
        secret = made.link.rpartition("/")[2]
        joined = grace.join_group(secret, "ada")
        assert (joined.members, joined.is_maker) == (["Ada", "ada (2)"], False)
        assert grace.join_group(secret, "Grace").members == ["Ada", "Grace"]
        assert grace.my_groups() == [grace.group(made.id)]
        ada.rate({7: 5, 17: 1})
        grace.rate({27: 4})
        grace.hide(37)
        best = ada.group_recommendations(made.id, k=6, how="least-misery", genre=["Drama"])
        assert [film.genres for film in best.items] == [["Drama"]] * 6
        assert {film.item_id for film in best.items}.isdisjoint({7, 17, 27, 37})
        with kind(site, tokens[2]) as stranger:
            assert "no group" in message(stranger.group, made.id)
        grace.leave_group(made.id)
        assert grace.my_groups() == []
        ada.leave_group(made.id)
        assert "no group" in message(grace.join_group, secret, "Grace")


def test_both_clients_have_a_method_for_each_call_with_the_same_types() -> None:
    names = {name for name, _ in inspect.getmembers(Client, inspect.isfunction)}
    made = {
        name
        for name, one in inspect.getmembers(calls, inspect.isfunction)
        if str(inspect.signature(one).return_annotation).startswith("matinee.client.calls.Call")
    }
    assert len(made) > 20
    assert made - names == {"find_films"}  # which is `films`
    for name in names - {"__enter__", "__exit__", "__init__"}:
        own, other = (inspect.signature(getattr(one, name)) for one in (Client, AsyncClient))
        assert own == other, name


def test_the_client_knows_each_address_for_people_and_films(site: str) -> None:
    document = httpx.get(f"{site}/openapi.json").json()
    source = inspect.getsource(calls)
    for path in document["paths"]:
        if "/operator/" in path or path.startswith(("/health", "/metrics")):
            continue
        known = path.removeprefix("/api/v1").replace("{item_id}", "{_address(item_id)}")
        known = known.replace("{key}", "{_address(key)}")
        others = (known.replace("/me/ratings/{_address(item_id)}", "/me/ratings"), known)
        assert any(f'"{one}"' in source for one in others) or known == "/me", path


def test_the_code_on_the_page_about_serving_runs(
    site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (ROOT / "docs" / "serving.md").read_text("utf-8")
    (code,) = re.findall(r"```py\n(.*?)```", page, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    Path("letterboxd.zip").write_text(EXPORT, "utf-8")
    for ours, theirs in {site: "http://127.0.0.1:8000", "{7:": "{1:", "17:": "1214:"}.items():
        assert theirs in code
        code = code.replace(theirs, ours)
    exec(code, {})


# -- when something is wrong -------------------------------------------------------------


def test_what_a_server_refuses_is_said_in_its_words(site: str) -> None:
    with Client(site) as client:
        assert "no film with id 'none'" in message(client.film, "none")
        assert "must be less than or equal to 200" in message(client.recommend, {}, k=999)


def test_no_server_and_no_address() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with Client(url) as client:
            assert message(client.genres).startswith(f"No server answers at {url}")
    with Client("films.example") as client:
        assert "is not the address of a server" in message(client.genres)


class _Odd(BaseHTTPRequestHandler):
    """Answers twice that it is busy, then with what is no answer of the API."""

    n_requests = 0

    def do_GET(self) -> None:
        type(self).n_requests += 1
        busy = type(self).n_requests <= 2
        self.send_response(503 if busy else 200)
        self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(b"busy" if busy else b"<html>hello</html>")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def odd() -> Iterator[str]:
    _Odd.n_requests = 0
    server = HTTPServer(("127.0.0.1", 0), _Odd)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@both
def test_a_busy_server_is_asked_again_and_a_foreign_one_is_told_apart(odd: str, kind: Any) -> None:
    with kind(odd) as client:
        told = message(client.genres)
    assert _Odd.n_requests == 3
    assert told.startswith(f"{odd} answers, but not as a matinee server does (status 200)")


def test_without_httpx_the_install_line_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [one for one in sys.modules if one.startswith("matinee.client")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(UnsupportedError) as raised:
        importlib.import_module("matinee.client")
    assert str(raised.value) == (
        "matinee.client needs httpx, which is not installed:  pip install 'matinee[client]'"
    )
