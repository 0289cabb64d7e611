"""Cells in any usual form: each table below says the same as its plain twin."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from matinee.data.ratings import NO_TIME
from matinee.data.reading.options import ReadOptions
from matinee.data.reading.read import read
from matinee.errors import SettingError
from tests.data.reading.tables import ROWS, SKIP, notes_of, table, users_of, values_of
from tests.helpers import reading_error

# -- ids ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("users", "expected"),
    [
        ("1 1.0 2 2.00 3e0 3.000000000000000000e+00", [1, 2, 3]),
        ("1 1,0 2 2,00 3,0 30", [1, 2, 3, 30]),
        ("1 2 1e+05 99999 100001 3", [1, 2, 3, 99999, 100000, 100001]),
        ("007 7 08 9 10 11", ["007", "08", "10", "11", "7", "9"]),
        ("007.0 007 08.0 9 10 11", ["007", "08", "10", "11", "9"]),
        ("4 4.0 guest 5 6 7", ["4", "5", "6", "7", "guest"]),
        ("NA DE FR US GB IT", ["DE", "FR", "GB", "IT", "NA", "US"]),
        ("v1.0 v1 v2 v3 v4 v5", ["v1", "v1.0", "v2", "v3", "v4", "v5"]),
    ],
)
def test_ids_have_one_form_in_a_column(users: str, expected: list[Any], tmp_path: Path) -> None:
    dataset = read(table(tmp_path, users))
    assert users_of(dataset) == expected
    assert len(notes_of(dataset)) == int("guest" in users)


def test_one_id_in_two_forms_is_one_user_far_down(tmp_path: Path) -> None:
    rows = [(row % 50, row // 50, row % 5 + 1) for row in range(1000)]
    form = "{:d},{},{}", "{:.1f},{},{}"
    lines = [form[row > 500].format(*cells) for row, cells in enumerate(rows)]
    path = tmp_path / "joined.csv"
    path.write_text("user,item,rating\n" + "\n".join(lines) + "\n")
    assert users_of(read(path)) == list(range(50))


@pytest.mark.parametrize("word", ["nan", "NaN", "NULL", "null", "None", "NA", "N/A", "-", "?"])
@pytest.mark.parametrize("others", ["1 2 3 4 5", "u1 u2 u3 u4 u5"])
def test_words_for_missing_are_no_people(word: str, others: str, tmp_path: Path) -> None:
    path = table(tmp_path, f"{others} {word}")
    assert reading_error(path) == (
        f"{path}, line 7: the user is missing: '{word}' is not an id. "
        "Use --skip-bad-rows to leave out such rows."
    )
    dataset = read(path, SKIP)
    assert (dataset.ratings.n_users, dataset.n_bad_rows) == (5, 4)
    frame = pl.DataFrame({"user": [*others.split(), word], "item": list("abcabc")})
    assert reading_error(frame) == (
        f"DataFrame, row 5: the user is missing: '{word}' is not an id. "
        "Use --skip-bad-rows to leave out such rows."
    )
    frame.write_parquet(tmp_path / "r.parquet")
    assert read(tmp_path / "r.parquet", SKIP).ratings.n_users == 5
    frame.write_ndjson(tmp_path / "r.jsonl")
    assert read(tmp_path / "r.jsonl", SKIP).ratings.n_users == 5


def test_ids_that_a_spreadsheet_rounded_are_refused(tmp_path: Path) -> None:
    path = table(tmp_path, "4.91512E+11 4.91513E+11 4.92E+11 1.5E+11 7 8")
    assert reading_error(path) == (
        f"{path}: the user ids in 'user' are rounded, such as '1.5E+11', so several users may "
        "share one. Export the column as text, or give --text-ids to take them as they are."
    )
    assert "4.92E+11" in users_of(read(path, ReadOptions(text_ids=True)))
    comma = table(tmp_path, "4,91512E+11 4,91513E+11 4,92E+11 1,5E+11 7 8")
    assert "are rounded, such as '1,5E+11'" in reading_error(comma)
    cut = table(tmp_path, " ".join(f"12345678901234{n}000" for n in range(6)))
    assert "are rounded, such as '123456789012340000'" in reading_error(cut)
    assert len(users_of(read(cut, ReadOptions(text_ids=True)))) == 6
    assert len(users_of(read(table(tmp_path, "123456789012345678 1 2 3 4 5")))) == 6
    frame = pl.DataFrame({"user": [2.0**60, 1.0], "item": ["a", "b"]})
    assert "are rounded" in reading_error(frame)


def test_every_column_of_bytes_is_text(tmp_path: Path) -> None:
    words = [b"like", b"dislike", b"like", b"like"]
    frame = pl.DataFrame(
        {
            "user": [b"u1", b"u2", b"u1", b"u2"],
            "item": [1, 1, 2, 3],
            "title": [b"Pelt (1988)", b"Pelt (1988)", b"Quay", b"Rime"],
            "date": [b"2020-01-02", b"2020-01-03", b"2020-01-04", b"2020-01-05"],
            "how": words,
        }
    )
    frame.write_parquet(tmp_path / "r.parquet")
    for source in (frame, tmp_path / "r.parquet"):
        assert (
            "but its column 'how' holds few distinct words: 'like' (3), 'dislike' (1)"
            in reading_error(source)
        )
        found = read(source, ReadOptions(rating="how"))
        assert values_of(found, 4) == [1, 0, 1, 1]
        assert found.ratings.timestamp is not None
        assert found.ratings.timestamp[0] == 1577923200
        assert found.catalog[1].title == "Pelt (1988)"


def test_ids_as_python_prints_bytes_are_text(tmp_path: Path) -> None:
    path = table(tmp_path, "b'u1' b'u2' b'u3' b'u4' b'u5' b'u6'")
    assert users_of(read(path)) == ["u1", "u2", "u3", "u4", "u5", "u6"]
    assert notes_of(read(path)) == ("The user ids such as b'u1' are read without b''.",)
    assert users_of(read(path, ReadOptions(text_ids=True)))[0] == "b'u1'"
    assert users_of(read(table(tmp_path, "b'1' b'2' b'30' b'4' b'5' b'6'"))) == [1, 2, 4, 5, 6, 30]


def test_ids_as_text_are_not_touched(tmp_path: Path) -> None:
    dataset = read(table(tmp_path, "1 1.0 nan 2 3 4"), ReadOptions(text_ids=True))
    assert users_of(dataset) == ["1", "1.0", "2", "3", "4", "nan"]


def test_bytes_are_text_or_uuids(tmp_path: Path) -> None:
    items = [1, 2, 3, 1]
    text = pl.DataFrame({"user": [b"u1", "é".encode(), b"u1", b"u2"], "item": items})
    uuids = pl.DataFrame({"user": [bytes([200 + n] * 16) for n in (1, 2, 1, 3)], "item": items})
    text.write_parquet(tmp_path / "r.parquet")
    for source in (text, tmp_path / "r.parquet"):
        assert users_of(read(source)) == ["u1", "u2", "é"]
    assert users_of(read(uuids))[0] == "c9c9c9c9-c9c9-c9c9-c9c9-c9c9c9c9c9c9"
    odd = pl.DataFrame({"user": [b"\xff", b"\xfe\x01"], "item": [1, 2]})
    assert reading_error(odd) == (
        "DataFrame: the column 'user' holds bytes that are neither text in UTF-8 nor UUIDs. "
        "Convert them to text, or name another with --user-column."
    )
    lists = pl.DataFrame({"user": [[1], [2]], "item": [1, 2]})
    assert "which cannot be ids" in reading_error(lists)


# -- ratings and counts ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ("1,5 2 3,0", [1.5, 2, 3]),
        ("1.234,5 2,5 3", [1234.5, 2.5, 3]),
        ("1,234.5 2.5 3", [1234.5, 2.5, 3]),
        ("1,234,567 12 3", [1234567, 12, 3]),
        ("80% | 100 % | 12,5%", [80, 100, 12.5]),
        ("4/5 | 3.5/5 | 1 / 5", [4, 3.5, 1]),
        ("4/5 8/10 1/5", [8, 8, 2]),
        ("4.5/5.0 1/5", [4.5, 1]),
        ("\u22123,5 2 7,5", [-3.5, 2, 7.5]),
        ("4.0 out of 5 stars | 1.0 out of 5 stars", [4, 1]),
        ("4 stars | 1 star | 3½", [4, 1, 3.5]),
        ("★★★½ ★ ★★★★★", [3.5, 1, 5]),
        ("★★★☆☆ ★☆☆☆☆ ½", [3, 1, 0.5]),
        ("⭐⭐ ⭐️ *****", [2, 1, 5]),
        ("True False", [1, 0]),
        ("yes No YES", [1, 0, 1]),
        ("like dislike", [1, 0]),
        ("Thumbs Up | thumbs down", [1, 0]),
        ("👍🏽 👎", [1, 0]),
        ("up down", [1, 0]),
        ("+ -", [1, 0]),
    ],
)
def test_ratings_are_read_in_the_form_of_their_column(
    cells: str, expected: list[float], tmp_path: Path
) -> None:
    dataset = read(table(tmp_path, values=cells), ReadOptions(rating="rating"))
    assert values_of(dataset, len(expected)) == expected
    assert "read" in notes_of(dataset)[0]


def test_the_careful_reader_knows_the_same_forms(tmp_path: Path) -> None:
    path = table(tmp_path, values="1,5 2 3,0", times="2020-08-24T11:27:43.5Z 2020-08-24")
    path.write_text(path.read_text() + "9;1;many;2020-08-25\n")
    assert reading_error(path).startswith(f"{path}, line 26: the rating 'many' is not a number. ")
    dataset = read(path, SKIP)
    assert values_of(dataset, 3) == [1.5, 2, 3]
    assert dataset.ratings.timestamp is not None
    assert dataset.ratings.timestamp[:2].tolist() == [1598268463, 1598227200]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ("2,468 12 345", [2468, 12, 345]),
        ("1.234 12 345", [1234, 12, 345]),
        ("1 234 | 12 | 345", [1234, 12, 345]),
        ("0.3 1.25 0.6", [0.3, 1.25, 0.6]),
        ("0,3 1,25 0,6", [0.3, 1.25, 0.6]),
        ("0,300 1,250", [0.3, 1.25]),
        ("2.375 1.25 4", [2.375, 1.25, 4]),
    ],
)
def test_counts_may_have_thousands_or_be_below_one(
    cells: str, expected: list[float], tmp_path: Path
) -> None:
    dataset = read(table(tmp_path, values=cells, header="user;item;plays"))
    assert np.allclose(values_of(dataset, len(expected)), expected)


def test_a_number_with_two_readings_is_asked_about(tmp_path: Path) -> None:
    path = table(tmp_path, values="3,500 2,000 4,250")
    assert reading_error(path) == (
        f"{path}: '2,000' in the column 'rating' may be 2 or 2,000. "
        "Give --decimal , for 2, or --decimal . for 2,000."
    )
    assert values_of(read(path, ReadOptions(decimal=",")), 3) == [3.5, 2, 4.25]
    assert values_of(read(path, ReadOptions(decimal=".")), 3) == [3500, 2000, 4250]
    path = table(tmp_path, values="1.234 2.468", header="user;item;plays")
    assert "may be 1.234 or 1,234" in reading_error(path)


def test_words_that_nobody_knows_need_a_value(tmp_path: Path) -> None:
    path = table(tmp_path, values="good ok bad")
    assert reading_error(path) == (
        f"{path}: the ratings in the column 'rating' are words: 'bad' (8), 'good' (8), 'ok' (8). "
        'Say what each is worth, as in --map "bad=0,ok=1,good=2", or give --pairs if all rows '
        "count the same."
    )
    given = ReadOptions(value_map={"Good": 5, "ok": 3, "bad": 1})
    assert values_of(read(path, given), 3) == [5, 3, 1]
    assert reading_error(path, ReadOptions(value_map={"good": 5, "bad": 1})).startswith(
        f"{path}, line 3: the rating 'ok' is neither a number nor in --map. "
    )
    some = read(path, ReadOptions(value_map={"good": 5, "bad": 1}, missing=("ok",)))
    assert (len(some.ratings), some.n_bad_rows) == (16, 0)
    with pytest.raises(SettingError, match="cannot be combined"):
        ReadOptions(value_map={"a": 1}, pairs=True)


def test_booleans_of_a_frame_are_ratings() -> None:
    frame = pd.DataFrame({"user": [1, 2, 3], "item": [1, 2, 2], "rating": [True, False, True]})
    dataset = read(frame)
    assert values_of(dataset, 3) == [1, 0, 1]
    assert notes_of(dataset) == (
        "Words in 'rating' were read as numbers: 'true' as 1 and 'false' as 0.",
    )


def test_values_that_mean_not_rated_are_left_out(tmp_path: Path) -> None:
    path = table(tmp_path, users="1 2 3 4 5 6", values="0 3 -1 4 99")
    dataset = read(path, ReadOptions(missing=(0, -1, 99)))
    assert sorted(set(dataset.ratings.value.tolist())) == [3, 4]
    assert dataset.n_bad_rows == 0
    assert dataset.source_rows is not None
    assert dataset.source_rows[:3].tolist() == [1, 3, 6]
    assert notes_of(dataset) == (
        "Left out: 14 rows with a value that --missing names (0, -1, 99).",
    )


def test_words_that_mean_no_id_are_left_out(tmp_path: Path) -> None:
    path = table(tmp_path, users="guest 2 3 4 5 6")
    assert users_of(read(path))[-1] == "guest"
    dataset = read(path, ReadOptions(missing=("guest", 0.0)))
    assert (users_of(dataset), dataset.n_bad_rows) == ([2, 3, 4, 5, 6], 0)
    assert notes_of(dataset) == ("Left out: 4 rows with a value that --missing names (guest, 0).",)


# -- times -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "expected", "unit"),
    [
        ("1598233244 1598233245", [1598233244, 1598233245], "seconds"),
        ("1598233244.7", [1598233244], "seconds"),
        ("1.598233244000000000e+09", [1598233244], "seconds"),
        ("1598233244999", [1598233244], "milliseconds"),
        ("1598233244999999", [1598233244], "microseconds"),
        ("1598233244999999999", [1598233244], "nanoseconds"),
        ("-86400000 1598233244999 1598233245000", [-86400, 1598233244], "milliseconds"),
        ("1598233244 1598233244000 1598233245000", [1598233244, 1598233244], "milliseconds"),
        ("1598233244,5 1598233245", [1598233244, 1598233245], "seconds"),
        ("0000-00-00 2020-08-24", [NO_TIME, 1598227200], "dates"),
        ("20200824 20200825", [1598227200, 1598313600], "YYYYMMDD"),
        ("20200824112743", [1598268463], "YYYYMMDDhhmmss"),
        ("202008 202009", [1596240000, 1598918400], "YYYYMM"),
        ("2001 2010", [978307200, 1262304000], "years"),
        ("43831 43832", [1577836800, 1577923200], "day numbers of a spreadsheet"),
        ("43831.5 43832", [1577880000, 1577923200], "day numbers of a spreadsheet"),
        ("2020-08-24T11:27:43.599Z", [1598268463], "dates"),
        ("2020-08-24 11:27:43,5+02:00 | 2020-08-24 11:27:43Z", [1598261263, 1598268463], "dates"),
        ("2020-08-24T11:27-0130 2020-08-24", [1598273820, 1598227200], "dates"),
        ("2005/08/30 2006/1/2", [1125360000, 1136160000], "dates as year/month/day"),
        ("01/02/2005 30/08/2005", [1107216000, 1125360000], "dates as day/month/year"),
        ("01/02/2005 8/30/05", [1104624000, 1125360000], "dates as month/day/year"),
        ("1.2.2005 3.4.2005", [1107216000, 1112486400], "dates as day/month/year"),
        (
            "8/24/2020 3:45:10 PM | 8/25/2020 12:05 am",
            [1598283910, 1598313900],
            "dates as month/day/year",
        ),
        ("Aug 24, 2020 | September 3, 2020", [1598227200, 1599091200], "dates as %B %d, %Y"),
        (
            "24 Aug 2020 11:27 | 3 May 2020 08:00",
            [1598268420, 1588492800],
            "dates as %d %B %Y %H:%M",
        ),
        ("01 2, 2014 | 12 30, 2013", [1388620800, 1388361600], "dates as %m %d, %Y"),
    ],
)
def test_times_are_read_in_the_form_of_their_column(
    cells: str, expected: list[int], unit: str, tmp_path: Path
) -> None:
    dataset = read(table(tmp_path, times=cells))
    assert dataset.ratings.timestamp is not None
    assert dataset.ratings.timestamp[: len(expected)].tolist() == expected
    assert dataset.summary is not None
    assert dataset.summary.times is not None
    assert dataset.summary.times.unit == unit


def test_a_time_far_outside_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    times = [1598233244000 + row for row in range(ROWS)]
    times[5] = -86_400_000
    pl.DataFrame(
        {"user": [row % 6 for row in range(ROWS)], "item": list(range(ROWS)), "time": times}
    ).write_ndjson(path)
    dataset = read(path)
    assert notes_of(dataset) == (
        "1 of 24 times in 'time', read as milliseconds, lie outside 1990 to "
        f"{pd.Timestamp.now('UTC').year + 1}, such as 1969-12-31 in data row 6. If they are not "
        "times, give --timestamp-column none; if they have another format, give --time-format.",
    )


def test_times_within_1970_are_told(tmp_path: Path) -> None:
    (note,) = notes_of(read(table(tmp_path, times="5 6 7")))
    assert note.startswith("The times in 'time', read as seconds, all lie within 1970, ")


def test_day_and_month_that_cannot_be_told_apart_are_asked_about(tmp_path: Path) -> None:
    path = table(tmp_path, times="01/02/2005 03/04/2005")
    assert reading_error(path) == (
        f"{path}: '01/02/2005' in the column 'time' may be day 1 of month 2 or day 2 of month 1. "
        "Give --time-format dmy for day, month, year; --time-format mdy for month, day, year; or "
        "--timestamp-column none."
    )
    for form, first in (("dmy", 1107216000), ("mdy", 1104624000), ("%d/%m/%Y", 1107216000)):
        timestamp = read(path, ReadOptions(time_format=form)).ratings.timestamp
        assert timestamp is not None
        assert timestamp[0] == first
    assert read(path, ReadOptions(timestamp="none")).ratings.timestamp is None


def test_times_in_no_known_form_need_a_format(tmp_path: Path) -> None:
    path = table(tmp_path, times="soon later")
    assert reading_error(path) == (
        f"{path}: the times in the column 'time', such as 'soon', have an unknown format. Describe it, "
        'as in --time-format "%d/%m/%Y", or give --timestamp-column none '
        "to leave the times out."
    )
    assert read(path, ReadOptions(timestamp="none")).ratings.timestamp is None


def test_missing_words_among_times_are_no_times(tmp_path: Path) -> None:
    timestamp = read(table(tmp_path, times="1598233244 NA -")).ratings.timestamp
    assert timestamp is not None
    assert timestamp[:3].tolist() == [1598233244, NO_TIME, NO_TIME]


def test_periods_of_pandas_are_dates() -> None:
    for frequency, second in (("D", 1577923200), ("M", 1580515200), ("h", 1577840400)):
        times = pd.period_range("2020-01-01", periods=3, freq=frequency)
        dataset = read(pd.DataFrame({"user": [1, 2, 1], "item": [1, 2, 2], "date": times}))
        assert dataset.ratings.timestamp is not None
        assert dataset.ratings.timestamp[1] == second
    weeks = pd.period_range("2020-01-01", periods=2, freq="W")
    frame = pd.DataFrame({"user": [1, 2], "item": [1, 2], "date": weeks})
    assert "have an unknown format" in reading_error(frame)


def test_the_better_one_of_two_columns_with_times_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    row = "{},{},4,{},20200824\n"
    for name, cell, first in (
        ("time_ms", 1598268463599, 1598268463),
        ("time", "11:27", 1598227200),
    ):
        rows = [row.format(n % 3, n, cell) for n in range(6)] + ["1,9,5,,20200824\n"]
        path.write_text(f"user,item,rating,{name},date\n" + "".join(rows))
        timestamp = read(path).ratings.timestamp
        assert timestamp is not None
        assert timestamp[0] == first


def test_a_frame_in_many_pieces_is_read_as_one_in_one_piece() -> None:
    rows = pl.DataFrame(
        {
            "user": [3, 1, 2**53 + 1, 2**53],
            "item": [-1, 0, 7, 7],
            "rating": [4.5, 1.0, 3.0, 2.0],
            "timestamp": [978_300_000, 978_300_001, 978_300_002, 978_300_003],
        }
    )
    pieces = pl.concat([rows[row] for row in range(4)], rechunk=False)
    assert pieces.n_chunks() == 4
    whole, found = read(rows.rechunk()).ratings, read(pieces).ratings
    assert whole.users == found.users
    assert whole.items == found.items
    for name in ("user_index", "item_index", "value", "timestamp"):
        assert np.array_equal(getattr(whole, name), getattr(found, name))
    with_a_gap = pieces.with_columns(timestamp=pl.col("timestamp").replace(978_300_002, None))
    times = read(with_a_gap).ratings.timestamp
    assert times is not None
    assert times[2] == NO_TIME
