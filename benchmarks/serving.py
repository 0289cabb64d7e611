"""How much `matinee serve` bears: requests per second, latency at a steady rate, many open clients, time to start.

Needs wrk (apt-get install wrk) for the highest rate. The steady rate is an open loop of our own: requests leave at the
time they are due, whether or not earlier ones are answered, and latency counts from that time.

    python benchmarks/serving.py ml1m.matinee                     one worker, without explanations
    python benchmarks/serving.py ml1m.matinee --explain --json
    python benchmarks/serving.py ml1m.matinee --soak 10           ten minutes of requests, and the memory after each
"""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np

from matinee.recommendation.guide import Guide

LUA = """
local bodies = {}
for line in io.lines(os.getenv("BODIES")) do bodies[#bodies + 1] = line end
local n = 0
function request()
  n = n % #bodies + 1
  return wrk.format("POST", "/api/v1/recommend", {["Content-Type"] = "application/json"}, bodies[n])
end
"""


class Server(NamedTuple):
    """A running `matinee serve`."""

    process: "subprocess.Popen[str]"
    port: int
    seconds: float
    """From the start of the process to the first answer."""

    def cpu_seconds(self) -> float:
        """That it has used so far, in its first process."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def megabytes(self) -> float:
        """Of memory in use."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.findall(r"VmRSS:\s+(\d+)", text)[0]) / 1024


def start(model_file: Path, folder: Path, *options: str, database: str = "") -> Server:
    """Starts a server without limits on the number of requests; the folder gets its log and, if no
    other is named, its database."""
    began = time.perf_counter()
    command = [
        str(Path(sys.executable).parent / "matinee"),
        "serve",
        str(model_file),
        "--port",
        "0",
        "--rate",
        "0",
    ]
    command += ["--db", database or str(folder / "people.db"), *options]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout is not None
    found = re.search(r":(\d+)$", process.stdout.readline().strip())
    if found is None:
        raise click.ClickException(f"The server did not start: {(folder / 'log').read_text()}")
    port = int(found[1])
    asyncio.run(_exchange(port, b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"))
    return Server(process, port, time.perf_counter() - began)


def bodies(model_file: Path, k: int, explain: bool, more: dict[str, Any]) -> list[bytes]:
    """500 requests, each with 20 ratings of often rated films."""
    model = Guide.load(model_file).model
    popular = np.argsort(-model.item_counts_)[:500]
    rng = np.random.default_rng(0)
    made = []
    for _ in range(500):
        items = [model.items_.id(int(index)) for index in rng.choice(popular, 20, replace=False)]
        stars = rng.choice([1, 2, 3, 4, 5], 20).tolist()
        ratings = [
            {"item_id": item, "stars": star} for item, star in zip(items, stars, strict=True)
        ]
        made.append(json.dumps({"ratings": ratings, "k": k, "explain": explain} | more).encode())
    return made


async def _exchange(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    return head


class Client:
    """One connection that is kept."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, body: bytes) -> int:
        """The status of the answer, read to its end."""
        if self.streams is None:
            self.streams = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self.streams
        head = (
            "POST /api/v1/recommend HTTP/1.1",
            "Host: localhost",
            "Content-Type: application/json",
        )
        lines = "\r\n".join([*head, f"Content-Length: {len(body)}", "", ""])
        writer.write(lines.encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", answer)
        assert length is not None
        await reader.readexactly(int(length[1]))
        return int(answer[9:12])


async def steady(port: int, requests: list[bytes], rate: float, seconds: float) -> dict[str, Any]:
    """Requests at a steady rate; latencies in milliseconds."""
    idle = [Client(port) for _ in range(200)]
    latencies: list[float] = []
    statuses: list[int] = []

    async def one(number: int, due: float) -> None:
        client = idle.pop() if idle else Client(port)
        statuses.append(await client.post(requests[number % len(requests)]))
        latencies.append(1000 * (time.perf_counter() - due))
        idle.append(client)

    began, tasks = time.perf_counter() + 0.1, []
    for number in range(int(rate * seconds)):
        due = began + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(one(number, due)))
    await asyncio.gather(*tasks)
    middle, late, latest = np.percentile(latencies, [50, 99, 99.9]).round(1).tolist()
    errors = sum(status != 200 for status in statuses)
    return {"rate": rate, "p50_ms": middle, "p99_ms": late, "p99_9_ms": latest, "errors": errors}


def highest(
    server: Server, requests: list[bytes], connections: int, seconds: int
) -> dict[str, Any]:
    """As many requests as get through, by wrk, and what each costs the server in time of a core."""
    if shutil.which("wrk") is None:
        raise click.ClickException("This needs wrk: apt-get install wrk")
    with tempfile.TemporaryDirectory() as folder:
        script, lines = Path(folder, "post.lua"), Path(folder, "bodies")
        script.write_text(LUA)
        lines.write_bytes(b"\n".join(requests))
        before = server.cpu_seconds()
        command = [
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{seconds}s",
            "--timeout",
            "30s",
            "--latency",
            "-s",
            str(script),
        ]
        done = subprocess.run(
            [*command, f"http://127.0.0.1:{server.port}"],
            env=os.environ | {"BODIES": str(lines)},
            capture_output=True,
            text=True,
            check=True,
        )
        cpu = server.cpu_seconds() - before
    n = int(re.findall(r"(\d+) requests in", done.stdout)[0])
    wrong = [int(number) for number in re.findall(r"Non-2xx or 3xx responses: (\d+)", done.stdout)]
    broken = re.findall(r"Socket errors: (.*)", done.stdout)
    return {
        "connections": connections,
        "per_second": round(n / seconds, 1),
        "p99": re.findall(r"99%\s+(\S+)", done.stdout)[0],
        "core_ms_per_request": round(1000 * cpu / max(1, n), 2),
        "not_200": sum(wrong),
        "socket_errors": broken[0] if broken else "none",
    }


def loads(server: Server, requests: list[bytes], given: dict[str, Any]) -> dict[str, Any]:
    """The highest rate, the latency at a steady one, and many clients at once."""
    seconds = given["seconds"]
    told = {"highest": highest(server, requests, 8, seconds)}
    told["steady"] = asyncio.run(steady(server.port, requests, given["rate"], seconds))
    if given["clients"]:
        told["clients"] = highest(server, requests, given["clients"], seconds)
    return told | {"megabytes_after": round(server.megabytes())}


def soak(server: Server, requests: list[bytes], rate: float, minutes: int) -> dict[str, Any]:
    """The memory after each of some minutes at a steady rate, and all errors."""
    megabytes, errors = [round(server.megabytes(), 1)], 0
    for _ in range(minutes):
        errors += asyncio.run(steady(server.port, requests, rate, 60))["errors"]
        megabytes.append(round(server.megabytes(), 1))
    return {"rate": rate, "megabytes": megabytes, "errors": errors}


@click.command()
@click.argument("model_file", type=click.Path(path_type=Path, exists=True))
@click.option("-k", default=20, show_default=True, help="Length of the lists.")
@click.option("--explain", is_flag=True, help="Ask for explanations too.")
@click.option("--genre", help="Ask for one genre only.")
@click.option(
    "--rate", default=200.0, show_default=True, help="Of the steady requests, per second."
)
@click.option("--seconds", default=10, show_default=True, help="Of each part.")
@click.option("--clients", default=1000, show_default=True, help="Open at once; 0 leaves this out.")
@click.option(
    "--soak", "minutes", default=0, show_default=True, help="Only this: minutes at the steady rate."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def main(model_file: Path, **given: Any) -> None:
    """Measure one worker on loopback."""
    more = {"genre": [given["genre"]]} if given["genre"] else {}
    requests = bodies(model_file, given["k"], given["explain"], more)
    with tempfile.TemporaryDirectory(prefix="serving-") as folder:
        server = start(model_file, Path(folder))
        told: dict[str, Any] = {
            "start_seconds": round(server.seconds, 2),
            "megabytes": round(server.megabytes()),
        }
        if given["minutes"]:
            told["soak"] = soak(server, requests, given["rate"], given["minutes"])
        else:
            told |= loads(server, requests, given)
        server.process.terminate()
        server.process.communicate()
    click.echo(json.dumps(told) if given["as_json"] else json.dumps(told, indent=2))


if __name__ == "__main__":
    main()
