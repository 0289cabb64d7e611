"""Model files written by earlier versions open, hold the same arrays, and their models give the same answers."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from matinee.recommendation.model_file import load_model
from tests.recommendation.model_files.write import SETTINGS, answers, digests, network_module, table

FOLDER = Path(__file__).parent / "model_files"
every_file = pytest.mark.parametrize("name", SETTINGS)


@cache
def recorded() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / "answers.json").read_text("utf-8"))
    return found


def same(found: Any, expected: Any) -> bool:
    """Equal, but for the last bits of floats, which depend on the processor's products of matrices."""
    if isinstance(expected, list):
        return len(found) == len(expected) and all(map(same, found, expected))
    if isinstance(expected, float):
        return bool(np.isclose(found, expected, rtol=1e-6, atol=1e-6, equal_nan=True))
    return bool(found == expected)


def test_there_is_a_file_for_each_of_the_models() -> None:
    assert (
        sorted(path.stem for path in FOLDER.glob("*.matinee"))
        == sorted(SETTINGS)
        == sorted(recorded())
    )


@every_file
def test_an_old_file_holds_the_arrays_it_was_written_with(name: str) -> None:
    assert digests(FOLDER / f"{name}.matinee") == recorded()[name]["tensors"]


@every_file
def test_the_model_of_an_old_file_answers_as_it_did(name: str) -> None:
    module = network_module() if name == "network" else None
    model, catalog, origin = load_model(FOLDER / f"{name}.matinee", module)
    assert (len(catalog), origin.dataset, origin.n_ratings) == (25, "simulated", 400)
    assert origin.has_history == (not name.endswith("-bare"))
    found = answers(model, table(name))
    expected = recorded()[name]["answers"]
    refusals = {key for key, value in expected.items() if isinstance(value, str)}
    assert {key for key, value in found.items() if isinstance(value, str)} == refusals
    wrong = {key for key in expected.keys() - refusals if not same(found[key], expected[key])}
    assert wrong == set()
