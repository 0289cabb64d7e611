"""Checkpoints: the complete state of a training run after an epoch, from which it can
resume."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as to_bytes

from matinee._types import Arrays
from matinee.data.ratings import Ratings
from matinee.errors import ModelFileError
from matinee.files import problem_of_place, reason_of, write_atomically

State = Arrays


class Checkpoint(NamedTuple):
    """The file that holds the state of one training run.

    Attributes:
        fingerprint: identifies the run, so that another one does not resume from the file.
    """

    path: Path
    fingerprint: str

    def save(self, state: State) -> None:
        """Replaces the file atomically: if killed, it holds either the old state or the new
        one."""
        try:
            write_atomically(self.path, to_bytes(state, {"matinee-checkpoint": self.fingerprint}))
        except OSError as error:
            raise ModelFileError(
                f"Cannot write the checkpoint '{self.path}': {reason_of(error)}."
            ) from error

    def load(self) -> State | None:
        """The saved state, or None if there is no file.

        Raises:
            ModelFileError: the file is damaged, belongs to another training run, or could not
                be written.
        """
        check_checkpoint(self.path)
        if not self.path.exists():
            return None
        try:
            with safe_open(self.path, framework="np") as file:
                metadata = file.metadata() or {}
                state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, not a dict
        except (SafetensorError, OSError, ValueError) as error:
            raise ModelFileError(
                f"The checkpoint '{self.path}' is damaged; remove it to start again."
            ) from error
        if metadata.get("matinee-checkpoint") != self.fingerprint:
            raise ModelFileError(
                f"The checkpoint '{self.path}' belongs to other data or settings; remove it or "
                "name another file."
            )
        return state


def check_checkpoint(path: Path) -> None:
    """Refuses, before the training, a place where no checkpoint can be written.

    Raises:
        ModelFileError: there is a problem with the place (`files.problem_of_place`).
    """
    problem = problem_of_place(path)
    if problem:
        raise ModelFileError(f"Cannot write the checkpoint '{path}': {problem}.")


def fingerprint(settings: Mapping[str, object], train: Ratings, valid: Ratings | None) -> str:
    """A digest of settings and ratings that identifies a training run."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for ratings in (train, valid):
        if ratings is None:
            continue
        for array in (ratings.user_index, ratings.item_index, ratings.value):
            digest.update(np.ascontiguousarray(array).view(np.uint8).data)
    return digest.hexdigest()
