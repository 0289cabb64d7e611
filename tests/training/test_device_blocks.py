"""Ratings reach a device in blocks, in order, whatever the size of a block."""

import numpy as np
import pytest
import torch

from matinee.training import device_blocks, torch_engine
from matinee.training.device_blocks import blocks_on_device, copied_ahead, rows_of_block
from matinee.training.loop import Batches
from matinee.training.schedules import Schedule
from matinee.training.torch_engine import NetworkEngine, NetworkSettings
from matinee.training.torch_modules import DotProductModule

pytestmark = pytest.mark.usefixtures("one_torch_thread")

BATCH, N_STEPS, N_FACTORS = 8, 10, 3
CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def batches_of(n: int) -> Batches:
    rng = np.random.default_rng(n)
    users, items = rng.integers(0, 1000, (2, n)).astype(np.int32)
    return Batches(users, items, rng.random(n).astype(np.float32))


@pytest.mark.parametrize("n", [1, 9, 10, 11, 35])
@pytest.mark.parametrize("is_copied", [True, False])
def test_blocks_hold_all_ratings_in_order(n: int, is_copied: bool) -> None:
    batches = batches_of(n)
    blocks = blocks_on_device(batches, 10, CPU)
    if is_copied:
        blocks = copied_ahead(device_blocks._blocks(batches, 10), CPU)
    # The lanes are used again and again, so that a block has to be copied as soon as it arrives
    found = [[column.numpy().copy() for column in block] for block in blocks]
    assert [len(block[0]) for block in found] == [10] * (n // 10) + [n % 10] * (n % 10 > 0)
    for column, parts in zip(batches, zip(*found, strict=True), strict=True):
        assert np.array_equal(np.concatenate(parts), column)


def test_two_lanes_take_turns_and_no_block_is_overwritten_while_it_is_used() -> None:
    batches = batches_of(50)
    places = set()
    for number, block in enumerate(copied_ahead(device_blocks._blocks(batches, 10), CPU)):
        places.add(block.values.data_ptr())
        expected = batches.values[10 * number : 10 * number + 10]
        assert np.array_equal(block.values.numpy(), expected)
    assert len(places) == 2


@pytest.mark.parametrize("is_copied", [True, False])
def test_the_size_of_the_blocks_changes_no_bit(
    monkeypatch: pytest.MonkeyPatch, is_copied: bool
) -> None:
    batches = batches_of(N_STEPS * BATCH - 3)
    plan = Schedule(np.linspace(0.01, 0.02, N_STEPS), np.linspace(0.95, 0.85, N_STEPS))
    weights = np.random.default_rng(0).normal(0, 0.3, (2000, N_FACTORS + 1)).astype(np.float32)
    whole, in_blocks = (
        NetworkEngine(
            DotProductModule(weights.copy(), 1000, N_FACTORS, 0.0, 5.5, False),
            NetworkSettings(device="cpu"),
        )
        for _ in range(2)
    )
    losses = whole.epoch(batches, BATCH, plan, 0, 0)
    monkeypatch.setattr(torch_engine, "rows_of_block", lambda *_: 3 * BATCH)
    if is_copied:
        monkeypatch.setattr(
            torch_engine,
            "blocks_on_device",
            lambda *args: copied_ahead(device_blocks._blocks(args[0], args[1]), CPU),
        )
    assert np.array_equal(in_blocks.epoch(batches, BATCH, plan, 0, 0), losses)
    state = whole.state()
    assert all(np.array_equal(array, state[name]) for name, array in in_blocks.state().items())


def test_a_block_is_whole_batches_in_a_quarter_of_the_free_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (96_000_000, 100_000_000))
    assert rows_of_block(CUDA, 2_000_000, 512) == 2_000_000
    assert rows_of_block(CUDA, 2_000_001, 512) == 1_000_000 // 512 * 512
    assert rows_of_block(CUDA, 10**9, 3_000_000) == 3_000_000
    assert rows_of_block(CPU, 10**9, 1000) == (1 << 22) // 1000 * 1000


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_blocks_arrive_on_a_cuda_device() -> None:
    batches = batches_of(100_001)
    blocks = copied_ahead(device_blocks._blocks(batches, 1000), CUDA)
    sums = [float(block.values.double().sum()) for block in blocks]
    assert sum(sums) == pytest.approx(float(batches.values.astype(np.float64).sum()))
