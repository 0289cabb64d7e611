"""The work queue: one task at a time, and new tasks are refused while the queue is long."""

import asyncio
import threading
import time

import pytest

from matinee.web.http.problems import Problem
from matinee.web.serving.work_queue import AbandonedError, WorkQueue, stop_if_abandoned


def test_tasks_run_one_at_a_time_in_order() -> None:
    n_running, done, max_running = 0, [], 0
    lock = threading.Lock()

    def work(number: int) -> int:
        nonlocal n_running, max_running
        with lock:
            n_running += 1
            max_running = max(max_running, n_running)
        time.sleep(0.005)
        with lock:
            n_running -= 1
            done.append(number)
        return number

    async def run_all() -> list[int]:
        queue = WorkQueue()
        return await asyncio.gather(
            *(queue.run(work, number, seconds=0.005) for number in range(10))
        )

    assert asyncio.run(run_all()) == list(range(10))
    assert done == list(range(10))
    assert max_running == 1


def test_a_long_queue_refuses_new_tasks_and_finishes_the_others() -> None:
    release = threading.Event()

    async def run_several() -> list[object]:
        queue = WorkQueue()  # runs one task, and four more may wait
        asked = [asyncio.create_task(queue.run(release.wait, seconds=0.8)) for _ in range(7)]
        while sum(one.done() for one in asked) < 2:
            await asyncio.sleep(0.001)
        release.set()
        return [
            *await asyncio.gather(*asked, return_exceptions=True),
            await queue.run(release.wait, seconds=0.8),
        ]

    *found, later = asyncio.run(run_several())
    assert found[:5] == [True] * 5
    assert later is True
    for problem in found[5:]:
        assert isinstance(problem, Problem)
        assert (problem.status_code, problem.headers) == (503, {"Retry-After": "1"})
        assert problem.detail == "Too many slow requests are waiting; try again in a second."


def test_an_error_ends_only_its_own_task() -> None:
    async def both() -> tuple[str, int]:
        queue = WorkQueue()
        with pytest.raises(ZeroDivisionError) as caught:
            await queue.run(lambda: 1 // 0)
        return str(caught.value), await queue.run(int, "7")

    assert asyncio.run(both())[1] == 7


def test_a_task_whose_request_is_given_up_stops_and_the_next_one_waits_for_its_end() -> None:
    started, end, events = threading.Event(), threading.Event(), []

    def long_task() -> None:
        started.set()
        try:
            while True:
                stop_if_abandoned()
                time.sleep(0.001)
        except AbandonedError:
            end.wait(5)
            events.append("stopped")
            raise

    async def run_both() -> None:
        queue = WorkQueue()
        first = asyncio.create_task(queue.run(long_task))
        while not started.is_set():
            await asyncio.sleep(0.001)
        never = asyncio.create_task(queue.run(events.append, "never begun"))
        second = asyncio.create_task(queue.run(events.append, "second"))
        await asyncio.sleep(0.01)
        first.cancel()
        never.cancel()
        await asyncio.wait([first, never])
        await asyncio.sleep(0.02)
        assert events == []  # the thread of the first still runs
        end.set()
        await second
        await queue.run(stop_if_abandoned)
        assert events == ["stopped", "second"]

    asyncio.run(run_both())
    stop_if_abandoned()  # outside a queue, nothing happens


def test_a_task_that_is_given_up_before_it_begins_does_not_block_the_queue() -> None:
    async def run_many() -> int:
        queue = WorkQueue()
        for _ in range(50):
            task = asyncio.create_task(queue.run(int, "7", seconds=0))
            for _ in range(3):  # at different places
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
        return await asyncio.wait_for(queue.run(int, "7"), 5)

    assert asyncio.run(run_many()) == 7
