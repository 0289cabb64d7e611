"""How long `/health/live` takes while one worker handles the worst requests that are known.

Each kind of request is sent again and again by several clients in a process of their own, while this process asks
/health/live every 20 ms, on a new connection each time.

    python benchmarks/liveness.py films.matinee                   all kinds, then all of them at once
    python benchmarks/liveness.py films.matinee --only "import"   those whose names contain a text
"""

import http.client
import io
import json
import multiprocessing
import random
import sys
import tempfile
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click

sys.path.append(
    str(Path(__file__).resolve().parent.parent)
)  # a script has only its own folder there
from benchmarks.serving import start
from matinee.recommendation.guide import Guide

OPERATOR = "operator-of-the-benchmark"
UPLOAD_BYTES = 2 * 1024 * 1024 - 1000
N_CLIENTS = 4


class Asked(NamedTuple):
    """A request to send."""

    name: str
    method: str
    path: str
    body: bytes = b""
    headers: dict[str, str] = {}  # noqa: RUF012


def json_request(
    name: str, path: str, value: object, headers: dict[str, str] | None = None
) -> Asked:
    """A POST request with a JSON body."""
    kind = {"Content-Type": "application/json"}
    return Asked(name, "POST", path, json.dumps(value).encode(), kind | (headers or {}))


def upload(name: str, content: bytes, path: str, headers: dict[str, str]) -> Asked:
    """A POST request with a file."""
    parts = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="ratings.csv"\r\n\r\n',
        content,
        b"\r\n--x--\r\n",
    )
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    return Asked(name, "POST", path, b"".join(parts), headers | kind)


def files() -> Iterator[tuple[str, bytes]]:
    """Files of nearly 2 MB that take long to read or to match."""
    head, rng = "Title,Year,Rating\n", random.Random(0)
    words = [
        "the",
        "of",
        "last",
        "first",
        "night",
        "love",
        "star",
        "man",
        "black",
        "house",
        "king",
        "return",
    ]

    def title(n: int) -> str:
        return " ".join(rng.choice(words) for _ in range(n)) + f" {rng.randrange(10**6)}"

    yield (
        "rows that match nothing",
        (head + "".join(f"{title(16)},1990,4\n" for _ in range(19_900))).encode(),
    )
    yield (
        "rows that nearly match",
        (head + "".join(f"{title(3)}x,1990,4\n" for _ in range(19_900))).encode(),
    )
    yield "titles of spaces", (head + f"a{' ' * 131_000}b,1990,4\n" * 15).encode()
    yield "titles in brackets", (head + f"{'(a) ' * 300},1990,4\n" * 1_700).encode()
    yield "titles of accents", (head + ("e" + "\u0301\u0323" * 140 + ",1990,4\n") * 3_500).encode()
    yield "fields", (head + ",".join("a" * 1_000_000)).encode()
    yield "quotation marks", (head + '"' * 2_000_000).encode()
    yield "blank rows", b"Title,Rating\n" + b" \n" * 900_000
    yield (
        "JSON of many keys",
        json.dumps([{f"k{row}_{key}": 1 for key in range(9)} for row in range(14_000)]).encode(),
    )
    yield "JSON of numbers", b"[" + b"1," * 1_000_000 + b"1]"
    yield "JSON of lists", b"[" + b"[]," * 650_000 + b"[]]"
    yield "JSON lines", b'{"a":1}\n' * 250_000
    yield "JSON of digits", b'[{"title":"a","rating":' + b"9" * 1_900_000 + b"}]"
    film = "<film><filmname>%s</filmname><score>4</score></film>"
    yield "XML", ("<r>" + "".join(film % title(8) for _ in range(15_000)) + "</r>").encode()
    yield "XML of depth", b"<r>" * 300_000 + b"</r>" * 300_000
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "ratings.csv", head + "".join(f"{title(16)},1990,4\n" for _ in range(19_900))
        )
        archive.writestr(
            "watchlist.csv",
            "Date,Name,Year\n" + "".join(f"2020-01-01,{title(5)},1990\n" for _ in range(19_900)),
        )
    yield "ZIP", packed.getvalue()
    rows = [
        {"item_id": str(row), "title": f"{title(12)}", "year": 1990, "stars": 4, "rated_at": 0}
        for row in range(9_000)
    ]
    yield (
        "export of everything",
        json.dumps({"person_id": "x", "ratings": rows})[:UPLOAD_BYTES].encode(),
    )


class Site:
    """A running server, and the people on it that the requests need."""

    def __init__(self, port: int, guide: Guide) -> None:
        self.port, self.guide = port, guide
        self.ids = [guide.model.items_.id(place) for place in range(len(guide.model.items_))]
        self.headers = self.person(5_000)

    def call(self, asked: Asked) -> tuple[int, bytes]:
        """Sends a request; the status and body of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(asked.method, asked.path, asked.body, asked.headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def person(self, n_ratings: int) -> dict[str, str]:
        """The header of a new person with ratings."""
        token = json.loads(self.call(Asked("", "POST", "/api/v1/people"))[1])["token"]
        header = {"Authorization": f"Bearer {token}"}
        rated = self.ids[:n_ratings]
        for first in range(0, len(rated), 1_000):
            rows = [
                {"item_id": one, "stars": 1 + first % 5} for one in rated[first : first + 1_000]
            ]
            self.call(json_request("", "/api/v1/me/ratings", {"ratings": rows}, header))
        return header

    def group(self) -> str:
        """The id of a group of the most people with the most ratings."""
        made = self.call(json_request("", "/api/v1/me/groups", {"name": "Ada"}, self.headers))[1]
        group = json.loads(made)
        key = group["link"].rpartition("/")[2]
        for place in range(19):
            body = json_request("", "", {"name": f"P{place}"}, self.person(5_000))
            self.call(body._replace(method="PUT", path=f"/api/v1/me/groups/{key}"))
        return str(group["id"])

    def requests(self) -> Iterator[Asked]:
        """The worst requests that are known."""
        mine = self.headers
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        for name, content in files():
            yield upload(f"import page: {name}", content[:UPLOAD_BYTES], "/you/import", mine)
            path = "/api/v1/me/import?dry_run=true"
            yield upload(f"import API: {name}", content[:UPLOAD_BYTES], path, mine)
        most = [{"item_id": one, "stars": 4} for one in self.ids[:1_000]]
        few = most[:100]
        for explain in (False, True):
            kind = " explained" if explain else ""
            body = {"ratings": most, "k": 200, "explain": explain, "diversity": 0.5}
            yield json_request(f"recommend{kind}", "/api/v1/recommend", body)
            people = [{"ratings": few} for _ in range(50)]
            body = {"people": people, "k": 200, "explain": explain, "diversity": 0.5}
            yield json_request(f"batch{kind}", "/api/v1/recommend/batch", body)
        yield json_request(
            "predict", "/api/v1/predict", {"ratings": most, "item_ids": self.ids[:100]}
        )
        yield json_request(
            "explain",
            "/api/v1/explain",
            {"ratings": most, "item_id": self.ids[5], "reasons": 1_000},
        )
        yield json_request("store ratings", "/api/v1/me/ratings", {"ratings": most}, mine)
        yield json_request(
            "odd body", "/api/v1/recommend", {"ratings": [{str(n): n} for n in range(12_000)]}
        )
        yield Asked("form of many fields", "POST", "/rate", b"a=1&" * 60_000, mine | form)
        query = "+".join(["qwxyz", "stra", "lvoe"] * 7)[:100]
        yield Asked("search API", "GET", f"/api/v1/films?q={query}&page_size=100")
        yield Asked("search page", "GET", f"/search?q={query}")
        group = self.group()
        yield Asked(
            "group API", "GET", f"/api/v1/me/groups/{group}/recommendations?k=200", headers=mine
        )
        yield Asked("group page", "GET", f"/together/{group}", headers=mine)
        film = self.ids[3]
        pages = (
            "/",
            "/for-you?k=200",
            "/for-you?diversity=1&k=200",
            f"/films/{film}",
            "/you",
            "/you/ratings",
            "/you/ratings.csv",
            "/you/matinee.json",
            "/watchlist",
            "/browse",
            "/map",
            "/map/films.json",
            "/map/you.json",
        )
        for page in pages:
            yield Asked(f"page {page}", "GET", page, headers=mine)
        yield Asked(
            "own list", "GET", "/api/v1/me/recommendations?k=200&explain=true", headers=mine
        )
        yield Asked(
            "own explanation",
            "GET",
            f"/api/v1/me/films/{film}/explanation?reasons=1000",
            headers=mine,
        )
        yield Asked("own taste", "GET", "/api/v1/me/taste", headers=mine)
        yield Asked("own export", "GET", "/api/v1/me/export", headers=mine)
        operator = {"Authorization": f"Bearer {OPERATOR}"}
        for path in ("accuracy", "films?q=xyzzy", "unknown-films", "people"):
            yield Asked(f"operator {path}", "GET", f"/api/v1/operator/{path}", headers=operator)
        keep = b"".join(b"doubtful=%5B%5B1%2C4%5D%5D&" for _ in range(4_900))
        yield Asked("keep many", "POST", "/you/import/keep", keep, mine | form)


def load(
    port: int, requests: list[Asked], stop: float, told: "multiprocessing.Queue[Counter[int]]"
) -> None:
    """Sends requests until a time, from several threads."""
    statuses: Counter[int] = Counter()

    def work(first: int) -> None:
        rng = random.Random(first)
        while requests and time.time() < stop:
            asked = rng.choice(requests)
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            try:
                connection.request(asked.method, asked.path, asked.body, asked.headers)
                answer = connection.getresponse()
                answer.read()
                statuses[answer.status] += 1
            except OSError:
                statuses[0] += 1
            finally:
                connection.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(N_CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told.put(statuses)


def probe(port: int, stop: float) -> list[float]:
    """Seconds of each answer of /health/live until a time."""
    seconds = []
    while time.time() < stop:
        began = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", "/health/live")
        connection.getresponse().read()
        connection.close()
        seconds.append(time.perf_counter() - began)
        time.sleep(0.02)
    return sorted(seconds)


def measure(port: int, requests: list[Asked], seconds: float) -> str:
    """A line on the answers of /health/live, and on those to the requests."""
    told: multiprocessing.Queue[Counter[int]] = multiprocessing.Queue()
    stop = time.time() + seconds
    sender = multiprocessing.Process(target=load, args=(port, requests, stop, told))
    sender.start()
    found = probe(port, stop)
    found += probe(port, time.time() + 0.2)
    statuses = told.get()
    sender.join()
    answers = ", ".join(f"{n} x {status}" for status, n in sorted(statuses.items()))
    middle, late = found[len(found) // 2], sorted(found)[int(len(found) * 0.99)]
    return f"{1000 * max(found):7.0f} {1000 * late:7.0f} {1000 * middle:7.1f} ms   {answers}"


@click.command()
@click.argument("model_file", type=click.Path(path_type=Path, exists=True))
@click.option("--only", default="", help="Measure only requests whose names contain this.")
@click.option("--seconds", default=4.0, show_default=True, help="For each kind of request.")
@click.option("--database", default="", help="URL of an empty database instead of an SQLite file.")
def main(model_file: Path, only: str, seconds: float, database: str) -> None:
    """Measure the answers of /health/live under load: the longest, 99%, the median."""
    with tempfile.TemporaryDirectory(prefix="liveness-") as folder:
        options = ("--quiet", "--operator-token", OPERATOR)
        server = start(model_file, Path(folder), *options, database=database)
        port = server.port
        requests = [
            asked for asked in Site(port, Guide.load(model_file)).requests() if only in asked.name
        ]
        click.echo("longest     99%  median")
        click.echo(f"{measure(port, [], seconds)}   nothing else")
        for asked in requests:
            click.echo(f"{measure(port, [asked], seconds)}   {asked.name}")
        click.echo(f"{measure(port, requests, 10 * seconds)}   all at once")
        server.process.terminate()
        server.process.communicate()


if __name__ == "__main__":
    main()
