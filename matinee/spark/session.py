"""A Spark session: found or started, with sentences where Java or PySpark is missing."""

import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from matinee.errors import EngineError, MatineeError, SettingError
from matinee.system import free_memory

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NO_PYSPARK = "--engine spark needs PySpark. Install it:  pip install 'matinee[spark]'"
NO_JAVA = (
    "--engine spark needs Java 17 or newer, and there is none: neither JAVA_HOME nor PATH leads to "
    "a program 'java'. Install it, on Debian and Ubuntu:  apt-get install openjdk-17-jre-headless"
)
LOCAL_PARTITIONS = 16
"""The parts of a shuffle on one machine, where 200, the usual number, take longer to start."""
LOCAL_SHARE, LEAST_MEMORY = 0.4, 10**9
"""The share of the free memory that Spark gets on one machine, unless the settings say more."""


@dataclass(frozen=True)
class SparkOptions:
    """Where Spark runs.

    Attributes:
        master: such as "local[2]" or "spark://host:7077"; None: that of `spark-submit`, or all
            cores of this machine.
        conf: settings of Spark as KEY=VALUE.
    """

    master: str | None = None
    conf: tuple[str, ...] = ()

    def settings(self) -> dict[str, str]:
        """The settings by name.

        Raises:
            SettingError: one has another form.
        """
        found = {}
        for text in self.conf:
            name, equals, value = text.partition("=")
            if not (name.strip() and equals):
                raise SettingError(
                    f"--conf {text} is not of the form KEY=VALUE, such as "
                    "--conf spark.executor.memory=8g."
                )
            found[name.strip()] = value
        return found


@dataclass(frozen=True)
class Cluster:
    """A running Spark.

    Attributes:
        session: for everything else.
        has_checkpoints: whether there is a folder for checkpoints, which cut long lineages.
        folder: on the driver, for files that go to the workers; removed at the end.
    """

    session: "SparkSession"
    has_checkpoints: bool
    folder: Path

    @property
    def n_cores(self) -> int:
        """The cores of all workers."""
        return int(self.session.sparkContext.defaultParallelism)


def check_installed() -> None:
    """Raises EngineError, with what to install, where PySpark or Java is missing."""
    try:
        import pyspark.sql  # noqa: F401  only to see whether it is there
    except ImportError:
        raise EngineError(NO_PYSPARK) from None
    if "PYSPARK_GATEWAY_PORT" in os.environ:  # spark-submit has started Java already
        return
    home = os.environ.get("JAVA_HOME")
    program = Path(home) / "bin" / "java" if home else None
    if shutil.which(program or "java") is None:
        raise EngineError(NO_JAVA)


@contextmanager
def cluster(options: SparkOptions) -> Iterator[Cluster]:
    """Spark for the block: the session that this process has, or a new one, which is stopped.

    Raises:
        EngineError: PySpark or Java is missing, or Spark cannot start or gives up.
        SettingError: a setting has another form than KEY=VALUE.
    """
    given = options.settings()
    check_installed()
    from pyspark.sql import SparkSession

    with ExitStack() as stack, spark_errors():
        stack.enter_context(warnings.catch_warnings())
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas")
        session = SparkSession.getActiveSession()
        if session is None:
            session = _started(options, given)
            stack.callback(session.stop)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="matinee-")))
        context = session.sparkContext
        if context.getCheckpointDir() is None and _is_local(context.master):
            context.setCheckpointDir(str(folder / "checkpoints"))
        yield Cluster(session, context.getCheckpointDir() is not None, folder)


def _started(options: SparkOptions, given: dict[str, str]) -> "SparkSession":
    from pyspark import SparkConf
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # there is no setting for it
    conf = SparkConf()
    master = options.master or given.get("spark.master") or conf.get("spark.master", None)
    log = Path(__file__).with_name("log4j2.properties").as_uri()
    defaults = {
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
        "spark.sql.session.timeZone": "UTC",
        "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={log}",
    }
    if master is None or _is_local(master):
        memory = max(LEAST_MEMORY, int(LOCAL_SHARE * free_memory()))
        defaults["spark.driver.memory"] = f"{memory // 2**20}m"
        defaults["spark.driver.maxResultSize"] = "0"
        defaults["spark.ui.enabled"] = "false"
        defaults["spark.sql.shuffle.partitions"] = str(LOCAL_PARTITIONS)
    for name, value in defaults.items():
        conf.setIfMissing(name, value)
    for name, value in given.items():
        conf.set(name, value)
    if options.master:
        conf.setMaster(options.master)
    conf.setIfMissing("spark.app.name", "matinee")
    return SparkSession.builder.config(conf=conf).getOrCreate()


def _is_local(master: str | None) -> bool:
    return master is not None and master.split("[")[0] == "local"


@contextmanager
def spark_errors() -> Iterator[None]:
    """What Spark raises becomes an `EngineError` of one sentence."""
    from py4j.protocol import Py4JError
    from pyspark.errors import AnalysisException, PySparkException

    try:
        yield
    except (MatineeError, AnalysisException):  # the latter would be a mistake of this package
        raise
    except (PySparkException, Py4JError) as error:
        raise EngineError(f"Spark gave up: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """The first lines of what Spark says, without its traces of calls."""
    text = str(error)
    if "JAVA_GATEWAY_EXITED" in text or "UnsupportedClassVersionError" in text:
        return "Java could not start it. It needs Java 17 or newer; see java -version."
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith(("at ", "File ", "Traceback"))]
    causes = [line for line in told if "Error" in line or "Exception" in line]
    shown = causes[-1] if causes else (told or [type(error).__name__])[0]
    return shown[:500].rstrip(".") + "."
