"""matinee predict: one film or several."""

from pathlib import Path

from matinee.models.matrix_factorization import MatrixFactorization
from tests.helpers import as_json, good, guide


def test_several_items_get_a_line_and_an_object_each(tmp_path: Path) -> None:
    file = tmp_path / "m.matinee"
    guide(MatrixFactorization).save(file)
    words = ("predict", file, "--user", 1, "--item", 17, "--item", "Film 2 (1952)")
    assert good(*words).stdout.count(" stars for ") == 2
    told = as_json(*words)
    assert [item["item_id"] for item in told["items"]] == [17, 27]
    one = as_json("predict", file, "--user", 1, "--item", 17)
    assert one == {"user": 1, **told["items"][0]}
