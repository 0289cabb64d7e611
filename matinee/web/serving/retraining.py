"""Retraining: `matinee train` in a process of its own, and its file in the place of a served one.

The new model is of the same kind, with the same settings, on the operator's data and the ratings
in the database. It is written beside the served file and checked like every new version before it
replaces it. Other processes of the server notice the new file by themselves.

With `--update-every`, what is new in the database comes into the served models in the same way, by
`matinee update`: what is known of a model and what is in the database are compared first, so that
nothing happens if nothing is new.
"""

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from matinee.errors import DataError, MatineeError, SettingError, StoreError
from matinee.models.updating import refuse_model
from matinee.progress import LINES_VARIABLE, parse_line
from matinee.recommendation.collected import news_for
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
_STABLE_VARIABLE = "MATINEE_STABLE_IDS"
_MAX_SENTENCE = 500
_STOP_SECONDS = 5


class Retrainer:
    """Retrains the models of one server process."""

    def __init__(self, settings: Settings, models: ModelRegistry, store: Store) -> None:
        self._settings, self._models, self._store = settings, models, store
        self._is_stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._updating = threading.Lock()

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
        arguments = job, live, folder, self._training_command
        self._thread = threading.Thread(target=self._run, args=arguments, daemon=True)
        self._thread.start()
        return job

    def check_updatable(self) -> None:
        """Raises SettingError if the models cannot be updated every few minutes."""
        if not self._settings.update_seconds:
            return
        for live in self._models:
            model, folder = live.current.guide.model, Path(os.path.realpath(live.path)).parent
            try:
                refuse_model(model)
            except MatineeError as error:
                raise SettingError(f"--update-every: '{live.path}': {error}") from error
            if not model.scale_.has_stars:
                raise SettingError(
                    f"--update-every: '{live.path}' has learned from a table without ratings, and "
                    "people give ratings here; leave the option out."
                )
            if not os.access(folder, os.W_OK):
                raise SettingError(
                    f"--update-every: the folder of '{live.path}' cannot be written by the server."
                )

    def update(self) -> None:
        """Brings what is new in the database into the served models, one after the other."""
        with self._updating:
            for live in self._models:
                self._update(live)

    def _update(self, live: RegisteredModel) -> None:
        if self._is_stopping.is_set():
            return
        if news_for(live.current.guide, live.name, self._settings.database).is_empty:
            return
        try:
            job = self._store.training.begin(live.name)
        except TrainingRunsError:  # perhaps the update by another worker; the next one comes
            return
        folder = Path(os.path.realpath(live.path)).parent
        self._run(job, live, folder, self._update_command)

    def stop(self) -> None:
        """Ends a training or an update of this process, because the server stops."""
        self._is_stopping.set()
        if self._thread is not None:
            self._thread.join(2 * _STOP_SECONDS)
        if self._updating.acquire(timeout=2 * _STOP_SECONDS):
            self._updating.release()

    def _run(
        self,
        job: TrainingJob,
        live: RegisteredModel,
        folder: Path,
        command_for: Callable[[RegisteredModel, Path], list[str]],
    ) -> None:
        file = folder / f".{live.path.stem}.{job.id[:12]}.matinee"
        log("training started", model=live.name, job=job.id)
        state: State = "failed"
        try:
            state, message = self._train(job, live, command_for(live, file))
            if state == "done" and file.exists():  # an update with nothing new writes none
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

    def _training_command(self, live: RegisteredModel, file: Path) -> list[str]:
        guide = live.current.guide
        command = _command(guide.model, self._settings.retrain, file)
        if not guide.origin.has_history:
            command.insert(command.index("--out"), "--no-history")
        return command

    def _update_command(self, live: RegisteredModel, file: Path) -> list[str]:
        return [*_program("update"), str(live.path), "--out", str(file)]

    def _train(
        self, job: TrainingJob, live: RegisteredModel, command: list[str]
    ) -> tuple[State, str]:
        """Runs the command; returns the outcome and a sentence about it."""
        environment = {
            name: value for name, value in os.environ.items() if name not in _NOT_PASSED_ON
        } | {LINES_VARIABLE: "1"}
        if live.current.guide.model.scale_.has_stars:  # ratings here only go with ratings
            environment[_DATABASE_VARIABLE] = self._settings.database
        if self._settings.update_seconds:
            environment[_STABLE_VARIABLE] = "1"
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


def _program(command: str) -> list[str]:
    """The beginning of a command. It is nice to the requests, where that is possible."""
    nice = shutil.which("nice")
    before = [nice, "-n", "10"] if nice else []
    return [*before, sys.executable, "-m", "matinee", command]


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
    """The command that trains such a model."""
    command = [*_program("train"), "--model", model.name]
    for name, value in model.settings().items():
        command += ["--set", f"{name}={value}"]
    return [*command, "--out", str(file), "--", *sources]
