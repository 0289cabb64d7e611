"""MatrixMarket files, as SciPy writes them."""

import io
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import scipy.sparse

from matinee.data.reading.options import ReadOptions
from matinee.data.reading.read import read
from tests.helpers import reading_error, rows_of


def written(matrix: object, **settings: object) -> bytes:
    buffer = io.BytesIO()
    scipy.io.mmwrite(buffer, matrix, **settings)
    return buffer.getvalue()


@pytest.mark.parametrize("field", ["real", "integer"])
def test_coordinates_are_ratings(field: str, tmp_path: Path) -> None:
    matrix = scipy.sparse.coo_matrix(np.array([[5, 0, 3], [0, 4, 0]]))
    path = tmp_path / "m.mtx"
    path.write_bytes(written(matrix, field=field, comment="made\nby hand", symmetry="general"))
    assert sorted(rows_of(read(path))) == [
        (1, 1, 5.0, None),
        (1, 3, 3.0, None),
        (2, 2, 4.0, None),
    ]
    assert read(path, ReadOptions(count="3")).ratings.scale.has_stars is False


def test_a_pattern_is_pairs_and_a_symmetric_matrix_has_both_halves(tmp_path: Path) -> None:
    path = tmp_path / "m.mtx"
    path.write_text("%%MatrixMarket matrix coordinate pattern symmetric\n3 3 2\n2 1\n3 3\n")
    assert sorted(rows_of(read(path))) == [(1, 2, 1.0, None), (2, 1, 1.0, None), (3, 3, 1.0, None)]


def test_a_truncated_file_and_a_dense_matrix_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.mtx"
    path.write_text("%%MatrixMarket matrix coordinate real general\n3 3 4\n2 1 5\n3 3 4\n")
    assert f"{path} has 2 values, and its first line says 4" in reading_error(path)
    path.write_bytes(written(np.eye(2)))
    assert "scipy.io.mmwrite(file, scipy.sparse.coo_matrix(matrix))" in reading_error(path)
