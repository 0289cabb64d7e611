"""Checkpoints: the whole state of a training after an epoch, so that a killed one can go on as if nothing had been."""

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as to_bytes

from matinee.errors import ModelFileError
from matinee.files import write_atomically
from matinee.ratings import Ratings

State = dict[str, NDArray[Any]]


class Checkpoint(NamedTuple):
    """Where a training keeps its state, and which training it is."""

    path: Path
    fingerprint: str

    def save(self, state: State) -> None:
        """Replaces the file in one step: a kill at any moment leaves the old state or the new one."""
        try:
            write_atomically(self.path, to_bytes(state, {"matinee-checkpoint": self.fingerprint}))
        except OSError as error:
            raise ModelFileError(f"Cannot write the checkpoint '{self.path}': {error.strerror}.") from error

    def load(self) -> State | None:
        """The state, or None if there is no file.

        Raises:
            ModelFileError: the file is damaged, or belongs to another training.
        """
        if not self.path.exists():
            return None
        try:
            with safe_open(self.path, framework="np") as file:
                found = (file.metadata() or {}).get("matinee-checkpoint")
                state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, not a dict
        except (SafetensorError, OSError, ValueError) as error:
            raise ModelFileError(f"The checkpoint '{self.path}' is damaged; remove it to start again.") from error
        if found != self.fingerprint:
            raise ModelFileError(
                f"The checkpoint '{self.path}' belongs to other data or settings; remove it or name another file."
            )
        return state


def fingerprint(settings: dict[str, Any], *parts: Ratings | None) -> str:
    """A digest of settings and ratings: equal only for the same training."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for part in parts:
        for array in () if part is None else (part.user_index, part.item_index, part.value):
            digest.update(np.ascontiguousarray(array).view(np.uint8).data)
    return digest.hexdigest()
