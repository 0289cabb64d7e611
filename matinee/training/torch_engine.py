"""Engine for any PyTorch module whose forward(user_index, item_index) returns stars."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from matinee.errors import DataError, SettingError
from matinee.training.checkpoints import State, check_finite
from matinee.training.device_blocks import DeviceBatches, blocks_on_device, rows_of_block
from matinee.training.loop import Batches
from matinee.training.schedules import Schedule

SMALL_STEP = 50_000_000
"""A step of fewer multiplications runs on one thread."""


class NetworkSettings(NamedTuple):
    """Settings of Adam (see `kernels/adam.py`), the device, and whether to compile the
    module."""

    weight_decay: float = 0.0
    decoupled: bool = False
    square_momentum: float = 0.999
    epsilon: float = 1e-8
    device: str = "auto"
    compile: bool = False


def device_named(name: str) -> torch.device:
    """The device "cpu", "cuda", "cuda:1" or "mps"; "auto" is the first accelerator, if any.

    Raises:
        SettingError: this machine has no such device.
    """
    available = []
    if torch.cuda.is_available():
        available.append("cuda")
        available += [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        available.append("mps")
    available.append("cpu")
    if name == "auto":
        return torch.device(available[0])
    if name not in available:
        raise SettingError(f"There is no device '{name}'. Available: {', '.join(available)}.")
    return torch.device(name)


@contextmanager
def _cpu_settings(n_multiplications: int) -> Iterator[None]:
    """Settings of the CPU during training, restored afterwards.

    A small step runs on one thread: splitting it costs more than it saves, above all on a busy
    machine. Denormal numbers count as zero: the moments of rows that no batch touches decay
    until the CPU computes with them a hundred times slower.
    """
    n_threads = torch.get_num_threads()
    if n_multiplications < SMALL_STEP:
        torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_num_threads(n_threads)
        torch.set_flush_denormal(False)


class NetworkEngine:
    """Trains a module with Adam or AdamW.

    Embeddings made with sparse=True are updated lazily, so that a step costs as much as its
    batch, not as much as the tables; decoupled weight decay then applies to the rows of the
    batch only.
    """

    def __init__(self, module: nn.Module, settings: NetworkSettings) -> None:
        self.settings = settings
        self.device = device_named(settings.device)
        self.module = module.to(self.device)
        self.forward: Callable[..., torch.Tensor] = self.module
        if settings.compile:
            self.forward = torch.compile(self.module)
        self.sparse = [
            layer.weight
            for layer in module.modules()
            if isinstance(layer, nn.Embedding) and layer.sparse
        ]
        self.optimizers = self._optimizers()

    def _optimizers(self) -> list[torch.optim.Optimizer]:
        """One for the dense parameters and one for the sparse ones, as far as there are
        any."""
        sparse_ids = {id(weight) for weight in self.sparse}
        dense = [weight for weight in self.module.parameters() if id(weight) not in sparse_ids]
        betas, epsilon = (0.9, self.settings.square_momentum), self.settings.epsilon
        decay = self.settings.weight_decay
        optimizers: list[torch.optim.Optimizer] = []
        if dense and self.settings.decoupled:
            optimizers.append(
                torch.optim.AdamW(dense, betas=betas, eps=epsilon, weight_decay=decay)
            )
        elif dense:
            optimizers.append(torch.optim.Adam(dense, betas=betas, eps=epsilon, weight_decay=decay))
        if self.sparse:
            optimizers.append(torch.optim.SparseAdam(self.sparse, betas=betas, eps=epsilon))
        return optimizers

    def epoch(
        self, batches: Batches, batch_size: int, schedule: Schedule, n_before: int, seed: int
    ) -> NDArray[np.float64]:
        """See `Engine`. The ratings are copied to the device in blocks of batches."""
        del n_before  # the optimizers count their steps
        n_rows = rows_of_block(self.device, len(batches.values), batch_size)
        losses: list[torch.Tensor] = []
        devices = []
        if self.device.type == "cuda":
            devices.append(self.device)
        self.module.train()
        with torch.random.fork_rng(devices=devices), _cpu_settings(self._work(batch_size)):
            torch.manual_seed(seed)
            for block in blocks_on_device(batches, n_rows, self.device):
                for start in range(0, len(block.values), batch_size):
                    rate, momentum = (values[len(losses)] for values in schedule)
                    losses.append(self._step(block.part(start, batch_size), rate, momentum))
        return torch.stack(losses).cpu().numpy().astype(np.float64)

    def _work(self, batch_size: int) -> int:
        """Approximate number of multiplications per step."""
        layers = [
            layer.weight.numel() for layer in self.module.modules() if isinstance(layer, nn.Linear)
        ]
        return batch_size * sum(layers)

    def _step(self, batch: DeviceBatches, rate: float, momentum: float) -> torch.Tensor:
        """Takes one step; returns the loss before it, still on the device."""
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
            for group in optimizer.param_groups:
                group["lr"], group["betas"] = rate, (momentum, self.settings.square_momentum)
        with self._precision():
            predicted = self.forward(batch.users.long(), batch.items.long())  # (B,)
        loss = nn.functional.mse_loss(predicted.float(), batch.values)
        loss.backward()
        self._decay_sparse_rows(rate)
        for optimizer in self.optimizers:
            optimizer.step()
        return loss.detach()

    def _precision(self) -> AbstractContextManager[object]:
        """Mixed precision on CUDA, full precision elsewhere."""
        if self.device.type == "cuda":
            return torch.autocast("cuda", torch.bfloat16)
        return nullcontext()

    def _decay_sparse_rows(self, rate: float) -> None:
        """Decays the sparse rows that have a gradient in this batch; SparseAdam has no
        decay."""
        if not self.settings.weight_decay:
            return
        for weight in self.sparse:
            if weight.grad is not None:
                rows = weight.grad.coalesce().indices()[0]
                weight.data[rows] *= 1 - rate * self.settings.weight_decay

    @torch.no_grad()
    def predict(
        self, user_index: NDArray[np.int32], item_index: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        """See `Engine`."""
        self.module.eval()
        out = np.empty(len(user_index), np.float32)
        for rows in np.array_split(np.arange(len(user_index)), len(user_index) // 20_000 + 1):
            users = torch.from_numpy(user_index[rows]).to(self.device).long()
            items = torch.from_numpy(item_index[rows]).to(self.device).long()
            out[rows] = self.module(users, items).float().cpu().numpy()
        return out

    def state(self) -> State:
        """See `Engine`."""
        tensors = {f"module.{name}": tensor for name, tensor in self.module.state_dict().items()}
        for number, optimizer in enumerate(self.optimizers):
            for position, values in optimizer.state_dict()["state"].items():
                for key, value in values.items():
                    # SparseAdam counts its steps in an int.
                    tensors[f"optimizer{number}.{position}.{key}"] = torch.as_tensor(value)
        return {name: tensor.detach().cpu().numpy().copy() for name, tensor in tensors.items()}

    def restore(self, state: State) -> None:
        """See `Engine`."""
        module: dict[str, torch.Tensor] = {}
        optimizers: list[dict[int, dict[str, torch.Tensor | int]]] = [{} for _ in self.optimizers]
        for name, array in state.items():
            check_finite(name, array)
            owner, _, rest = name.partition(".")
            if owner == "module":
                module[rest] = torch.from_numpy(array)
                continue
            position, _, key = rest.partition(".")
            value: torch.Tensor | int = torch.from_numpy(array.copy())
            if array.dtype.kind == "i":
                value = int(array)
            number = int(owner.removeprefix("optimizer"))
            self._check_moment(number, int(position), array)
            optimizers[number].setdefault(int(position), {})[key] = value
        self.module.load_state_dict(module)
        for optimizer, values in zip(self.optimizers, optimizers, strict=True):
            optimizer.load_state_dict(optimizer.state_dict() | {"state": values})

    def _check_moment(self, number: int, position: int, array: NDArray[np.generic]) -> None:
        """Checks a part of the state of an optimizer: a step count, or of a parameter's shape.

        Raises:
            DataError, LookupError: it is neither, or there is no such optimizer or parameter.
        """
        groups = self.optimizers[number].param_groups
        weights = [weight for group in groups for weight in group["params"]]
        if array.ndim and array.shape != tuple(weights[position].shape):
            raise DataError(f"a moment of the shape {array.shape}")
