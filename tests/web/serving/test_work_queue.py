"""Lanes: long work is done one at a time, and who finds a long queue is told to come again."""

import asyncio
import threading
import time

import pytest

from matinee.web.http.problems import Problem
from matinee.web.serving.work_queue import WorkQueue


def test_one_at_a_time_in_the_order_in_which_they_came() -> None:
    inside, done, most = 0, [], 0
    lock = threading.Lock()

    def work(number: int) -> int:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        time.sleep(0.005)
        with lock:
            inside -= 1
            done.append(number)
        return number

    async def all_of_them() -> list[int]:
        lane = WorkQueue()
        return await asyncio.gather(
            *(lane.run(work, number, seconds=0.005) for number in range(10))
        )

    assert asyncio.run(all_of_them()) == list(range(10))
    assert done == list(range(10))
    assert most == 1


def test_who_finds_a_long_queue_is_told_to_come_again_and_the_others_are_answered() -> None:
    go_on = threading.Event()

    async def several() -> list[object]:
        lane = WorkQueue()  # of things that take a second, one and four more
        asked = [asyncio.create_task(lane.run(go_on.wait, seconds=0.8)) for _ in range(7)]
        while sum(one.done() for one in asked) < 2:
            await asyncio.sleep(0.001)
        go_on.set()
        return [
            *await asyncio.gather(*asked, return_exceptions=True),
            await lane.run(go_on.wait, seconds=0.8),
        ]

    *found, later = asyncio.run(several())
    assert found[:5] == [True] * 5
    assert later is True
    for problem in found[5:]:
        assert isinstance(problem, Problem)
        assert (problem.status_code, problem.headers) == (503, {"Retry-After": "1"})
        assert (
            problem.detail
            == "Too many slow requests are waiting; try again in a second."
        )


def test_an_error_ends_only_its_own_turn() -> None:
    async def both() -> tuple[str, int]:
        lane = WorkQueue()
        with pytest.raises(ZeroDivisionError) as caught:
            await lane.run(lambda: 1 // 0)
        return str(caught.value), await lane.run(int, "7")

    assert asyncio.run(both())[1] == 7
