"""matinee similar."""

from pathlib import Path

from tests.helpers import as_json, good


def test_the_table_and_the_json_of_similar_agree(model_file: Path) -> None:
    result = good("similar", model_file, "Star Wars (1977)", "-k", 3)
    assert result.stdout.splitlines()[2].split() == [
        "similarity",
        "film",
        "genres",
        "ratings",
        "mean",
        "id",
    ]
    found = as_json("similar", model_file, "Star Wars (1977)", "-k", 3)
    assert set(found) == {"item_id", "title", "items", "note"}
    assert found["title"] == "Star Wars (1977)"
    for line, one in zip(result.stdout.splitlines()[3:], found["items"], strict=True):
        assert one["title"] in line
        assert one["stars"] is None
    assert as_json("similar", model_file, found["item_id"], "-k", 3) == found
    assert (
        as_json("similar", model_file, "Star Wars (1977)", "--min-ratings", 100_000)["items"] == []
    )
