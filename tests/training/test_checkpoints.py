"""Checkpoints: a training that was interrupted, or killed, ends with the same bits as one that never was."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from matinee.data.datasets.load import load
from matinee.data.ratings import Ratings
from matinee.data.split import random_split
from matinee.errors import ModelFileError, UnsupportedError
from matinee.models.base import Recommender
from matinee.models.baseline import Baseline
from matinee.models.declarations import state_of
from matinee.models.knn import ItemKNN
from matinee.models.neural.dot_product import DotProduct, PlainMF
from matinee.models.neural.mlp import EmbeddingMLP
from matinee.progress import Step
from matinee.recommendation.guide import Guide
from matinee.recommendation.model_file import load_model
from tests.conftest import simulated

pytestmark = pytest.mark.usefixtures("one_torch_thread")

ROOT = Path(__file__).parent.parent.parent
SMALL = simulated(40, 30, 600)

RESUMING: list[tuple[type[Recommender], dict[str, Any]]] = [
    (PlainMF, {"batch_size": 64}),
    (DotProduct, {"factors": 6}),
    (DotProduct, {"factors": 6, "update": "lazy"}),
    (DotProduct, {"factors": 6, "update": "lazy", "device": "auto"}),
    (EmbeddingMLP, {"hidden": "20,10", "dropout": "0.3", "batch_size": 64}),
    (EmbeddingMLP, {"hidden": "20", "dropout": "0.3", "batch_size": 64, "update": "lazy"}),
]
every_resuming = pytest.mark.parametrize(
    ("model", "settings"),
    RESUMING,
    ids=[f"{model.name}-{settings}" for model, settings in RESUMING],
)


class Interruption(Exception):  # noqa: N818, it is no error
    """What a person's Ctrl-C is to a training."""


def interrupted(model: Recommender, after: int, ratings: Ratings, **how: Any) -> None:
    def stop(step: Step) -> None:
        if step.done == after:
            raise Interruption

    with pytest.raises(Interruption):
        model.fit(ratings, progress=stop, **how)


def assert_same(one: Recommender, other: Recommender) -> None:
    others = state_of(other)
    for name, array in state_of(one).items():
        assert np.array_equal(array, others[name], equal_nan=True), name


@every_resuming
def test_a_training_interrupted_after_any_epoch_ends_with_the_same_bits(
    model: type[Recommender], settings: dict[str, Any], tmp_path: Path
) -> None:
    whole = model.from_settings({"epochs": 4} | settings).fit(SMALL)
    for after in (1, 2, 3, 4):
        resumed, file = model.from_settings({"epochs": 4} | settings), tmp_path / f"{after}"
        interrupted(resumed, after, SMALL, checkpoint=file)
        assert file.exists()
        steps: list[Step] = []
        resumed.fit(SMALL, checkpoint=file, progress=steps.append)
        assert [step.done for step in steps] == list(range(after + 1, 5))
        assert_same(resumed, whole)
        assert not file.exists()


@every_resuming
def test_the_best_epoch_before_an_interruption_is_not_forgotten(
    model: type[Recommender], settings: dict[str, Any], tmp_path: Path
) -> None:
    part = random_split(SMALL, 0.3)
    settings = settings | {
        "epochs": 30,
        "learning_rate": 0.1,
        "schedule": "constant",
        "patience": 2,
        "keep_best": True,
    }
    whole: Any = model.from_settings(settings).fit(part.train, valid=part.test)
    n_epochs = len(whole.curve_.rows)
    assert n_epochs < 30
    resumed = model.from_settings(settings)
    for after in (n_epochs - 2, n_epochs - 1):
        interrupted(resumed, after, part.train, valid=part.test, checkpoint=tmp_path / "state")
    assert_same(resumed.fit(part.train, valid=part.test, checkpoint=tmp_path / "state"), whole)


def test_a_checkpoint_does_not_depend_on_who_asks_or_watches(tmp_path: Path) -> None:
    """Nothing but the checkpoint is written, and it is gone at the end."""
    PlainMF(epochs=3).fit(SMALL, checkpoint=tmp_path / "state", progress=lambda *_: None)
    assert list(tmp_path.iterdir()) == []


def checkpoint_refusal(
    file: Path, model: Recommender | None = None, ratings: Ratings = SMALL
) -> str:
    with pytest.raises(ModelFileError) as caught:
        (model or PlainMF(epochs=3)).fit(ratings, checkpoint=file)
    return str(caught.value)


@pytest.mark.parametrize(
    "payload", [b"", b"nonsense", b"\xff" * 100, None], ids=["empty", "text", "bytes", "cut"]
)
def test_a_damaged_checkpoint_is_refused_and_left_alone(
    payload: bytes | None, tmp_path: Path
) -> None:
    file = tmp_path / "state"
    interrupted(PlainMF(epochs=3), 1, SMALL, checkpoint=file)
    damaged = file.read_bytes()[:-5] if payload is None else payload
    file.write_bytes(damaged)
    assert (
        checkpoint_refusal(file) == f"The checkpoint '{file}' is damaged; remove it to start again."
    )
    assert file.read_bytes() == damaged


def test_a_folder_is_no_checkpoint(tmp_path: Path) -> None:
    assert checkpoint_refusal(tmp_path) == (
        f"Cannot write the checkpoint '{tmp_path}': it is a folder; add the name of a file."
    )


def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "state"
    interrupted(PlainMF(epochs=3), 1, SMALL, checkpoint=file)
    before = file.read_bytes()
    expected = f"The checkpoint '{file}' belongs to other data or settings; remove it or name another file."
    others: list[Recommender] = [
        PlainMF(epochs=4),
        PlainMF(epochs=3, seed=1),
        DotProduct(epochs=3),
        EmbeddingMLP(),
    ]
    assert {checkpoint_refusal(file, other) for other in others} == {expected}
    assert checkpoint_refusal(file, ratings=SMALL.subset(np.arange(599))) == expected
    assert file.read_bytes() == before


def test_a_model_file_is_no_checkpoint(tmp_path: Path) -> None:
    file = tmp_path / "model.matinee"
    Guide(PlainMF(epochs=3).fit(SMALL)).save(file)
    assert "belongs to other data or settings" in checkpoint_refusal(file)
    assert Guide.load(file).model.name == "plain-mf"


def test_a_checkpoint_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "missing" / "state"
    assert (
        checkpoint_refusal(file)
        == f"Cannot write the checkpoint '{file}': the folder '{file.parent}' does not exist; create it first."
    )


@pytest.mark.parametrize("model", [ItemKNN, Baseline], ids=lambda model: model.name)
def test_who_trains_in_no_time_refuses_a_checkpoint(
    model: type[Recommender], tmp_path: Path
) -> None:
    with pytest.raises(UnsupportedError) as caught:
        model().fit(SMALL, checkpoint=tmp_path / "state")
    assert str(caught.value) == f"{model.name} trains too fast to need a checkpoint; leave it out."


# -- SIGKILL -----------------------------------------------------------------------------------------------------


def written(file: Path) -> int:
    """Changes whenever the file is replaced."""
    return file.stat().st_mtime_ns if file.exists() else 0


def wait_for(checkpoint: Path, before: int, is_alive: Callable[[], bool], delay: float) -> None:
    """Until a training has written a checkpoint, and a little longer."""
    while written(checkpoint) == before and is_alive():
        time.sleep(0.003)
    time.sleep(delay)


def fit_and_save(
    model: type[Recommender], settings: dict[str, Any], checkpoint: Path, out: Path
) -> None:
    """What the child processes do."""
    torch.set_num_threads(1)
    Guide(model.from_settings(settings).fit(SMALL, checkpoint=checkpoint)).save(out)


@pytest.mark.parametrize(
    ("model", "n_kills", "settings"),
    [
        (PlainMF, 3, {"epochs": 400}),
        (EmbeddingMLP, 6, {"epochs": 70, "hidden": "16", "batch_size": 100}),
    ],
    ids=["plain-mf", "mlp"],
)
def test_a_training_killed_again_and_again_ends_with_the_same_weights(
    model: type[Recommender],
    n_kills: int,
    settings: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folders = str(ROOT), str(Path(__file__).parent)
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join(folders)
    )  # where the server finds this file and its imports
    context = multiprocessing.get_context(
        "forkserver"
    )  # so that PyTorch is imported once and not by every child
    context.set_forkserver_preload(["torch._dynamo", "matinee.kernels.adam", __name__])
    checkpoint, out = tmp_path / "state", tmp_path / "resumed.matinee"

    def child() -> multiprocessing.process.BaseProcess:
        process = context.Process(target=fit_and_save, args=(model, settings, checkpoint, out))
        process.start()
        return process

    for delay in np.random.default_rng(0).uniform(0, 0.08, n_kills):
        before, killed = written(checkpoint), child()
        wait_for(checkpoint, before, killed.is_alive, delay)
        killed.kill()
        killed.join()
        assert killed.exitcode == -signal.SIGKILL
        assert checkpoint.exists()
        assert not out.exists()
    last = child()
    last.join()
    assert last.exitcode == 0
    assert not checkpoint.exists()
    assert_same(load_model(out)[0], model.from_settings(settings).fit(SMALL))


def test_the_train_command_goes_on_after_a_kill(tmp_path: Path) -> None:
    data, checkpoint, out = tmp_path / "ratings.csv", tmp_path / "state", tmp_path / "plain.matinee"
    columns = SMALL.users.ids[SMALL.user_index], SMALL.items.ids[SMALL.item_index], SMALL.value
    rows = [
        ",".join(map(str, row))
        for row in zip(*(column.tolist() for column in columns), strict=True)
    ]
    data.write_text("\n".join(["user,item,rating", *rows, ""]), "utf-8")
    words = [
        *("train", data, "--model", "plain-mf", "--set", "epochs=400"),
        "--checkpoint",
        checkpoint,
        "--out",
        out,
    ]
    program = [sys.executable, "-m", "matinee", *map(str, words)]
    with subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        wait_for(checkpoint, 0, lambda: child.poll() is None, 0)
        child.kill()
        assert child.wait() == -signal.SIGKILL
    assert checkpoint.exists()
    done = subprocess.run(program, check=True, capture_output=True, text=True)
    assert done.stdout == ""
    assert f"saved as {out}." in done.stderr
    assert not checkpoint.exists()
    assert_same(load_model(out)[0], PlainMF(epochs=400).fit(load(str(data)).ratings))
