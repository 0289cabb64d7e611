"""Random tables in many spellings are read as what they are, or refused with an option that helps.

More cases than the tests run:

    python -m tests.data.reading.test_fuzz 20000 [FIRST]
"""

import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest

from tests.data.reading.grammar import check, make

N_CASES, N_PARTS = 240, 6


@pytest.mark.parametrize("part", range(N_PARTS))
def test_a_table_in_any_spelling_is_read_truly_or_refused_with_a_way_on(
    part: int, tmp_path: Path
) -> None:
    for seed in range(part, N_CASES, N_PARTS):
        check(make(seed, tmp_path))


def run(n_cases: int, first: int) -> Counter[str]:
    """Checks many cases and prints those that fail; returns how many ended how."""
    ends: Counter[str] = Counter()
    for seed in range(first, first + n_cases):
        with tempfile.TemporaryDirectory() as folder:
            try:
                ends[check(make(seed, Path(folder)))] += 1
            except AssertionError as error:
                ends["failed"] += 1
                print(f"case {seed}: {error}", flush=True)
    return ends


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    print(dict(run(numbers[0] if numbers else 20_000, numbers[1] if len(numbers) > 1 else 0)))
