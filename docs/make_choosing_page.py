"""Writes the tables of docs/choosing-a-model.md: the features of each model, its quality, speed and memory.

    python docs/make_choosing_page.py                        measures what has not been measured yet
    python docs/make_choosing_page.py --again bayes,mf       measures these models again
    python docs/make_choosing_page.py --data ml-100k         measures only this data set; the other tables stay

The features are determined by calling each model on a small table. The measurements of each model on each data set are
stored in docs/.measured, which is not under version control; only the page is. Measure on an idle machine.
"""

import argparse
import os
import pickle
import platform
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

import matinee
from matinee.data.ratings import PAIRS, Ratings
from matinee.data.split import Split, splits
from matinee.errors import UnsupportedError
from matinee.evaluation.comparison import ComparedModel, Comparison, compared
from matinee.evaluation.isolated import Measured, measure_isolated, packed
from matinee.models import MODELS
from matinee.models.base import Recommender

PAGE = Path(__file__).parent / "choosing-a-model.md"
KEPT = Path(__file__).parent / ".measured"
MARKERS = "<!-- tables: made by make_choosing_page.py -->", "<!-- end of tables -->"
DATA = ("ml-latest-small", "ml-100k", "ml-1m")
SPLIT = "random:0.2"


# -- what each model can do ------------------------------------------------------------------------------------------


def abilities() -> str:
    """A table with yes if a model supports a feature on a small table, and no if it refuses."""
    users, items = np.divmod(np.random.default_rng(0).permutation(60 * 40)[:1_200], 40)
    ratings = Ratings.from_ids(
        users, items, np.where(users % 3 == items % 3, 5.0, 1 + items % 4)
    )  # three tastes
    pairs = Ratings.from_ids(users, items, np.ones(len(users)), scale=PAIRS)
    columns = (
        "model", "stars", "lists", "from pairs", "new users", "explains", "similar films", "intervals"
    )  # fmt: skip
    return _table(
        columns, [_can(model().fit(ratings), model(), ratings, pairs) for model in MODELS]
    )


def _can(fitted: Recommender, fresh: Recommender, ratings: Ratings, pairs: Ratings) -> list[str]:
    user, item = ratings.users.id(0), ratings.items.id(0)
    lists, new = len(fitted.recommend(user, 3)) == 3, len(fitted.recommend({item: 4.0}, 3)) == 3
    try:
        _, parts = fitted.parts(user, item)
        explains = (
            "no" if not len(parts.ratings) else "exactly" if parts.is_exact else "approximately"
        )
    except UnsupportedError:
        explains = "no"
    similar, from_pairs = _works(lambda: fitted.similar(item, 3)), _works(lambda: fresh.fit(pairs))
    certain = fitted.deviations(user, np.arange(3)) is not None
    return [fitted.name, *(_yes(one) for one in (fitted.has_stars, lists, from_pairs, new)), explains,
            *(_yes(one) for one in (similar, certain))]  # fmt: skip


def _works(what: Callable[[], object]) -> bool:
    try:
        what()
    except UnsupportedError:
        return False
    return True


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"


# -- how good, fast and large ----------------------------------------------------------------------------------------


def measured(name: str, again: list[str]) -> str:
    """The table of a data set; models without a measurement, or in `again`, are measured now."""
    data = matinee.load(name)
    parts = list(splits(data.ratings, SPLIT, 0, data.source_rows))
    task = packed(parts, name)
    results = {model.name: _measure(model(), name, task, model.name in again) for model in MODELS}
    comparison = compared(results, {model.name: model.name for model in MODELS}, parts, name)
    return f"### {_size(name, data.ratings)}\n\n{_results(comparison, parts)}"


def _measure(model: Recommender, name: str, task: bytes, is_again: bool) -> Measured:
    file = KEPT / f"{name}.{model.name}.pickle"
    if file.is_file() and not is_again:
        kept: Measured = pickle.loads(file.read_bytes())  # this script wrote it
        return kept
    print(f"{name}: {model.name}", file=sys.stderr, flush=True)
    result = measure_isolated(model, task)
    if result.evaluation is not None:
        KEPT.mkdir(exist_ok=True)
        file.write_bytes(pickle.dumps(result))
    return result


def _size(name: str, ratings: Ratings) -> str:
    return (
        f"{name}: {ratings.n_users:,} people, {ratings.n_items:,} films, {len(ratings):,} ratings"
    )


def _results(found: Comparison, parts: list[Split]) -> str:
    headings = (
        "model",
        "RMSE",
        "NDCG@10",
        "recall@20",
        "coverage",
        "fit s",
        "stars s",
        "lists s",
        "memory MB",
    )
    rows = [_row(one, found) for one in found.entries if one.report]
    said = [f"{one.name}: {one.problem}" for one in found.entries if one.problem]
    said += [one.sentence() for one in found.contests]
    note = f"{len(parts[0].train):,} ratings for training, {len(parts[0].test):,} for testing."
    return "\n\n".join([note, _table(headings, rows), *said])


def _row(one: ComparedModel, found: Comparison) -> list[str]:
    report = one.report
    assert report is not None

    def quality(measure: str) -> str:
        value = getattr(report, measure)
        text = "" if value is None else f"{value:.4f}".lstrip("0")
        return f"**{text}**" if text and found.mark(measure, one.name) else text

    def figure(value: float | None, pattern: str) -> str:
        return "" if value is None else pattern.format(value)

    return [
        f"`{one.name}`",
        quality("rmse"),
        quality("ndcg_at_10"),
        figure(report.recall_at_20, "{:.4f}").lstrip("0"),
        figure(report.coverage, "{:.1%}"),
        figure(report.fit_seconds, "{:.2f}"),
        figure(report.predict_seconds if report.rmse is not None else None, "{:.2f}"),
        figure(report.recommend_seconds, "{:.2f}"),
        figure(one.memory_mb, "{:,.0f}"),
    ]


def _table(headings: tuple[str, ...], rows: list[list[str]]) -> str:
    lines = [headings, ["---", *["--:"] * (len(headings) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _machine() -> str:
    """The versions and the machine of the measurements."""
    info = Path("/proc/cpuinfo")
    names = [
        line.split(":")[1].strip()
        for line in info.read_text().splitlines()
        if line.startswith("model name")
    ]
    name = names[0] if names else platform.processor() or platform.machine()
    return f"Measured with matinee {matinee.__version__}, split `{SPLIT}`, on {os.cpu_count()} cores of {name}."


def main() -> None:
    """Writes the page."""
    parser = argparse.ArgumentParser(description="The tables of docs/choosing-a-model.md.")
    parser.add_argument("--again", default="", help="models to measure again, separated by commas")
    parser.add_argument("--data", default=",".join(DATA), help="data sets to measure now")
    options = parser.parse_args()
    for name in options.data.split(","):
        measured(name, options.again.split(","))
    full = [
        name
        for name in DATA
        if all((KEPT / f"{name}.{model.name}.pickle").is_file() for model in MODELS)
    ]
    made = "\n\n".join(
        ["## Features", abilities(), "## Results", _machine(), *(measured(n, []) for n in full)]
    )
    before, _, rest = PAGE.read_text("utf-8").partition(MARKERS[0])
    after = rest.partition(MARKERS[1])[2]
    PAGE.write_text(f"{before}{MARKERS[0]}\n\n{made}\n\n{MARKERS[1]}{after}", encoding="utf-8")
    print(f"written: {PAGE.name}")


if __name__ == "__main__":
    main()
