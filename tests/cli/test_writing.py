"""Every command that writes a file: stopped, killed or on a full disk, it leaves the earlier file and nothing else."""

import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from matinee.data.catalog import Catalog, Film
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.recommendation.guide import Guide
from matinee.recommendation.model_file import Origin
from tests.cli.conftest import environment
from tests.conftest import simulated

OLD = b"the earlier file"


class Case(NamedTuple):
    """A command that writes.

    Attributes:
        line: its words; IN/ is the folder with what it reads.
        outputs: the files that it writes to the current folder.
        replaces: it may replace the first of them.
        is_slow: it is stopped only once, in the middle of writing.
        earlier: what the first of them held before.
    """

    line: str
    outputs: tuple[str, ...]
    replaces: bool = True
    is_slow: bool = False
    earlier: bytes = OLD


CASES = {
    "convert csv": Case("data convert IN/ratings.csv a.csv", ("a.csv", "items.csv"), False),
    "convert parquet": Case(
        "data convert IN/ratings.csv a.parquet", ("a.parquet", "items.csv"), False
    ),
    "convert folder": Case("data convert IN/ratings.csv a.ratings", ("a.ratings",), False),
    "merge": Case("data merge IN/ratings.csv IN/more.csv a.jsonl", ("a.jsonl", "items.csv"), False),
    "simulate csv": Case(
        "data simulate --like ml-1m --ratings 1000 --users 20 --items 90 a.csv", ("a.csv",), False
    ),
    "simulate parquet": Case(
        "data simulate --like ml-1m --ratings 1000 --users 20 --items 90 a.parquet",
        ("a.parquet",),
        False,
    ),
    "skipped rows": Case(
        "data describe bad.csv --skip-bad-rows",
        ("bad.csv.skipped.csv",),
        earlier=b"line,reason,content\r\n7,of another day,x\r\n",  # only lists are replaced
    ),
    "train": Case("train IN/ratings.csv --model popularity --out m.matinee", ("m.matinee",)),
    "update": Case(
        "update IN/m.matinee --withdrawn IN/more.csv --threads 1 --out u.matinee", ("u.matinee",)
    ),
    "checkpoint": Case(
        "train IN/ratings.csv --model plain-mf --set epochs=2 --checkpoint state --out m.matinee",
        ("m.matinee", "state"),
        is_slow=True,
    ),
    "map page": Case("map IN/m.matinee --min-ratings 1 --out map.html", ("map.html",)),
    "map picture": Case(
        "map IN/m.matinee --min-ratings 1 --out map.png", ("map.png",), is_slow=True
    ),
    "map table": Case(
        "map IN/m.matinee --min-ratings 1 --out map.parquet", ("map.parquet",), False
    ),
    "report": Case("report IN/m.matinee --no-measure --out r.html", ("r.html",), is_slow=True),
    "lists csv": Case("recommend IN/m.matinee --everybody --out l.csv", ("l.csv",)),
    "lists parquet": Case("recommend IN/m.matinee --everybody --out l.parquet", ("l.parquet",)),
    "predictions": Case("predict IN/m.matinee IN/pairs.csv --out p.tsv", ("p.tsv",)),
}
every_command = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
every_quick_command = pytest.mark.parametrize(
    "case", [case for case in CASES.values() if not case.is_slow], ids=lambda case: case.line[:20]
)


class Ended(NamedTuple):
    """How a command ended: the status of `os.waitpid`, what it said, and how long it took."""

    status: int
    told: str
    seconds: float


class Forker:
    """Runs commands without the seconds that imports and kernels take to load: one process loads both and forks.

    It never lets Polars start its threads, which a fork would not have.
    """

    _CODE = """
import gc, json, os, resource, select, signal, sys, time
import encodings.utf_8_sig, psutil, sqlalchemy, threadpoolctl
from matinee.cli import main
import matinee.analysis.film_map, matinee.recommendation.guide, matinee.report.map_page
import matinee.data.convert, matinee.data.stored.conversion, matinee.data.datasets.load, matinee.cli.person
import matinee.kernels.ridge, matinee.kernels.sgd, matinee.recommendation.everybody
import matplotlib.backends.backend_agg, matplotlib.figure
import matinee.data.reading.sql, matinee.recommendation.collected
from matinee.data.simulation.simulation import simulate
from matinee.models.updating import updated
from matinee.recommendation.guide import Guide
guide = Guide.load(sys.argv[1])
guide.recommend(guide.model.users_.id(0))
guide.model.top_items(guide.model.history_.user_index[:2], 3)
updated(guide.model, None, withdrawn=guide.model.history_.to_ratings().subset([0]), n_threads=1)
list(simulate("ml-1m", n_ratings=1000, n_users=20, n_items=90).blocks(1))
gc.collect()
gc.freeze()
for line in sys.stdin:
    task = json.loads(line)
    reading, writing = os.pipe()
    start = time.perf_counter()
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_RDWR), 0)
        os.dup2(0, 1)
        os.dup2(writing, 2)
        os.chdir(task["folder"])
        if task["limit"] is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (task["limit"], task["limit"]))
        if task["number"] and task["seconds"] is None:
            fsync = os.fsync
            def interrupted(descriptor):
                os.kill(os.getpid(), task["number"])
                time.sleep(0.01)
                fsync(descriptor)
            os.fsync = interrupted
        try:
            main(task["words"], prog_name="matinee")
        except SystemExit as ending:  # without the end of the interpreter, which copies its memory
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(ending.code or 0)
    os.close(writing)
    if task["seconds"] is not None:
        time.sleep(task["seconds"])
        os.kill(child, task["number"])
    status = os.waitpid(child, 0)[1]
    seconds = time.perf_counter() - start
    told = os.read(reading, 1 << 16).decode()
    os.close(reading)
    print(json.dumps([status, told, seconds]), flush=True)
"""

    def __init__(self, temporary: Path, model: Path) -> None:
        self.temporary = temporary
        self._process: Any = subprocess.Popen(
            [sys.executable, "-c", self._CODE, str(model)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(TMPDIR=str(temporary), POLARS_MAX_THREADS="2"),
        )

    def run(
        self,
        line: str,
        folder: Path,
        number: int = 0,
        seconds: float | None = None,
        limit: int | None = None,
    ) -> Ended:
        """Runs a command.

        Args:
            number: a signal, sent after `seconds`, or while a complete temporary file waits to be renamed.
            limit: the largest file that it may write, in bytes.
        """
        task = {"words": line.split(), "folder": str(folder), "number": number}
        self._process.stdin.write(json.dumps(task | {"seconds": seconds, "limit": limit}) + "\n")
        self._process.stdin.flush()
        status, told, took = json.loads(self._process.stdout.readline())
        return Ended(status, told, took)

    def close(self) -> None:
        self._process.communicate()


class Bench(NamedTuple):
    """A forker, the folder that commands read from, and what each command wrote when nothing went wrong."""

    forker: Forker
    inputs: Path
    whole: dict[str, dict[str, bytes]]
    seconds: dict[str, float]

    def line(self, case: Case) -> str:
        return case.line.replace("IN/", f"{self.inputs}/")

    def wanted(self, case: Case, folder: Path) -> dict[str, bytes]:
        """The complete outputs of a command, and how long it takes."""
        if case.is_slow:
            return {}
        if case.line not in self.whole:
            prepare(folder, case, earlier=False)
            ended = self.forker.run(self.line(case), folder)
            assert ended.status == 0, ended.told
            self.whole[case.line] = contents(folder)
            self.seconds[case.line] = ended.seconds
        return self.whole[case.line]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: held_by(path) for path in folder.iterdir() if path.name != "bad.csv"}


def held_by(path: Path) -> bytes:
    """The bytes of a file, or of all files of a folder."""
    if path.is_dir():
        return b"".join(each.name.encode() + held_by(each) for each in sorted(path.iterdir()))
    return path.read_bytes()


def prepare(folder: Path, case: Case, *, earlier: bool) -> None:
    """A folder with a table that has a bad row, and with an earlier file in place of the first output."""
    folder.mkdir(exist_ok=True)
    (folder / "bad.csv").write_text("user,item,rating\n1,2,3\n1,3,4\n2,2,five\n2,3,1\n")
    if earlier and case.replaces:
        (folder / case.outputs[0]).write_bytes(case.earlier)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    inputs = tmp_path_factory.mktemp("inputs")
    ratings = simulated(40, 30, 500)
    rows = list(
        zip(
            ratings.users.ids[ratings.user_index].tolist(),
            ratings.items.ids[ratings.item_index].tolist(),
            ratings.value.tolist(),
            strict=True,
        )
    )
    tables: dict[str, Sequence[Sequence[object]]] = {
        "ratings": rows,
        "more": rows[:50],
        "pairs": [row[:2] for row in rows[:60]],
    }
    for name, table in tables.items():
        with (inputs / f"{name}.csv").open("w", newline="") as file:
            heading = ("user", "item", "rating")[: len(table[0])]
            csv.writer(file).writerows([heading, *table])
    films = {
        item: Film(f"Film {item} (1999)", 1999, ("Drama",)) for item in ratings.items.ids.tolist()
    }
    titles = "".join(f"{item},{film.title},Drama\n" for item, film in films.items())
    (inputs / "items.csv").write_text(f"item,title,genres\n{titles}")
    model = MatrixFactorization(factors=4, epochs=2, adapt=False).fit(ratings)
    Guide(model, Catalog(films), Origin("small", len(ratings))).save(inputs / "m.matinee")
    forker = Forker(tmp_path_factory.mktemp("temporary"), inputs / "m.matinee")
    yield Bench(forker, inputs, {}, {})
    forker.close()


def check_stopped(bench: Bench, case: Case, folder: Path, number: int, ended: Ended) -> None:
    """Nothing but whole files, new or earlier; no temporary unless the process was killed."""
    whole = bench.whole.get(case.line, {})
    for name, payload in contents(folder).items():
        if name == case.outputs[-1] == "state":
            assert payload  # a state between two epochs; that it is whole: test_checkpoints.py
        elif number == signal.SIGKILL and name.startswith("."):
            continue
        else:
            assert payload in (case.earlier, whole.get(name)), f"{name}, {ended}"
    if case.replaces and "--out" in case.line:
        assert (folder / case.outputs[0]).exists()
    rest = list(bench.forker.temporary.iterdir())
    assert number == signal.SIGKILL or not rest
    for left in rest:
        shutil.rmtree(left)


@every_command
def test_a_command_that_is_stopped_while_it_writes_leaves_the_earlier_file(
    case: Case, bench: Bench, tmp_path: Path
) -> None:
    bench.wanted(case, tmp_path / "whole")
    for number in (signal.SIGTERM, signal.SIGINT)[: 1 if case.is_slow else 2]:
        folder = tmp_path / str(int(number))
        prepare(folder, case, earlier=True)
        before = contents(folder)
        ended = bench.forker.run(bench.line(case), folder, number)
        check_stopped(bench, case, folder, number, ended)
        if number == signal.SIGINT:
            assert os.waitstatus_to_exitcode(ended.status) == 1
            assert ended.told.endswith("Aborted!\n")
        else:
            assert os.waitstatus_to_exitcode(ended.status) == -number, ended
        assert "Traceback" not in ended.told
        kept = {name: held for name, held in contents(folder).items() if not name.startswith(".")}
        if case.outputs[-1] == "state":  # a signal saves the state of a training
            kept.pop("state", None)
        assert kept == before


@every_quick_command
def test_a_command_that_is_killed_at_any_moment_leaves_whole_files(
    case: Case, bench: Bench, tmp_path: Path
) -> None:
    """Even SIGKILL, which may leave a temporary file; once at random, and once in the middle of writing."""
    bench.wanted(case, tmp_path / "whole")
    rng = random.Random(case.line)
    moment = rng.uniform(0.1, 1) * bench.seconds[case.line]
    for name, seconds in {"random": moment, "writing": None}.items():
        prepare(tmp_path / name, case, earlier=True)
        ended = bench.forker.run(bench.line(case), tmp_path / name, signal.SIGKILL, seconds)
        check_stopped(bench, case, tmp_path / name, signal.SIGKILL, ended)


@pytest.fixture(scope="module")
def full_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path | None]:
    """A full file system in memory; None where none can be mounted."""
    folder = tmp_path_factory.mktemp("full")
    words = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    try:
        done = subprocess.run(words, capture_output=True, check=False)
    except FileNotFoundError:
        done = None
    if done is None or done.returncode != 0:
        yield None
        return
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path) -> None:
    """Writes until there is no space."""
    with (folder / "ballast").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass


@every_command
def test_a_full_disk_is_one_sentence_and_leaves_the_earlier_file(
    case: Case, bench: Bench, full_disk: Path | None, tmp_path: Path
) -> None:
    """On a full file system; without the rights to mount one, under a limit on the size of files."""
    folder, reason, limit = tmp_path, "it is larger than a file may be here (see ulimit -f)", 100
    if full_disk is not None:
        folder, reason, limit = full_disk, "the disk is full; free some space on it", -1
    prepare(folder, case, earlier=True)
    before = contents(folder)
    if full_disk is not None:
        fill(folder)
    ended = bench.forker.run(bench.line(case), folder, limit=None if limit < 0 else limit)
    (folder / "ballast").unlink(missing_ok=True)
    after = contents(folder)
    for name in (*before, "bad.csv"):
        (folder / name).unlink(missing_ok=True)
    assert after == before
    assert not list(bench.forker.temporary.iterdir())
    assert "Traceback" not in ended.told
    if "bad.csv" not in case.line:  # skipped rows that cannot be listed are only counted
        assert os.waitstatus_to_exitcode(ended.status) == 1
        assert ended.told.splitlines()[-1].startswith("Error: Cannot write ")
        assert reason in ended.told.splitlines()[-1]


@pytest.mark.parametrize(
    ("line", "place", "reason"),
    [
        (
            "train IN/ratings.csv --model bayes --out {}",
            "no/m.matinee",
            "does not exist; create it",
        ),
        ("train IN/ratings.csv --model bayes --out {}", "a" * 5000, "File name too long"),
        (
            "train IN/ratings.csv --model bayes --out {}",
            "IN/ratings.csv",
            "input of the same command",
        ),
        (
            "train IN/ratings.csv --model mlp --out m.matinee --checkpoint {}",
            "no/state",
            "does not exist; create it",
        ),
        ("data convert IN/ratings.csv {}", "no/a.csv", "does not exist; create it"),
        ("data convert IN/ratings.csv {}", "no/a.ratings", "does not exist; create it"),
        ("data merge IN/ratings.csv IN/more.csv {}", "no/a.csv", "does not exist; create it"),
        ("map IN/m.matinee --out {}", "folder.html", "it is a folder"),
        ("report IN/page.html --out {}", "IN/page.html", "input of the same command"),
        ("map IN/picture.png --out {}", "IN/picture.png", "input of the same command"),
        ("recommend IN/m.matinee --everybody --out {}", "pipe.csv", "it is a named pipe"),
        (
            "recommend IN/m.matinee --everybody --only IN/pairs.csv --out {}",
            "IN/pairs.csv",
            "input",
        ),
        ("predict IN/m.matinee IN/pairs.csv --out {}", "IN/pairs.csv", "input of the same command"),
        ("compare IN/ratings.csv --html {}", "device.html", "it is a device"),
        ("demo --out {}", "no/m.matinee", "does not exist; create it"),
    ],
)
def test_a_bad_place_is_refused_before_the_work_starts(
    line: str, place: str, reason: str, bench: Bench, tmp_path: Path
) -> None:
    (tmp_path / "folder.html").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "device.html").symlink_to(os.devnull)
    for name in ("page.html", "picture.png"):
        (bench.inputs / name).write_bytes((bench.inputs / "m.matinee").read_bytes())
    read = {path: path.read_bytes() for path in bench.inputs.iterdir()}
    words = line.format(place).replace("IN/", f"{bench.inputs}/")
    ended = bench.forker.run(words, tmp_path)
    assert os.waitstatus_to_exitcode(ended.status) == 1
    assert ended.told.startswith("Error: Cannot write ")
    assert reason in ended.told
    assert ended.told.count("\n") == 1
    assert read == {path: path.read_bytes() for path in bench.inputs.iterdir()}
