"""Checksums of what every model learns, predicts, lists and saves, to show that a change left all numbers alone.

    python benchmarks/checksums.py --out before.json            with the code as it was
    python benchmarks/checksums.py --against before.json        with the code as it is now

Both runs must be on the same machine with the same versions of NumPy, Numba and PyTorch. It trains every model on the
built-in sample and, below MATINEE_DATA, on ml-100k and ml-1m (the expensive models with fewer epochs), always with the
same seed, and hashes for each: predictions for 20,000 ratings, lists of 40 users and of a newcomer, similar items,
explanations, and every tensor of the saved file. A tensor that only one side has is reported apart.
"""

import argparse
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open

import matinee
from matinee.errors import UnsupportedError

SAMPLE_SETTINGS: dict[str, dict[str, Any]] = {
    "bayes": {"samples": 40, "burn_in": 10},
    "mlp": {"epochs": 2},
    "plain-mf": {"epochs": 8},
}
LARGE_SETTINGS: dict[str, dict[str, Any]] = {
    "bayes": {"samples": 6, "burn_in": 2, "kept": 4, "factors": 16},
    "ials": {"epochs": 2, "factors": 64},
    "mlp": {"epochs": 1, "batch_size": 4096},
    "dot-product": {"epochs": 1},
    "plain-mf": {"epochs": 1},
    "blend": {"models": "baseline,mf"},
}
LARGE = "ml-1m"


def digest(value: object) -> str:
    """A short hash of numbers and text, exact to the last bit."""
    if isinstance(value, np.ndarray):
        body = f"{value.dtype} {value.shape}".encode() + np.ascontiguousarray(value).tobytes()
    else:
        body = repr(value).encode()
    return hashlib.sha256(body).hexdigest()[:16]


def or_refusal(answer: Callable[[], object]) -> str:
    """The digest of an answer, or the fact that the model cannot give one."""
    try:
        return digest(answer())
    except UnsupportedError:
        return "unsupported"


def lists(guide: matinee.Guide, people: list[Any]) -> list[Any]:
    """Items, scores, stars and deviations of several lists."""
    found = []
    for person in people:
        for line in guide.recommend(person, 10).items:
            found.append((line.item_id, line.score, line.stars, line.deviation))
    return found


def saved_tensors(guide: matinee.Guide) -> dict[str, str]:
    """The digest of each tensor of the model's file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.matinee"
        guide.save(path)
        with safe_open(path, framework="np") as file:
            return {name: digest(file.get_tensor(name)) for name in sorted(file.keys())}


def checksums(guide: matinee.Guide, ratings: matinee.Ratings) -> dict[str, Any]:
    """All digests of one fitted model."""
    model = guide.model
    users = ratings.users.ids[:: max(1, len(ratings.users.ids) // 40)][:40].tolist()
    items = np.argsort(-model.item_counts_, kind="stable")[:12]
    item_ids = [model.items_.id(int(index)) for index in items]
    newcomer = dict(zip(item_ids[:5], [5.0, 4.0, 1.0, 3.0, 5.0], strict=True))
    rows = ratings.subset(np.arange(len(ratings)) % max(1, len(ratings) // 20_000) == 0)

    def explained() -> object:
        explanation = guide.explain(users[0], item_ids[3])
        return explanation.score, [
            (reason.item_id, reason.contribution) for reason in explanation.reasons
        ]

    return {
        "predictions": or_refusal(lambda: model.predict_ratings(rows)),
        "lists": or_refusal(lambda: lists(guide, users)),
        "newcomer": or_refusal(lambda: lists(guide, [newcomer])),
        "similar": or_refusal(
            lambda: [[tuple(line) for line in model.similar(item_id, 10)] for item_id in item_ids]
        ),
        "explanation": or_refusal(explained),
        "tensors": saved_tensors(guide),
    }


def all_checksums(names: list[str], only: str | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """One entry for each data set and model, as "ml-100k/mf"."""
    for name in names:
        data = matinee.load(name)
        settings = LARGE_SETTINGS if name == LARGE else SAMPLE_SETTINGS
        for kind in matinee.MODELS:
            if only is None or kind.name in only.split(","):
                model = kind.from_settings(settings.get(kind.name, {})).fit(data.ratings)
                yield (
                    f"{name}/{kind.name}",
                    checksums(matinee.Guide(model, data.catalog), data.ratings),
                )


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """One line for everything that is not the same in both."""
    lines = []
    for what, value in after.items():
        if what == "tensors":
            lines += [f"tensors.{line}" for line in differences(before["tensors"], value)]
        elif what not in before:
            lines.append(f"{what}: only now")
        elif before[what] != value:
            lines.append(f"{what}: {before[what]} before, {value} now")
    return lines + [f"{what}: only before" for what in before if what not in after]


def main() -> None:
    """Prints one line for each model; exits with 1 if a number differs from the recorded one."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, help="write the checksums to this file")
    parser.add_argument("--against", type=Path, help="compare with this file")
    parser.add_argument(
        "--data", default="sample,ml-100k,ml-1m", help="names of data sets, separated by commas"
    )
    parser.add_argument("--models", help="names of models, separated by commas; default: all")
    given = parser.parse_args()
    before = json.loads(given.against.read_text()) if given.against else {}
    names = [
        name for name in given.data.split(",") if name == "sample" or os.environ.get("MATINEE_DATA")
    ]
    found, n_changed = {}, 0
    for name, sums in all_checksums(names, given.models):
        found[name] = sums
        changed = differences(before[name], sums) if name in before else []
        n_changed += any(not line.endswith("only now") for line in changed)
        print(
            name,
            "; ".join(changed) or ("same" if name in before else digest(sorted(sums.items()))),
            flush=True,
        )
    if given.out:
        given.out.write_text(json.dumps(found, indent=1))
    sys.exit(n_changed > 0)


if __name__ == "__main__":
    main()
