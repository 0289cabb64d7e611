"""Trainings that the operator has started, one at a time across all processes.

A running training has the only row with a `slot`. Its process reports every second; if it falls
silent, the next look declares the training failed.
"""

import secrets
import time
from typing import Literal, NamedTuple

import sqlalchemy as sa

from matinee.errors import SettingError
from matinee.web.db.schema import training_jobs
from matinee.web.db.transactions import Database, now

State = Literal["running", "done", "failed", "canceled"]
SILENCE_SECONDS = 60
MAX_JOBS = 50
"""Older trainings are deleted from the list."""
_SLOT = 1


class TrainingRunsError(SettingError):
    """Another training is running."""


class TrainingJob(NamedTuple):
    """A training; times are in Unix seconds."""

    id: str
    model: str
    state: State
    started_at: int
    finished_at: int | None
    progress: float
    """Share that is done, 0 to 1."""
    message: str
    """What came of it, or what it is doing, in a sentence."""
    reported_at: int

    @property
    def seconds(self) -> int:
        """How long it has taken."""
        return max(0, (self.finished_at or now()) - self.started_at)


_COLUMNS = [training_jobs.c[name] for name in TrainingJob._fields]


class TrainingJobs:
    """The trainings in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, model: str) -> TrainingJob:
        """Adds a running training.

        Raises:
            TrainingRunsError: another one is running.
        """
        job = TrainingJob(secrets.token_hex(16), model, "running", now(), None, 0.0, "", now())
        row = job._asdict() | {"slot": _SLOT, "is_canceled": 0, "started_ns": time.time_ns()}
        with self._database.writing() as connection:
            _end_silent(connection)
            insert = self._database.insert(training_jobs).on_conflict_do_nothing()
            if connection.execute(insert.returning(training_jobs.c.id), row).first() is None:
                raise TrainingRunsError(
                    "Another training is running; wait until it is done, or cancel it."
                )
            newest = sa.select(training_jobs.c.id).order_by(training_jobs.c.started_ns.desc())
            kept = connection.execute(newest.limit(MAX_JOBS)).scalars().all()
            connection.execute(training_jobs.delete().where(training_jobs.c.id.not_in(kept)))
        return job

    def report(self, job_id: str, progress: float, message: str) -> bool:
        """Stores how far a training is; returns False if it shall stop."""
        columns = training_jobs.c
        is_running = (columns.id == job_id) & (columns.slot == _SLOT)
        values = {"progress": progress, "message": message, "reported_at": now()}
        with self._database.writing() as connection:
            connection.execute(training_jobs.update().where(is_running).values(values))
            found = connection.execute(sa.select(columns.is_canceled).where(is_running)).scalar()
        return found == 0

    def finish(self, job_id: str, state: State, message: str) -> None:
        """Ends a training."""
        values: dict[str, object] = {
            "state": state,
            "message": message,
            "finished_at": now(),
            "slot": None,
        }
        if state == "done":
            values["progress"] = 1.0
        is_running = (training_jobs.c.id == job_id) & (training_jobs.c.slot == _SLOT)
        with self._database.writing() as connection:
            connection.execute(training_jobs.update().where(is_running).values(values))

    def cancel(self, job_id: str) -> bool:
        """Asks a training to stop; returns False if it is not running."""
        is_running = (training_jobs.c.id == job_id) & (training_jobs.c.slot == _SLOT)
        with self._database.writing() as connection:
            asked = training_jobs.update().where(is_running).values(is_canceled=1)
            return connection.execute(asked).rowcount > 0

    def latest(self) -> list[TrainingJob]:
        """The trainings, the one started last first."""
        query = sa.select(*_COLUMNS).order_by(training_jobs.c.started_ns.desc()).limit(MAX_JOBS)
        with self._database.reading() as connection:
            found = [TrainingJob(*row) for row in connection.execute(query)]
        if any(job.state == "running" and _is_silent(job) for job in found):
            with self._database.writing() as connection:
                _end_silent(connection)
                found = [TrainingJob(*row) for row in connection.execute(query)]
        return found


def _is_silent(job: TrainingJob) -> bool:
    return job.reported_at < now() - SILENCE_SECONDS


def _end_silent(connection: sa.Connection) -> None:
    """Declares trainings failed whose process has died."""
    columns = training_jobs.c
    is_silent = (columns.slot == _SLOT) & (columns.reported_at < now() - SILENCE_SECONDS)
    values = {
        "state": "failed",
        "message": "The server stopped before the training was done.",
        "finished_at": columns.reported_at,
        "slot": None,
    }
    connection.execute(training_jobs.update().where(is_silent).values(values))
