"""Threads: as many as asked for, at the same time, and errors come through."""

import os
import threading

import pytest

from matinee.threads import available_cores, workers


def test_there_is_at_least_one_core(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 1 <= available_cores() <= (os.cpu_count() or 1)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert available_cores() == (os.cpu_count() or 1)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert available_cores() == 1


def test_one_thread_is_the_callers_own_and_keeps_the_order() -> None:
    done: list[tuple[int, threading.Thread]] = []
    with workers(1) as run:
        run(lambda number: done.append((number, threading.current_thread())), [(1,), (2,), (3,)])
    assert done == [(number, threading.current_thread()) for number in (1, 2, 3)]


@pytest.mark.parametrize("n_threads", [2, 3])
def test_calls_run_at_the_same_time(n_threads: int) -> None:
    together = threading.Barrier(n_threads)  # passes only if all are there at once
    with workers(n_threads) as run:
        run(lambda: together.wait(10), [()] * n_threads)
    assert not together.broken


@pytest.mark.parametrize("n_threads", [None, 1, 2, 5])
def test_all_calls_are_done_when_run_returns(n_threads: int | None) -> None:
    done: list[int] = []
    with workers(n_threads) as run:
        run(lambda one, other: done.append(one * other), [(number, 2) for number in range(100)])
        assert sorted(done) == [2 * number for number in range(100)]
        run(done.append, [])
        run(done.append, [(-1,)])
    assert done[-1] == -1


@pytest.mark.parametrize("n_threads", [1, 2])
def test_an_error_in_a_call_comes_through(n_threads: int) -> None:
    def fail(number: int) -> None:
        if number == 2:
            raise ValueError("the second")

    with workers(n_threads) as run, pytest.raises(ValueError, match="the second"):
        run(fail, [(1,), (2,), (3,)])


def test_no_thread_is_left_behind() -> None:
    before = threading.active_count()
    with workers(4) as run:
        run(len, [("",)] * 8)
    assert threading.active_count() == before
