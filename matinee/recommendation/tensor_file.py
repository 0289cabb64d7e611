"""Writes a safetensors file without a copy of its tensors, which may be mapped from a disk.

The library makes the file in memory. The bytes are the same, except that the keys of the metadata
are sorted, which the library leaves to chance.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from matinee._types import Arrays
from matinee.errors import DataError
from matinee.files import replacing

_NAMES = {
    "bool": "BOOL",
    "uint8": "U8",
    "int8": "I8",
    "int16": "I16",
    "uint16": "U16",
    "float16": "F16",
    "int32": "I32",
    "uint32": "U32",
    "float32": "F32",
    "float64": "F64",
    "int64": "I64",
    "uint64": "U64",
}
"""The names of element types, in the order of the library, which writes the last ones first."""
_ALIGNMENT = 8


def write_tensors(path: Path, tensors: Arrays, metadata: Mapping[str, str]) -> None:
    """Writes the file, whole or not at all.

    Raises:
        OSError: it cannot be written.
        DataError: the format has no such type of elements.
    """
    header: dict[str, object] = {"__metadata__": dict(sorted(metadata.items()))}
    ordered = sorted(tensors.items(), key=lambda entry: (-_rank(entry[1].dtype), entry[0]))
    end = 0
    for name, array in ordered:
        start, end = end, end + array.nbytes
        header[name] = {
            "dtype": _NAMES[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [start, end],
        }
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    with replacing(path) as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for _, array in ordered:
            if array.size:
                file.write(np.asarray(array, order="C").reshape(-1).view(np.uint8).data)


def _rank(dtype: np.dtype[np.generic]) -> int:
    """The place of a type in the order of the library."""
    if dtype.name not in _NAMES or not dtype.isnative:
        raise DataError(f"a model file cannot hold elements of type {dtype}")
    return list(_NAMES).index(dtype.name)
