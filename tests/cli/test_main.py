"""All commands together: usage errors, help, pipes, terminals, and the cost of importing."""

import os
import re
import resource
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from matinee import __version__
from tests.cli.conftest import SIMULATED, environment, on_a_terminal, program, real
from tests.helpers import good, misused, refused, run


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ("predict", "--user", 1, "--item", "qqqq"),
            "No item or title 'qqqq' among the 340 items.",
        ),
        (("similar", "qqqq"), "No item or title 'qqqq' among the 340 items."),
        (
            ("recommend", "--user", 1, "--genre", "qqqq"),
            "No genre 'qqqq'. The genres are: Action, Adventure,",
        ),
        (
            ("recommend", "--user", 1, "--years", "1999:1980"),
            "--years 1999:1980 is not a range from low to high, such as 1980:1999, 2000:, :1960 or 1994.",
        ),
        (
            ("recommend", "--ratings", "none.csv"),
            "Cannot read the ratings in 'none.csv': No such file or directory. "
            "It needs lines such as:  Toy Story (1995),4.5",
        ),
    ],
)
def test_a_request_that_cannot_be_answered_is_reported_in_one_line(
    words: Sequence[str], told: str, model_file: Path
) -> None:
    found = refused(words[0], model_file, *words[1:])
    assert found.startswith(told)
    assert "\n" not in found


@pytest.mark.parametrize(
    "command", [("predict", "--user", 1, "--item", 1), ("recommend", "--user", 1), ("similar", 1)]
)
def test_a_file_that_is_not_a_model_is_reported(command: Sequence[str], tmp_path: Path) -> None:
    path = tmp_path / "none.matinee"
    assert refused(command[0], path, *command[1:]) == (
        f"There is no model file '{path}'. Make one:  matinee train DATA --out {path}"
    )
    path.write_text("title,rating\n")
    assert refused(command[0], path, *command[1:]) == (
        f"'{path}' is not a complete model file (it is truncated, damaged, or of another kind); train the model again."
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("nonsense",), "No such command 'nonsense'."),
        (("train",), "Missing argument 'DATA...'."),
        (("train", "sample"), "Missing option '--out'."),
        (
            ("train", "sample", "--out", "x", "--threads", 0),
            "Invalid value for '--threads': 0 is not in the range x>=1.",
        ),
        (("recommend", "m"), "Missing person: use --user ID, or --ratings FILE for a new person."),
        (
            ("predict", "m", "--user", 1, "--ratings", "f", "--item", 1),
            "Use either --user or --ratings, not both.",
        ),
        (
            ("recommend", "m", "--user", 1, "-k", 0),
            "Invalid value for '-k': 0 is not in the range x>=1.",
        ),
        (("predict", "m", "--user", 1), "Missing option '--item'."),
    ],
)
def test_wrong_usage_is_reported_and_exits_with_2(
    words: Sequence[str], told: str, model_file: Path
) -> None:
    assert misused(*(model_file if word == "m" else word for word in words)) == told


def test_control_characters_of_names_are_shown_not_sent_to_the_terminal(tmp_path: Path) -> None:
    name = "a\nb\x1b[31m\u202e\x9b.matinee"
    result = run("train", "sample", "--model", "popularity", "--out", tmp_path / name)
    assert result.exit_code == 0
    assert f"saved as {tmp_path}/a\\nb\\x1b[31m\\u202e\\x9b.matinee." in result.stderr
    result = run("recommend", tmp_path / f"no{name}", "--user", 1)
    assert result.exit_code == 1
    for text in (result.stderr, result.stdout):
        assert not set(text) & set("\x1b\u202e\x9b")


def test_a_misspelled_option_suggests_the_right_one(model_file: Path) -> None:
    told = misused("recommend", model_file, "--user", 1, "--gnre", "War")
    assert "--gnre" in told
    assert "--genre" in told


def test_every_command_has_help() -> None:
    assert good("--version").stdout == f"matinee, version {__version__}\n"
    text = good("--help").stdout
    commands = re.findall(r"^  (\w+) {2,}", text.partition("Commands:")[2], re.MULTILINE)
    asking = ["predict", "recommend", "similar", "neighbors", "explain", "biases", "map", "report"]
    assert commands == [
        "demo",
        "data",
        "train",
        "update",
        "evaluate",
        "compare",
        "tune",
        *asking,
        "serve",
        "migrate",
        "reproduce",
        "doctor",
    ]
    # In a separate process: click remembers the help options of a command from its first use, even without `main`.
    code = (
        "from click.testing import CliRunner\n"
        "from matinee.cli import main\n"
        "for name in main.commands:\n"
        "    print(CliRunner().invoke(main, [name, '-h'], prog_name='matinee').stdout.splitlines()[0])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True
    )
    for command, usage in zip(commands, done.stdout.splitlines(), strict=True):
        assert usage.startswith(f"Usage: matinee {command} ")


@pytest.mark.parametrize("words", [("data", "list"), ("recommend", "MODEL", "--user", "1")])
def test_piped_output_has_no_escape_codes(words: Sequence[str], model_file: Path) -> None:
    done = real(*(model_file if word == "MODEL" else word for word in words))
    assert done.returncode == 0
    assert done.stdout
    assert "\x1b" not in done.stdout + done.stderr


def test_an_error_is_one_line_without_a_traceback() -> None:
    done = real("recommend", "none.matinee", "--user", "1")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "Error: There is no model file 'none.matinee'. Make one:  matinee train DATA --out none.matinee\n"
    )
    done = real("recommend", "none.matinee")
    assert (done.returncode, done.stdout) == (2, "")


def test_a_reader_that_stops_early_gets_no_traceback(model_file: Path) -> None:
    command = program("recommend", model_file, "--user", "1", "-k", "300", "--include-seen")
    with subprocess.Popen(
        command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.readline()
        running.stdout.close()  # as `head -1` does
        assert running.stderr.read().decode() in ("", SIMULATED)
    assert running.returncode == 0


def test_a_reader_that_closed_the_pipe_before_the_start_gets_no_traceback() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        program("data", "list"),
        env=environment(),
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_on_a_terminal_a_table_is_drawn() -> None:
    assert "───" in on_a_terminal("data", "list")


HEAVY = [
    "torch",
    "numba",
    "fastapi",
    "polars",
    "numpy",
    "sqlalchemy",
    "pooch",
    "rich",
    "safetensors",
    "matplotlib",
]


@pytest.mark.parametrize(
    "code", ["import matinee", "import matinee.cli; matinee.cli.main(['--help'])"]
)
def test_importing_and_help_load_no_heavy_packages(code: str) -> None:
    told = f"import atexit, sys; atexit.register(lambda: print([m for m in {HEAVY} if m in sys.modules], file=sys.stderr))"
    done = subprocess.run(
        [sys.executable, "-c", f"{told}\n{code}"],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "[]\n")


@pytest.mark.parametrize(
    "command", [[sys.executable, "-c", "import matinee"], program("--help")], ids=["import", "help"]
)
def test_importing_and_help_take_less_than_a_quarter_of_a_second(command: list[str]) -> None:
    def cpu_seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, env=environment(), capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    cpu_seconds()  # compiles the Python files, once
    assert statistics.median(cpu_seconds() for _ in range(3)) < 0.25
