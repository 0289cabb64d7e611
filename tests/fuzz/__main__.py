"""The command: `python -m tests.fuzz`. It ends with 1 if a case failed."""

import argparse
import sys

from tests.fuzz.runner import KINDS, run

CASES = {"models": 20_000, "tables": 20_000, "personal": 5_000, "requests": 5_000}


def main() -> int:
    """Runs the cases that the options ask for, and prints a line for each kind."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--kind", choices=KINDS, action="append", help="default: all kinds")
    parser.add_argument("--cases", type=int, help="number of cases of each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--case", type=int, help="run this case alone")
    parser.add_argument("--workers", type=int, default=1, help="processes at the same time")
    options = parser.parse_args()
    n_failed = 0
    for kind in options.kind or KINDS:
        first, n_cases = options.first, options.cases or CASES[kind]
        if options.case is not None:
            first, n_cases = options.case, 1
        summary = run(kind, options.seed, first, n_cases, options.workers)
        for number in sorted(summary.failures):
            print(summary.failures[number], flush=True)
        print(summary, flush=True)
        n_failed += len(summary.failures)
    return int(n_failed > 0)


if __name__ == "__main__":
    sys.exit(main())
