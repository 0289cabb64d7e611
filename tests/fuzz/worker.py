"""Runs cases one after the other, and writes a line before and after each.

The process is one that may die: `runner` starts it, and knows from the last line which case it was.
"""

import json
import os
import random
import resource
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from matinee.errors import MatineeError

MOST_ADDRESSES = 12 * 1024**3
"""A limit for the machine's sake; what a case really takes is measured."""

Case = Callable[[random.Random, Path, Callable[[str], None]], str]
"""Makes a case from random numbers and runs it in a folder; it says what the case is, and returns
how it ended: "answered" or "refused". A MatineeError counts as refused, and any other exception as
a failure."""


def peak_of_memory() -> float:
    """The largest memory since the last `forget_peak`, in MB."""
    for line in Path("/proc/self/status").read_text("utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def forget_peak() -> None:
    """Begins a new measurement; without effect where Linux does not allow it."""
    try:
        Path("/proc/self/clear_refs").write_text("5", "utf-8")
    except OSError:
        return


def run_case(case: Case, seed: int, number: int, say: Callable[..., None]) -> None:
    """Runs one case and says how it ended, how long it took and how much memory."""
    forget_peak()
    started = time.process_time()
    outcome, problem = "failed", ""
    with tempfile.TemporaryDirectory(prefix="matinee-fuzz-") as folder:
        try:
            rng = random.Random(f"{seed}/{number}")
            outcome = case(rng, Path(folder), lambda what: say(case=number, what=what))
        except MatineeError as error:
            outcome, problem = "refused", f"{type(error).__name__}: {error}"
        except Exception:  # everything else is what is looked for
            problem = traceback.format_exc()
    seconds = time.process_time() - started
    say(case=number, end=outcome, seconds=seconds, mb=peak_of_memory(), problem=problem)


def main(kind: str, seed: int, first: int, end: int) -> None:
    """Runs the cases `first` to `end` - 1."""
    output = os.fdopen(os.dup(1), "w", encoding="utf-8")  # whatever else prints goes elsewhere
    os.dup2(2, 1)

    def say(**line: Any) -> None:
        output.write(json.dumps(line) + "\n")
        output.flush()

    resource.setrlimit(resource.RLIMIT_AS, (MOST_ADDRESSES, MOST_ADDRESSES))
    warnings.simplefilter("ignore")
    case: Case = import_module(f"tests.fuzz.{kind}").prepare()
    say(ready=True)
    for number in range(first, end):
        say(case=number, what="")
        run_case(case, seed, number, say)
    os._exit(0)  # threads of a server are not waited for


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]))
