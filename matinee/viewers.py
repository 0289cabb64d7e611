"""Who the users are, from the file that lies beside the ratings: age, gender, occupation, the area of the zip code."""

import csv
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path

from matinee.features import Features
from matinee.ratings import Vocabulary

AGES = (18, 25, 35, 45, 50, 56)
"""First years of the groups in which MovieLens-1M gives ages."""
VIEWER_FILES = ("u.user", "users.dat", "users.csv")
_ORDER = {"u.user": ("age", "gender", "occupation", "zip"), "users.dat": ("gender", "age", "occupation", "zip")}
_MOST_DIGITS = 3
_USUAL = {"zipcode": "zip", "zip_code": "zip", "zip-code": "zip", "postcode": "zip", "sex": "gender"}


def viewers_beside(folder: Path, users: Vocabulary) -> Features | None:
    """The features of all users from u.user, users.dat or users.csv in the folder; None if there are none.

    No model needs them, so a line, or a file, that cannot be read is left out in silence.
    """
    for path in (folder / name for name in VIEWER_FILES):
        known = dict(_lines(path))
        features = Features.of([known.get(str(user_id), []) for user_id in users.ids.tolist()])
        if features is not None:
            return features
    return None


def _lines(path: Path) -> Iterator[tuple[str, list[str]]]:
    try:
        text = path.read_text("utf-8", errors="replace")
    except OSError:
        return
    if path.name in _ORDER:
        split = "|" if path.name == "u.user" else "::"
        for line in text.splitlines():
            user_id, *cells = line.strip().split(split)
            yield user_id, _labels(dict(zip(_ORDER[path.name], cells, strict=False)))
        return
    header, *rows = [*csv.reader(text.splitlines())] or [[]]
    names = [_USUAL.get(name.strip().lower(), name.strip().lower()) for name in header]
    for row in rows:
        if row:
            yield row[0].strip(), _labels(dict(zip(names[1:], row[1:], strict=False)))


def _labels(cells: dict[str, str]) -> list[str]:
    """The labels of one user from the cells of their line."""
    gender, occupation, age, area = [cells.get(kind, "").strip() for kind in ("gender", "occupation", "age", "zip")]
    labels = [f"gender: {gender}"] if gender else []
    if occupation:
        labels.append(f"occupation: {occupation}")
    if age.isdecimal() and len(age) <= _MOST_DIGITS:
        labels.append(f"age: {bisect_right(AGES, int(age))}")
    if area:
        labels.append(f"zip: {area[0]}")
    return labels
