"""matinee demo."""

import re
from pathlib import Path

from click.testing import Result

from tests.cli.conftest import SIMULATED
from tests.helpers import as_json, run


def test_the_demo_prints_six_steps_whose_claims_are_true(
    story: tuple[Path, Result],
) -> None:
    path, done = story
    assert done.exit_code == 0, done.stderr
    assert SIMULATED in done.stderr
    assert [int(number) for number in re.findall(r"^(\d)\. ", done.stdout, re.MULTILINE)] == [
        1,
        2,
        3,
        4,
        5,
        6,
    ]
    errors = {
        name: float(value)
        for name, value in re.findall(
            r"^(the mean|baseline|mf).*?  +(\d\.\d{4})", done.stdout, re.MULTILINE
        )
    }
    assert errors["mf"] < errors["baseline"] < errors["the mean"]
    assert f"as demo.matinee ({path.stat().st_size:,} bytes)" in done.stdout
    assert [one.name for one in path.parent.iterdir()] == ["demo.matinee"]
    assert "The Empire Strikes Back (1980)" in done.stdout.partition("6. ")[2]


def test_the_model_file_of_the_demo_gives_the_same_list(
    story: tuple[Path, Result],
) -> None:
    path, done = story
    first = as_json("recommend", path, "--user", 1, "-k", 1)["items"][0]["title"]
    assert first in done.stdout.partition("4. ")[2].partition("5. ")[0]


def test_the_demo_reports_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    out = tmp_path / "none" / "demo.matinee"
    result = run("demo", "--out", out)
    assert result.exit_code == 1
    assert result.stderr == (
        f"Error: Cannot write '{out}': the folder '{out.parent}' does not exist; create it first.\n"
    )
