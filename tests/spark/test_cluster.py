"""A standalone cluster of one master and two workers, each a process: one of them is killed."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from matinee.data.ratings import Ratings
from matinee.recommendation.guide import Guide
from matinee.spark.session import Cluster
from tests.conftest import simulated
from tests.helpers import good
from tests.spark.conftest import columns_of, java, require_spark, write_csv

ROOT = Path(__file__).parents[2]
SECONDS = 240
QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
SETTINGS = (
    "spark.executor.memory=600m",
    "spark.driver.memory=600m",
    "spark.executor.cores=1",
    "spark.sql.shuffle.partitions=2",
    "spark.default.parallelism=2",
    "spark.sql.codegen.wholeStage=false",
    "spark.driver.host=127.0.0.1",
    "spark.driver.bindAddress=127.0.0.1",
    f"spark.driver.extraJavaOptions={QUICK}",
    f"spark.executor.extraJavaOptions={QUICK}",
)


class Standalone:
    """A master and two workers on this machine."""

    def __init__(self, folder: Path) -> None:
        import pyspark

        home = Path(pyspark.__file__).parent
        self.folder, self.jars = folder, home / "jars" / "*"
        self.environment = os.environ | {
            "SPARK_HOME": str(home),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_SCALA_VERSION": "2.13",
            "SPARK_WORKER_DIR": str(folder / "work"),
            "PYSPARK_PYTHON": sys.executable,
            "PYTHONPATH": str(ROOT),
        }
        self.processes: list[subprocess.Popen[bytes]] = []
        self._start("master", "master.Master", "--host", "127.0.0.1", "--port", "0")
        self.url = self._told("master", r"Starting Spark master at (spark://\S+)")
        self.master = self.processes[0]
        for name in ("one", "two"):
            words = ("--cores", "1", "--memory", "700m", "--host", "127.0.0.1", self.url)
            self._start(name, "worker.Worker", *words)
        for name in ("one", "two"):
            self._told(name, r"(Successfully registered with master)")

    def _start(self, name: str, program: str, *words: str) -> None:
        options = ["-Xmx256m", *QUICK.split(), "-cp", str(self.jars)]
        kind = f"org.apache.spark.deploy.{program}"
        with (self.folder / f"{name}.log").open("wb") as log:
            started = subprocess.Popen(
                [java(), *options, kind, "--webui-port", "0", *words],
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.processes.append(started)

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text("utf-8", "replace")

    def _told(self, name: str, pattern: str) -> str:
        found = wait_for(lambda: re.search(pattern, self.log(name)))
        assert found, self.log(name)[-2000:]
        return found[1]

    def kill(self, place: int) -> None:
        """Kills a process and all that it has started, as when a machine is lost."""
        os.killpg(self.processes[place].pid, signal.SIGKILL)
        self.processes[place].wait()

    def stop(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


Answer = TypeVar("Answer")


def wait_for(question: Callable[[], Answer | None]) -> Answer | None:
    """The first answer that is not None or False; None if there is none in time."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        answer = question()
        if answer:
            return answer
        time.sleep(0.1)
    return None


@pytest.fixture
def standalone(tmp_path: Path) -> Iterator[Standalone]:
    require_spark()
    started = Standalone(tmp_path)
    yield started
    started.stop()


def command(standalone: Standalone, *words: object) -> list[str]:
    settings = [word for one in SETTINGS for word in ("--conf", one)]
    checkpoints = ("--conf", f"spark.checkpoint.dir={standalone.folder / 'checkpoints'}")
    on_cluster = ("--engine", "spark", "--master", standalone.url, *settings, *checkpoints)
    return [sys.executable, "-m", "matinee", *map(str, words), *on_cluster]


def test_a_training_goes_on_after_a_worker_is_killed(
    standalone: Standalone, spark: Cluster, tmp_path: Path
) -> None:
    del spark  # the session of this process, for the training that nothing disturbs
    ratings: Ratings = simulated(80, 50, 3_000, seed=2)
    data = write_csv(tmp_path / "r.csv", [("user", "item", "rating"), *columns_of(ratings)])
    out, other = tmp_path / "model.matinee", tmp_path / "other.matinee"
    words = ("train", data, "--model", "mf", "--set", "factors=4", "--set", "epochs=3", "--out")
    with subprocess.Popen(
        command(standalone, *words, out),
        env=standalone.environment | {"MATINEE_PROGRESS_LINES": "1"},
        stderr=subprocess.PIPE,
        text=True,
    ) as training:
        assert training.stderr is not None
        said = []
        for line in training.stderr:
            said.append(line)
            if "biases" in line:  # the table is in the memory of both workers
                break
        standalone.kill(1)
        said += training.stderr.readlines()
        assert training.wait(SECONDS) == 0, "".join(said)
    assert wait_for(lambda: "Removing worker" in standalone.log("master") or None)
    good(*words, other, "--engine", "spark")
    one, undisturbed = Guide.load(out).model, Guide.load(other).model
    assert (one.users_, one.items_) == (ratings.users, ratings.items)
    difference = one.predict_ratings(ratings) - undisturbed.predict_ratings(ratings)
    assert np.abs(difference).max() < 0.02
