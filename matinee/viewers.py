"""Who the users are, from the file that lies beside the ratings: age, gender, occupation, the area of the zip code."""

import csv
from collections.abc import Iterator
from pathlib import Path

from matinee.features import Features
from matinee.ratings import Vocabulary

AGES = (18, 25, 35, 45, 50, 56)
"""First years of the groups in which MovieLens-1M gives ages."""
VIEWER_FILES = ("u.user", "users.dat", "users.csv")
_ORDER = {"u.user": ("age", "gender", "occupation", "zip"), "users.dat": ("gender", "age", "occupation", "zip")}
_USUAL = {"zipcode": "zip", "zip_code": "zip", "zip-code": "zip", "postcode": "zip", "sex": "gender"}


def viewers_beside(folder: Path, users: Vocabulary) -> Features | None:
    """The features of all users from u.user, users.dat or users.csv in the folder; None if there are none.

    No model needs them, so a line, or a file, that cannot be read is left out in silence.
    """
    for path in (folder / name for name in VIEWER_FILES):
        labels: list[list[str]] = [[] for _ in range(len(users))]
        for user_id, of_user in _lines(path):
            index = users.find(user_id)
            if index is not None:
                labels[index] = of_user
        features = Features.of(labels)
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
    labels = [f"{kind}: {cells[kind].strip()}" for kind in ("gender", "occupation") if cells.get(kind, "").strip()]
    if cells.get("age", "").strip().isdecimal():
        labels.append(f"age: {sum(int(cells['age']) >= first for first in AGES)}")
    if cells.get("zip", "").strip():
        labels.append(f"zip: {cells['zip'].strip()[0]}")
    return labels
