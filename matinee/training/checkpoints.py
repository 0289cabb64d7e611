"""Checkpoints: the complete state of a training run after an epoch, from which it can
resume."""

import hashlib
import json
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from matinee._types import Arrays
from matinee._version import __version__
from matinee.data.ratings import Ratings
from matinee.errors import DataError, ModelFileError
from matinee.files import problem_of_place, reason_of, replacing

State = Arrays

FACTOR, RETRY_SECONDS = 10, 30
"""Writing may take about one part in so many of the time, and is tried again after so long."""
LARGEST = 1e30
"""The largest size of a number in a state."""
FINGERPRINT, DIGEST, VERSION = "matinee-checkpoint", "sha256", "version"
"""The keys of the metadata of a file."""

_DTYPES = {"f8": "F64", "f4": "F32", "f2": "F16", "i8": "I64", "i4": "I32", "i1": "I8"}
_DTYPES |= {"u8": "U64", "u4": "U32", "u1": "U8", "b1": "BOOL"}


class _File:
    """The file, and when it was written.

    Attributes:
        problem: why the last state could not be written, in a sentence; empty if it could.
    """

    def __init__(self, path: Path, tell: Callable[[str], None]) -> None:
        self.path, self.tell, self.fingerprint = path, tell, ""
        self.problem = ""
        self.ended, self.seconds = -np.inf, 0.0  # of the last attempt to write
        self.saved: State = {}

    @property
    def is_due(self) -> bool:
        return time.monotonic() >= self.ended + FACTOR * self.seconds

    def write(self, state: State) -> None:
        """Replaces the file atomically: if killed, it holds either the old state or the new one.

        A failure is told once, and the training goes on: the file still holds the old state.
        """
        began = time.monotonic()
        metadata = {FINGERPRINT: self.fingerprint, DIGEST: _digest(state), VERSION: __version__}
        try:
            with replacing(self.path) as file:
                for part in _serialized(state, metadata):
                    file.write(part)
        except OSError as error:
            self.ended, self.seconds = time.monotonic(), RETRY_SECONDS / FACTOR
            was_told = bool(self.problem)
            self.problem = f"Cannot write the checkpoint '{self.path}': {reason_of(error)}."
            if not was_told:
                held = "and the file holds an earlier state" if self.path.exists() else "without it"
                self.tell(f"{self.problem} The training goes on, {held}.")
            return
        self.ended, self.saved = time.monotonic(), {}
        self.seconds, self.problem = self.ended - began, ""

    def read(self) -> None:
        """Reads the state of the same training, if there is a file."""
        if not self.path.exists():
            return
        try:
            with safe_open(self.path, framework="np") as file:
                metadata = file.metadata() or {}
                self._check_origin(metadata)
                state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, not a dict
        except (SafetensorError, OSError, ValueError) as error:
            raise self.damaged() from error
        if metadata.get(DIGEST) != _digest(state):
            raise self.damaged()
        self.saved = state

    def _check_origin(self, metadata: Mapping[str, str]) -> None:
        version = metadata.get(VERSION, "")
        if version and version != __version__:
            raise ModelFileError(
                f"The checkpoint '{self.path}' was written by matinee {version}, and this is "
                f"{__version__}; go on with that version, or remove the file to start again."
            )
        if metadata.get(FINGERPRINT) != self.fingerprint:
            raise ModelFileError(
                f"The checkpoint '{self.path}' belongs to other data or settings; remove it or "
                "name another file."
            )

    def damaged(self) -> ModelFileError:
        return ModelFileError(f"The checkpoint '{self.path}' is damaged; remove it to start again.")


class Checkpoint:
    """Where a training keeps its state: a file, or the part of one that belongs to a training
    within another.

    Saving takes about a tenth of the time at most: after a slow write, the next one waits.
    """

    def __init__(self, path: Path, tell: Callable[[str], None] = warnings.warn) -> None:
        """Args:
        tell: called with a sentence when a state cannot be written.

        Raises:
            ModelFileError: no file can be written there.
        """
        path = Path(path)
        check_checkpoint(path)
        self._file = _File(path, tell)
        self._prefix = ""
        self._around: State = {}

    @property
    def path(self) -> Path:
        """The file."""
        return self._file.path

    @property
    def problem(self) -> str:
        """Why the last state could not be written, in a sentence; empty if it could."""
        return self._file.problem

    def begin(self, identify: Callable[[], str]) -> None:
        """Reads the state that the same training has left, if there is one.

        Args:
            identify: returns the `fingerprint` of the training. That of a training within
                another is not asked for: it follows from the other's.

        Raises:
            ModelFileError: the file is damaged, belongs to another training, or could not be
                written.
        """
        if not self._prefix:
            self._file.fingerprint = identify()
            self._file.read()

    def load(self) -> State | None:
        """The saved state; None if there is none."""
        return with_prefix(self._file.saved, self._prefix) or None

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Errors about a state in the block become the sentence that the file is damaged."""
        try:
            yield
        except (DataError, LookupError, ValueError, TypeError, RuntimeError) as error:
            raise self._file.damaged() from error

    def after_epoch(
        self, state: Callable[[], State], report: Callable[[], object] | None = None
    ) -> None:
        """Ends an epoch: reports it, and saves the state if it is time to.

        Whatever the report raises, such as an interruption, the state is saved before.

        Args:
            state: makes the state from which the training can resume.
        """
        try:
            if report is not None:
                report()
        except BaseException:
            self.save(state())
            raise
        if self._file.is_due:
            self.save(state())

    def save(self, state: State) -> None:
        """Writes a state; if that fails, the training goes on (see `problem`)."""
        self._file.write(self._around | prefixed(state, self._prefix))

    def part(self, name: str, around: State) -> "Checkpoint":
        """The checkpoint of a training within this one.

        Args:
            around: the state of this training meanwhile.
        """
        part = copy(self)
        part._prefix = f"{self._prefix}{name}."
        part._around = self._around | prefixed(around, self._prefix)
        return part

    def remove(self) -> None:
        """Removes the file, because the training is done."""
        self.path.unlink(missing_ok=True)


@contextmanager
def resuming(
    place: "Path | Checkpoint | None",
    settings: Mapping[str, object],
    train: Ratings,
    valid: Ratings | None,
) -> Iterator["Checkpoint | None"]:
    """The checkpoint of a training in the block, with the state that it has left, if there is one.

    Args:
        place: a file, which is removed if the block ends without an error; or a checkpoint, which
            stays; None for no checkpoint.

    Raises:
        ModelFileError: see `Checkpoint`.
    """
    saver = place
    if saver is not None and not isinstance(saver, Checkpoint):
        saver = Checkpoint(saver)
    if saver is not None:
        saver.begin(lambda: fingerprint(settings, train, valid))
    yield saver
    if saver is not None and saver is not place:
        saver.remove()


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
        arrays: list[NDArray[np.generic] | None] = [
            ratings.user_index,
            ratings.item_index,
            ratings.value,
            ratings.timestamp,
        ]
        for features in (ratings.user_features, ratings.item_features):
            arrays.append(None if features is None else features.table)
        for array in arrays:
            if array is None:
                digest.update(b"none")
            else:
                digest.update(np.ascontiguousarray(array).view(np.uint8).data)
    return digest.hexdigest()


# -- states ------------------------------------------------------------------------------


def prefixed(state: State, prefix: str) -> State:
    """The arrays with a prefix before each name."""
    return {prefix + name: array for name, array in state.items()}


def with_prefix(state: State, prefix: str) -> State:
    """The arrays whose name starts with the prefix, by the rest of their name."""
    return {
        name.removeprefix(prefix): array for name, array in state.items() if name.startswith(prefix)
    }


def check_like(state: State, expected: State) -> None:
    """Checks the arrays of a file against those of a training that begins: names, dtypes, shapes,
    and that all numbers are finite.

    Raises:
        DataError: an array is missing, or is not as expected.
    """
    if state.keys() != expected.keys():
        raise DataError(f"the arrays are {sorted(state)}, not {sorted(expected)}")
    for name, array in expected.items():
        found = state[name]
        if found.dtype != array.dtype or found.shape != array.shape:
            raise DataError(f"{name} is {found.dtype} {found.shape}")
        check_finite(name, found)


def check_finite(name: str, array: NDArray[np.generic]) -> None:
    """Raises DataError unless all numbers are finite."""
    if array.dtype.kind == "f" and array.size and not float(np.abs(array).max()) <= LARGEST:
        raise DataError(f"{name} holds a number that is not finite")


def rows_of(state: State, name: str, width: int) -> NDArray[np.float64]:
    """Rows of float64, (n, width), of any number; NaN is allowed.

    Raises:
        DataError: the array is not as expected.
    """
    array = state[name]
    if array.dtype != np.float64 or array.ndim != 2 or array.shape[1] != width:
        raise DataError(f"{name} is {array.dtype} {array.shape}")
    return np.asarray(array, np.float64)


def number_of(state: State, name: str, low: float, high: float) -> float:
    """A number within limits, an array without dimensions.

    Raises:
        DataError: the array is not as expected.
    """
    array = state[name]
    if array.shape != () or not low <= float(array) <= high:
        raise DataError(f"{name} is no number from {low:g} to {high:g}")
    return float(array)


_HALF = 2**64


def generator_state(rng: np.random.Generator) -> NDArray[np.uint64]:
    """The state of a generator made by `default_rng`, (6,)."""
    state = rng.bit_generator.state
    numbers = [*divmod(state["state"]["state"], _HALF), *divmod(state["state"]["inc"], _HALF)]
    return np.array([*numbers, state["has_uint32"], state["uinteger"]], np.uint64)


def restore_generator(rng: np.random.Generator, state: NDArray[np.generic]) -> None:
    """Puts a generator made by `default_rng` into a state.

    Raises:
        DataError: this is no state.
    """
    if state.dtype != np.uint64 or state.shape != (6,):
        raise DataError("no state of a random generator")
    high, low, inc_high, inc_low, has_half, half = (int(number) for number in state)
    rng.bit_generator.state = {
        "bit_generator": "PCG64",
        "state": {"state": high * _HALF + low, "inc": inc_high * _HALF + inc_low},
        "has_uint32": has_half & 1,
        "uinteger": half % 2**32,
    }


# -- the file ----------------------------------------------------------------------------


def _digest(state: State) -> str:
    digest = hashlib.sha256()
    for name, array in sorted(state.items()):
        digest.update(f"{name} {array.dtype.str} {array.shape} ".encode())
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _serialized(state: State, metadata: Mapping[str, str]) -> Iterator[bytes | memoryview]:
    """The parts of a safetensors file. The library's own writer would copy all arrays first."""
    header: dict[str, object] = {"__metadata__": dict(metadata)}
    place = 0
    for name, array in sorted(state.items()):
        header[name] = {
            "dtype": _DTYPES[array.dtype.str[1:]],
            "shape": array.shape,
            "data_offsets": (place, place + array.nbytes),
        }
        place += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    yield len(text).to_bytes(8, "little") + text
    for _, array in sorted(state.items()):
        yield np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
