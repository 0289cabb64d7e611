"""What `matinee train` foretells of a training, next to what it costs.

    python benchmarks/estimates.py ml-1m mf
    python benchmarks/estimates.py 5m.parquet bayes samples=8 burn_in=2

Printed: processor time of one thread, and the most memory besides the table, as estimated and as needed. The probes
are measured by their processor time, too, so that other work on the machine does not matter.
"""

import argparse
import time
from pathlib import Path

import psutil

from matinee.data.datasets.load import load
from matinee.models import model_named
from matinee.models.costs import estimated_cost
from matinee.system import peak_memory_mb


def main() -> None:
    """Prints the comparison."""
    parser = argparse.ArgumentParser(description="Estimated and needed time and memory.")
    parser.add_argument("data", help="name or path of a data set")
    parser.add_argument("model", help="name of the model")
    parser.add_argument("settings", nargs="*", help="of the model, such as factors=32")
    options = parser.parse_args()
    settings = dict(each.split("=", 1) for each in options.settings)
    train = load(options.data).ratings
    model = model_named(options.model).from_settings(settings)
    cost = estimated_cost(model, train, 1, time.process_time)
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins here
    before, start = psutil.Process().memory_info().rss / 2**20, time.process_time()
    model.fit(train, n_threads=1)
    seconds, memory = time.process_time() - start, peak_memory_mb() - before
    if cost is None:
        print(f"not estimated, {seconds:.1f} s, {memory:,.0f} MB needed")
        return
    print(f"{cost.seconds:.1f} s estimated, {seconds:.1f} s needed; ", end="")
    print(f"{cost.n_bytes / 2**20:,.0f} MB estimated, {memory:,.0f} MB needed")


if __name__ == "__main__":
    main()
