"""The oldest versions that pyproject.toml allows: installs them into an environment, runs tests.

    python .ci/oldest.py FOLDER [TESTS...]

makes the environment FOLDER/env. Other packages, such as those that these need, are the newest
that fit. PyTorch stays what pip finds: its files differ from machine to machine.
"""

import argparse
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
LEFT_OUT = {"torch"}
EXTRAS = "client,neural,serve,tune"
"""What is installed besides the package itself; not what only some tests need."""
TOOLS = ("pytest", "pytest-xdist", "hypothesis", "pandas", "pyarrow", "scipy", "scikit-learn")
TESTS = (
    "tests/data",
    "tests/recommendation",
    "tests/models/test_contract.py",
    "tests/cli/test_main.py",
)


def lower_bounds(extras: list[str]) -> dict[str, str]:
    """Name -> the oldest version, of the package's own dependencies and those of some extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    texts = list(project["dependencies"])
    for extra in extras:
        texts += project["optional-dependencies"][extra]
    found = {}
    for text in texts:
        match = re.match(r"([\w.-]+)(?:\[[^]]*\])?>=([\w.]+)", text)
        if match and match[1] not in LEFT_OUT:
            found[match[1]] = match[2]
    return found


def main() -> None:
    """All of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("tests", nargs="*", default=TESTS)
    given = parser.parse_args()
    folder = given.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    bounds = lower_bounds(EXTRAS.split(","))
    constraints = folder / "oldest.txt"
    constraints.write_text("".join(f"{name}=={version}\n" for name, version in bounds.items()))
    python = folder / "env" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder / "env")], check=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    package = f"{ROOT}[{EXTRAS}]"
    subprocess.run([*pip, "-c", str(constraints), "--editable", package, *TOOLS], check=True)
    ignored = {"PYTHONPATH", "MATINEE_DATA", "MATINEE_REQUIRE_ALL"}
    surroundings = {name: value for name, value in os.environ.items() if name not in ignored}
    surroundings["NUMBA_CACHE_DIR"] = str(folder / "kernels")
    # Old versions warn of what newer Pythons and packages have deprecated since.
    options = ["-m", "pytest", "-n", "0", "-q", "-W", "ignore", "--maxfail=50"]
    done = subprocess.run([str(python), *options, *given.tests], cwd=ROOT, env=surroundings)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
