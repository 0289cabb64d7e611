"""Progress as lines of text, for a program that has started a command."""

import subprocess
import sys

import pytest

from matinee.progress import LINES_VARIABLE, Step, line_of, parse_line


def test_a_step_survives_a_line() -> None:
    step = Step(3, 10, "RMSE 0.851", 0.851)
    assert parse_line(line_of(step)) == step


@pytest.mark.parametrize(
    "line", ["", "Training mf", "step", "step x", 'step {"done": 1}', "step []", 'step {"a": 1}']
)
def test_other_lines_are_no_steps(line: str) -> None:
    assert parse_line(line) is None


def test_a_command_writes_lines_where_another_program_asks_for_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(LINES_VARIABLE, "1")
    code = (
        "from matinee.cli.output import progress_bar\n"
        "from matinee.progress import Step\n"
        "with progress_bar('Training') as show:\n"
        "    show(Step(1, 2, 'half'))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert parse_line(done.stderr.strip()) == Step(1, 2, "half")
