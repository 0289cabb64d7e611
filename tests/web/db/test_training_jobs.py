"""Trainings in both databases: one at a time across processes."""

import pytest

from matinee.web.db import training_jobs as module
from matinee.web.db.people import Store
from matinee.web.db.training_jobs import MAX_JOBS, SILENCE_SECONDS, TrainingRunsError


def test_one_training_runs_at_a_time_across_processes(store: Store, database: str) -> None:
    other = Store.open(database)
    job = store.training.begin("films")
    with pytest.raises(TrainingRunsError, match="Another training is running"):
        other.training.begin("films")
    assert store.training.report(job.id, 0.5, "Training.")
    (seen,) = other.training.latest()
    assert (seen.state, seen.progress, seen.message) == ("running", 0.5, "Training.")
    assert other.training.cancel(job.id)
    assert not store.training.report(job.id, 0.6, "Training.")
    store.training.finish(job.id, "canceled", "Canceled.")
    assert not other.training.cancel(job.id)
    second = other.training.begin("films")
    other.training.finish(second.id, "done", "Trained.")
    jobs = store.training.latest()
    assert [one.state for one in jobs] == ["done", "canceled"]
    assert jobs[0].progress == 1
    other.close()


def test_a_training_whose_process_has_died_is_declared_failed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = store.training.begin("films")
    later = job.started_at + SILENCE_SECONDS + 5
    monkeypatch.setattr(module, "now", lambda: later)
    (found,) = store.training.latest()
    assert (found.state, found.seconds) == ("failed", 0)
    assert "server stopped" in found.message
    assert not store.training.report(job.id, 0.9, "")
    assert store.training.begin("films").state == "running"


def test_old_trainings_are_forgotten(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in range(MAX_JOBS + 5):
        monkeypatch.setattr(module, "now", lambda place=place: 1_000 + place)
        job = store.training.begin("films")
        store.training.finish(job.id, "done", f"{place}")
    jobs = store.training.latest()
    assert len(jobs) == MAX_JOBS
    assert jobs[0].message == str(MAX_JOBS + 4)
