"""matinee recommend: lists, filters, new people and their mistakes."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import SIMULATED
from tests.helpers import as_json, good, refused

LINE_KEYS = {
    *("item_id", "title", "year", "genres", "score", "stars", "n_ratings", "mean"),
    "percentile",
}


def test_the_table_and_the_json_of_recommend_agree(model_file: Path) -> None:
    result = good("recommend", model_file, "--user", 1, "-k", 3)
    lines = result.stdout.splitlines()
    headings = [heading for heading in lines[0].split() if heading != "top"]
    assert headings == ["stars", "film", "genres", "ratings", "mean", "id"]
    assert result.stderr == SIMULATED
    found = as_json("recommend", model_file, "--user", 1, "-k", 3)
    assert set(found) == {"user", "k", "items", "note"}
    assert [set(line) for line in found["items"]] == [LINE_KEYS] * 3
    for place, (line, one) in enumerate(zip(lines[1:], found["items"], strict=True), 1):
        assert line.split()[0] == str(place)
        assert one["title"] in line
        assert line.split()[-1] == str(one["item_id"])


def test_recommend_applies_the_filters(model_file: Path) -> None:
    words = (
        "--genre",
        "horror",
        "--genre",
        "war",
        "--not-genre",
        "Comedy",
        "--years",
        "1970:",
        "--min-ratings",
        100,
    )
    items = as_json("recommend", model_file, "--user", 1, "-k", 4, *words)["items"]
    assert len(items) == 4
    for one in items:
        assert {"Horror", "War"} & set(one["genres"])
        assert "Comedy" not in one["genres"]
        assert one["year"] >= 1970
        assert one["n_ratings"] >= 100


def test_too_few_films_are_explained(model_file: Path) -> None:
    result = good("recommend", model_file, "--user", 1, "--years", ":1925", "--include-seen")
    n_lines = len(result.stdout.splitlines()) - 1
    told = (
        f"{n_lines} instead of 10: {n_lines} of the 340 films match the filters (up to 1925); "
        "for more, loosen the years.\n"
    )
    assert result.stderr == told + SIMULATED
    assert (
        as_json("recommend", model_file, "--user", 1, "--years", ":1925", "--include-seen")["note"]
        == told.strip()
    )


def test_rated_films_are_listed_only_on_request(model_file: Path, mine: Path) -> None:
    words = ("recommend", model_file, "--ratings", mine, "-k", 340)
    assert len(as_json(*words)["items"]) == 338
    assert len(as_json(*words, "--include-seen")["items"]) == 340


def test_a_new_person_gets_a_list_and_a_note_about_unknown_films(
    model_file: Path, mine: Path
) -> None:
    result = good("recommend", model_file, "--ratings", mine, "--json")
    assert result.stderr.startswith(
        f"Skipped 1 row in {mine}: row 4, 'No Such Film': No item or title 'No Such Film' among the 340 items."
    )
    found = json.loads(result.stdout)
    assert (found["user"], len(found["items"])) == (None, 10)
    mine.write_text("No Such Film,3\n")
    assert refused("recommend", model_file, "--ratings", mine).startswith(
        f"{mine} has no rating of a film that this model knows: row 1, 'No Such Film': No item or title"
    )
    mine.write_text("title,rating\nNo Such Film,3\nNor This,4\n")
    assert refused("recommend", model_file, "--ratings", mine).startswith(
        f"{mine} has no rating of a film that this model knows:\n"
        "  row 2, 'No Such Film': No item or title 'No Such Film' among the 340 items.\n"
        "  row 3, 'Nor This': No item or title 'Nor This'"
    )


def test_a_rating_outside_the_scale_is_reported_with_film_and_row(
    model_file: Path, mine: Path
) -> None:
    mine.write_text("title,rating\nAlien,4\nthe matrix (1999),9\n")
    assert refused("recommend", model_file, "--ratings", mine) == (
        f"In {mine}, row 3: the rating 9 for 'the matrix (1999)' is outside the scale 0.5 to 5 in steps of 0.5. "
        "If the ratings are out of 10, call their column rating10 or give --ratings-scale 1:10; "
        "--skip-bad-rows leaves out such rows."
    )


def test_an_unknown_user_gets_the_command_for_new_people(model_file: Path) -> None:
    told = refused("recommend", model_file, "--user", 999_999)
    assert told.startswith("No user '999999' among the 2,000 this model was trained on.")
    assert told.endswith(
        f"\nGive their ratings instead:  matinee recommend {model_file} --ratings mine.csv"
    )
    assert told.count("\n") == 1


@pytest.mark.parametrize("word", ["all", "*", "Everyone"])
def test_a_word_for_all_users_gets_the_command_for_everybody(
    word: str, model_file: Path, tmp_path: Path
) -> None:
    told = refused("recommend", model_file, "--user", word)
    assert told == (
        f"No user '{word}' among the 2,000 this model was trained on.\n"
        f"For all users:  matinee recommend {model_file} --everybody --out lists.csv"
    )
    lists = tmp_path / "lists.csv"
    good("recommend", model_file, "--everybody", "--out", lists, "-k", 2)
    assert lists.read_text("utf-8").count("\n") == 1 + 2 * 2_000
    assert refused("predict", model_file, "--user", word, "--item", "Alien").endswith(
        f"matinee predict {model_file} pairs.csv --out stars.csv"
    )
