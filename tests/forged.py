"""Model files whose contents were altered, with a digest that fits: what anybody could make."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save

from matinee.recommendation.model_file import digest


def contents(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The header and the tensors of a file."""
    with safe_open(path, framework="np") as file:
        header: dict[str, Any] = json.loads((file.metadata() or {})["matinee"])
        return header, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def signed(header: str, tensors: Mapping[str, NDArray[Any]]) -> bytes:
    """A file of this header and these tensors, with the digest of them."""
    arrays = {name: np.asarray(array, order="C") for name, array in tensors.items()}
    return save(arrays, {"matinee": header, "sha256": digest(header, arrays)})


def forge(
    path: Path,
    tensors: Mapping[str, NDArray[Any] | None],
    header: Mapping[str, Any] | None = None,
    *,
    to: Path | None = None,
) -> None:
    """Replaces some tensors of a file, or removes those that are None, and entries of its header."""
    old_header, old = contents(path)
    text = json.dumps(old_header | dict(header or {}), sort_keys=True)
    new = {name: array for name, array in (old | dict(tensors)).items() if array is not None}
    (to or path).write_bytes(signed(text, new))
