"""What commands on Spark cost: seconds, memory of Java and of Python, and what Spark moved and spilled.

    python benchmarks/cluster.py train ratings --model mf --master 'local[2]' --out mf.matinee
    python benchmarks/cluster.py train ratings --model mf --out mf.matinee        without Spark, for comparison

The arguments are those of `matinee`; with `--master` they get `--engine spark` and a log of events,
which is read and removed afterwards. While the command runs, its processes are looked at twice a
second: memory is the highest sum of their resident pages, so pages that processes share count
several times; the seconds of the processor lack at most what a process did after it was last seen.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

INTERVAL = 0.5
TICKS, PAGE = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
LOGGED = (
    "spark.eventLog.enabled=true",
    "spark.eventLog.rolling.enabled=false",
    "spark.eventLog.compress=false",
    "spark.eventLog.logBlockUpdates.enabled=true",
)


class Seen(NamedTuple):
    """One process at one moment."""

    parent: int
    name: str
    seconds: float
    megabytes: float


def processes() -> dict[int, Seen]:
    """All processes by number, from /proc."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):  # it may end meanwhile
            name, _, rest = (folder / "stat").read_text().partition("(")[2].rpartition(")")
            words = rest.split()
            ticks = int(words[11]) + int(words[12])
            megabytes = int(words[21]) * PAGE / 1e6
            found[int(folder.name)] = Seen(int(words[1]), name, ticks / TICKS, megabytes)
    return found


def family(all_of_them: dict[int, Seen], first: int) -> Iterator[int]:
    """A process and all that it has started, directly or not."""
    children: dict[int, list[int]] = {}
    for number, one in all_of_them.items():
        children.setdefault(one.parent, []).append(number)
    waiting = [first]
    while waiting:
        number = waiting.pop()
        if number in all_of_them:
            yield number
        waiting += children.get(number, [])


class Watch:
    """The sums and peaks over the processes of a command."""

    def __init__(self) -> None:
        self.peak: dict[str, float] = {}
        self.seconds: dict[tuple[str, int], float] = {}

    def look(self, first: int) -> None:
        """Looks once."""
        now = processes()
        sums: dict[str, float] = {"all": 0.0}
        for number in family(now, first):
            one = now[number]
            kind = "java" if one.name == "java" else "python"
            sums[kind] = sums.get(kind, 0.0) + one.megabytes
            sums["all"] += one.megabytes
            key = kind, number
            self.seconds[key] = max(one.seconds, self.seconds.get(key, 0.0))
        for kind, megabytes in sums.items():
            self.peak[kind] = max(megabytes, self.peak.get(kind, 0.0))

    def line(self) -> dict[str, Any]:
        """What was seen."""
        cpu: dict[str, float] = {}
        for (kind, _), seconds in self.seconds.items():
            cpu[kind] = cpu.get(kind, 0.0) + seconds
        return {"cpu_seconds": cpu, "peak_mb": self.peak}


def events(log: Path) -> dict[str, Any]:
    """Sums over the tasks in a log of Spark's events, and the most that cached tables took."""
    sums = dict.fromkeys(("tasks", "failed", "spilled_memory", "spilled_disk", "shuffled", "gc"), 0)
    cached: dict[str, tuple[int, int]] = {}
    peaks = [0, 0]
    with log.open() as lines:
        for text in lines:
            event = json.loads(text)
            if event["Event"] == "SparkListenerTaskEnd":
                metrics = event.get("Task Metrics") or {}
                written = metrics.get("Shuffle Write Metrics", {})
                sums["tasks"] += 1
                sums["failed"] += event["Task End Reason"]["Reason"] != "Success"
                sums["spilled_memory"] += metrics.get("Memory Bytes Spilled", 0)
                sums["spilled_disk"] += metrics.get("Disk Bytes Spilled", 0)
                sums["shuffled"] += written.get("Shuffle Bytes Written", 0)
                sums["gc"] += metrics.get("JVM GC Time", 0)
            elif event["Event"] == "SparkListenerBlockUpdated":
                told = event["Block Updated Info"]
                cached[told["Block ID"]] = told["Memory Size"], told["Disk Size"]
                totals = map(sum, zip(*cached.values(), strict=True))
                peaks = [max(one) for one in zip(peaks, totals, strict=True)]
    return sums | {"cached_memory": peaks[0], "cached_disk": peaks[1]}


def measured(words: list[str], folder: Path) -> dict[str, Any]:
    """Runs a command of matinee and says what it took."""
    command = [sys.executable, "-c", "from matinee.cli import main; main()", *words]
    is_spark = any(word.split("=")[0] == "--master" for word in words)
    if is_spark:
        command += ["--engine", "spark"]
        for setting in (*LOGGED, f"spark.eventLog.dir={folder.as_uri()}"):
            command += ["--conf", setting]
    load = os.getloadavg()[0]
    begin, watch = time.perf_counter(), Watch()
    with subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(ROOT)}) as running:
        while running.poll() is None:
            watch.look(running.pid)
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.wait(INTERVAL)
    line = {"words": words, "rc": running.returncode, "seconds": time.perf_counter() - begin}
    line |= watch.line() | {"load_before_and_after": [load, os.getloadavg()[0]]}
    logs = sorted(folder.iterdir()) if is_spark else []
    return line | {"spark": [events(log) for log in logs]}


ROOT = Path(__file__).resolve().parent.parent


def main(words: list[str]) -> None:
    """Prints one JSON object."""
    with tempfile.TemporaryDirectory(prefix="matinee-events-") as folder:
        line = measured(words, Path(folder))
    print(json.dumps(line))
    sys.exit(line["rc"])


if __name__ == "__main__":
    main(sys.argv[1:])
