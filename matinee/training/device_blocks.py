"""The ratings of an epoch on their way to a device, block by block.

A device need not hold all ratings of a large table: while the batches of one block are used, the
next block is copied from pinned memory, which CUDA does beside its computations (NVIDIA, CUDA C++
Best Practices Guide, "Asynchronous and Overlapping Transfers with Computation").
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch

from matinee.training.loop import Batches

_BYTES = 12  # of a rating: two indices of 32 bits and its value
_PART = 8  # of a device's free memory, for each of two blocks
_WITHOUT_CUDA = 1 << 22  # ratings of a block


class DeviceBatches(NamedTuple):
    """Some ratings on a device, (n,) each."""

    users: torch.Tensor
    items: torch.Tensor
    values: torch.Tensor

    def part(self, start: int, n: int) -> "DeviceBatches":
        """n ratings, or as many as there are, without a copy."""
        return DeviceBatches(*(column[start : start + n] for column in self))


def rows_of_block(device: torch.device, n_ratings: int, batch_size: int) -> int:
    """How many ratings go to a device at a time: whole batches, which take at most a quarter of
    the memory that is free there."""
    most = _WITHOUT_CUDA
    if device.type == "cuda":
        free_bytes, _ = torch.cuda.mem_get_info(device)
        most = free_bytes // _PART // _BYTES
        if n_ratings <= 2 * most:
            return n_ratings
    return max(most // batch_size, 1) * batch_size


def blocks_on_device(
    batches: Batches, n_rows: int, device: torch.device
) -> Iterator[DeviceBatches]:
    """The ratings of an epoch, `n_rows` at a time, in order; a block is gone when the next one is
    asked for."""
    blocks = _blocks(batches, n_rows)
    if device.type == "cuda" and len(blocks) > 1:
        yield from copied_ahead(blocks, device)
        return
    for block in blocks:
        yield DeviceBatches(*(column.to(device) for column in block))


def _blocks(batches: Batches, n_rows: int) -> list[DeviceBatches]:
    """Parts of the arrays, without a copy."""
    columns = DeviceBatches(*map(torch.from_numpy, batches))
    return [columns.part(start, n_rows) for start in range(0, len(batches.values), n_rows)]


def copied_ahead(blocks: list[DeviceBatches], device: torch.device) -> Iterator[DeviceBatches]:
    """Blocks, the first of which is the longest, through two lanes that take turns: while one is
    used, the other is filled."""
    lane = _Lane
    if device.type == "cuda":
        lane = _CudaLane
    lanes = [lane(blocks[0], device), lane(blocks[0], device)]
    lanes[0].send(blocks[0])
    for number in range(len(blocks)):
        used, filled = lanes[number % 2], lanes[(number + 1) % 2]
        arrived = used.arrived(len(blocks[number].values))
        if number + 1 < len(blocks):
            filled.send(blocks[number + 1])
        yield arrived
        used.release()


class _Lane:
    """The memory of a block on both sides.

    Args:
        longest: a block as long as the longest.
        device: where the blocks go.
    """

    is_pinned = False

    def __init__(self, longest: DeviceBatches, device: torch.device) -> None:
        self._here = [torch.empty_like(column, pin_memory=self.is_pinned) for column in longest]
        self._there = [torch.empty_like(column, device=device) for column in longest]

    def send(self, block: DeviceBatches) -> None:
        """Starts to copy a block."""
        n = len(block.values)
        for here, column in zip(self._here, block, strict=True):
            here[:n].copy_(column)
        for here, there in zip(self._here, self._there, strict=True):
            there[:n].copy_(here[:n], non_blocking=True)

    def arrived(self, n: int) -> DeviceBatches:
        """The block of n ratings that was sent, for computations from now on."""
        return DeviceBatches(*(there[:n] for there in self._there))

    def release(self) -> None:
        """Says that all computations with the block have been started."""


class _CudaLane(_Lane):
    """A lane from pinned memory, on a stream of its own."""

    is_pinned = True

    def __init__(self, longest: DeviceBatches, device: torch.device) -> None:
        super().__init__(longest, device)
        self._stream = torch.cuda.Stream(device)
        self._computing = torch.cuda.current_stream(device)
        self._copied = self._stream.record_event()
        self._used = self._computing.record_event()

    def send(self, block: DeviceBatches) -> None:
        self._copied.synchronize()  # the last block has left the memory here
        self._stream.wait_event(self._used)  # and nothing computes with it any more
        with torch.cuda.stream(self._stream):
            super().send(block)
        self._copied = self._stream.record_event()

    def arrived(self, n: int) -> DeviceBatches:
        self._computing.wait_event(self._copied)
        return super().arrived(n)

    def release(self) -> None:
        self._used = self._computing.record_event()
