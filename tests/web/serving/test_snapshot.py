"""Model snapshots: fold-in of stored ratings, and where work runs."""

import asyncio
import threading
from pathlib import Path

import pytest

from matinee.web.serving import snapshot as snapshot_module
from matinee.web.serving.registry import RegisteredModel
from tests.web.conftest import guide_of


def test_stored_ratings_are_clipped_to_the_scale_of_the_model(model_copy: Path) -> None:
    snapshot = RegisteredModel(model_copy).current
    stored = snapshot.fold_in({"7": 10.0, "gone": 3.0}, strict=False)
    assert stored.profile.value.tolist() == [5.0]
    assert stored.unknown == ["gone"]


def test_quick_work_runs_on_the_event_loop_and_slow_work_in_a_thread(
    model_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def threads() -> list[bool]:
        snapshot, here = RegisteredModel(model_copy).current, threading.get_ident()
        return [
            await snapshot.run_async(threading.get_ident, explained=n) == here
            for n in (0, 1, 10_000_000)
        ]

    monkeypatch.setattr(snapshot_module, "INLINE_SECONDS", 60.0)
    assert asyncio.run(threads()) == [True, True, False]
    monkeypatch.setattr(snapshot_module, "INLINE_SECONDS", 0.0)
    assert asyncio.run(threads()) == [False, False, False]


def test_a_locked_model_does_not_block_the_event_loop(
    tmp_path: Path,
) -> None:
    guide_of(0, baseline=True).save(tmp_path / "plain.matinee")
    release, ran = threading.Event(), threading.Event()

    def slow() -> bool:
        ran.set()
        return release.wait(30)

    async def run_both() -> tuple[int, bool, int]:
        snapshot = RegisteredModel(tmp_path / "plain.matinee").current
        first = asyncio.create_task(snapshot.run_async(slow, explained=10_000_000))
        while not ran.is_set():
            await asyncio.sleep(0.001)
        second = asyncio.create_task(snapshot.run_async(threading.get_ident))
        for _ in range(20):
            await asyncio.sleep(0.001)  # the event loop is not blocked
        was_waiting = not second.done()
        release.set()
        assert await first
        return await second, was_waiting, threading.get_ident()

    answered, was_waiting, here = asyncio.run(run_both())
    assert was_waiting
    assert answered != here
