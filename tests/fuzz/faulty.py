"""Cases that end in every way, to test the runner with."""

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

from matinee.errors import DataError

ENDS = ("answered", "refused", "raises", "dies", "hangs", "is slow", "is large")


def end_of(seed: int, number: int) -> str:
    """How a case ends."""
    return random.Random(f"{seed}/{number}").choice(ENDS)


def case(rng: random.Random, folder: Path, say: Callable[[str], None]) -> str:
    """Ends in one of the ways."""
    del folder
    end = rng.choice(ENDS)
    say(f"one that {end}")
    match end:
        case "refused":
            raise DataError("It is refused.")
        case "raises":
            raise ValueError("a bug")
        case "dies":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "hangs":
            time.sleep(60)
        case "is slow":
            started = time.process_time()
            while time.process_time() < started + 0.2:
                pass
        case "is large":
            assert len(bytes([1]) * 150_000_000)
    return "answered"


def prepare() -> Callable[..., str]:
    """There is nothing to prepare."""
    return case
