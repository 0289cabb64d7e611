"""What reading says of a table."""

import json
from pathlib import Path

from matinee.data.reading.options import ReadOptions
from matinee.data.reading.read import read
from tests.helpers import as_json, good


def test_a_summary_says_what_was_taken_for_what(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text(
        "who,item,rating,time,mood\n"
        "a,x,1,978307200,0.5\nb,y,5,978393600,0.1\nb,x,5,978393600,0.2\na,z,4,978393600,0.7\n"
    )
    summary = read(path, ReadOptions(user="who")).summary
    assert summary is not None
    assert summary.lines() == [
        "Read as CSV with a header: user from 'who', item from 'item', rating from 'rating' and "
        "timestamp from 'time'.",
        "Ratings from 1 (1) to 5 (2); 3 of 4 count as liked (4 or more).",
        "Timestamps (seconds) from 2001-01-01 to 2001-01-02.",
        "Columns not used: 'mood'.",
    ]
    found = summary.to_dict()
    assert json.loads(json.dumps(found)) == found | {"unused": ["mood"], "notes": []}
    assert found["columns"][0] == {"role": "user", "name": "who", "found": "as given"}
    assert found["scale"] == {"lowest": 1.0, "n_lowest": 1, "highest": 5.0, "n_highest": 2}
    assert found["times"]["first_day"] == "2001-01-01"


def test_columns_without_a_header_have_numbers(tmp_path: Path) -> None:
    path = tmp_path / "r.tsv"
    path.write_text("1\t10\t4\n2\t20\t5\n")
    summary = read(path).summary
    assert summary is not None
    assert summary.lines()[0] == (
        "Read as tab-separated text without a header: user from column 1, item from column 2 and "
        "rating from column 3."
    )


def test_commands_print_the_summary_and_put_it_into_json(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    rows = "".join(f"{n % 9},{n // 9},{n % 5 + 1},x{n}\n" for n in range(90))
    path.write_text(f"user,item,rating,note\n{rows}")
    assert "Columns not used: 'note'.\n" in good("data", "describe", path).stderr
    assert as_json("data", "describe", path)["reading"]["unused"] == ["note"]
    found = as_json("evaluate", path, "--model", "baseline")
    assert found["reading"]["scale"]["n_highest"] == 18


def test_a_test_part_on_another_scale_is_told(tmp_path: Path) -> None:
    rows = "".join(f"{n % 9},{n // 9},{n % 5 + 1}\n" for n in range(90))
    doubled = "".join(f"{n % 9},{n // 9 + 5},{2 * (n % 5) + 2}\n" for n in range(90))
    train, test = tmp_path / "train.csv", tmp_path / "test.csv"
    train.write_text(f"user,item,rating\n{rows}")
    test.write_text(f"user,item,rating\n{doubled}")
    told = good("evaluate", train, "--test", test, "--model", "baseline").stderr
    assert (
        "The test ratings are 2 to 10, those of training 1 to 5; if the scales differ, convert "
        "one of them first." in told
    )


def test_cells_are_read_as_the_options_of_the_command_line_say(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    words = ["like", "hm", "dislike", "?"]
    rows = "".join(f"{n % 9}.0;{n // 9};{words[n % 4]};0{n % 9 + 1}/02/2020\n" for n in range(90))
    path.write_text(f"user;item;verdict;date\n{rows}")
    options = (
        *("--rating-column", "verdict", "--map", "like=1,dislike=0,hm=0.5", "--missing", "-1,?"),
        *("--time-format", "dmy", "--text-ids", "--decimal", ","),
    )
    found = as_json("data", "describe", path, *options)
    assert (found["n_ratings"], found["first_day"]) == (68, "2020-02-01")
    assert [use["name"] for use in found["reading"]["columns"]][2] == "verdict"
