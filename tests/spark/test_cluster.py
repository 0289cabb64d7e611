"""A standalone cluster of one master and two workers, each a process: one of them is killed."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

import matinee
from matinee.recommendation.guide import Guide
from matinee.spark.factors import TrainingSteps
from tests.helpers import table
from tests.spark.trained import SparkFiles, require_spark, train

ROOT = Path(__file__).parents[2]
SECONDS = 120
QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto"
SETTINGS = (
    "spark.executor.memory=500m",
    "spark.driver.memory=600m",
    "spark.executor.cores=1",
    "spark.sql.shuffle.partitions=2",
    "spark.default.parallelism=2",
    "spark.sql.adaptive.enabled=false",
    "spark.sql.codegen.wholeStage=false",
    "spark.sql.codegen.factoryMode=NO_CODEGEN",
    "spark.ui.enabled=false",
    "spark.driver.host=127.0.0.1",
    "spark.driver.bindAddress=127.0.0.1",
    "spark.shuffle.io.maxRetries=1",
    "spark.shuffle.io.retryWait=200ms",
    "spark.locality.wait=500ms",
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
        for name in ("one", "two"):
            words = ("--cores", "1", "--memory", "600m", "--host", "127.0.0.1", self.url)
            self._start(name, "worker.Worker", *words)
        for name in ("one", "two"):
            self._told(name, r"(Successfully registered with master)")

    def _start(self, name: str, program: str, *words: str) -> None:
        timeouts = "-Dspark.worker.timeout=2", "-Dspark.network.timeout=20s"
        options = ["-Xmx128m", *QUICK.split(), *timeouts, "-cp", str(self.jars)]
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
        time.sleep(0.05)
    return None


def java() -> str:
    found = shutil.which("java")
    assert found is not None
    return found


def executors() -> int:
    """The processes that work for the running session."""
    from pyspark.sql import SparkSession

    session = SparkSession.getActiveSession()
    assert session is not None
    context = session.sparkContext._jsc.sc()
    return int(context.getExecutorMemoryStatus().size()) - 1  # without the driver


@pytest.fixture(scope="session")
def survivor(lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model of a training on a cluster whose second worker is killed after the first step."""
    from pyspark.sql import SparkSession

    require_spark()
    assert SparkSession.getActiveSession() is None, "this test comes before those of `spark`"
    standalone = Standalone(tmp_path_factory.mktemp("cluster"))
    step_done, n_executors = TrainingSteps.done, []

    def done(steps: TrainingSteps, n: int, text: str) -> None:
        n_executors.append(executors())
        if len(n_executors) == 1:  # the table is in the memory of both
            assert text == "biases"
            standalone.kill(2)
        step_done(steps, n, text)

    settings = [word for one in SETTINGS for word in ("--conf", one)]
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(TrainingSteps, "done", done)
            for name in ("SPARK_LOCAL_IP", "PYSPARK_PYTHON", "PYTHONPATH"):
                patch.setenv(name, standalone.environment[name])
            out = standalone.folder / "survivor.matinee"
            train(lake, "mf", out, "--master", standalone.url, *settings)
        assert (n_executors[0], n_executors[-1]) == (2, 1)
        assert wait_for(lambda: "Removing worker" in standalone.log("master"))
    finally:
        standalone.stop()
    return out


@pytest.mark.xdist_group("cluster")
def test_a_training_goes_on_after_a_worker_is_killed(
    survivor: Path, spark_files: SparkFiles
) -> None:
    """The result is that of an undisturbed training, number by number."""
    one, undisturbed = Guide.load(survivor).model, spark_files.model("mf")
    assert isinstance(one, matinee.MatrixFactorization)
    assert isinstance(undisturbed, matinee.MatrixFactorization)
    assert (one.users_, one.items_) == (table().users, table().items)
    np.testing.assert_allclose(one.item_factors_, undisturbed.item_factors_, atol=1e-4)
    np.testing.assert_allclose(one.user_bias_, undisturbed.user_bias_, atol=1e-4)
    difference = one.predict_ratings(table()) - undisturbed.predict_ratings(table())
    assert np.abs(difference).max() < 0.02
