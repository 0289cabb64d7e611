"""Starts workers, watches their time, and collects how the cases ended."""

import json
import os
import selectors
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import IO, Any

ROOT = Path(__file__).parents[2]
KINDS = ("models", "tables", "personal", "requests")
MOST_SECONDS = 5.0
"""Of computing, for one case."""
MOST_MB = 1024.0
PATIENCE = 60.0
"""Seconds on the clock without a line, after which a worker is stopped."""
FIRST_PATIENCE = 600.0
"""The same for the first line: kernels may have to be compiled."""
CASES_PER_WORKER = 500


@dataclass
class Summary:
    """How the cases of one kind ended."""

    kind: str
    seed: int
    ends: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    peak_mb: float = 0.0
    failures: dict[int, str] = field(default_factory=dict)
    """Of each case that failed: what it was, and what happened."""
    lock: Lock = field(default_factory=Lock)

    def add(self, number: int, what: str, line: dict[str, Any]) -> None:
        """Counts the end of a case."""
        with self.lock:
            self.ends[line["end"]] += 1
            self.slowest = max(self.slowest, line["seconds"])
            self.peak_mb = max(self.peak_mb, line["mb"])
        problem = line["problem"] if line["end"] == "failed" else ""
        if line["seconds"] > MOST_SECONDS:
            problem += f"took {line['seconds']:.1f} s"
        if line["mb"] > MOST_MB:
            problem += f"took {line['mb']:.0f} MB"
        if problem:
            self.fail(number, what, problem)

    def fail(self, number: int, what: str, problem: str) -> None:
        """Notes a failed case, with the command that repeats it."""
        repeat = f"python -m tests.fuzz --kind {self.kind} --seed {self.seed} --case {number}"
        self.failures[number] = f"case {number}: {what}\n{problem.rstrip()}\n  {repeat}\n"

    def __str__(self) -> str:
        return (
            f"{self.kind}: {self.ends.total():,} cases, {self.ends['refused']:,} refused, "
            f"{self.ends['answered']:,} answered, {len(self.failures):,} failed, "
            f"slowest {self.slowest:.2f} s, peak memory {self.peak_mb:.0f} MB"
        )


def run(kind: str, seed: int, first: int, n_cases: int, n_workers: int = 1) -> Summary:
    """Runs the cases `first` to `first + n_cases - 1` of a kind."""
    summary = Summary(kind, seed)
    starts = range(first, first + n_cases, CASES_PER_WORKER)
    with ThreadPoolExecutor(n_workers) as pool:
        for start in starts:
            end = min(start + CASES_PER_WORKER, first + n_cases)
            pool.submit(_run_part, summary, start, end)
    return summary


def _run_part(summary: Summary, first: int, end: int) -> None:
    """Runs some cases, in a new process after each that the last one did not survive."""
    try:
        while first < end:
            first = _run_until_dead(summary, first, end)
    except Exception as error:  # a thread's own exception would be lost
        summary.fail(first, "the runner", repr(error))


def _run_until_dead(summary: Summary, first: int, end: int) -> int:
    """Runs cases until the process ends; returns the number of the next case."""
    command = [sys.executable, "-m", "tests.fuzz.worker", summary.kind]
    command += [str(number) for number in (summary.seed, first, end)]
    one_thread = ("NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS")
    environment = os.environ | dict.fromkeys((*one_thread, "OMP_NUM_THREADS"), "1")
    with (
        tempfile.TemporaryDirectory(prefix="matinee-fuzz-") as folder,
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment | {"TMPDIR": folder},
            stdout=subprocess.PIPE,
            stderr=errors,
        ) as worker,
    ):
        assert worker.stdout is not None
        number, what, is_ready = first, "", False
        for line in _lines(worker.stdout):
            is_ready = True
            number = line.get("case", number)
            what = line.get("what", what)
            if "end" in line:
                summary.add(number, what, line)
                number, what = number + 1, ""
        is_stopped = worker.poll() is None
        if number < end:
            worker.kill()
        code = worker.wait()
        errors.seek(0)
        told = errors.read().decode(errors="replace")[-3000:]
    if number >= end:
        return end
    if not is_ready:
        raise RuntimeError(f"The worker did not begin: {told}")
    with summary.lock:
        summary.ends["died"] += 1
    why = (
        f"gave no answer for {PATIENCE:.0f} s"
        if is_stopped and code == -9
        else f"ended with {code}"
    )
    summary.fail(number, what, f"the process {why}\n{told}")
    return number + 1


def _lines(pipe: IO[bytes]) -> Iterator[dict[str, Any]]:
    """The lines of a worker, until it ends or writes nothing for too long."""
    buffer, patience = b"", FIRST_PATIENCE
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while selector.select(patience):
            read = os.read(pipe.fileno(), 1 << 16)
            if not read:
                return
            *complete, buffer = (buffer + read).split(b"\n")
            yield from map(json.loads, complete)
            if complete:
                patience = PATIENCE
