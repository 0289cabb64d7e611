"""A part of the fuzzing on every run of the tests; `make fuzz` runs all of it."""

import subprocess
import sys
from collections import Counter

import pytest

from tests.fuzz import runner
from tests.fuzz.faulty import end_of
from tests.fuzz.runner import ROOT, run

CASES = {"models": 200, "tables": 100, "personal": 60, "requests": 60}


@pytest.mark.parametrize("kind", CASES)
def test_damaged_input_ends_in_finite_numbers_or_in_a_sentence(kind: str) -> None:
    summary = run(kind, seed=0, first=0, n_cases=CASES[kind])
    assert summary.failures == {}, "\n".join(summary.failures.values())
    assert summary.ends.total() == CASES[kind]
    assert min(summary.ends["answered"], summary.ends["refused"]) > 5


# -- the runner itself -----------------------------------------------------------------------------


def test_a_case_that_fails_in_any_way_is_named_with_the_command_that_repeats_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runner, "PATIENCE", 4.0)
    monkeypatch.setattr(runner, "MOST_SECONDS", 0.1)
    monkeypatch.setattr(runner, "MOST_MB", 150)
    seed, n_cases = 4, 9
    ends = {number: end_of(seed, number) for number in range(n_cases)}
    expected = Counter(ends.values())
    assert len(expected) == 7
    summary = run("faulty", seed, 0, n_cases)
    failed = {number for number, end in ends.items() if end not in ("answered", "refused")}
    assert set(summary.failures) == failed
    told = {
        "raises": "ValueError: a bug",
        "dies": "ended with -11",
        "hangs": "gave no answer for 4 s",
        "is slow": "took 0.",
        "is large": " MB",
    }
    for number in failed:
        text = summary.failures[number]
        assert text.startswith(f"case {number}: one that {ends[number]}\n")
        assert told[ends[number]] in text
        assert f"python -m tests.fuzz --kind faulty --seed 4 --case {number}" in text
    assert summary.ends["refused"] == expected["refused"]
    assert summary.ends["died"] == expected["dies"] + expected["hangs"]


def test_the_command_repeats_one_case_and_says_how_it_ended() -> None:
    command = [sys.executable, "-m", "tests.fuzz", "--kind", "personal", "--seed", "0", "--case"]
    done = subprocess.run(
        [*command, "3"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert done.startswith("personal: 1 cases, ")
    assert "0 failed" in done
