"""Implausible ratings are named with the option that mends them."""

from pathlib import Path

import numpy as np
import pytest

from matinee.data.reading import plausible
from matinee.data.reading.options import ReadOptions
from matinee.data.reading.read import read
from tests.data.reading.tables import notes_of, table
from tests.helpers import reading_error

FIVE = "1 2 3 4 5 4 3 5 4 2 1 3"


@pytest.mark.parametrize(
    ("values", "start"),
    [
        ("0 0 0 0 7 8 9 10", "12 of 24 ratings are 0, apart from the others (7 to 10). If 0 means"),
        ("0 0 0 0 0 1 2 3 4 5 2 3", "10 of 24 ratings are 0, apart from the others (1 to 5)"),
        ("0 2 3 4 5 2 3 4", "3 of 24 ratings are 0, apart from the others (2 to 5). If 0 means"),
        ("-1 1 2 3 4 5", "4 of 24 ratings are -1, apart from the others (1 to 5). If -1 means"),
        ("3 4 5 99 99 3 4 5 99 4 3 5", "6 of 24 ratings are 99, apart from the others (3 to 5)"),
        ("99 -9.5 3.25 8 99 1", "8 of 24 ratings are 99, apart from the others (-9.5 to 8)"),
    ],
)
def test_a_value_for_not_rated_is_named(values: str, start: str, tmp_path: Path) -> None:
    path = table(tmp_path, values=values)
    (note,) = [note for note in notes_of(read(path)) if not note.startswith("Only")]
    assert note.startswith(start)
    sentinel = start.split()[5].rstrip(",")
    assert f"give --missing {sentinel}; if it is a rating, give --scale " in note
    assert read(path, ReadOptions(missing=(float(sentinel),))).ratings.scale.lowest != float(
        sentinel
    )
    low, high = read(path).ratings.scale[:2]
    assert notes_of(read(path, ReadOptions(scale=(low, high)))) == ()


@pytest.mark.parametrize("values", ["0 1", "-1 0 1", "-1 1", "0 1 2 3 4 5", FIVE, "0 0.5 1 1.5 2"])
def test_a_scale_from_zero_or_below_is_no_news(values: str, tmp_path: Path) -> None:
    assert notes_of(read(table(tmp_path, values=values))) == ()


def test_one_value_far_outside_is_named_with_its_row(tmp_path: Path) -> None:
    path = table(tmp_path, values=f"{FIVE} 50 {FIVE}")
    assert notes_of(read(path))[0] == (
        "The rating 50 in data row 13 lies far outside the others (1 to 5) and stretches the "
        "scale. To leave out such rows, give --scale 1:5 --skip-bad-rows; if it is right, give --scale "
        "1:50."
    )
    mended = read(path, ReadOptions(scale=(1, 5), skip_bad_rows=True))
    assert (len(mended.ratings), notes_of(mended)) == (23, ())


def test_counts_in_the_place_of_ratings_are_asked_about(tmp_path: Path) -> None:
    path = table(tmp_path, values="1 1 2 1 1 3 35 1 1 400 1635 1")
    assert reading_error(path) == (
        f"{path}: the column 'rating' looks like counts: whole numbers from 1 to 1,635, half of "
        "them at most 1. Give --count-column rating if they are counts, or --rating-column "
        "rating if they are ratings."
    )
    assert not read(path, ReadOptions(count="rating")).ratings.scale.has_stars
    assert read(path, ReadOptions(rating="rating")).ratings.scale.highest == 1635


def test_numbers_without_an_end_are_asked_about_too(tmp_path: Path) -> None:
    plays = table(tmp_path, values="1 2")
    rows = "".join(f"{row % 20},{row},{1 + row * 37 % 500}\n" for row in range(300))
    plays.write_text(f"user,item,score\n{rows}")
    assert "'score' looks like counts: whole numbers from 1 to 500, half" in reading_error(plays)
    rows = "".join(f"{row % 20};{row};{row**4 / 1e5 + 0.2:.1f}\n" for row in range(1, 100))
    plays.write_text(f"user;item;rating\n{rows}")
    assert "'rating' looks like counts: numbers from 0.2 to 961, half" in reading_error(plays)
    assert len(read(plays, ReadOptions(count="rating")).ratings) == 99


def test_zeros_in_a_column_of_a_site_are_named(tmp_path: Path) -> None:
    for name in ("My Rating", "Book-Rating"):
        path = table(tmp_path, values="0 1 2 3 4 5", header=f"user;item;{name}")
        (note,) = notes_of(read(path))
        assert note.startswith("4 of 24 ratings are 0, apart from the others (1 to 5). If 0 means")


@pytest.mark.parametrize(
    "values", ["10 60 100 55 80 20 90", "1 10 3 7 8 9 10", "0 0 0 0 60 80 100 90 70"]
)
def test_long_scales_are_no_counts(values: str, tmp_path: Path) -> None:
    notes = notes_of(read(table(tmp_path, values=values)))
    assert all("--missing 0" in note for note in notes)


def test_next_to_no_likes_are_told(tmp_path: Path) -> None:
    (note,) = notes_of(read(table(tmp_path, values=f"1 2 1 2 {FIVE}"), ReadOptions(scale=(1, 20))))
    assert note.startswith("Only 0 of 24 ratings count as liked (15.25 or more), so ials, ease and")


@pytest.mark.parametrize("n", [1, 2, 3, 500])
@pytest.mark.parametrize("n_values", [1, 5, 1000])
def test_a_tally_in_small_blocks_counts_every_value(
    n: int, n_values: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plausible, "_BLOCK", 3)
    value = (np.random.default_rng(n).integers(-n_values, n_values, n) / 2).astype(np.float32)
    values, counts = np.unique(value, return_counts=True)
    tally = plausible.Tally.of(value)
    assert tally.values.tolist() == values.tolist()
    assert tally.counts.tolist() == counts.tolist()
