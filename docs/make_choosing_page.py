"""Prints the tables of docs/choosing-a-model.md: what each model can do, and how good, fast and large it is.

    matinee compare ml-100k --json > ml-100k.json
    python docs/make_choosing_page.py ml-100k.json ...

Where the page is there already, what stands between its two markers is replaced.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from matinee.errors import UnsupportedError
from matinee.models import MODELS
from matinee.models.base import Recommender
from matinee.ratings import Ratings

PAGE = Path(__file__).parent / "choosing-a-model.md"
MARKERS = "<!-- tables: made by make_choosing_page.py -->", "<!-- end of tables -->"


def tables(files: list[Path]) -> str:
    """All tables as Markdown."""
    parts = [_abilities()]
    for path in files:
        found = json.loads(path.read_text("utf-8"))
        counts = f"{found['n_train']:,} ratings to train on, {found['n_test']:,} to test on"
        parts.append(f"**{found['dataset']}**, split {found['protocol']}: {counts}.\n\n{_measured(found)}")
    return "\n\n".join(parts)


def _measured(found: dict[str, Any]) -> str:
    rows = [_row(one, found["contests"]) for one in found["models"] if not one["problem"]]
    headings = ("model", "RMSE", "NDCG@10", "recall@20", "coverage", "fit s", "predict s", "lists s", "memory MB")
    problems = [f"{one['name']}: {one['problem']}" for one in found["models"] if one["problem"]]
    return "\n\n".join([_table(headings, rows), *problems])


def _row(one: dict[str, Any], contests: dict[str, Any]) -> list[str]:
    def quality(measure: str) -> str:
        if one[measure] is None:
            return ""
        contest = contests[measure]
        equals = {other["name"] for other in contest["others"] if not other["is_worse"]}
        text = f"{one[measure]:.4f}"
        return f"**{text}**" if one["name"] == contest["best"] or one["name"] in equals else text

    def figure(name: str, pattern: str) -> str:
        return "" if one[name] is None else pattern.format(one[name])

    return [
        one["name"],
        quality("rmse"),
        quality("ndcg_at_10"),
        figure("recall_at_20", "{:.4f}"),
        figure("coverage", "{:.1%}"),
        figure("fit_seconds", "{:.2f}"),
        figure("predict_seconds", "{:.2f}") if one["rmse"] is not None else "",
        figure("recommend_seconds", "{:.2f}"),
        figure("memory_mb", "{:,.0f}"),
    ]


def _abilities() -> str:
    users, items = np.divmod(np.random.default_rng(0).permutation(60 * 40)[:1_200], 40)
    ratings = Ratings.from_ids(users, items, 1.0 + (users * items) % 5)
    headings = ("model", "stars", "lists", "new people at once", "explanations", "similar films")
    return _table(headings, [_can(model().fit(ratings), ratings) for model in MODELS])


def _can(model: Recommender, ratings: Ratings) -> list[str]:
    user, item = ratings.users.id(0), ratings.items.id(0)
    answers = [len(model.recommend(user, 3)) == 3, len(model.recommend({item: 4.0}, 3)) == 3]
    try:
        _, parts = model.parts(user, item)
        explains = "no" if not len(parts.ratings) else "yes" if parts.is_exact else "about"
    except UnsupportedError:
        explains = "no"
    try:
        model.similar(item, 3)
        is_similar = "yes"
    except UnsupportedError:
        is_similar = "no"
    lists, new = ("yes" if one else "no" for one in answers)
    return [model.name, "yes" if model.has_stars else "no", lists, new, explains, is_similar]


def _table(headings: tuple[str, ...], rows: list[list[str]]) -> str:
    lines = [headings, ["---", *["--:"] * (len(headings) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    made = tables([Path(name) for name in sys.argv[1:]])
    if PAGE.is_file():
        before, _, rest = PAGE.read_text("utf-8").partition(MARKERS[0])
        after = rest.partition(MARKERS[1])[2]
        PAGE.write_text(f"{before}{MARKERS[0]}\n\n{made}\n\n{MARKERS[1]}{after}", encoding="utf-8")
        print(f"written: {PAGE.name}")
    else:
        print(made)
