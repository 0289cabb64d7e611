"""The engine for any PyTorch module whose forward(user_index, item_index) returns stars, on any device."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from matinee.errors import SettingError
from matinee.training.checkpoints import State
from matinee.training.loop import Batches
from matinee.training.schedules import Schedule

SMALL_STEP = 50_000_000
"""Multiplications; below that a step takes one thread."""


class NetworkSettings(NamedTuple):
    """The optimiser (see `kernels/adam.py`), where it runs, and whether the module is compiled."""

    weight_decay: float = 0.0
    decoupled: bool = False
    square_momentum: float = 0.999
    epsilon: float = 1e-8
    device: str = "auto"
    compile: bool = False


def network_settings(model: Any) -> NetworkSettings:
    """From the hyperparameters of a model, those that it has."""
    return NetworkSettings(
        **{name: value for name, value in model.settings().items() if name in NetworkSettings._fields}
    )


def device_named(name: str) -> torch.device:
    """cpu, cuda, cuda:1 or mps; "auto" takes the first accelerator that is there.

    Raises:
        SettingError: there is no such device here.
    """
    cuda = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    there = [*(["cuda", *cuda] if cuda else []), *(["mps"] if torch.backends.mps.is_available() else []), "cpu"]
    if name not in ("auto", *there):
        raise SettingError(f"no device '{name}' here. There is: {', '.join(there)}.")
    return torch.device(there[0] if name == "auto" else name)


@contextmanager
def _steady_cpu(work: int) -> Iterator[None]:
    """Settings of the processor during training, put back afterwards.

    A small step takes one thread: handing it to several costs more than it saves, and far more on a busy machine.
    Tiny numbers count as zero: moments of rows that no batch touches shrink until processors compute with them a
    hundred times slower.
    """
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1 if work < SMALL_STEP else n_threads)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_num_threads(n_threads)
        torch.set_flush_denormal(False)


class NetworkEngine:
    """A module with Adam or AdamW. Embeddings made with sparse=True get the lazy form, so that a step costs as much as
    its batch and not as much as the tables; a decoupled decay then falls on the rows that the batch touches."""

    def __init__(self, module: nn.Module, settings: NetworkSettings) -> None:
        self.settings = settings
        self.device = device_named(settings.device)
        self.module = module.to(self.device)
        self.forward: Any = torch.compile(self.module) if settings.compile else self.module
        sparse = [part.weight for part in module.modules() if isinstance(part, nn.Embedding) and part.sparse]
        known = {id(weight) for weight in sparse}
        dense = [weight for weight in module.parameters() if id(weight) not in known]
        betas, epsilon = (0.9, settings.square_momentum), settings.epsilon
        kind = torch.optim.AdamW if settings.decoupled else torch.optim.Adam
        self.optimizers: list[torch.optim.Optimizer] = []
        if dense:
            self.optimizers.append(kind(dense, betas=betas, eps=epsilon, weight_decay=settings.weight_decay))
        if sparse:
            self.optimizers.append(torch.optim.SparseAdam(sparse, betas=betas, eps=epsilon))
        self.sparse = sparse

    def epoch(
        self, batches: Batches, batch_size: int, schedule: Schedule, n_before: int, seed: int
    ) -> NDArray[np.float64]:
        """See `Engine`. The batches are cut from tensors that are on the device already."""
        del n_before  # the optimisers count their steps themselves
        users, items, values = (torch.from_numpy(array).to(self.device) for array in batches)
        users, items = users.long(), items.long()
        losses = torch.zeros(len(schedule.rates), device=self.device)
        self.module.train()
        devices = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices), _steady_cpu(self._work(batch_size)):
            torch.manual_seed(seed)
            for step, (rate, momentum) in enumerate(zip(*schedule, strict=True)):
                part = slice(step * batch_size, (step + 1) * batch_size)
                losses[step] = self._step((users[part], items[part], values[part]), rate, momentum)
        return losses.cpu().numpy().astype(np.float64)

    def _work(self, batch_size: int) -> int:
        """Multiplications of a step, about."""
        layers = [part.weight.numel() for part in self.module.modules() if isinstance(part, nn.Linear)]
        return batch_size * sum(layers)

    def _step(self, batch: tuple[torch.Tensor, ...], rate: float, momentum: float) -> torch.Tensor:
        """One batch; its loss before the step, still on the device."""
        users, items, values = batch
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
            for group in optimizer.param_groups:
                group["lr"], group["betas"] = rate, (momentum, self.settings.square_momentum)
        with torch.autocast("cuda", torch.bfloat16) if self.device.type == "cuda" else nullcontext():
            predicted = self.forward(users, items)  # (B,)
        loss = nn.functional.mse_loss(predicted.float(), values)
        loss.backward()  # type: ignore[no-untyped-call]
        self._decay_touched_rows(rate)
        for optimizer in self.optimizers:
            optimizer.step()
        return loss.detach()

    def _decay_touched_rows(self, rate: float) -> None:
        """Lazy decay: only the rows that have a gradient in this batch, which SparseAdam does not do itself."""
        if not self.settings.weight_decay:
            return
        for weight in self.sparse:
            if weight.grad is not None:
                rows = weight.grad.coalesce().indices()[0]
                weight.data[rows] *= 1 - rate * self.settings.weight_decay

    @torch.no_grad()
    def predict(self, user_index: NDArray[np.int32], item_index: NDArray[np.int32]) -> NDArray[np.float32]:
        """See `Engine`."""
        self.module.eval()
        out = np.empty(len(user_index), np.float32)
        for rows in np.array_split(np.arange(len(user_index)), len(user_index) // 20_000 + 1):
            users, items = (torch.from_numpy(index[rows]).to(self.device).long() for index in (user_index, item_index))
            out[rows] = self.module(users, items).float().cpu().numpy()
        return out

    def state(self) -> State:
        """See `Engine`."""
        tensors = {f"module.{name}": tensor for name, tensor in self.module.state_dict().items()}
        for number, optimizer in enumerate(self.optimizers):
            for place, values in optimizer.state_dict()["state"].items():
                # SparseAdam counts its steps in an int.
                tensors |= {f"optimizer{number}.{place}.{name}": torch.as_tensor(one) for name, one in values.items()}
        return {name: tensor.detach().cpu().numpy().copy() for name, tensor in tensors.items()}

    def restore(self, state: State) -> None:
        """See `Engine`."""
        module = {name[7:]: torch.from_numpy(array) for name, array in state.items() if name.startswith("module.")}
        self.module.load_state_dict(module)
        for number, optimizer in enumerate(self.optimizers):
            whole = optimizer.state_dict()
            whole["state"] = {}
            for name, array in state.items():
                kind, _, rest = name.partition(".")
                if kind == f"optimizer{number}":
                    place, _, key = rest.partition(".")
                    value = int(array) if array.dtype.kind == "i" else torch.from_numpy(array.copy())
                    whole["state"].setdefault(int(place), {})[key] = value
            optimizer.load_state_dict(whole)
