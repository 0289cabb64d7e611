"""matinee predict: stars by id or title, and repeated ratings."""

import re
from pathlib import Path

import polars as pl
import pytest

from matinee.models.matrix_factorization import MatrixFactorization
from tests.helpers import as_json, good, guide, misused, refused


def test_predict_accepts_an_id_or_a_title(model_file: Path, mine: Path) -> None:
    by_title = good("predict", model_file, "--user", 1, "--item", "Alien")
    assert re.fullmatch(
        r"\d\.\d\d stars for Alien \(1979\), on the scale 0\.5 to 5 in steps of 0\.5\n",
        by_title.stdout,
    )
    found = as_json("predict", model_file, "--user", 1, "--item", "Alien")
    assert set(found) == {"user", "item_id", "title", "stars"}
    assert as_json("predict", model_file, "--user", 1, "--item", found["item_id"]) == found
    assert (
        f"{found['stars']:.2f} stars" in by_title.stdout
        or abs(found["stars"] * 100 % 1 - 0.5) < 0.11
    )
    assert as_json("predict", model_file, "--ratings", mine, "--item", "Aliens")["user"] is None


@pytest.mark.parametrize("text", ["Amelie", "amelie", "Amélie", "Amélie (2001)", "AMELIE (2001)"])
def test_a_title_is_found_with_and_without_its_accents(model_file: Path, text: str) -> None:
    assert as_json("predict", model_file, "--user", 1, "--item", text)["title"] == "Amélie (2001)"


def test_the_last_of_repeated_ratings_counts_and_a_note_says_so(
    model_file: Path, mine: Path
) -> None:
    words = ("predict", model_file, "--ratings", mine, "--item", "Aliens", "--json")
    mine.write_text("Heat,4\nAlien,1\n")
    once = good(*words)
    mine.write_text("Alien,1\nHeat,4\nAlien (1979),5\nAlien,1\n")
    again = good(*words)
    assert again.stdout == once.stdout
    told = f"Repeated ratings in {mine}: 2 rows; the last rating counts.\n"
    assert told in again.stderr
    assert "Repeated" not in once.stderr


def test_a_model_that_only_ranks_shows_scores_and_names_another(
    table: Path, tmp_path: Path
) -> None:
    out = tmp_path / "m.matinee"
    good("train", table, "--model", "popularity", "--out", out)
    assert good("recommend", out, "--user", 1).stdout.split()[0] == "score"
    assert refused("predict", out, "--user", 1, "--item", 7) == (
        "popularity ranks items and does not predict stars; use baseline or mf."
    )


def test_several_items_get_a_line_and_an_object_each(tmp_path: Path) -> None:
    file = tmp_path / "m.matinee"
    guide(MatrixFactorization).save(file)
    words = ("predict", file, "--user", 1, "--item", 17, "--item", "Film 2 (1952)")
    assert good(*words).stdout.count(" stars for ") == 2
    told = as_json(*words)
    assert [item["item_id"] for item in told["items"]] == [17, 27]
    one = as_json("predict", file, "--user", 1, "--item", 17)
    assert one == {"user": 1, **told["items"][0]}


def predictions(tmp_path: Path, text: str, *options: str, suffix: str = "csv") -> pl.DataFrame:
    """What the command writes for a table of pairs."""
    file, pairs = tmp_path / "m.matinee", tmp_path / "pairs.csv"
    guide(MatrixFactorization).save(file)
    pairs.write_text(text)
    out = tmp_path / f"out.{suffix}"
    good("predict", file, pairs, "--out", out, *options)
    first = out.read_bytes()
    good("predict", file, "--pairs", pairs, "--out", out, *options)
    assert out.read_bytes() == first
    return pl.read_parquet(out) if suffix == "parquet" else pl.read_csv(out)


def test_a_table_of_pairs_gets_a_row_for_each_row_in_order(tmp_path: Path) -> None:
    text = "user,item,rating,mood\n3,27,5,a\n1,17,1,b\n3,27,2,a\n9999,17,1,b\n1,9,1,a\n"
    found = predictions(tmp_path, text, suffix="parquet")
    assert found.columns == ["user_id", "item_id", "stars"]
    assert found["user_id"].to_list() == [3, 1, 3, 9999, 1]
    assert found["item_id"].to_list() == [27, 17, 27, 17, 9]
    one = guide(MatrixFactorization)
    alone = [one.predict(3, 27), one.predict(1, 17), one.predict(3, 27)]
    assert found["stars"][:3].to_list() == pytest.approx(alone, abs=1e-5)
    assert found["stars"][3:].to_list() == [None, None]


def test_pairs_may_name_films_by_title_and_one_pair_is_enough(tmp_path: Path) -> None:
    found = predictions(tmp_path, "who;film\n1;Film 2 (1952)\n", "--user-column", "who")
    assert found["stars"].to_list() == pytest.approx(
        [guide(MatrixFactorization).predict(1, 27)], abs=1e-5
    )
    found = predictions(
        tmp_path, "27;1\n17;3\n", "--no-header", "--user-column", "2", "--item-column", "1"
    )
    assert found["user_id"].to_list() == [1, 3]


def test_the_cells_of_pairs_are_read_as_those_of_other_tables(tmp_path: Path) -> None:
    text = "user,item,time\n1.0,27,20240105\n3.0,17,20240106\n"
    found = predictions(tmp_path, text, "--time-format", "YYYYMMDD")
    assert found["user_id"].to_list() == [1, 3]
    words = (tmp_path / "m.matinee", tmp_path / "pairs.csv", "--out", tmp_path / "out.csv")
    (tmp_path / "pairs.csv").write_text("user,item\n1,17\nnobody,27\n")
    told = good("predict", *words, "--missing", "nobody").stderr
    assert told.endswith("Left out: 1 row with a value that --missing names (nobody).\n")


def test_pairs_and_persons_are_not_mixed() -> None:
    assert "not both" in misused("predict", "m.matinee", "p.csv", "--user", 1, "--out", "o.csv")
    assert "Missing option '--out FILE'" in misused("predict", "m.matinee", "p.csv")
    assert "Missing option '--item'" in misused("predict", "m.matinee", "--user", 1)
    assert "--out is for a table of pairs" in misused(
        "predict", "m.matinee", "--user", 1, "--item", 1, "--out", "o.csv"
    )


def test_a_bad_row_of_pairs_is_named_and_can_be_left_out(tmp_path: Path) -> None:
    file, pairs, out = tmp_path / "m.matinee", tmp_path / "pairs.csv", tmp_path / "out.csv"
    guide(MatrixFactorization).save(file)
    pairs.write_text("user,item\n1,17\n,27\n3,27\n")
    words = ("predict", file, pairs, "--out", out)
    assert refused(*words) == (
        f"{pairs}, line 3: the user is missing. Use --skip-bad-rows to leave out such rows."
    )
    told = good(*words, "--skip-bad-rows").stderr
    assert told == f"{pairs}: Bad rows left out: 1.\n"
    assert pl.read_csv(out)["user_id"].to_list() == [1, 3]
