"""Resuming: the models that are not neural, interrupted after any epoch, end with the same bits."""

import errno
import functools
import os
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from matinee.data.ratings import Ratings
from matinee.data.split import random_split
from matinee.errors import ModelFileError
from matinee.models import matrix_factorization, model_named
from matinee.models.base import Recommender
from matinee.models.descent import FactorPlan
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.models.members import fitted_state
from matinee.progress import Step
from matinee.training import checkpoints
from matinee.training.checkpoints import Checkpoint, _digest, fingerprint
from tests.conftest import simulated

pytestmark = pytest.mark.usefixtures("one_torch_thread")

Settings = dict[str, Any]
SPARSE, DENSE = simulated(40, 30, 600), simulated(120, 60, 5000)
DRAWS: Settings = {"factors": 3, "samples": 12, "burn_in": 3, "kept": 4, "set_rank": 5}
LISTS: Settings = {"ials.factors": 4, "ials.epochs": 2, "ials-all.factors": 4, "ials-all.epochs": 2}
CASES: list[tuple[str, Settings, Ratings, Sequence[int]]] = [
    ("mf", {"factors": 4, "epochs": 6}, DENSE, (1, 3, 6)),
    ("ials", {"factors": 4, "epochs": 3}, DENSE, (1, 3)),
    ("bayes", DRAWS, DENSE, (1, 3, 11, 15)),
    ("bayes", DRAWS | {"likelihood": "probit", "start": "wide"}, SPARSE, (2, 9)),
    ("bayes", DRAWS | {"start": "few", "sets": False}, SPARSE, (2, 9)),
    (
        "hybrid",
        LISTS | {"mf.factors": 4, "mf.epochs": 3, "mf.adapt": False},
        DENSE,
        (1, 4, 7, 9, 11),
    ),
    (
        "hybrid",
        LISTS | {"stars": "blend", "member_settings": "blend.models=item-knn,user-knn"},
        DENSE,
        (8, 12),
    ),
    (
        "blend",
        {"mf.epochs": 2, "mf.factors": 4, "mf.adapt": False, "models": "mf,item-knn"},
        DENSE,
        (2, 3, 4, 6),
    ),
]


class Interruption(Exception):  # noqa: N818, it is no error
    """What a signal is to a training."""


def stop_at(number: int) -> Callable[[Step], None]:
    """A callback that interrupts the training at its n-th report."""
    steps: list[Step] = []

    def stop(step: Step) -> None:
        steps.append(step)
        if len(steps) == number:
            raise Interruption

    return stop


def interrupted(model: Recommender, ratings: Ratings, number: int, file: Path, **how: Any) -> None:
    with pytest.raises(Interruption):
        model.fit(ratings, n_threads=1, checkpoint=file, progress=stop_at(number), **how)


def assert_same(one: Recommender, other: Recommender) -> None:
    ours, theirs = fitted_state(one), fitted_state(other)
    assert ours.keys() == theirs.keys()
    for name, array in ours.items():
        assert array.tobytes() == theirs[name].tobytes(), name


@pytest.mark.parametrize(
    ("name", "settings", "ratings", "stops"),
    CASES,
    ids=[f"{number}-{case[0]}" for number, case in enumerate(CASES)],
)
def test_a_training_interrupted_after_any_epoch_ends_with_the_same_bits(
    name: str, settings: Settings, ratings: Ratings, stops: Sequence[int], tmp_path: Path
) -> None:
    make = model_named(name).from_settings
    whole = make(settings).fit(ratings, n_threads=1)
    for number in stops:
        file = tmp_path / f"{number}"
        interrupted(make(settings), ratings, number, file)
        assert_same(make(settings).fit(ratings, n_threads=1, checkpoint=file), whole)
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("by_coordinates", "learns_priors", "follows_popularity", "epochs"),
    [
        (False, False, False, 4),
        (True, False, False, 4),
        (True, True, False, 34),
        (False, False, True, 4),
        (True, True, True, 34),
    ],
)
def test_a_training_with_another_plan_resumes(
    by_coordinates: bool,
    learns_priors: bool,
    follows_popularity: bool,
    epochs: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The plan that suits the table is chosen once, and the first training is not repeated."""
    calls: list[FactorPlan] = []

    def choose(plan: FactorPlan, *_: object) -> FactorPlan:
        calls.append(plan)
        return plan._replace(
            factors=2,
            epochs=epochs,
            by_coordinates=by_coordinates,
            learns_priors=learns_priors,
            follows_popularity=follows_popularity,
            strength=0.7,
        )

    monkeypatch.setattr(matrix_factorization, "adapted", choose)
    make = functools.partial(MatrixFactorization, factors=4, epochs=6, learning_rate=0.2)
    whole, reports = make().fit(SPARSE, n_threads=1), list[Step]()
    assert len(calls) == 1
    make().fit(SPARSE, n_threads=1, progress=reports.append)
    first = len(reports) - epochs
    for number in (first, first + 1, first + epochs - 2, first + epochs):
        interrupted(make(), SPARSE, number, tmp_path / "state")
        calls.clear()
        assert_same(make().fit(SPARSE, n_threads=1, checkpoint=tmp_path / "state"), whole)
        assert len(calls) == (number == first)


@pytest.mark.parametrize("name", ["mf", "bayes"])
def test_the_loss_on_the_validation_part_is_not_forgotten(name: str, tmp_path: Path) -> None:
    part = random_split(DENSE, 0.3)
    patient: Settings = {"factors": 4, "patience": 2, "learning_rate": 0.3}
    settings = patient if name == "mf" else DRAWS
    make = model_named(name).from_settings
    whole = make(settings).fit(part.train, valid=part.test)
    interrupted(make(settings), part.train, 5, tmp_path / "state", valid=part.test)
    resumed = make(settings).fit(part.train, valid=part.test, checkpoint=tmp_path / "state")
    assert_same(resumed, whole)


# -- damaged files -----------------------------------------------------------------------


@cache
def saved_state(name: str, folder: Path) -> tuple[Recommender, Path]:
    """A model, and the checkpoint of its interrupted training."""
    settings: dict[str, Settings] = {
        "mf": {"factors": 4, "epochs": 6},
        "bayes": DRAWS,
        "ials": {"factors": 4},
    }
    model = model_named(name).from_settings(
        settings.get(name, LISTS | {"mf.factors": 4, "mf.adapt": False})
    )
    file = folder / name
    interrupted(model, DENSE, 6, file)
    return model, file


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("states")


def change(array: Any, kind: str) -> Any:
    """A damaged array, as a crafted file might have it."""
    if kind == "shape":
        return np.zeros((*array.shape, 2), array.dtype)
    if kind == "dtype":
        return np.zeros(array.shape, np.int32 if array.dtype != np.int32 else np.float32)
    if array.dtype.kind == "f":
        return np.full_like(array, np.nan if kind == "nan" else -1e4)
    return np.full_like(array, 0)


@pytest.mark.parametrize("kind", ["shape", "dtype", "nan", "missing"])
@pytest.mark.parametrize("name", ["mf", "ials", "bayes", "hybrid"])
def test_a_crafted_checkpoint_is_refused_in_a_sentence(
    name: str, kind: str, folder: Path, tmp_path: Path
) -> None:
    """Its digest is right, but an array is not what the training needs."""
    model, file = saved_state(name, folder)
    state, settings = load_file(file), {"model": model.name} | model.settings()
    crafted, n_refused = tmp_path / "crafted", 0
    for array in sorted(state, key=len)[:: max(1, len(state) // 12)]:
        other = state | {array: change(state[array], kind)}
        if kind == "missing":
            del other[array]
        metadata = {checkpoints.FINGERPRINT: fingerprint(settings, DENSE, None)}
        save_file(other, crafted, metadata | {checkpoints.DIGEST: _digest(other)})
        try:
            type(model).from_settings(model.settings()).fit(DENSE, n_threads=1, checkpoint=crafted)
        except ModelFileError as error:
            assert str(error) == (  # noqa: PT017, the others may be harmless
                f"The checkpoint '{crafted}' is damaged; remove it to start again."
            )
            n_refused += 1
    assert n_refused >= 3


def test_one_changed_bit_is_found(folder: Path, tmp_path: Path) -> None:
    model, file = saved_state("mf", folder)
    payload = bytearray(file.read_bytes())
    payload[-40] ^= 1
    (tmp_path / "state").write_bytes(payload)
    with pytest.raises(ModelFileError, match="is damaged; remove it to start again"):
        model.fit(DENSE, checkpoint=tmp_path / "state")


def test_a_checkpoint_of_another_version_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, file = saved_state("mf", folder)
    monkeypatch.setattr(checkpoints, "__version__", "99.0")
    with pytest.raises(ModelFileError) as caught:
        model.fit(DENSE, checkpoint=file)
    assert "and this is 99.0; go on with that version, or remove the file" in str(caught.value)


def test_times_and_features_belong_to_the_training(folder: Path) -> None:
    model, file = saved_state("bayes", folder)
    timed = Ratings(
        *(DENSE.users, DENSE.items, DENSE.user_index, DENSE.item_index, DENSE.value),
        np.arange(len(DENSE)),
        DENSE.scale,
    )
    with pytest.raises(ModelFileError, match="belongs to other data or settings"):
        model.fit(timed, checkpoint=file)


# -- places that cannot be written to any more -------------------------------------------


def refuse_writing(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("matinee.files.os.fsync", fail)


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOSPC, "the disk is full; free some space on it"),
        (errno.EACCES, "Permission denied"),
    ],
)
def test_a_training_goes_on_if_no_checkpoint_can_be_written(
    number: int, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, settings = model_named("mf").from_settings, {"factors": 4, "epochs": 6}
    whole = make(settings).fit(DENSE, n_threads=1)
    file = tmp_path / "state"
    interrupted(make(settings), DENSE, 2, file)
    before, told = file.read_bytes(), list[str]()
    saver = Checkpoint(file, told.append)
    with monkeypatch.context() as patch:
        refuse_writing(patch, number)
        assert_same(make(settings).fit(DENSE, n_threads=1, checkpoint=saver), whole)
    problem = f"Cannot write the checkpoint '{file}': {reason}."
    assert told == [f"{problem} The training goes on, and the file holds an earlier state."]
    assert saver.problem == problem
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [before]
    assert_same(make(settings).fit(DENSE, n_threads=1, checkpoint=file), whole)


def test_after_a_slow_write_the_next_one_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tenth of the time is the most that checkpoints may take."""
    now, writes = [0.0], list[float]()
    monkeypatch.setattr("matinee.training.checkpoints.time.monotonic", lambda: now[0])

    def write(*_: object) -> list[bytes]:
        writes.append(now[0])
        now[0] += 2
        return []

    monkeypatch.setattr(checkpoints, "_serialized", write)
    saver = Checkpoint(tmp_path / "state")
    for _ in range(50):
        now[0] += 1
        saver.after_epoch(dict)
    assert writes == [1.0, 23.0, 45.0]
