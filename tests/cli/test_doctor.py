"""matinee doctor."""

import importlib
import importlib.metadata
import re
import tomllib
from importlib.metadata import PackageNotFoundError

import pytest

from matinee import __version__
from matinee.cli.doctor import EXTRAS
from tests.cli.conftest import ROOT
from tests.helpers import as_json, good


def test_doctor_describes_this_machine() -> None:
    found = as_json("doctor")
    assert set(found) == {
        *(
            "matinee",
            "python",
            "system",
            "numpy",
            "numba",
            "polars",
            "safetensors",
            "torch",
            "cores",
            "threads",
            "vectors",
            "blas",
        ),
        *("devices", "optional_parts", "kernels", "data_cache", "matinee_data"),
    }
    assert (found["matinee"], found["matinee_data"]) == (__version__, "not set")
    assert found["cores"] >= 1
    assert found["devices"].startswith("cpu")
    assert found["threads"].startswith(f"{found['cores']} for kernels, each with 1 of BLAS")
    assert found["vectors"].startswith("16 floats at a time, sums of ")
    lines = [line for line in good("doctor").stdout.splitlines() if line]
    assert [line.split("  ")[0] for line in lines] == [name.replace("_", " ") for name in found]


def test_doctor_says_how_to_get_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert as_json("doctor")["optional_parts"] == "all installed"

    def version(package: str) -> str:
        if package in ("optuna", "segno"):
            raise PackageNotFoundError(package)
        return importlib.metadata.version(package)

    module = importlib.import_module("matinee.cli.doctor")
    monkeypatch.setattr(module, "version", version)
    assert as_json("doctor")["optional_parts"] == (
        "neural, map, client, spark; missing: serve, tune: pip install 'matinee[serve,tune]'"
    )


def test_the_optional_parts_are_the_extras_with_packages_of_their_own() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    for_users = extras.keys() - {"all", "dev", "docs", "release"}
    assert for_users == EXTRAS.keys()
    assert extras["all"] == [f"matinee[{','.join(sorted(for_users))}]"]
    for name, packages in EXTRAS.items():
        declared = {re.split(r"[\[>;]", text)[0] for text in extras[name]}
        assert set(packages) <= declared, name
