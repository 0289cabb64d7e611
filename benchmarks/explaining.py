"""How long one explanation takes, and how much of a prediction it leaves to training.

    python benchmarks/explaining.py --data ml-1m
    python benchmarks/explaining.py --data ml-100k --model dot-product --threads 1

Fits the model with its defaults, then asks `Guide.explain` for a sample of users and of those with 1,000 ratings or
more, each for an item that is drawn as often as it is rated. Milliseconds are of the whole call: profile, prediction,
parts, titles, what would be without each rating. `rest` is the part, in stars, that the ratings of a known user do not
explain. BLAS runs with one thread, as it does best on matrices this small.
"""

import argparse
import json
import os
import sys
import time
from typing import Any

BLAS_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def parse() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description="Time of one explanation, and its rest.")
    parser.add_argument(
        "--data", default="ml-1m", help="name of a data set, or a file (default: ml-1m)"
    )
    parser.add_argument("--model", default="mf", help="name of a model (default: mf)")
    parser.add_argument(
        "--users", type=int, default=500, help="how many users to ask for (default: 500)"
    )
    parser.add_argument("--threads", type=int, default=2, help="threads of the fit (default: 2)")
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object instead of lines"
    )
    return parser.parse_args()


def measure(guide: Any, users: Any, items: Any) -> dict[str, float]:
    """Figures of the milliseconds and of |rest| of one explanation for each user; the first call is not counted."""
    import numpy as np

    model = guide.model
    seconds, rests = [], []
    for user, item in zip([users[0], *users], [items[0], *items], strict=True):
        ids = model.users_.id(int(user)), model.items_.id(int(item))
        start = time.perf_counter()
        found = guide.explain(*ids)
        seconds.append(time.perf_counter() - start)
        rests.append(abs(found.rest))
    milliseconds = 1_000 * np.array(seconds[1:])
    return {
        "users": len(users),
        "median_ratings": float(np.median(model.history_.counts[users])),
        "median_ms": round(float(np.median(milliseconds)), 2),
        "p95_ms": round(float(np.quantile(milliseconds, 0.95)), 2),
        "rest_median": round(float(np.median(rests[1:])), 3),
        "rest_p95": round(float(np.quantile(rests[1:], 0.95)), 3),
    }


def main() -> None:
    """Fit, ask, print."""
    options = parse()
    os.environ.update(dict.fromkeys(BLAS_THREADS, "1"))  # before NumPy is imported
    import numpy as np

    import matinee
    from matinee.models import model_named

    try:
        data = matinee.load(options.data)
        model = model_named(options.model)().fit(data.ratings, n_threads=options.threads)
        guide = matinee.Guide(model, data.catalog)
        guide.explain({}, model.items_.id(0))
    except matinee.MatineeError as error:
        sys.exit(f"Error: {error}")
    rng = np.random.default_rng(0)
    counts = model.history_.counts
    sample = rng.choice(len(counts), min(options.users, len(counts)), replace=False)
    results = {}
    for name, users in (
        ("a sample of the users", sample),
        ("with 1,000 ratings or more", np.flatnonzero(counts >= 1_000)),
    ):
        if len(users):
            items = rng.choice(
                len(model.items_), len(users), p=model.item_counts_ / model.item_counts_.sum()
            )
            results[name] = measure(guide, users, items)
    if options.json:
        print(json.dumps({"data": options.data, "model": options.model, "results": results}))
        return
    for name, figures in results.items():
        print(
            f"{options.data}, {options.model}, {name}: "
            + ", ".join(f"{key} {one}" for key, one in figures.items())
        )


if __name__ == "__main__":
    main()
