"""Features of the users from the file beside the ratings: age, gender, occupation, postal
area."""

import csv
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path

from matinee.data.features import Features
from matinee.data.reading.schema import column_of
from matinee.data.vocabulary import Vocabulary

#: First years of the groups in which MovieLens-1M gives ages.
AGES = (18, 25, 35, 45, 50, 56)
VIEWER_FILES = ("u.user", "users.dat", "users.csv")

_MOST_DIGITS = 3  # of an age
_SEPARATORS = {"u.user": "|", "users.dat": "::"}
_HEADERS = {
    "u.user": ("user", "age", "gender", "occupation", "zip"),
    "users.dat": ("user", "gender", "age", "occupation", "zip"),
}


def viewers_beside(folder: Path, users: Vocabulary) -> Features | None:
    """The features of all users from u.user, users.dat or users.csv; None if there are none.

    Most models do without them, so a line or file that cannot be read is skipped silently.
    """
    for path in (folder / name for name in VIEWER_FILES):
        labels_of_user = dict(_labeled_users(path))
        if not labels_of_user:
            continue
        labels = [labels_of_user.get(str(user_id), []) for user_id in users.ids.tolist()]
        features = Features.of(labels)
        if features is not None:
            return features
    return None


def _labeled_users(path: Path) -> Iterator[tuple[str, list[str]]]:
    """User ids and their labels; the id is the first field of a line, whatever the header
    says."""
    try:
        text = path.read_text("utf-8", errors="replace")
    except OSError:
        return
    header: Sequence[str]
    if path.name in _HEADERS:
        header = _HEADERS[path.name]
        separator = _SEPARATORS[path.name]
        rows = [line.strip().split(separator) for line in text.splitlines()]
    else:
        header, *rows = list(csv.reader(text.splitlines())) or [[]]
    columns = {
        role: _column_after_id(header, role) for role in ("gender", "occupation", "age", "zip")
    }
    for row in rows:
        if row:
            cells = {role: _cell(row, column) for role, column in columns.items()}
            yield row[0].strip(), _labels(cells)


def _column_after_id(header: Sequence[str], role: str) -> int | None:
    column = column_of(header[1:], role)
    if column is None:
        return None
    return column + 1


def _cell(row: Sequence[str], column: int | None) -> str:
    if column is None or column >= len(row):
        return ""
    return row[column].strip()


def _labels(cells: dict[str, str]) -> list[str]:
    """The labels of one user, from their cells by role."""
    labels = []
    if cells["gender"]:
        labels.append(f"gender: {cells['gender']}")
    if cells["occupation"]:
        labels.append(f"occupation: {cells['occupation']}")
    if cells["age"].isdecimal() and len(cells["age"]) <= _MOST_DIGITS:
        labels.append(f"age: {bisect_right(AGES, int(cells['age']))}")
    if cells["zip"]:
        labels.append(f"zip: {cells['zip'][0]}")
    return labels
