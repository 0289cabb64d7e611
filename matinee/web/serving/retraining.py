"""Retraining: `matinee train` in a process of its own, and its file in the place of a served one.

The new model is of the same kind, with the same settings, on the operator's data and the ratings
in the database. It is written beside the served file and checked like every new version before it
replaces it. Other processes of the server notice the new file by themselves.
"""

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from matinee.errors import DataError, MatineeError, StoreError
from matinee.progress import LINES_VARIABLE, parse_line
from matinee.text import counted
from matinee.web.db.people import Store
from matinee.web.db.training_jobs import State, TrainingJob, TrainingRunsError
from matinee.web.http.logs import log, log_bug
from matinee.web.http.problems import Problem
from matinee.web.serving.registry import ModelRegistry, RegisteredModel
from matinee.web.serving.snapshot import ModelSnapshot
from matinee.web.settings import Settings

if TYPE_CHECKING:
    from matinee.models.base import Recommender

REPORT_SECONDS = 1.0
_DATABASE_VARIABLE = "MATINEE_TRAIN_DB"
_NOT_PASSED_ON = ("MATINEE_OPERATOR_TOKEN", "MATINEE_SERVE_SETTINGS", "PROMETHEUS_MULTIPROC_DIR")
_MAX_SENTENCE = 500
_STOP_SECONDS = 5


class Retrainer:
    """Retrains the models of one server process."""

    def __init__(self, settings: Settings, models: ModelRegistry, store: Store) -> None:
        self._settings, self._models, self._store = settings, models, store
        self._is_stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def is_enabled(self) -> bool:
        """Whether there is data to train on."""
        return bool(self._settings.retrain)

    def start(self, name: str | None) -> TrainingJob:
        """Starts to retrain a model, by default the first one.

        Raises:
            Problem: 404, there is no such model; 409, there is no data, the folder of the model
                cannot be written, or another training is running.
        """
        if not self.is_enabled:
            raise Problem(
                409,
                "no-training-data",
                "The server was started without data to train on; start it with --retrain DATA.",
            )
        live = self._models.registered(name)
        folder = Path(os.path.realpath(live.path)).parent
        if not os.access(folder, os.W_OK):
            raise Problem(
                409,
                "model-not-writable",
                f"The folder of '{live.path}' cannot be written by the server, so no new model "
                "can be saved there.",
            )
        try:
            job = self._store.training.begin(live.name)
        except TrainingRunsError as error:
            raise Problem(409, "training-runs", str(error)) from None
        self._thread = threading.Thread(target=self._run, args=(job, live, folder), daemon=True)
        self._thread.start()
        return job

    def stop(self) -> None:
        """Ends a training of this process, because the server stops."""
        self._is_stopping.set()
        if self._thread is not None:
            self._thread.join(2 * _STOP_SECONDS)

    def _run(self, job: TrainingJob, live: RegisteredModel, folder: Path) -> None:
        file = folder / f".{live.path.stem}.{job.id[:12]}.matinee"
        log("training started", model=live.name, job=job.id)
        state: State = "failed"
        try:
            state, message = self._train(job, live, file)
            if state == "done":
                self._report(job, 1.0, "Loading the new model.")
                live.replace_with(file, _check_titles)
        except MatineeError as error:
            state, message = "failed", f"The new model was not put in place. {error}"
        except Exception as error:  # the row must not say for ever that it runs
            log_bug(job.id, "retraining", error)
            state, message = "failed", "An error inside the server; its log says which."
        finally:
            with suppress(OSError):
                file.unlink()
        log("training ended", model=live.name, job=job.id, state=state, detail=message)
        self._finish(job, state, message)

    def _train(self, job: TrainingJob, live: RegisteredModel, file: Path) -> tuple[State, str]:
        """Runs the command; returns the outcome and a sentence about it."""
        guide = live.current.guide
        command = _command(guide.model, self._settings.retrain, file)
        if not guide.origin.has_history:
            command.insert(command.index("--out"), "--no-history")
        environment = {
            name: value for name, value in os.environ.items() if name not in _NOT_PASSED_ON
        } | {LINES_VARIABLE: "1"}
        if guide.model.scale_.has_stars:  # ratings here can only be added to ratings
            environment[_DATABASE_VARIABLE] = self._settings.database
        with _Training(command, environment) as training:
            reason = self._watch(job, training)
        if reason is not None:
            return reason
        if training.return_code:
            return "failed", training.failure()
        return "done", training.added or "Trained."

    def _watch(self, job: TrainingJob, training: "_Training") -> tuple[State, str] | None:
        """Reports the progress until the process ends by itself; otherwise says why it must."""
        last_report = 0.0
        while training.is_running():
            if time.monotonic() - last_report >= REPORT_SECONDS:
                last_report = time.monotonic()
                if not self._report(job, training.progress, training.doing):
                    return "canceled", "Canceled; the served model is unchanged."
            if self._is_stopping.wait(0.1):
                return "failed", "The server stopped before the training was done."
        return None

    def _report(self, job: TrainingJob, progress: float, message: str) -> bool:
        """Stores the progress; returns False if the training shall stop."""
        try:
            return self._store.training.report(job.id, progress, message)
        except StoreError:
            return True  # the next report may reach the database again

    def _finish(self, job: TrainingJob, state: State, message: str) -> None:
        for seconds in (1, 5, 20, 0):
            try:
                self._store.training.finish(job.id, state, message)
            except StoreError:
                if self._is_stopping.wait(seconds):
                    return
            else:
                return


class _Training:
    """The process of a training, and what it has said."""

    def __init__(self, command: list[str], environment: Mapping[str, str]) -> None:
        self.progress, self.doing, self.added = 0.0, "Reading the data.", ""
        self._said: list[str] = []
        self._process = subprocess.Popen(
            command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> "_Training":
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the process if it still runs."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()
        self._reader.join(_STOP_SECONDS)
        if self._process.stderr is not None:
            self._process.stderr.close()

    def is_running(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    @property
    def return_code(self) -> int:
        """That of the ended process."""
        return self._process.returncode

    def failure(self) -> str:
        """Why it failed, in a sentence."""
        errors = [line for line in self._said if line.startswith("Error: ")]
        if errors:
            return errors[-1].removeprefix("Error: ")[:_MAX_SENTENCE]
        if self.return_code < 0:
            return f"The training was stopped by signal {-self.return_code}."
        last = self._said[-1] if self._said else "it said nothing"
        return f"The training failed: {last}"[:_MAX_SENTENCE]

    def _read(self) -> None:
        assert self._process.stderr is not None
        for text in self._process.stderr:
            line = text.strip()
            step = parse_line(line)
            if step is not None:
                self.progress = min(1.0, step.done / max(1, step.total))
                self.doing = "Training."
            elif line:
                self._said = [*self._said[-20:], line]
                if line.startswith("Added "):
                    self.added = line


def _check_titles(live: RegisteredModel, new: ModelSnapshot) -> None:
    """Raises DataError if most of the films would lose their titles."""
    old = live.current.guide
    titled = [item for item in old.model.items_.ids.tolist() if item in old.catalog.films]
    lost = [item for item in titled if item not in new.guide.catalog.films]
    if 2 * len(lost) > len(titled):
        raise DataError(
            f"{len(lost):,} of {counted(len(titled), 'film')} would lose their titles; give "
            "--retrain a folder with the titles, such as movies.csv beside ratings.csv."
        )


def _command(model: "Recommender", sources: tuple[str, ...], file: Path) -> list[str]:
    """The command that trains such a model. It is nice to the requests, where that is possible."""
    nice = shutil.which("nice")
    command = [nice, "-n", "10"] if nice else []
    command += [sys.executable, "-m", "matinee", "train", "--model", model.name]
    for name, value in model.settings().items():
        command += ["--set", f"{name}={value}"]
    return [*command, "--out", str(file), "--", *sources]
