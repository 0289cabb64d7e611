"""The table of records: that its rows are those of the protocols, and that ours are measured as they should be."""

import json
import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from matinee.cli import main
from matinee.data.ratings import Ratings
from matinee.errors import DataError, UnknownNameError
from matinee.evaluation.calibration import LEVELS
from matinee.experiments.published_results import (
    AGAIN,
    PROTOCOLS,
    QUICK,
    READ,
    BenchmarkProtocol,
    ProtocolResult,
    parts_of,
    protocol_named,
    run_protocol,
    tenth,
)
from matinee.models.bayes.model import BayesianMF
from tests.conftest import real_data, simulated

every_protocol = pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.name)


def lines_of(ratings: Ratings, separator: str, with_times: bool) -> list[str]:
    assert ratings.timestamp is not None
    columns = [
        ratings.users.ids[ratings.user_index],
        ratings.items.ids[ratings.item_index],
        ratings.value.astype(int),
    ]
    columns += [ratings.timestamp] if with_times else []
    return [
        separator.join(map(str, row))
        for row in zip(*(column.tolist() for column in columns), strict=True)
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Simulated ratings in the layouts of ML-100K (one fold) and of ML-1M without times and with them."""
    # Dense enough that `bayes` needs no trial chains to choose its start.
    root, ratings = tmp_path_factory.mktemp("data"), simulated(70, 50, 3_000)
    for name in ("ml-100k", "ml-1m", "ml-1m-users-1-2999"):
        (root / name).mkdir()
    tabs = lines_of(ratings, "\t", True)
    (root / "ml-100k" / "u.data").write_text("\n".join(tabs), "utf-8")
    (root / "ml-100k" / "u1.base").write_text("\n".join(tabs[:2_500]), "utf-8")
    (root / "ml-100k" / "u1.test").write_text("\n".join(tabs[2_500:]), "utf-8")
    people = "\n".join(
        f"{user}|{20 + user % 50}|{'MF'[user % 2]}|artist|{user}" for user in range(1, 71)
    )
    (root / "ml-100k" / "u.user").write_text(people, "utf-8")
    (root / "ml-1m" / "ratings.dat").write_text("\n".join(lines_of(ratings, "::", False)), "utf-8")
    (root / "ml-1m-users-1-2999" / "ratings.dat").write_text(
        "\n".join(lines_of(ratings, "::", True)), "utf-8"
    )
    return root


@cache
def quick(folder: Path, name: str) -> ProtocolResult:
    return run_protocol(protocol_named(name), folder, quick=True, n_threads=1)


def run(*words: object) -> Result:
    result = CliRunner().invoke(main, ["reproduce", *map(str, words)], prog_name="matinee")
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


# -- what is compared --------------------------------------------------------------------------------------------


def test_protocols_have_names_of_their_own() -> None:
    assert [protocol.name for protocol in PROTOCOLS] == ["u1", "folds", "ml-1m", "ml-1m-part"]
    assert all(protocol_named(protocol.name) is protocol for protocol in PROTOCOLS)


@every_protocol
def test_every_line_of_ours_has_settings_that_exist(protocol: BenchmarkProtocol) -> None:
    names = [attempt.name for attempt in protocol.attempts]
    assert len(set(names)) == len(names)
    for attempt in protocol.attempts:
        BayesianMF.from_settings({**attempt.settings, **QUICK})
        # nothing is tuned for a protocol: the defaults, less an ingredient or time, or with the other likelihood
        assert set(attempt.settings) <= {"sets", "side", "times", "seconds", "likelihood"}


@every_protocol
def test_every_published_line_names_its_source(protocol: BenchmarkProtocol) -> None:
    assert {line.known for line in protocol.published} <= {READ, AGAIN}
    assert all(0.7 < line.rmse < 1 for line in protocol.published)


def test_unknown_protocols_and_lines_are_refused_with_the_known_ones(folder: Path) -> None:
    with pytest.raises(UnknownNameError) as caught:
        protocol_named("fold")
    assert str(caught.value) == "There is no protocol 'fold'. Did you mean 'folds'?"
    with pytest.raises(UnknownNameError) as caught:
        run_protocol(protocol_named("u1"), folder, attempts=["everything"])
    assert (
        str(caught.value)
        == "u1 has no line 'everything'. Its lines are: plain, ids, side, day, all, probit."
    )


# -- the rows ----------------------------------------------------------------------------------------------------


def test_a_tenth_of_all_rows_is_tested() -> None:
    rows = tenth(1_005)
    assert len(rows) == len(set(rows.tolist())) == 100
    assert (rows.min() >= 0, rows.max() < 1_005) == (True, True)
    assert np.array_equal(rows, tenth(1_005))


def test_the_tenth_of_movielens_1m_is_that_of_the_literature() -> None:
    rows = np.load(real_data("ml-1m") / "splits" / "random-10pct-seed1234-test-rows.npy")
    assert np.array_equal(np.sort(tenth(1_000_209)), np.sort(rows))


def test_the_parts_are_the_rows_of_the_files(folder: Path) -> None:
    (part,) = parts_of(protocol_named("u1"), folder)
    assert (len(part.train), len(part.test)) == (2_500, 500)
    assert part.train.user_features is not None
    (part,) = parts_of(protocol_named("ml-1m-part"), folder)
    assert (len(part.train), len(part.test)) == (2_700, 300)


def test_a_zip_holds_the_same_rows_as_the_folder(folder: Path, tmp_path: Path) -> None:
    shutil.make_archive(str(tmp_path / "ml-100k"), "zip", folder, "ml-100k")
    (packed,), (plain,) = (parts_of(protocol_named("u1"), place) for place in (tmp_path, folder))
    assert np.array_equal(packed.test.value, plain.test.value)
    assert packed.train.users == plain.train.users


def test_the_error_for_missing_data_names_the_command(folder: Path, tmp_path: Path) -> None:
    def message(name: str, place: Path) -> str:
        with pytest.raises(DataError) as caught:
            parts_of(protocol_named(name), place)
        return str(caught.value)

    assert message("u1", tmp_path) == (
        f"The data 'ml-100k' is not in {tmp_path}. Type 'matinee data fetch ml-100k', or give the folder that holds it "
        "with --data."
    )
    assert message("ml-1m-part", tmp_path) == (
        f"The data 'ml-1m-users-1-2999' is not in {tmp_path}. Put the folder ml-1m-users-1-2999 beside the "
        "other data sets, or give the folder that holds it with --data."
    )
    assert message("folds", folder) == (
        f"The folder {folder / 'ml-100k'} has no u2.base and u2.test, the official folds of ML-100K."
    )
    (tmp_path / "ml-100k.zip").write_bytes(b"no zip")
    assert message("u1", tmp_path).startswith(f"Cannot unpack {tmp_path / 'ml-100k.zip'}: ")


# -- ours --------------------------------------------------------------------------------------------------------


def test_ours_stand_beside_the_published_with_coverage_and_settings(folder: Path) -> None:
    protocol, found = protocol_named("u1"), quick(folder, "u1")
    published = found.lines[: len(protocol.published)]
    assert [tuple(line)[:6] for line in protocol.published] == [
        (line.who, line.uses, line.rmse, line.mae, line.seconds, line.known) for line in published
    ]
    ours = found.lines[len(published) :]
    assert [line.known for line in ours] == ["this run"] * 6
    assert [line.uses for line in ours] == [attempt.uses for attempt in protocol.attempts]
    for line, attempt in zip(ours, protocol.attempts, strict=True):
        assert {name: line.settings[name] for name in attempt.settings} == dict(attempt.settings)
        assert len(line.coverage) == len(LEVELS)
        assert 0.2 < line.coverage[0] < line.coverage[1] < line.coverage[2] <= 1
        assert line.seconds
        assert line.mae
        assert 0 < line.mae < line.rmse < 1.2
    assert found.note == ""


def test_a_line_is_what_the_model_makes_of_the_rows(folder: Path) -> None:
    (part,) = parts_of(protocol_named("u1"), folder)
    model = BayesianMF.from_settings({**QUICK, "side": False, "times": False, "seed": 3}).fit(
        part.train, n_threads=1
    )
    expected = np.sqrt(np.mean((model.predict_ratings(part.test) - part.test.value) ** 2))
    found = run_protocol(
        protocol_named("u1"), folder, attempts=["ids"], quick=True, seed=3, n_threads=1
    ).lines[-1]
    assert found.rmse == pytest.approx(float(expected), rel=1e-5)


def test_the_day_alone_is_known_to_one_line_and_the_second_to_another(folder: Path) -> None:
    (part,) = parts_of(protocol_named("u1"), folder)
    model = BayesianMF.from_settings({**QUICK, "seed": 3})
    found = run_protocol(
        protocol_named("u1"), folder, attempts=["day", "all"], quick=True, seed=3, n_threads=1
    ).lines[-2:]
    parts = [replace(ratings, timestamp=days_only(ratings)) for ratings in (part.train, part.test)]
    predicted = model.fit(parts[0], n_threads=1).predict_ratings(parts[1])
    assert [line.uses for line in found] == ["and the day", "and the second"]
    expected = np.sqrt(np.mean((predicted - part.test.value) ** 2))
    assert found[0].rmse == pytest.approx(float(expected), rel=1e-5)
    assert found[0].rmse != found[1].rmse


def days_only(ratings: Ratings) -> NDArray[np.int64]:
    assert ratings.timestamp is not None
    return ratings.timestamp - ratings.timestamp % 86_400


def test_without_times_what_uses_them_is_ruled_out(folder: Path) -> None:
    without, with_times = quick(folder, "ml-1m"), quick(folder, "ml-1m-part")
    ours = [line.uses for line in without.lines if line.known == "this run"]
    assert ours == [
        "user, item",
        "and who rated what",
        "and features, 60 seconds",
        "and features of users and films",
    ]
    assert (
        without.note
        == "These ratings have no timestamps, so the models that use them are left out."
    )
    assert [line.uses for line in with_times.lines][-1] == "and the second"
    assert with_times.note == ""


# -- the command line --------------------------------------------------------------------------------------------


def test_the_command_prints_a_table_for_each_protocol(folder: Path) -> None:
    result = run(
        "records",
        "--quick",
        "--data",
        folder,
        "--only",
        "u1:ids",
        "--only",
        "ml-1m:all",
        "--threads",
        1,
    )
    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    told = result.stderr.splitlines()
    assert [line for line in told if line.startswith("Read as")] == [
        "Read as tab-separated text without a header: user from column 1, item from column 2, "
        "rating from column 3 and timestamp from column 4.",
        "Read as text separated by '::' without a header: user from column 1, item from column 2 "
        "and rating from column 3.",
    ]
    assert lines[0] == "ML-100K, the official fold u1"
    assert lines[1].split("  ")[-1] == "source"
    assert all(f"in {level}" in lines[1] for level in ("50%", "80%", "95%"))
    ours = [line for line in lines if line.startswith("matinee bayes")]
    assert len(ours) == 1
    assert ours[0].split()[-2:] == ["this", "run"]
    assert lines[-2].startswith("These ratings have no times")


def test_the_command_prints_one_json_object(folder: Path) -> None:
    result = run(
        "records",
        "--quick",
        "--data",
        folder,
        "--only",
        "u1:ids",
        "--json",
        "--seed",
        2,
        "--threads",
        1,
    )
    found = json.loads(result.stdout)
    assert (result.exit_code, result.stdout.count("\n")) == (0, 1)
    assert (found["quick"], found["seed"], len(found["protocols"])) == (True, 2, 1)
    line = found["protocols"][0]["lines"][-1]
    assert set(line) == {"who", "uses", "rmse", "mae", "seconds", "known", "coverage", "settings"}
    assert line["settings"] == {**QUICK, "side": False, "times": False, "seed": 2}


def test_what_is_missing_is_left_out_unless_it_was_named(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "ml-100k", tmp_path / "ml-100k")
    result = run("records", "--quick", "--data", tmp_path, "--threads", 1, "--json")
    assert result.exit_code == 0
    assert [one["protocol"] for one in json.loads(result.stdout)["protocols"]] == ["u1"]
    told = [line for line in result.stderr.splitlines() if line.startswith("Skipped")]
    assert [line.split(":")[0] for line in told] == [
        f"Skipped {name}" for name in ("folds", "ml-1m", "ml-1m-part")
    ]
    named = run("records", "--quick", "--data", tmp_path, "--only", "ml-1m")
    assert (named.exit_code, named.stdout) == (1, "")
    assert named.stderr.startswith(
        f"Error: The data 'ml-1m' is not in {tmp_path}. Type 'matinee data fetch ml-1m'"
    )


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (
            ["records", "--plot", "a.png"],
            "--plot draws the learning curves of a tutorial; records have none.",
        ),
        (
            ["fastai", "--only", "u1"],
            "--data, --only and --threads are only for 'matinee reproduce records'.",
        ),
    ],
)
def test_options_of_one_kind_are_refused_for_the_other(words: list[str], complaint: str) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == f"Error: {complaint}"


def test_a_quick_run_on_movielens_100k_is_already_good() -> None:
    root = real_data("ml-100k").parent
    line = run_protocol(protocol_named("u1"), root, attempts=["all"], quick=True).lines[-1]
    assert line.rmse < 0.9
    assert 0.76 < line.coverage[1] < 0.84
