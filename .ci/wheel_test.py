"""Builds wheel and sources, checks what they hold, and tries the wheel in a new environment.

Usage: python .ci/wheel_test.py [--python PYTHON] [--build PYTHON_WITH_BUILD]
"""

import argparse
import os
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
IN_WHEEL = (
    "matinee/__init__.pyi",
    "matinee/py.typed",
    "matinee/cli/__init__.py",
    "matinee/data/datasets/sample_films.csv",
    "matinee/data/datasets/sample_kinds.csv",
    "matinee/report/assets/map.html",
    "matinee/web/db/migrations/env.py",
    "matinee/web/db/migrations/versions/v0001_people.py",
    "matinee/web/static/app.css",
    "matinee/web/static/app.js",
    "matinee/web/templates/base.html",
    "matinee/web/templates/operator/operator.html",
)
"""One file of each kind that a build can forget."""
IN_SOURCES = ("LICENSE", "README.md", "CHANGELOG.md", "pyproject.toml", "matinee/py.typed")
CALLS = """
import pathlib, sys
import matinee
assert pathlib.Path(matinee.__file__).is_relative_to(sys.prefix), matinee.__file__
data = matinee.load("sample")
guide = matinee.Guide(matinee.MatrixFactorization(epochs=2).fit(data.ratings), data.catalog)
assert len(guide.recommend({4: 5.0}, k=3)) == 3
"""


def build(python: str, folder: Path) -> tuple[Path, Path]:
    """The wheel and the sources."""
    words = [python, "-m", "build", "--outdir", str(folder), str(ROOT)]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    (wheel,) = folder.glob("*.whl")
    (sources,) = folder.glob("*.tar.gz")
    return wheel, sources


def check_contents(wheel: Path, sources: Path) -> None:
    """Exits with what is missing, or should not be there."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    wrong = [f"{wheel.name} lacks {name}" for name in IN_WHEEL if name not in names]
    if not any(name.endswith(".dist-info/licenses/LICENSE") for name in names):
        wrong.append(f"{wheel.name} lacks its license")
    tops = {name.split("/")[0] for name in names} - {"matinee"}
    wrong += [f"{wheel.name} has {top}" for top in tops if not top.endswith(".dist-info")]
    with tarfile.open(sources) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    wrong += [f"{sources.name} lacks {name}" for name in IN_SOURCES if name not in held]
    if wrong:
        sys.exit("\n".join(wrong))


def install(python: Path, wheel: Path, extra: str = "") -> None:
    """With the versions of constraints.txt."""
    began = time.perf_counter()
    words = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    target = f"matinee{extra} @ {wheel.as_uri()}"
    subprocess.run([*words, "-c", str(ROOT / "constraints.txt"), target], check=True)
    size = sum(path.stat().st_size for path in python.parent.parent.rglob("*") if path.is_file())
    print(f"installed matinee{extra} in {time.perf_counter() - began:.0f} s: {size / 1e6:,.0f} MB")


def surroundings(folder: Path) -> dict[str, str]:
    """The environment variables of a machine without the repository and without data."""
    hidden = {"PYTHONPATH", "MATINEE_DATA", "MATINEE_REQUIRE_ALL"}
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    return kept | {"MATINEE_CACHE": str(folder / "cache")}


def page_of(address: str) -> str:
    """The page at an address, as soon as the server answers."""
    for _ in range(240):
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                return str(answer.read().decode())
        except urllib.error.URLError:
            time.sleep(0.5)
    sys.exit("the server did not answer within two minutes")


def check_server(program: Path, folder: Path) -> None:
    """Starts `matinee demo --serve` and asks for a page."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [str(program), "demo", "--serve", "--port", str(port)]
    with subprocess.Popen(words, cwd=folder, env=surroundings(folder)) as server:
        try:
            page = page_of(f"http://127.0.0.1:{port}/")
        finally:
            server.terminate()
    if "</html>" not in page or "/static/app.css" not in page:
        sys.exit("the first page of the server is not complete")


def main() -> None:
    """All of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--python", default=sys.executable, help="of the new environment")
    parser.add_argument("--build", default=sys.executable, help="a Python with the package build")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheel, sources = build(given.build, folder)
        check_contents(wheel, sources)
        subprocess.run([given.python, "-m", "venv", str(folder / "env")], check=True)
        programs = folder / "env" / "bin"
        install(programs / "python", wheel)
        run = {"cwd": folder, "env": surroundings(folder)}
        subprocess.run([programs / "python", "-c", CALLS], check=True, **run)
        subprocess.run([programs / "matinee", "demo"], check=True, stdout=subprocess.DEVNULL, **run)
        done = subprocess.run(
            [programs / "matinee", "serve", "demo.matinee"], capture_output=True, text=True, **run
        )
        if done.returncode != 1 or "pip install 'matinee[serve]'" not in done.stderr:
            sys.exit(f"without the extra, serve must name it, not: {done.stderr}")
        install(programs / "python", wheel, "[serve]")
        check_server(programs / "matinee", folder)
    print(f"{wheel.name} and {sources.name}: complete; the wheel works without the repository")


if __name__ == "__main__":
    main()
