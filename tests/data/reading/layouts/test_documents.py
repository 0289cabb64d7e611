"""JSON that is one document, and what looks like JSON."""

import gzip
import json
import shlex
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from matinee.data.reading.read import read
from tests.helpers import reading_error, rows_of

ROWS = [(1, 10, 4.0, None), (1, 11, 2.0, None), (2, 10, 5.0, None)]
FRAME = pd.DataFrame([row[:3] for row in ROWS], columns=["user", "item", "rating"])
RECORDS = FRAME.to_dict("records")

DOCUMENTS = {
    "pandas, columns": str(FRAME.to_json(orient="columns")),
    "pandas, split": str(FRAME.to_json(orient="split")),
    "pandas, index": str(FRAME.to_json(orient="index")),
    "pandas, records": str(FRAME.to_json(orient="records")),
    "pandas, values": str(FRAME.to_json(orient="values")),
    "pandas, table": str(FRAME.to_json(orient="table")),
    "an array on many lines": json.dumps(RECORDS, indent=2),
    "objects on many lines": "\n".join(json.dumps(row, indent=1) for row in RECORDS),
    "columns of lists": json.dumps(FRAME.to_dict("list")),
    "an array under a name": json.dumps({"n": 3, "ratings": RECORDS}),
    "lines": "\n".join(map(json.dumps, RECORDS)),
    "lines with commas at their ends": "".join(f"{json.dumps(row)},\n" for row in RECORDS),
}


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_json_of_every_form_reads(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    path.write_text(DOCUMENTS[kind])
    assert rows_of(read(path)) == ROWS


def test_the_ratings_of_each_user_by_name(tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    path.write_text(json.dumps({"Ann": {"Heat": 4, "Up": 2.5}, "Bob": {"Up": 5}}))
    assert [row[:3] for row in rows_of(read(path))] == [
        ("Ann", "Heat", 4.0),
        ("Ann", "Up", 2.5),
        ("Bob", "Up", 5.0),
    ]


def test_a_long_document_on_one_line_reads(tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    rows = [{"user": u, "item": u % 30, "rating": u % 5} for u in range(4_000)]
    path.write_text(json.dumps(rows))
    assert len(read(path).ratings) == 4_000


def test_yelp_and_amazon_have_names_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "reviews.json"
    review = {"review_id": "r", "user_id": "u1", "business_id": "b1", "stars": 4.0}
    other = review | {"user_id": "u2", "stars": 2.0, "date": "2018-07-07 22:09:11"}
    third = review | {"business_id": "b2", "text": "a\nb"}
    path.write_text("\n".join(map(json.dumps, (review, other, third))))
    assert rows_of(read(path))[1] == ("u2", "b1", 2.0, 1531001351)
    product = {"asin": "B1", "parent_asin": "P", "user_id": "u", "rating": 3.0}
    others = [product | {"parent_asin": "Q", "rating": 5.0}, product | {"user_id": "v"}]
    path.write_text("\n".join(map(json.dumps, (product, *others))))
    assert [row[1] for row in rows_of(read(path))] == ["P", "Q", "P"]


PYTHON = [{"user": "A1", "item": "it's", "rating": 4}, {"user": "A2", "item": "b", "rating": 2}]
DICTS = {
    "lines": "\n\n".join(map(str, PYTHON)) + "\n",
    "lines of Python 2": "\n".join(str(row).replace("'A", "u'A") for row in PYTHON),
    "a list on one line": str(PYTHON),
    "a list on many lines": "[" + ",\r\n ".join(map(str, PYTHON)) + "]\r\n",
    "lines with commas": "[\n" + "".join(f"{row},\n" for row in PYTHON) + "]",
}


@pytest.mark.parametrize("name", ["table.json", "my table.json", "table.json.gz"])
@pytest.mark.parametrize("kind", DICTS)
def test_python_dicts_are_named_with_the_way_to_convert_them(
    kind: str, name: str, tmp_path: Path
) -> None:
    path, lines = tmp_path / name, DICTS[kind].encode()
    path.write_bytes(gzip.compress(lines) if name.endswith(".gz") else lines)
    message = reading_error(path)
    assert message.startswith(f"{path}: the first line is a Python dict, not JSON. Convert the")
    command = message.split("converted.jsonl:  ")[1]
    command = command.replace("python -c", f"{shlex.quote(sys.executable)} -c")
    subprocess.run(command, shell=True, cwd=tmp_path, check=True)
    converted = read(tmp_path / "converted.jsonl")
    assert [row[:3] for row in rows_of(converted)] == [("A1", "it's", 4.0), ("A2", "b", 2.0)]


def test_damaged_json_is_named(tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    path.write_text('[{"user": 1, "item": 2,')
    assert reading_error(path).startswith(f"{path} is not valid JSON, or it is damaged")
    path.write_text("[]")
    assert reading_error(path).startswith(f"{path} is JSON, but not a table")
